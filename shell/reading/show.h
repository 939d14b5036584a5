/*
 * show.h - sizes, modes and dates as `ls` shows them, and the width of a name on the terminal.
 */
#ifndef SHELL_READING_SHOW_H
#define SHELL_READING_SHOW_H

#include "kernel/vfs/vfs.h"

enum { SIZE_TEXT_BYTES = 24, MODE_TEXT_BYTES = 11, DATE_TEXT_BYTES = 24 };

/* Writes "317", "1.2K" or "48M": at most four characters, rounded up. Not `human`: all digits. */
void size_text(char text[SIZE_TEXT_BYTES], uint64_t bytes, bool human);
/* As size_text(), except that it writes KiB, rounded up, when not `human`: du, df, free. */
void space_text(char text[SIZE_TEXT_BYTES], uint64_t bytes, bool human);
/* Writes "-rw-r--r--", with '?' for each part that the file system does not know. */
void mode_text(char text[MODE_TEXT_BYTES], const struct node_info *info);
/* Writes "2024-05-01 12:34" in UTC, or "-" when the date is unknown or cannot be shown. */
void date_text(char text[DATE_TEXT_BYTES], bool known, int64_t seconds);
/* Returns how many columns stream_escaped() takes for a text: four for each byte that it escapes,
 * else what lib/width.h says. */
size_t text_columns(const char *text);

#endif

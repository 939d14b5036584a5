/*
 * log.h - the log: a ring of lines, shown on the console as the Book, chapter 6, says.
 *
 * A line is `[    1.234567] name: text`. Before log_settle() a line of the shown level or above
 * appears at once; afterwards warnings and errors are held until log_show_held(), which the shell
 * calls before each prompt, and lesser ones only enter the ring.
 *
 * Locking     Any context, interrupts included; one spin of rank LOG inside.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "kernel/port.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_write(enum log_level level, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(name, ...) log_write(LOG_DEBUG, name, __VA_ARGS__)
#define log_info(name, ...) log_write(LOG_INFO, name, __VA_ARGS__)
#define log_warn(name, ...) log_write(LOG_WARN, name, __VA_ARGS__)
#define log_error(name, ...) log_write(LOG_ERROR, name, __VA_ARGS__)

void log_set_level(enum log_level level); /* what is shown; the ring keeps everything */
void log_settle(void);
void log_show_held(void); /* writes the held lines to the console */

/* Copies the ring's text from logical position *position on (0: the oldest kept) into `buffer`;
 * returns the bytes copied, whole lines only, and moves *position. 0: nothing newer. */
size_t log_read(uint64_t *position, char *buffer, size_t bytes);

#endif

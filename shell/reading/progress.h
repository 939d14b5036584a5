/*
 * progress.h - a line that shows the progress of a long copy: amount, rate, time left.
 *
 * Model       Shown only on a terminal, and only if the work takes longer than PROGRESS_AFTER_US.
 *             progress_end() erases it.
 */
#ifndef SHELL_READING_PROGRESS_H
#define SHELL_READING_PROGRESS_H

#include "shell/shell.h"

enum { PROGRESS_AFTER_US = 500 * 1000, PROGRESS_EVERY_US = 200 * 1000 };

struct progress {
    struct shell *shell;
    const char *name;
    uint64_t total_bytes, done_bytes;
    uint64_t begun_us, next_us;
    bool wanted, shown;
};

void progress_begin(struct progress *progress, struct shell *shell, const char *name,
                    uint64_t total_bytes);
void progress_add(struct progress *progress, uint64_t bytes);
void progress_end(struct progress *progress);
/* Formats the line, without the name: "[=====>    ]  45%  12M/27M  8.1M/s  0:02 left". */
void progress_text(char *text, size_t bytes, uint64_t done_bytes, uint64_t total_bytes,
                   uint64_t elapsed_us);

#endif

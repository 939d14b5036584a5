/*
 * progress.h - a line that says how far a long copy has come: amount, rate, time left.
 *
 * Shown on a terminal only, and only when the work lasts longer than PROGRESS_AFTER_US; taken off
 * again at the end, so that nothing is left of it but what the command itself says.
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
/* The line itself, without the name: "[=====>    ]  45%  12M/27M  8.1M/s  0:02 left". */
void progress_text(char *text, size_t bytes, uint64_t done_bytes, uint64_t total_bytes,
                   uint64_t elapsed_us);

#endif

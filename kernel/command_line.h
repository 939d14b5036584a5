/*
 * command_line.h - what the boot loader's command line asks for.
 *
 * Words are split by the shell's quoting rules. `run="a; b"` may also stand as `"run=a; b"`, which
 * is what GRUB makes of it.
 */
#ifndef KERNEL_COMMAND_LINE_H
#define KERNEL_COMMAND_LINE_H

#include "kernel/log.h"

struct command_line {
    const char *run;         /* NULL: nothing */
    const char *system_name; /* NULL: choose */
    bool selftest;
    enum log_level log_level;
    char text[4096];         /* the words */
};

/* Fills *line; each unknown word is one warning in the log. */
void command_line_parse(const char *text, struct command_line *line);

#endif

/*
 * command_line.h - the options on the boot loader's command line (Book, chapter 6).
 *
 * Words are split by the shell's quoting rules. `run="a; b"` may also be written `"run=a; b"`,
 * which is how GRUB passes it on.
 */
#ifndef KERNEL_COMMAND_LINE_H
#define KERNEL_COMMAND_LINE_H

#include "kernel/log.h"

struct command_line {
    const char *run;         /* commands; NULL: none */
    const char *system_name; /* the class name for /System; NULL: chosen by the monitor */
    bool selftest;
    bool drivers_any; /* load drivers that were not built with this kernel */
    bool copy_failed; /* from the boot menu: the disc does not fit into memory */
    enum log_level log_level;
    char text[4096];         /* the words that the members above point to */
};

/* Fills *line. Logs one warning for each unknown word. */
void command_line_parse(const char *text, struct command_line *line);

#endif

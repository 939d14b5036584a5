/*
 * options.h - what stands behind a command's name: options first, then the words they leave.
 *
 * Each command has one table. From it words are parsed, `--help` is answered and the line editor
 * completes. A table ends with an entry of zeroes:
 *
 *     static const struct shell_option head_options[] = {
 *         { 'n', "lines", "N", "the first N lines instead of 10" },
 *         { 0 },
 *     };
 *
 * Forms       -l, --long, -la for -l -a, -n5, -n 5, --lines=5, --lines 5; -5 is -n 5 where -n takes
 *             a value. `--` ends the options, `-` alone is a word. Options may stand behind words.
 *             A name that begins with a dash is meant as it is: "-name" for find.
 * Parts       A command of several has a list of them, ended by NULL: commands that stand in no
 *             table, each with its own words and options, named by what stands before them too:
 *             "vdrive add". The first word chooses; the command's own `run` is not called.
 * Errors      A wrong option is one line on err and status 2.
 * Ownership   Values point into the words.
 */
#ifndef KERNEL_SHELL_OPTIONS_H
#define KERNEL_SHELL_OPTIONS_H

#include "kernel/shell/shell.h"

enum { OPTIONS_MAX = 20 }; /* in a table */

/* shell_command.option_rules */
enum {
    OPTIONS_FIRST = 1,   /* the first other word ends them: it is a command's name, say */
    OPTIONS_LENIENT = 2, /* what is no option of the table is a word: echo */
};

struct shell_option {
    char letter;          /* 0: none */
    const char *name;     /* without the two dashes; NULL: none */
    const char *argument; /* what its value is called; NULL: it takes none */
    const char *help;
};

struct options {
    const struct shell_option *table;
    uint32_t given;                  /* a bit an entry */
    const char *values[OPTIONS_MAX]; /* the last one given */
};

/* Of the running command. By letter, or by name where there is no letter. */
bool option_given(const struct shell *shell, char letter);
const char *option_value(const struct shell *shell, char letter); /* NULL: not given */
bool option_given_name(const struct shell *shell, const char *name);
const char *option_value_name(const struct shell *shell, const char *name);
/* A value that is a number: true and unchanged when not given; else false after one line. */
bool option_number(struct shell *shell, char letter, uint64_t *number);

/* The part that `word` names, or NULL; and its name without the command's. */
const struct shell_command *options_part(const struct shell_command *command, const char *word);
const char *options_part_name(const struct shell_command *part);

/* Usage, summary, parts and options of a command on out. */
void options_help(struct shell *shell, const struct shell_command *command);

#endif

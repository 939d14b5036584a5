/*
 * options.h - the words after a command's name: its options, and the other words.
 *
 * Each command has one table. From it words are parsed, `--help` is answered and the line editor
 * completes. A table ends with an entry of zeroes:
 *
 *     static const struct shell_option head_options[] = {
 *         { 'n', "lines", "N", "the first N lines instead of 10" },
 *         { 'e', "regexp", "PATTERN...", "lines that match this" },
 *         { 0 },
 *     };
 *
 * Forms       -l, --long, -la for -l -a, -n5, -n 5, --lines=5, --lines 5; -5 is -n 5, or else -C 5,
 *             where that takes a value. `--` ends the options, `-` alone is a word. Options may
 *             follow words.
 *             A long name may be cut while only one option begins with it: --line for --lines.
 *             A name that begins with a dash is shown as it is: "-name" of find, which parses its
 *             words itself.
 * Repeating   An option whose argument ends with "..." may be given several times and keeps all
 *             values, in that order. Any other value that is given a second time is refused: one of
 *             the two would be ignored silently.
 *             Options without a value may be repeated; that changes nothing.
 * Parts       A command of several has a list of them, ended by NULL: commands outside of the
 *             table of commands, each with its own words and options, named with the command:
 *             "vdrive add". The first word chooses; the command's own `run` is not called.
 * Errors      A wrong option is one line on err and status 2; -ENOMEM, one line and status 1.
 * Ownership   Values point into the words. The lists of values are freed when the command ends.
 */
#ifndef SHELL_OPTIONS_H
#define SHELL_OPTIONS_H

#include "shell/shell.h"

enum { OPTIONS_MAX = 32 }; /* in a table, except with OPTIONS_RAW */

/* shell_command.option_rules */
enum {
    OPTIONS_FIRST = 1,   /* the first other word ends them: it is a command's name, say */
    OPTIONS_LENIENT = 2, /* what is not an option of the table is a word: echo */
    OPTIONS_RAW = 4,     /* all are words, except --help as the first; the table is for --help */
};

struct shell_option {
    char letter;          /* 0: none */
    const char *name;     /* without the two dashes; NULL: none */
    const char *argument; /* what its value is called; "N...": repeats; NULL: it takes none */
    const char *help;
};

struct option_value {
    const struct option_value *next; /* the one given after it; NULL: none */
    const char *text;
};

struct option_values {
    struct option_value *first, *last;
};

struct options {
    const struct shell_option *table;
    uint32_t given; /* a bit an entry */
    unsigned count; /* of all options given */
    unsigned last[OPTIONS_MAX]; /* when the entry was given last: `count` then */
    struct option_values values[OPTIONS_MAX];
};

/* Of the running command. By letter, or by name where there is no letter. */
bool option_given(const struct shell *shell, char letter);
bool option_given_name(const struct shell *shell, const char *name);
bool option_repeats(const struct shell_option *option);
/* The value of an option that may be given once; NULL: not given. */
const char *option_value(const struct shell *shell, char letter);
const char *option_value_name(const struct shell *shell, const char *name);
/* The first of all values of an option, in the order given; NULL: not given. */
const struct option_value *option_values(const struct shell *shell, char letter);
const struct option_value *option_values_name(const struct shell *shell, const char *name);
/* Of these letters the one that was given last, for options that replace each other; 0: none. */
char option_last(const struct shell *shell, const char *letters);

/*
 * A number that a person typed (lib/text.h: the whole text, with a unit), from `least` to `most`.
 * False after one line that names it: `what`, and the text.
 */
bool shell_number(struct shell *shell, const char *what, const char *text, uint64_t least,
                  uint64_t most, uint64_t *number);
/* The same of an option's value: true and unchanged when it was not given. */
bool option_number(struct shell *shell, char letter, uint64_t least, uint64_t most,
                   uint64_t *number);
bool option_number_name(struct shell *shell, const char *name, uint64_t least, uint64_t most,
                        uint64_t *number);
/* The line for a number that was refused with this status of lib/text.h; returns SHELL_USAGE. */
int shell_refuse_number(struct shell *shell, const char *what, const char *text, status_t status);

/* The part that `word` names, or NULL; and its name without the command's. */
const struct shell_command *options_part(const struct shell_command *command, const char *word);
const char *options_part_name(const struct shell_command *part);

/* Usage, summary, parts and options of a command on out. */
void options_help(struct shell *shell, const struct shell_command *command);

#endif

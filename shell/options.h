/*
 * options.h - the words after a command's name: its options, and the operands.
 *
 * Each command has one table, for the parser, --help and the line editor's completion. A table ends
 * with an entry of zeroes:
 *
 *     static const struct shell_option head_options[] = {
 *         { 'n', "lines", "N", "print the first N lines instead of 10" },
 *         { 'e', "regexp", "PATTERN...", "match lines against this pattern" },
 *         { 0 },
 *     };
 *
 * Forms       -l, --long, -la for -l -a, -n5, -n 5, --lines=5, --lines 5. -5 means -n 5, or else
 *             -C 5, where that option has a value. `--` ends the options; `-` alone is an operand.
 *             Options may follow operands. A long name may be abbreviated while it is unique:
 *             --line for --lines. A name that begins with a dash is shown unchanged: "-name" of
 *             find, which parses its words itself.
 * Optional    An argument "[=WHEN]" may be left out, and is only given as in --color=always;
 *             "[FORMAT]" also as in -Iseconds. It is never the next word.
 * Repeating   An option whose argument ends with "..." may be given several times and keeps all
 *             values, in order. Any other option with a value is refused the second time, because
 *             one of the two values would be ignored silently. Options without a value may be
 *             repeated, without effect.
 * Parts       A command with subcommands has a list of them, ended by NULL. A part is a descriptor
 *             that is not in the table of commands, has its own options and operands, and is named
 *             with its command: "vdrive add". The first word selects the part; the `run` of the
 *             command itself is not called.
 * Errors      A wrong option gives one line on err and status 2; -ENOMEM one line and status 1.
 * Ownership   Values point into the words. The lists of values are freed when the command ends.
 * References  POSIX.1-2017, Base Definitions, 12.2 Utility Syntax Guidelines; GNU's long options.
 */
#ifndef SHELL_OPTIONS_H
#define SHELL_OPTIONS_H

#include "shell/shell.h"

enum { OPTIONS_MAX = 64 }; /* in a table, except with OPTIONS_RAW */

/* shell_command.option_rules */
enum {
    OPTIONS_FIRST = 1,   /* the first operand ends the options: it names a command, say */
    OPTIONS_LENIENT = 2, /* an unknown option is an operand: echo */
    OPTIONS_NUMBERS = 8, /* -5 and -.5 are operands: seq */
    OPTIONS_RAW = 4,     /* all words are operands, except a leading --help, which uses the table */
    OPTIONS_LITERAL = 16, /* --help is an operand too */
};

struct shell_option {
    char letter;          /* 0: none */
    const char *name;     /* without the two dashes; NULL: none */
    const char *argument; /* the name of its value; "N...": may repeat; "[N]": may be left out;
                             NULL: has no value */
    const char *help;
};

struct option_value {
    const struct option_value *next; /* given after this one; NULL: none */
    const char *text;
    unsigned number; /* of the option among all of the line, from 1 */
    int operands; /* how many were given before it: -C of tar is for those after it */
};

struct option_values {
    struct option_value *first, *last;
};

struct options {
    const struct shell_option *table;
    uint64_t given; /* bit i: entry i was given */
    unsigned count; /* of all options given */
    unsigned last[OPTIONS_MAX]; /* the value of `count` when the entry was last given */
    struct option_values values[OPTIONS_MAX];
};

/* Return whether an option of the running command was given. By name if it has no letter. */
bool option_given(const struct shell *shell, char letter);
bool option_given_name(const struct shell *shell, const char *name);
/* Returns whether an option keeps several values. */
bool option_repeats(const struct shell_option *option);
/* Return the value of an option that may be given once, or the last one of an optional value; NULL
 * if it was not given. */
const char *option_value(const struct shell *shell, char letter);
const char *option_value_name(const struct shell *shell, const char *name);
/* Return the first of all values of an option, in the order given; NULL if there is none. */
const struct option_value *option_values(const struct shell *shell, char letter);
const struct option_value *option_values_name(const struct shell *shell, const char *name);
/* Returns the number of an option among all of the line, when it was last given; 0: never. */
unsigned option_place_name(const struct shell *shell, const char *name);
/* Returns the letter that was given last, for options that replace each other; 0 if none was. */
char option_last(const struct shell *shell, const char *letters);
/* Returns whether the option with this name was given, after the last one of the letters. */
bool option_is_last(const struct shell *shell, const char *name, const char *letters);

/* Parses a number from `least` to `most` (lib/text.h: the whole text, which may have a unit).
 * Returns false after an error message that names `what` and the text. */
bool shell_number(struct shell *shell, const char *what, const char *text, uint64_t least,
                  uint64_t most, uint64_t *number);
/* As shell_number(), for an option's value. If it was not given: true, and *number is unchanged. */
bool option_number(struct shell *shell, char letter, uint64_t least, uint64_t most,
                   uint64_t *number);
bool option_number_name(struct shell *shell, const char *name, uint64_t least, uint64_t most,
                        uint64_t *number);
/* Reports a number that lib/text.h has refused with this status. Returns SHELL_USAGE. */
int shell_refuse_number(struct shell *shell, const char *what, const char *text, status_t status);

/* Returns the part that `word` names, or NULL. The other: the part's name without the command's. */
const struct shell_command *options_part(const struct shell_command *command, const char *word);
const char *options_part_name(const struct shell_command *part);

/* Writes the usage, summary, options and parts of a command to out. */
void options_help(struct shell *shell, const struct shell_command *command);

#endif

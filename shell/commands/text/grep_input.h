/*
 * grep_input.h - how grep looks at one input and what it writes of it.
 *
 * Lines       that are written are in memory as a whole, and so are those of -B before them. Where
 *             only their number counts (-c -l -L -q) a line may have any length in little memory:
 *             it is matched while it is read.
 * Binary      An input with a NUL in what was read of it so far is not text: its lines are not
 *             written, one line on err reports the match, unless all_is_text.
 */
#ifndef SHELL_COMMANDS_TEXT_GREP_INPUT_H
#define SHELL_COMMANDS_TEXT_GREP_INPUT_H

#include "shell/reading/input.h"
#include "shell/regex/regex_list.h"

struct grep {
    struct regex_list expressions;
    bool invert, number, count_only, quiet, titles, parts_only, all_is_text;
    bool list_matching, list_others; /* names of inputs instead of lines */
    bool separate;                   /* `--` between lines that do not follow each other */
    char line_end;
    uint64_t most;                   /* lines of an input */
    uint64_t before, after;          /* lines of context */
    bool found, printed;             /* anywhere so far */
};

/* For input_one(); `grep` is a struct grep. */
status_t grep_input(struct input *input, void *grep) MUST_CHECK;

#endif

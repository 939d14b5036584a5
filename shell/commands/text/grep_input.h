/*
 * grep_input.h - how grep searches one input, and what it writes of it.
 *
 * Lines       that may be written are held in memory as a whole, and so are the lines before them
 *             with -B. Where only their number matters (-c -l -L -q), a line may have any length:
 *             it is matched while it is read.
 * Binary      An input with a NUL in the part read so far is binary: its lines are not written,
 *             and one line on err reports the match, unless all_is_text.
 */
#ifndef SHELL_COMMANDS_TEXT_GREP_INPUT_H
#define SHELL_COMMANDS_TEXT_GREP_INPUT_H

#include "shell/reading/input.h"
#include "shell/regex/regex_list.h"

struct grep {
    struct regex_list expressions;
    bool offsets;                    /* of the first byte of each line or part */
    bool invert, number, count_only, quiet, titles, parts_only, all_is_text;
    bool list_matching, list_others; /* write names of inputs instead of lines */
    bool separate;                   /* write `--` between lines that are not adjacent */
    char line_end;
    bool names_end;                  /* with NUL, instead of a colon, dash or newline */
    uint64_t most;                   /* selected lines per input */
    uint64_t before, after;          /* lines of context */
    bool found, printed;             /* in any input so far */
};

/* A body for input_one(); `grep` is a struct grep. */
status_t grep_input(struct input *input, void *grep) MUST_CHECK;

#endif

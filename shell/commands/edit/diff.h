/*
 * diff.h - which lines of two files are the same: the comparison of diff.
 *
 * Model       Each line is a number: equal lines have equal numbers. The comparison marks the lines
 *             that are not part of a longest common subsequence; the others, in order, correspond.
 * Cost        Time in proportion to lines x differences, memory to lines. Where files differ much,
 *             the search ends early with an answer that may not be the shortest.
 * References  E. Myers, An O(ND) Difference Algorithm and Its Variations, Algorithmica 1, 1986:
 *             the variant in linear space.
 */
#ifndef SHELL_COMMANDS_EDIT_DIFF_H
#define SHELL_COMMANDS_EDIT_DIFF_H

#include "kernel/port.h"

/* One of the two files. */
struct diff_side {
    const unsigned *lines;
    long count;
    bool *changed; /* [count + 1]: the result; all false at first */
};

/* Compares both sides. -ENOMEM; -EINTR after ^C. */
status_t diff_compare(struct diff_side sides[2]) MUST_CHECK;

#endif

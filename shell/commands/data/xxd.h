/*
 * xxd.h - the operations of xxd: showing bytes, and the way back.
 *
 * Model       A line has an address, groups of bytes, and the bytes as text. Each place of a line
 *             is computed, so that a short line has its text in the same column.
 */
#ifndef SHELL_COMMANDS_DATA_XXD_H
#define SHELL_COMMANDS_DATA_XXD_H

#include "shell/reading/input.h"

enum { XXD_COLUMNS_MAX = 256 };

enum xxd_form { XXD_HEX, XXD_BITS, XXD_LITTLE, XXD_PLAIN, XXD_INCLUDE };

struct xxd {
    struct shell *shell;
    struct stream *out;
    enum xxd_form form;
    bool upper, decimal, squeezes;
    uint64_t columns, group; /* bytes in a line, and without a blank between them */
    uint64_t skip, limit;
    uint64_t offset;         /* added to addresses */
    uint64_t address;
    uint8_t line[XXD_COLUMNS_MAX];
    unsigned used;
    uint64_t zero_lines;     /* -a: lines of zeroes that were not printed */
    uint64_t total;
    bool failed;             /* -r: reported already */
    char *text;              /* a printed line */
};

/* Prints an input. */
status_t xxd_show(struct input *input, void *xxd);
/* Prints the last line. */
void xxd_show_end(struct xxd *xxd);
/* -r: converts lines to the bytes that they show. */
status_t xxd_revert(struct input *input, void *xxd);

#endif

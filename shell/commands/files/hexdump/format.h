/*
 * format.h - the formats of hexdump -e, and the lines that they print.
 *
 * Model       A format is a list of units: `ITERATIONS/BYTES "text"`. The text of a unit is divided
 *             into parts: some literal text, then at most one conversion. All formats are applied
 *             to the same block, which is as long as the longest of them.
 * Status      %e, %f and %g are missing.
 * References  hexdump(1) of util-linux and of BSD.
 */
#ifndef SHELL_COMMANDS_FILES_HEXDUMP_FORMAT_H
#define SHELL_COMMANDS_FILES_HEXDUMP_FORMAT_H

#include "shell/shell.h"

enum {
    HEX_PARTS = 64, HEX_UNITS = 48, HEX_FORMATS = 16, /* of all formats together */
    HEX_TEXT = 1024,
    HEX_BLOCK_MAX = 4096,
    HEX_SPEC = 32,
    HEX_WIDTH_MAX = 100, /* larger ones and precisions are refused */
};

enum hex_kind {
    HEX_LITERAL,   /* only text */
    HEX_ADDRESS,   /* %_a */
    HEX_END,       /* %_A: the address after the last byte, once */
    HEX_ESCAPED,   /* %_c */
    HEX_PRINTED,   /* %_p */
    HEX_NAMED,     /* %_u */
    HEX_NUMBER, HEX_CHARACTER, HEX_STRING,
};

struct hex_part {
    enum hex_kind kind;
    const char *text;
    size_t text_bytes;
    char spec[HEX_SPEC];  /* for format_text(), with %ll for numbers; of other kinds %s */
    char blank[HEX_SPEC]; /* %s of the same width, for bytes after the end */
    bool is_signed;
    unsigned bytes;       /* of input */
};

struct hex_unit {
    unsigned first_part, parts;
    unsigned iterations, bytes; /* bytes: of one iteration */
    bool repeats_given;
};

struct hex_format {
    unsigned first_unit, units, bytes;
};

struct hex_formats {
    struct hex_part parts[HEX_PARTS];
    struct hex_unit units[HEX_UNITS];
    struct hex_format formats[HEX_FORMATS];
    unsigned part_count, unit_count, format_count;
    char text[HEX_TEXT];
    size_t text_used;
    unsigned block_bytes;
};

/* Adds a format. Returns 0 or a status after an error message. */
int hex_add(struct shell *shell, struct hex_formats *formats, const char *text);
/* Computes block_bytes, and the iterations that fill it. Call it after the last hex_add(). */
int hex_finish(struct shell *shell, struct hex_formats *formats);
/* Prints a block, of which only `used` bytes exist. */
void hex_print(const struct hex_formats *formats, struct stream *out, const uint8_t *block,
               unsigned used, uint64_t address);
/* Prints the parts for the end of the input. */
void hex_print_end(const struct hex_formats *formats, struct stream *out, uint64_t address);

#endif

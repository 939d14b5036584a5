/*
 * print.c - prints blocks in the formats of hexdump; see format.h.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/commands/files/hexdump/format.h"

enum { CELL = 2 * HEX_WIDTH_MAX };

/* %_c: as in C, or three octal digits. */
static void escaped(char text[CELL], uint8_t c)
{
    static const char letters[] = "0abtnvfr", values[] = "\0\a\b\t\n\v\f\r";
    const char *value = memchr(values, c, sizeof(values) - 1);
    if (value)
        format_text(text, 8, "\\%c", letters[value - values]);
    else
        format_text(text, 8, c >= ' ' && c < 0x7f ? "%c" : "%03o", c);
}

/* %_u: control characters by their names in ASCII. */
static void named(char text[CELL], uint8_t c)
{
    static const char names[32][4] = {
        "nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "lf", "vt", "ff",
        "cr", "so", "si", "dle", "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb", "can", "em",
        "sub", "esc", "fs", "gs", "rs", "us",
    };
    if (c < ' ')
        format_text(text, 8, "%s", names[c]);
    else
        format_text(text, 8, c == 0x7f ? "del" : c < 0x7f ? "%c" : "%02x", c);
}

static uint64_t number(const struct hex_part *part, const uint8_t *at)
{
    uint64_t value = 0;
    for (unsigned i = part->bytes; i-- > 0;)
        value = value << 8 | at[i];
    unsigned unused = 64 - 8 * part->bytes;
    return part->is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

static void print_conversion(const struct hex_part *part, struct stream *out, const uint8_t *at,
                             uint64_t address)
{
    char text[CELL] = "", cell[CELL] = "";
    switch (part->kind) {
    case HEX_ADDRESS: case HEX_END: format_text(cell, CELL, part->spec, address); break;
    case HEX_NUMBER: format_text(cell, CELL, part->spec, number(part, at)); break;
    case HEX_STRING:
        format_text(text, sizeof(text), "%.*s", (int)part->bytes, (const char *)at);
        format_text(cell, CELL, part->spec, text);
        break;
    case HEX_CHARACTER:
        /* The byte may be a NUL, so that only the blanks before or after it are text. */
        format_text(cell, CELL, part->spec, "x");
        for (char *c = cell; *c; c++)
            stream_write(out, *c == 'x' ? (const char *)at : c, 1);
        return;
    default:
        if (part->kind == HEX_ESCAPED)
            escaped(text, *at);
        else if (part->kind == HEX_NAMED)
            named(text, *at);
        else
            text[0] = *at >= ' ' && *at < 0x7f ? (char)*at : '.';
        format_text(cell, CELL, part->spec, text);
    }
    stream_text(out, cell);
}

static void print_blank(const struct hex_part *part, struct stream *out)
{
    char cell[CELL] = "";
    format_text(cell, CELL, part->blank, "");
    stream_text(out, cell);
}

/* Prints one iteration of a unit at an offset of the block. The last one of several has no blank at
 * its end. */
static void print_unit(const struct hex_formats *formats, const struct hex_unit *unit,
                       struct stream *out, const uint8_t *block, unsigned offset, unsigned used,
                       uint64_t address, bool trims)
{
    for (unsigned i = 0; i < unit->parts; i++) {
        const struct hex_part *part = &formats->parts[unit->first_part + i];
        size_t length = part->text_bytes;
        bool last = i + 1 == unit->parts && part->kind == HEX_LITERAL;
        if (trims && last && length && strchr(" \t\n", part->text[length - 1]))
            length--;
        stream_write(out, part->text, length);
        if (part->kind == HEX_LITERAL)
            continue;
        if (part->bytes && offset >= used)
            print_blank(part, out);
        else
            print_conversion(part, out, block + offset, address + offset);
        offset += part->bytes;
    }
}

static bool prints_end(const struct hex_formats *formats, const struct hex_unit *unit)
{
    for (unsigned i = 0; i < unit->parts; i++)
        if (formats->parts[unit->first_part + i].kind == HEX_END)
            return true;
    return false;
}

void hex_print(const struct hex_formats *formats, struct stream *out, const uint8_t *block,
               unsigned used, uint64_t address)
{
    for (unsigned i = 0; i < formats->format_count; i++) {
        const struct hex_format *format = &formats->formats[i];
        const struct hex_unit *units = formats->units + format->first_unit;
        unsigned offset = 0;

        /* From a unit for the end on, a format prints nothing of a block. */
        for (unsigned n = 0; n < format->units && !prints_end(formats, &units[n]); n++)
            for (unsigned left = units[n].iterations; left; left--) {
                bool trims = left == 1 && units[n].iterations > 1;
                print_unit(formats, &units[n], out, block, offset, used, address, trims);
                offset += units[n].bytes;
            }
    }
}

void hex_print_end(const struct hex_formats *formats, struct stream *out, uint64_t address)
{
    /* Of several addresses after the last byte only the last is printed. */
    const struct hex_unit *last = NULL;
    for (unsigned i = 0; i < formats->unit_count; i++)
        if (prints_end(formats, &formats->units[i]))
            last = &formats->units[i];

    for (unsigned p = 0; last && p < last->parts; p++) {
        const struct hex_part *part = &formats->parts[last->first_part + p];
        stream_write(out, part->text, part->text_bytes);
        if (part->kind == HEX_END)
            print_conversion(part, out, NULL, address);
    }
}

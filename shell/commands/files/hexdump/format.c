/*
 * format.c - parses the formats of hexdump; see format.h.
 */
#include "shell/commands/files/hexdump/format.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

struct parse {
    struct shell *shell;
    struct hex_formats *formats;
    const char *whole, *at;
};

static int refuse(const struct parse *parse)
{
    return shell_complain(parse->shell, "bad format {%s}", parse->whole);
}

/* Appends a byte of literal text to a part. */
static bool put(struct hex_formats *formats, struct hex_part *part, char c)
{
    if (formats->text_used == HEX_TEXT)
        return false;
    formats->text[formats->text_used++] = c;
    part->text_bytes++;
    return true;
}

/* Parses the letters of a conversion. Returns false if they are unknown. */
static bool take_kind(struct parse *parse, struct hex_part *part, unsigned *bytes, char *letter)
{
    bool special = *parse->at == '_';
    parse->at += special;
    *letter = *parse->at;
    if (!*letter)
        return false;
    parse->at++;

    *bytes = 1;
    if (special) {
        switch (*letter) {
        case 'a': case 'A':
            part->kind = *letter == 'a' ? HEX_ADDRESS : HEX_END;
            *letter = *parse->at;
            *bytes = 0;
            return *letter && strchr("dox", *parse->at++);
        case 'c': part->kind = HEX_ESCAPED; return true;
        case 'p': part->kind = HEX_PRINTED; return true;
        case 'u': part->kind = HEX_NAMED; return true;
        default: return false;
        }
    }
    part->kind = *letter == 'c' ? HEX_CHARACTER : *letter == 's' ? HEX_STRING : HEX_NUMBER;
    part->is_signed = *letter == 'd' || *letter == 'i';
    if (part->kind == HEX_NUMBER)
        *bytes = 4;
    return strchr("diouxXcs", *letter);
}

/* Parses a conversion, from after its %. The unit may have given the number of bytes. */
static bool take_conversion(struct parse *parse, const struct hex_unit *unit,
                            struct hex_part *part)
{
    char flags[8], letter;
    unsigned used = 0, width = 0, precision = 0, usual;
    bool has_precision = false;
    for (; *parse->at && strchr(" -0+#", *parse->at) && used + 1 < sizeof(flags); parse->at++)
        flags[used++] = *parse->at;
    flags[used] = '\0';
    for (; text_is_digit(*parse->at) && width <= HEX_WIDTH_MAX; parse->at++)
        width = width * 10 + (unsigned)(*parse->at - '0');
    if (*parse->at == '.') {
        has_precision = true;
        for (parse->at++; text_is_digit(*parse->at) && precision <= HEX_WIDTH_MAX; parse->at++)
            precision = precision * 10 + (unsigned)(*parse->at - '0');
    }
    if (width > HEX_WIDTH_MAX || precision > HEX_WIDTH_MAX ||
        !take_kind(parse, part, &usual, &letter))
        return false;

    part->bytes = usual && unit->bytes ? unit->bytes : part->kind == HEX_STRING ? precision : usual;
    bool number = part->kind == HEX_NUMBER || part->kind == HEX_ADDRESS || part->kind == HEX_END;
    if (part->kind == HEX_NUMBER && part->bytes != 1 && part->bytes != 2 && part->bytes != 4 &&
        part->bytes != 8)
        return false;
    if (part->kind == HEX_STRING && part->bytes > HEX_WIDTH_MAX)
        return false;
    if (usual && part->kind != HEX_NUMBER && part->kind != HEX_STRING && part->bytes != 1)
        return false;

    /* A precision of text would cut it: only numbers have one. */
    char dot[8] = "";
    if (number && has_precision)
        format_text(dot, sizeof(dot), ".%u", precision);
    const char *minus = strchr(flags, '-') ? "-" : "";
    if (number)
        format_text(part->spec, HEX_SPEC, "%%%s%u%sll%c", flags, width, dot, letter);
    else
        format_text(part->spec, HEX_SPEC, "%%%s%us", minus, width);
    if (number && !width)
        format_text(part->spec, HEX_SPEC, "%%%s%sll%c", flags, dot, letter);
    format_text(part->blank, HEX_SPEC, "%%%s%us", minus, max(width, precision));
    return true;
}

/* Parses the quoted text of a unit into parts. */
static bool take_text(struct parse *parse, struct hex_unit *unit)
{
    static const char letters[] = "abfnrtv0", values[] = "\a\b\f\n\r\t\v";
    struct hex_formats *formats = parse->formats;
    struct hex_part *part = NULL;

    while (*parse->at && *parse->at != '"') {
        char c = *parse->at++;
        if (!part) {
            if (formats->part_count == HEX_PARTS)
                return false;
            part = &formats->parts[formats->part_count++];
            part->text = formats->text + formats->text_used;
            unit->parts++;
        }
        if (c == '%' && *parse->at != '%') {
            if (!take_conversion(parse, unit, part))
                return false;
            part = NULL;
            continue;
        }
        if (c == '%') {
            parse->at++;
        } else if (c == '\\' && *parse->at) {
            const char *letter = strchr(letters, *parse->at);
            c = letter ? values[letter - letters] : *parse->at;
            parse->at++;
        }
        if (!put(formats, part, c))
            return false;
    }
    return *parse->at++ == '"';
}

static bool take_number(struct parse *parse, unsigned *number)
{
    const char *start = parse->at;
    *number = 0;
    for (; text_is_digit(*parse->at) && *number <= HEX_BLOCK_MAX; parse->at++)
        *number = *number * 10 + (unsigned)(*parse->at - '0');
    return parse->at > start && *number <= HEX_BLOCK_MAX;
}

static void skip_blanks(struct parse *parse)
{
    while (*parse->at == ' ' || *parse->at == '\t' || *parse->at == '\n')
        parse->at++;
}

/* Parses `ITERATIONS/BYTES "text"`; both numbers may be left out. */
static bool take_unit(struct parse *parse, struct hex_format *format)
{
    struct hex_formats *formats = parse->formats;
    if (formats->unit_count == HEX_UNITS)
        return false;
    struct hex_unit *unit = &formats->units[formats->unit_count++];
    format->units++;
    unit->first_part = formats->part_count;
    unit->iterations = 1;
    unit->repeats_given = text_is_digit(*parse->at);
    if (unit->repeats_given && !take_number(parse, &unit->iterations))
        return false;
    skip_blanks(parse);
    if (*parse->at == '/') {
        parse->at++;
        skip_blanks(parse);
        if (!take_number(parse, &unit->bytes))
            return false;
        skip_blanks(parse);
    }
    if (*parse->at++ != '"' || !take_text(parse, unit))
        return false;

    if (!unit->bytes)
        for (unsigned i = 0; i < unit->parts; i++)
            unit->bytes += formats->parts[unit->first_part + i].bytes;
    format->bytes += unit->bytes * unit->iterations;
    return format->bytes <= HEX_BLOCK_MAX;
}

int hex_add(struct shell *shell, struct hex_formats *formats, const char *text)
{
    struct parse parse = { shell, formats, text, text };
    if (formats->format_count == HEX_FORMATS)
        return refuse(&parse);
    struct hex_format *format = &formats->formats[formats->format_count++];
    format->first_unit = formats->unit_count;
    for (skip_blanks(&parse); *parse.at; skip_blanks(&parse))
        if (!take_unit(&parse, format))
            return refuse(&parse);
    return SHELL_DONE;
}

int hex_finish(struct shell *shell, struct hex_formats *formats)
{
    for (unsigned i = 0; i < formats->format_count; i++)
        formats->block_bytes = max(formats->block_bytes, formats->formats[i].bytes);
    if (!formats->block_bytes)
        return shell_complain(shell, "the formats use no bytes of the input");

    /* The last unit of a shorter format is repeated, unless it has a number of iterations. */
    for (unsigned i = 0; i < formats->format_count; i++) {
        struct hex_format *format = &formats->formats[i];
        struct hex_unit *unit =
            format->units ? &formats->units[format->first_unit + format->units - 1] : NULL;
        if (unit && unit->bytes && !unit->repeats_given)
            unit->iterations += (formats->block_bytes - format->bytes) / unit->bytes;
    }
    return SHELL_DONE;
}

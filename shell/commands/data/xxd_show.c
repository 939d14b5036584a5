/*
 * xxd_show.c - prints bytes in the forms of xxd; see xxd.h.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/commands/data/xxd.h"

static void put_hex(char *at, uint8_t byte, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    at[0] = digits[byte >> 4];
    at[1] = digits[byte & 15];
}

/* -p: the digits only. A line without an end is the whole input (-c 0). */
static void print_plain(struct xxd *xxd)
{
    for (unsigned i = 0; i < xxd->used; i++) {
        char hex[2];
        put_hex(hex, xxd->line[i], xxd->upper);
        stream_write(xxd->out, hex, 2);
    }
    if (xxd->columns)
        stream_text(xxd->out, "\n");
}

/* -i: the elements of an array. */
static void print_include(struct xxd *xxd)
{
    for (unsigned i = 0; i < xxd->used; i++)
        stream_format(xxd->out, xxd->upper ? "%s0X%02X" : "%s0x%02x",
                      i ? ", " : xxd->total > i ? ",\n  " : "  ", xxd->line[i]);
}

/* A line with an address. Returns its length without the newline. */
static size_t format_line(struct xxd *xxd, char *text)
{
    uint64_t address = xxd->offset + xxd->address;
    size_t start = (size_t)format_text(text, 24, xxd->decimal ? "%08llu:" : "%08llx:",
                                       (unsigned long long)address) + 1;
    size_t digits = xxd->form == XXD_BITS ? 8 : 2;
    size_t group = (size_t)xxd->group, unit = group * digits + 1;
    size_t columns = (size_t)xxd->columns;
    size_t end = start + (unit * columns - 1) / group + 2;
    memset(text + start - 1, ' ', end - start + 1);

    for (size_t i = 0; i < xxd->used; i++) {
        /* -e: the bytes of a group are in reverse order. */
        size_t place = xxd->form == XXD_LITTLE ? i ^ (group - 1) : i;
        char *at = text + start + place / group * unit + place % group * digits;
        uint8_t byte = xxd->line[i];
        if (xxd->form == XXD_BITS)
            for (unsigned bit = 0; bit < 8; bit++)
                at[bit] = byte >> (7 - bit) & 1 ? '1' : '0';
        else
            put_hex(at, byte, xxd->upper);
        text[end + i] = byte >= ' ' && byte < 0x7f ? (char)byte : '.';
    }
    return end + xxd->used;
}

static void print_line(struct xxd *xxd)
{
    size_t length = format_line(xxd, xxd->text);
    xxd->text[length] = '\n';
    stream_write(xxd->out, xxd->text, length + 1);
}

static bool is_zeroes(const struct xxd *xxd)
{
    for (unsigned i = 0; i < xxd->used; i++)
        if (xxd->line[i])
            return false;
    return true;
}

/* -a: of several lines of zeroes, the first is printed, then a star. The last line of all is
 * printed whatever it is. */
static void print_squeezed(struct xxd *xxd, bool is_last)
{
    bool zeroes = xxd->squeezes && is_zeroes(xxd);
    if (zeroes && !is_last && xxd->zero_lines++) {
        if (xxd->zero_lines == 2)
            stream_text(xxd->out, "*\n");
        return;
    }
    if (!zeroes)
        xxd->zero_lines = 0;
    print_line(xxd);
}

static void finish_line(struct xxd *xxd, bool is_last)
{
    if (xxd->form == XXD_PLAIN)
        print_plain(xxd);
    else if (xxd->form == XXD_INCLUDE)
        print_include(xxd);
    else
        print_squeezed(xxd, is_last);
    xxd->total += xxd->used;
    xxd->address += xxd->used;
    xxd->used = 0;
}

status_t xxd_show(struct input *input, void *context)
{
    struct xxd *xxd = context;
    const char *data;
    ssize_t got = 0;
    unsigned columns = xxd->columns ? (unsigned)xxd->columns : XXD_COLUMNS_MAX;

    while (xxd->limit && !xxd->out->status && (got = input_piece(input, &data)) > 0) {
        uint64_t left = (uint64_t)got, skipped = min(xxd->skip, left);
        data += skipped;
        left -= skipped;
        xxd->skip -= skipped;
        for (; left && xxd->limit; left--, xxd->limit--) {
            /* A full line waits for the next byte: the last one is printed by xxd_show_end(). */
            if (xxd->used == columns)
                finish_line(xxd, false);
            xxd->line[xxd->used++] = (uint8_t)*data++;
        }
    }
    return got < 0 ? (status_t)got : 0;
}

void xxd_show_end(struct xxd *xxd)
{
    if (xxd->used)
        finish_line(xxd, true);
    if (xxd->form == XXD_PLAIN && !xxd->columns && xxd->total)
        stream_text(xxd->out, "\n");
    if (xxd->form == XXD_INCLUDE && xxd->total)
        stream_text(xxd->out, "\n");
}

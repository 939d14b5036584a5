/*
 * xxd_revert.c - converts what xxd has printed to bytes; see xxd.h.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/data/xxd.h"

enum { GARBAGE = 3 }; /* characters other than digits, in a row, that end the bytes of a line */

static void put_byte(struct xxd *xxd, unsigned value)
{
    char c = (char)value;
    stream_write(xxd->out, &c, 1);
    xxd->address++;
}

/* Parses "00000010: ". Returns what follows, or NULL if the line has no address. */
static const char *take_address(const char *at, uint64_t *address)
{
    const char *start = at;
    int digit;
    *address = 0;
    for (; (digit = text_hex_digit(*at)) >= 0; at++)
        *address = *address << 4 | (unsigned)digit;
    return at > start && *at == ':' ? at + 1 : NULL;
}

/* Fills with zeroes up to an address: the output may be a pipe, which cannot seek. Returns false
 * after an error message if the address is before the output's end. */
static bool advance(struct xxd *xxd, uint64_t address)
{
    if (address < xxd->address) {
        shell_complain(xxd->shell, "Sorry, cannot seek backwards.");
        xxd->failed = true;
        return false;
    }
    while (xxd->address < address && !xxd->out->status && !shell_interrupted())
        put_byte(xxd, 0);
    return true;
}

/* Converts pairs of digits, at most `most`. The text of a short line is after three blanks. */
static void take_bytes(struct xxd *xxd, const char *at, uint64_t most)
{
    unsigned digits_per_byte = xxd->form == XXD_BITS ? 8 : 2, base = xxd->form == XXD_BITS ? 2 : 16;
    unsigned value = 0, digits = 0, other = 0;
    for (; *at && most && other < GARBAGE; at++) {
        int digit = text_hex_digit(*at);
        if (digit < 0 || digit >= (int)base) {
            other++;
            digits = 0;
            continue;
        }
        other = 0;
        value = digits ? value * base + (unsigned)digit : (unsigned)digit;
        if (++digits == digits_per_byte) {
            put_byte(xxd, value);
            digits = 0;
            most--;
        }
    }
}

status_t xxd_revert(struct input *input, void *context)
{
    struct xxd *xxd = context;
    char *line;
    size_t bytes;
    int got = 0;

    while (!xxd->failed && !xxd->out->status && (got = input_line(input, &line, &bytes)) > 0) {
        uint64_t address;
        if (xxd->form == XXD_PLAIN) {
            take_bytes(xxd, line, UINT64_MAX);
            continue;
        }
        const char *rest = take_address(line, &address);
        if (!rest)
            continue;
        if (advance(xxd, address + xxd->skip))
            take_bytes(xxd, rest, xxd->columns);
    }
    return got < 0 ? got : 0;
}

/*
 * text_kind.c - counts line ends and looks for characters that decide the encoding, byte by byte.
 */
#include "lib/text_kind.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/utf8.h"

enum { BEL = 0x07, CR = 0x0d, ESC = 0x1b, DEL = 0x7f, NEL = 0x85 };

static bool is_control(uint8_t byte)
{
    return (byte < 0x20 && !(byte >= BEL && byte <= CR) && byte != ESC) || byte == DEL;
}

static void add_byte(struct text_kind *kind, uint8_t byte)
{
    /* C1 control characters have the bytes 80 to 9F in ISO 8859. */
    kind->control |= is_control(byte);
    kind->high |= byte >= 0x80;
    kind->c1 |= byte >= 0x80 && byte < 0xa0 && byte != NEL;

    /* CR and LF may be in different pieces, so CR is counted at once and taken back here. */
    if (byte == '\n' && kind->bytes && kind->last == '\r') {
        kind->crlf++;
        kind->cr--;
    } else if (byte == '\n') {
        kind->lf++;
    } else if (byte == '\r') {
        kind->cr++;
    }
    kind->last = byte;
    kind->bytes++;
}

/* Returns the length of a UTF-8 character that begins with this byte, 0 if none does. */
static unsigned utf8_length(uint8_t first)
{
    return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3
                                                     : first < 0xf5 ? 4 : 0;
}

/* Adds a byte to the current character, and checks it when it is complete. */
static void add_to_character(struct text_kind *kind, uint8_t byte)
{
    uint32_t code;

    kind->partial[kind->pending++] = (char)byte;

    /* The first byte has the length. An invalid one is checked at once. */
    unsigned length = utf8_length((uint8_t)kind->partial[0]);
    if (length && kind->pending < length)
        return;
    if (!length || utf8_decode(kind->partial, kind->pending, &code) < 0)
        kind->not_utf8 = true;
    kind->pending = 0;
}

void text_kind_add(struct text_kind *kind, const uint8_t *bytes, size_t count)
{
    /* A byte order mark counts only at the start. */
    if (!kind->bytes && count >= 2 && bytes[0] + bytes[1] == 0xff + 0xfe &&
        (bytes[0] == 0xff || bytes[1] == 0xff))
        kind->utf16 = bytes[0] == 0xff ? 1 : 2;
    if (!kind->bytes && count >= 3 && memcmp(bytes, UTF8_MARK, 3) == 0)
        kind->mark = true;

    /* After an invalid character the text is not UTF-8, whatever follows. */
    for (size_t i = 0; i < count; i++) {
        add_byte(kind, bytes[i]);
        if (!kind->not_utf8)
            add_to_character(kind, bytes[i]);
    }
}

void text_kind_end(struct text_kind *kind, bool whole)
{
    /* If only the start of a file was read, its last character may be cut. */
    if (kind->pending && whole)
        kind->not_utf8 = true;
    kind->pending = 0;
}

const char *text_kind_name(const struct text_kind *kind)
{
    /* UTF-16 comes first, because it is full of control characters if read as bytes. */
    if (kind->utf16)
        return kind->utf16 == 1 ? "Unicode text, UTF-16, little-endian text"
                                : "Unicode text, UTF-16, big-endian text";
    if (kind->control)
        return NULL;
    if (!kind->high)
        return "ASCII text";
    if (!kind->not_utf8)
        return kind->mark ? "Unicode text, UTF-8 (with BOM) text" : "Unicode text, UTF-8 text";
    return kind->c1 ? "Non-ISO extended-ASCII text" : "ISO-8859 text";
}

const char *text_kind_charset(const struct text_kind *kind)
{
    /* The same decisions as in text_kind_name(), in the words of `file --mime-encoding`. */
    if (kind->utf16)
        return kind->utf16 == 1 ? "utf-16le" : "utf-16be";
    if (kind->control)
        return "binary";
    if (!kind->high)
        return "us-ascii";
    if (!kind->not_utf8)
        return "utf-8";
    return kind->c1 ? "unknown-8bit" : "iso-8859-1";
}

void text_kind_lines(const struct text_kind *kind, char *text, size_t bytes)
{
    /* LF alone is the rule and is not mentioned. */
    if (kind->utf16 || (kind->lf && !kind->crlf && !kind->cr)) {
        format_text(text, bytes, "%s", "");
        return;
    }
    if (!kind->lf && !kind->crlf && !kind->cr) {
        format_text(text, bytes, ", with no line terminators");
        return;
    }
    format_text(text, bytes, ", with %s%s%s%s%s line terminators", kind->crlf ? "CRLF" : "",
                kind->crlf && (kind->cr || kind->lf) ? ", " : "", kind->cr ? "CR" : "",
                kind->cr && kind->lf ? ", " : "", kind->lf ? "LF" : "");
}

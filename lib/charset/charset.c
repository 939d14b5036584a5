/*
 * charset.c - the table of charsets, and their decoders.
 */
#include "lib/charset/charset.h"
#include "lib/charset/tables.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"

/* The bytes 80 to FF of code page 437. */
static const uint16_t cp437[] =
    u"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
    u"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";

/* The same of code page 850. */
static const uint16_t cp850[] =
    u"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐"
    u"└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´­±‗¾¶§÷¸°¨·¹³²■ ";

struct charset {
    const char *name, *names[3]; /* names[]: its other names */
    const uint16_t *high;        /* the bytes 80 to FF; NULL if decode is used */
    int (*decode)(struct bytes b, uint32_t *code);
};

/* ---- decoders of bytes from 80 on ----------------------------------------------------------- */

static int decode_utf8(struct bytes b, uint32_t *code)
{
    return utf8_decode((const char *)b.data, b.length, code);
}

static int decode_latin1(struct bytes b, uint32_t *code)
{
    *code = bytes_u8(b, 0);
    return 1;
}

/* Lead bytes 81 to 9F and E0 to FC have two rows each; trail bytes are 40 to FC without 7F. Between
 * the lead bytes are the half-width kana of JIS X 0201. */
static int decode_shift_jis(struct bytes b, uint32_t *code)
{
    uint8_t lead = bytes_u8(b, 0), trail = bytes_u8(b, 1);
    if (lead >= 0xa1 && lead <= 0xdf) {
        *code = 0xff61u + lead - 0xa1;
        return 1;
    }
    if (lead < 0x81 || lead == 0xa0 || lead > 0xfc || trail < 0x40 || trail == 0x7f ||
        trail > 0xfc)
        return -1;

    /* A lead byte stands for two rows of 94. Trail bytes skip 7F. */
    unsigned pair = lead < 0xa0 ? lead - 0x81u : lead - 0xe0u + 31;
    unsigned column = trail - 0x40u - (trail > 0x7f);
    unsigned row = pair * 2 + 1 + column / CHARSET_JIS_COLUMNS;

    /* Rows without characters are not stored, so the others are in several tables. */
    for (unsigned i = 0; i < CHARSET_JIS_PARTS; i++) {
        const struct charset_rows *rows = &charset_jis_rows[i];
        if (row >= rows->first && row <= rows->last)
            *code = rows->characters[(row - rows->first) * CHARSET_JIS_COLUMNS +
                                     column % CHARSET_JIS_COLUMNS];
        if (row >= rows->first && row <= rows->last && *code != CHARSET_NONE)
            return 2;
    }
    return -1;
}

static const struct charset charsets[] = {
    { "utf-8", { "utf8" }, NULL, decode_utf8 },
    { "latin1", { "latin-1", "iso-8859-1", "iso8859-1" }, NULL, decode_latin1 },
    { "cp437", { "ibm437", "437" }, cp437, NULL },
    { "cp850", { "ibm850", "850" }, cp850, NULL },
    { "shift-jis", { "shift_jis", "sjis", "cp932" }, NULL, decode_shift_jis },
};

/* ---- all charsets ------------------------------------------------------------------------- */

static bool name_is(const char *known, const char *name, size_t length)
{
    return known && utf8_equal_folded(known, strlen(known), name, length);
}

const struct charset *charset_find(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_LENGTH(charsets); i++) {
        const struct charset *charset = &charsets[i];
        if (name_is(charset->name, name, length) || name_is(charset->names[0], name, length) ||
            name_is(charset->names[1], name, length) || name_is(charset->names[2], name, length))
            return charset;
    }
    return NULL;
}

const char *charset_name(const struct charset *charset)
{
    return charset->name;
}

int charset_decode(const struct charset *charset, struct bytes b, uint32_t *code)
{
    if (!b.length)
        return -1;

    /* Every charset here has ASCII below 80. */
    uint8_t first = b.data[0];
    if (first >= 0x80 && !charset->high)
        return charset->decode(b, code);
    *code = first < 0x80 ? first : charset->high[first - 0x80];
    return 1;
}

size_t charset_to_utf8(const struct charset *charset, struct bytes from, char *text, size_t bytes,
                       bool *replaced)
{
    size_t length = 0;

    while (from.length) {
        char encoded[4];
        uint32_t code;

        /* Skip one byte after an invalid one: the next may begin a character again. */
        int used = charset_decode(charset, from, &code);
        if (used < 0) {
            code = '_';
            used = 1;
            *replaced = true;
        }

        /* Characters are not split. The first that does not fit ends the text. */
        int count = utf8_encode(code, encoded);
        if (count < 0 || (size_t)count > bytes - length)
            break;
        memcpy(text + length, encoded, (size_t)count);
        length += (size_t)count;
        from = bytes_slice(from, (size_t)used, from.length);
    }
    return length;
}

/*
 * font.c - reads the font's table and looks up glyphs: see font.h.
 */
#include "drivers/video/font.h"
#include "lib/bytes.h"

enum {
    MAGIC = 0x0436,
    HEADER_MODE = 2,
    HEADER_ROWS = 3,
    HEADER_BYTES = 4,
    MODE_512 = 1,
    MODE_TABLE = 2,
    TABLE_SEQUENCE = 0xfffe, /* combinations of code points follow, which are ignored */
    TABLE_END = 0xffff,

    PAGES = 256,
    PAGE_CODES = 256,
    PAGES_USED_MAX = 24,
    NO_GLYPH = 0, /* entries are a glyph's number + 1 */
};

static const uint8_t *glyphs;
static unsigned rows, count;

/* A table in two levels: by the high byte of a code point, of which a font has few, and by the low
 * one. */
static uint8_t page_of[PAGES]; /* number + 1; 0: none */
static uint16_t pages[PAGES_USED_MAX][PAGE_CODES];
static unsigned page_count;

static void note(uint32_t code, unsigned glyph)
{
    uint8_t *page = &page_of[code / PAGE_CODES];

    /* A page is made for its first code point. If all are used, the font has no such character. */
    if (*page == 0) {
        if (page_count == PAGES_USED_MAX)
            return;
        *page = (uint8_t)++page_count;
    }
    uint16_t *entry = &pages[*page - 1][code % PAGE_CODES];
    if (*entry == NO_GLYPH)
        *entry = (uint16_t)(glyph + 1);
}

/* For each glyph, the table lists code points, then combinations, then an end mark. */
static void read_table(struct bytes font, size_t at)
{
    for (unsigned glyph = 0; glyph < count; glyph++) {
        bool sequences = false;

        /* The code points after the first mark form combinations, up to the end mark. */
        for (; bytes_has(font, at, 2); at += 2) {
            uint16_t code = bytes_le16(font, at);
            if (code == TABLE_END)
                break;
            sequences |= code == TABLE_SEQUENCE;
            if (!sequences)
                note(code, glyph);
        }
        at += 2;
    }
}

bool font_read(const uint8_t *data, size_t bytes)
{
    struct bytes font = { data, bytes };
    uint8_t mode = bytes_u8(font, HEADER_MODE), height = bytes_u8(font, HEADER_ROWS);
    unsigned number = mode & MODE_512 ? 512 : 256;

    if (bytes_le16(font, 0) != MAGIC || height == 0 || height > FONT_ROWS_MAX ||
        !bytes_has(font, HEADER_BYTES, (size_t)number * height))
        return false;

    glyphs = data + HEADER_BYTES;
    rows = height;
    count = number;

    /* Without a table, the glyph's number is its code point. */
    if (mode & MODE_TABLE)
        read_table(font, HEADER_BYTES + (size_t)count * rows);
    else
        for (unsigned glyph = 0; glyph < count; glyph++)
            note(glyph, glyph);
    return true;
}

unsigned font_rows(void)
{
    return rows;
}

unsigned font_glyph_count(void)
{
    return count;
}

static unsigned find_entry(uint32_t code)
{
    uint8_t page = code < PAGES * PAGE_CODES ? page_of[code / PAGE_CODES] : 0;
    return page != 0 ? pages[page - 1][code % PAGE_CODES] : NO_GLYPH;
}

unsigned font_find(uint32_t code)
{
    unsigned entry = find_entry(code);

    /* Something must be visible in the cell, since the cursor counts it. */
    if (entry == NO_GLYPH)
        entry = find_entry('?');
    return entry != NO_GLYPH ? entry - 1 : 0;
}

const uint8_t *font_glyph(unsigned glyph)
{
    return glyphs + (size_t)(glyph < count ? glyph : 0) * rows;
}

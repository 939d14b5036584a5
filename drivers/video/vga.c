/*
 * vga.c - the VGA's text mode: see video.h.
 *
 * The firmware has set up this mode, with a font in the adapter's memory for the characters of the
 * first PC. That is replaced by ours: 256 glyphs in one table and the other 256 in a second one;
 * bit 3 of a cell's attribute selects the table.
 *
 * Reference: IBM VGA technical reference (sequencer, graphics controller, attribute controller).
 */
#include "drivers/video/font.h"
#include "drivers/video/terminal.h"
#include "drivers/video/video.h"
#include "kernel/mm/space.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"

enum {
    MEMORY = 0xa0000,
    MEMORY_BYTES = 0x20000,
    TEXT_OFFSET = 0x18000,
    TEXT_COLUMNS = 80,
    TEXT_ROWS = 25,
    TEXT_ROWS_MAX = 60,
    FONT_SLOT_BYTES = 32,
    FONT_TABLE_BYTES = 0x4000,
    TABLE_GLYPHS = 256,

    SEQUENCER = 0x3c4,
    SEQUENCER_RESET = 0,
    SEQUENCER_PLANES = 2,
    SEQUENCER_FONTS = 3,
    SEQUENCER_MODE = 4,
    GRAPHICS = 0x3ce,
    GRAPHICS_READ_PLANE = 4,
    GRAPHICS_MODE = 5,
    GRAPHICS_MAP = 6,
    CRT = 0x3d4,
    CRT_CURSOR_START = 0x0a,
    ATTRIBUTE = 0x3c0,
    ATTRIBUTE_PLANES = 0x12,
    ATTRIBUTE_SCREEN_ON = 0x20,
    INPUT_STATUS = 0x3da, /* reading it makes the attribute port expect an index */

    MAP_MASK = 0x0f,
    MAP_TEXT = 0x0e, /* no graphics, odd and even chained, at 0xb8000 */
    CURSOR_OFF = 0x20,
    ATTRIBUTE_SECOND_TABLE = 1 << 3,
};

static uint8_t *memory;
static volatile uint16_t *text;
static struct video_display display;

static void write_register(uint16_t port, uint8_t index, uint8_t value)
{
    port_out8(port, index);
    port_out8((uint16_t)(port + 1), value);
}

static uint8_t read_register(uint16_t port, uint8_t index)
{
    port_out8(port, index);
    return port_in8((uint16_t)(port + 1));
}

/* ---- the font ----------------------------------------------------------------------------- */

struct setting {
    uint16_t port;
    uint8_t index, value;
};

static void set_all(const struct setting *settings, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        write_register(settings[i].port, settings[i].index, settings[i].value);
}

/* Makes plane 2, which contains the font, accessible as linear memory at 0xa0000. */
static void open_font_memory(void)
{
    static const struct setting settings[] = {
        { SEQUENCER, SEQUENCER_RESET, 1 },      { SEQUENCER, SEQUENCER_PLANES, 1 << 2 },
        { SEQUENCER, SEQUENCER_MODE, 0x07 },    { SEQUENCER, SEQUENCER_RESET, 3 },
        { GRAPHICS, GRAPHICS_READ_PLANE, 2 },   { GRAPHICS, GRAPHICS_MODE, 0 },
        { GRAPHICS, GRAPHICS_MAP, 0 },
    };
    set_all(settings, ARRAY_LENGTH(settings));
}

/* Restores text mode, with one or both tables selectable. */
static void close_font_memory(bool two_tables)
{
    const struct setting settings[] = {
        { SEQUENCER, SEQUENCER_RESET, 1 },    { SEQUENCER, SEQUENCER_PLANES, 3 },
        { SEQUENCER, SEQUENCER_MODE, 0x03 },  { SEQUENCER, SEQUENCER_FONTS, two_tables ? 4 : 0 },
        { SEQUENCER, SEQUENCER_RESET, 3 },    { GRAPHICS, GRAPHICS_READ_PLANE, 0 },
        { GRAPHICS, GRAPHICS_MODE, 0x10 },    { GRAPHICS, GRAPHICS_MAP, MAP_TEXT },
    };
    set_all(settings, ARRAY_LENGTH(settings));
}

static void write_glyph(unsigned glyph)
{
    volatile uint8_t *slot = memory + glyph / TABLE_GLYPHS * FONT_TABLE_BYTES +
                             glyph % TABLE_GLYPHS * FONT_SLOT_BYTES;
    const uint8_t *rows = font_glyph(glyph);
    for (unsigned row = 0; row < FONT_SLOT_BYTES; row++)
        slot[row] = row < font_rows() ? rows[row] : 0;
}

/* With two tables, bit 3 must not select a colour as well. */
static void choose_colour_planes(bool two_tables)
{
    /* Index and value are written to the same port. An index without ATTRIBUTE_SCREEN_ON blanks the
     * screen, so it is switched on again afterwards. */
    (void)port_in8(INPUT_STATUS);
    port_out8(ATTRIBUTE, ATTRIBUTE_PLANES);
    port_out8(ATTRIBUTE, two_tables ? 0x07 : 0x0f);
    (void)port_in8(INPUT_STATUS);
    port_out8(ATTRIBUTE, ATTRIBUTE_SCREEN_ON);
}

static void load_font(void)
{
    bool two_tables = font_glyph_count() > TABLE_GLYPHS;

    /* While plane 2 is accessible, the screen's text is not. */
    open_font_memory();
    for (unsigned glyph = 0; glyph < font_glyph_count(); glyph++)
        write_glyph(glyph);
    close_font_memory(two_tables);
    choose_colour_planes(two_tables);
}

/* ---- cells -------------------------------------------------------------------------------- */

/* ANSI's colours have red in the lowest bit, then green, blue; the adapter's blue, green, red. */
static uint8_t attribute_colour(uint32_t colour)
{
    return (uint8_t)((colour & 10) | (colour & 1) << 2 | (colour >> 2 & 1));
}

static uint16_t make_character(uint32_t cell)
{
    unsigned glyph = font_find(cell & CELL_CODE_MASK);
    uint8_t front = attribute_colour(cell >> CELL_FRONT_SHIFT & CELL_COLOUR_MASK);
    uint8_t back = attribute_colour(cell >> CELL_BACK_SHIFT & CELL_COLOUR_MASK);
    uint8_t attribute = cell & CELL_CURSOR ? (uint8_t)(front << 4 | back)
                                           : (uint8_t)(back << 4 | front);

    /* The highest bit would make the character blink. */
    attribute &= 0x7f;

    /* With two tables, bit 3 of the attribute selects one and is no longer a colour's. */
    if (font_glyph_count() > TABLE_GLYPHS) {
        attribute &= (uint8_t)~ATTRIBUTE_SECOND_TABLE;
        attribute |= glyph >= TABLE_GLYPHS ? ATTRIBUTE_SECOND_TABLE : 0;
    }
    return (uint16_t)(attribute << 8 | glyph % TABLE_GLYPHS);
}

static void draw(unsigned row, unsigned column, const uint32_t *cells, unsigned count)
{
    volatile uint16_t *at = text + row * display.columns + column;
    for (unsigned i = 0; i < count; i++)
        at[i] = make_character(cells[i]);
}

/* ---- start -------------------------------------------------------------------------------- */

/* Without an adapter the port reads as ones; under UEFI the adapter may be in a graphics mode. */
static bool is_in_text_mode(void)
{
    return (read_register(GRAPHICS, GRAPHICS_MAP) & MAP_MASK) == MAP_TEXT;
}

static bool has_memory(void)
{
    /* Without memory, writes are lost and reads return ones. */
    uint16_t before = text[0];
    text[0] = 0x0741;
    bool kept = text[0] == 0x0741;
    text[0] = before;
    return kept;
}

const struct video_display *vga_start(const struct framebuffer *given)
{
    bool is_described = given->address != 0 && given->text && given->width == TEXT_COLUMNS &&
                        given->height > 0 && given->height <= TEXT_ROWS_MAX;

    if (!is_in_text_mode() || !(memory = space_map_mmio(MEMORY, MEMORY_BYTES)))
        return NULL;

    text = (volatile uint16_t *)(memory + TEXT_OFFSET);
    if (!has_memory()) {
        space_unmap(memory, MEMORY_BYTES);
        return NULL;
    }

    /* The adapter's own cursor is off, since screen.c draws one. */
    load_font();
    write_register(CRT, CRT_CURSOR_START, CURSOR_OFF);
    display = (struct video_display){
        .columns = TEXT_COLUMNS, .rows = is_described ? given->height : TEXT_ROWS, .draw = draw,
    };
    return &display;
}

/*
 * framebuffer.c - draws cells as pixels: see video.h.
 */
#include "drivers/video/font.h"
#include "drivers/video/picture.h"
#include "drivers/video/terminal.h"
#include "drivers/video/video.h"
#include "kernel/mm/space.h"
#include "lib/string.h"

enum { COLOURS = 16, SIDE_MAX = 1 << 14, CHANNEL_BITS = 8, ROWS_MIN = 24 };

static const uint32_t palette[COLOURS] = {
    0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
    0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
};

static struct framebuffer mode;
static uint8_t *pixels; /* of the first cell's upper left corner */
static unsigned pixel_bytes, scale;
static uint32_t colours[COLOURS]; /* in the format of this framebuffer */
static struct video_display display;

static uint32_t pack_channel(uint32_t value, unsigned shift, unsigned bits)
{
    value &= 0xff;
    value = bits < CHANNEL_BITS ? value >> (CHANNEL_BITS - bits) : value << (bits - CHANNEL_BITS);
    return value << shift;
}

static void pack_palette(void)
{
    for (unsigned i = 0; i < COLOURS; i++)
        colours[i] = pack_channel(palette[i] >> 16, mode.red_shift, mode.red_bits) |
                     pack_channel(palette[i] >> 8, mode.green_shift, mode.green_bits) |
                     pack_channel(palette[i], mode.blue_shift, mode.blue_bits);
}

/* Draws a pixel `scale` times, and returns the position of the next one. */
static inline uint8_t *put_pixel(uint8_t *at, uint32_t colour)
{
    /* Whole words where possible: each write to video memory is slow, whatever its size. */
    for (unsigned i = 0; i < scale; i++, at += pixel_bytes) {
        if (pixel_bytes == 4) {
            *(uint32_t *)at = colour;
        } else {
            at[0] = (uint8_t)colour;
            at[1] = (uint8_t)(colour >> 8);
            if (pixel_bytes == 3)
                at[2] = (uint8_t)(colour >> 16);
        }
    }
    return at;
}

static void draw_glyph(uint8_t *at, const uint8_t *glyph, uint32_t front, uint32_t back)
{
    for (unsigned row = 0; row < font_rows() * scale; row++, at += mode.pitch_bytes) {
        uint8_t bits = glyph[row / scale], *pixel = at;
        for (unsigned bit = 0x80; bit != 0; bit >>= 1)
            pixel = put_pixel(pixel, bits & bit ? front : back);
    }
}

/* Draws a tile of a picture, stretched vertically to the height of the font. */
static void draw_tile(uint8_t *at, uint32_t code, uint32_t back)
{
    for (unsigned row = 0; row < font_rows() * scale; row++, at += mode.pitch_bytes) {
        unsigned y = row / scale * CONSOLE_PICTURE_ROW / font_rows();
        uint8_t *to = at;
        for (unsigned x = 0; x < FONT_COLUMNS; x++) {
            unsigned colour = picture_pixel(code, x, y);
            to = put_pixel(to, colour != 0 ? colours[colour % COLOURS] : back);
        }
    }
}

static void draw(unsigned row, unsigned column, const uint32_t *cells, unsigned count)
{
    size_t cell_bytes = (size_t)FONT_COLUMNS * scale * pixel_bytes;
    uint8_t *at = pixels + (size_t)row * font_rows() * scale * mode.pitch_bytes +
                  column * cell_bytes;

    for (unsigned i = 0; i < count; i++, at += cell_bytes) {
        uint32_t front = colours[cells[i] >> CELL_FRONT_SHIFT & CELL_COLOUR_MASK];
        uint32_t back = colours[cells[i] >> CELL_BACK_SHIFT & CELL_COLOUR_MASK];
        uint32_t code = cells[i] & CELL_CODE_MASK;
        const uint8_t *glyph = font_glyph(font_find(code));

        /* The cursor is the cell with its colours exchanged. */
        if (code >= PICTURE_CODE_FIRST && code < PICTURE_CODE_END)
            draw_tile(at, code, back);
        else if (cells[i] & CELL_CURSOR)
            draw_glyph(at, glyph, back, front);
        else
            draw_glyph(at, glyph, front, back);
    }
}

static bool channel_fits(unsigned shift, unsigned bits)
{
    return bits > 0 && bits <= 2 * CHANNEL_BITS && shift + bits <= 32;
}

static bool is_usable(const struct framebuffer *given)
{
    unsigned bytes = (given->bits + 7u) / 8;

    /* Room for 80 columns of the smallest size, rows that do not overlap and whose pixels can be
     * written as words, and limits that exclude overflows below. */
    return given->address != 0 && !given->text && given->address % 4 == 0 &&
           bytes >= 2 && bytes <= 4 && given->width <= SIDE_MAX && given->height <= SIDE_MAX &&
           given->pitch_bytes >= given->width * bytes && given->pitch_bytes <= SIDE_MAX * 8 &&
           given->pitch_bytes % 4 == 0 && given->width >= VIDEO_COLUMNS * FONT_COLUMNS &&
           given->height >= font_rows() && channel_fits(given->red_shift, given->red_bits) &&
           channel_fits(given->green_shift, given->green_bits) &&
           channel_fits(given->blue_shift, given->blue_bits);
}

const struct video_display *framebuffer_start(const struct framebuffer *given)
{
    if (!is_usable(given))
        return NULL;

    /* is_usable() has limited both factors. */
    mode = *given;
    size_t bytes = (size_t)mode.pitch_bytes * mode.height;
    uint8_t *memory = space_map_framebuffer(mode.address, bytes);
    if (!memory)
        return NULL;

    pixel_bytes = (mode.bits + 7u) / 8;
    pack_palette();

    /* As large as possible with 80 columns and at least 24 rows, centred. */
    scale = mode.width / (VIDEO_COLUMNS * FONT_COLUMNS);
    while (scale > 1 && mode.height / (font_rows() * scale) < ROWS_MIN)
        scale--;
    unsigned margin = (mode.width - VIDEO_COLUMNS * FONT_COLUMNS * scale) / 2;
    pixels = memory + (size_t)margin * pixel_bytes;

    /* The margin and the rest below the last row stay black: only cells are drawn from now on. */
    memset(memory, 0, bytes);
    display = (struct video_display){
        .columns = VIDEO_COLUMNS, .rows = mode.height / (font_rows() * scale), .draw = draw,
        .shows_pictures = true,
    };
    return &display;
}

/*
 * icon.c - the drawings, and how a state changes them: see icon.h.
 *
 * A drawing is a table of words of sixteen pixels, one hexadecimal digit a pixel, the leftmost one
 * highest: read at a distance, the source is the picture.
 */
#include "kernel/dev/icon.h"

enum {
    WORD_PIXELS = 16,
    GREY_DARK = 8,
    GREY_LIGHT = 7,
    LOCK_SIDE = 8, /* pixels of the small icon; the large one shows each twice */
};

static const uint64_t small[ICON_KINDS][ICON_SMALL] = {
    [ICON_DISK] = {
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0088888888888800, 0x008ffffffffff800, 0x08ffffffffffff80, 0x08ffffffffffff80,
        0x0888888888888880, 0x0877777777777780, 0x08788888887aa780, 0x0877777777777780,
        0x0888888888888880, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
    },
    [ICON_CD] = {
        0x0000000880000000, 0x0000888778880000, 0x0008ee7777778000, 0x008ffe7777777800,
        0x08ffffe777777780, 0x08ffff8888777780, 0x08ddf80000877780, 0x87ddd80000877778,
        0x87777800008ddd78, 0x08777800008fdd80, 0x0877778888ffff80, 0x087777777effff80,
        0x0087777777eff800, 0x0008777777ee8000, 0x0000888778880000, 0x0000000880000000,
    },
    [ICON_VIRTUAL] = {
        0x0000088888000000, 0x000008ffff800000, 0x000008f77f800000, 0x000008ffff800000,
        0x004448f77f844400, 0x004ee8ffff8ee400, 0x04eee888888eee40, 0x04eeeeeeeeeeee40,
        0x0444444444444440, 0x04cccccccccccc40, 0x04c4444444caac40, 0x04cccccccccccc40,
        0x0444444444444440, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
    },
};

static const uint64_t large[ICON_KINDS][ICON_LARGE * 2] = {
    [ICON_DISK] = {
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0000088888888888, 0x8888888888800000, 0x000008ffffffffff, 0xffffffffff800000,
        0x00008fffffffffff, 0xfffffffffff80000, 0x00008fffffffffff, 0xfffffffffff80000,
        0x0008ffffffffffff, 0xffffffffffff8000, 0x0008ffffffffffff, 0xffffffffffff8000,
        0x008fffffffffffff, 0xfffffffffffff800, 0x008fffffffffffff, 0xfffffffffffff800,
        0x0088888888888888, 0x8888888888888800, 0x0087777777777777, 0x7777777777777800,
        0x0087777777777777, 0x7777777777777800, 0x0087777777777777, 0x7777777777777800,
        0x0087778888888888, 0x8888777aaa777800, 0x0087778888888888, 0x8888777aaa777800,
        0x0087777777777777, 0x7777777777777800, 0x0087777777777777, 0x7777777777777800,
        0x0087777777777777, 0x7777777777777800, 0x0088888888888888, 0x8888888888888800,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
    },
    [ICON_CD] = {
        0x0000000000000088, 0x8800000000000000, 0x0000000000888888, 0x8888880000000000,
        0x0000000088877777, 0x7777788800000000, 0x000000088ee77777, 0x7777777880000000,
        0x0000088feeee7777, 0x7777777778800000, 0x000088fffeee7777, 0x7777777777880000,
        0x00008ffffeeee777, 0x7777777777780000, 0x0008ffffffeee777, 0x7777777777778000,
        0x0088fffffffee777, 0x7777777777778800, 0x008ffffffffeee77, 0x7777777777777800,
        0x088fffffffffefff, 0xfff7777777777880, 0x08ddfffffffff888, 0x888ff77777777780,
        0x08ddddffffff8000, 0x0008f77777777780, 0x08dddddddff80000, 0x00008f7777777780,
        0x88ddddddddf80000, 0x00008f7777777788, 0x8877777777f80000, 0x00008f7777777788,
        0x8877777777f80000, 0x00008f7777777788, 0x8877777777f80000, 0x00008fdddddddd88,
        0x0877777777f80000, 0x00008ffddddddd80, 0x08777777777f8000, 0x0008ffffffdddd80,
        0x08777777777ff888, 0x888fffffffffdd80, 0x0887777777777fff, 0xfffefffffffff880,
        0x0087777777777777, 0x77eeeffffffff800, 0x0088777777777777, 0x777eefffffff8800,
        0x0008777777777777, 0x777eeeffffff8000, 0x0000877777777777, 0x777eeeeffff80000,
        0x0000887777777777, 0x7777eeefff880000, 0x0000088777777777, 0x7777eeeef8800000,
        0x0000000887777777, 0x77777ee880000000, 0x0000000088877777, 0x7777788800000000,
        0x0000000000888888, 0x8888880000000000, 0x0000000000000088, 0x8800000000000000,
    },
    [ICON_VIRTUAL] = {
        0x0000000000000000, 0x0000000000000000, 0x0000000000888888, 0x8880000000000000,
        0x00000000008fffff, 0xfff8000000000000, 0x00000000008fffff, 0xffff800000000000,
        0x00000000008fffff, 0xfffff80000000000, 0x00000000008ff777, 0x777ff80000000000,
        0x00000000008fffff, 0xfffff80000000000, 0x00000000008fffff, 0xfffff80000000000,
        0x00000444448fffff, 0xfffff84444400000, 0x000004eeee8ff777, 0x777ff8eeee400000,
        0x00004eeeee8fffff, 0xfffff8eeeee40000, 0x00004eeeee8fffff, 0xfffff8eeeee40000,
        0x0004eeeeee8fffff, 0xfffff8eeeeee4000, 0x0004eeeeee888888, 0x888888eeeeee4000,
        0x004eeeeeeeeeeeee, 0xeeeeeeeeeeeee400, 0x004eeeeeeeeeeeee, 0xeeeeeeeeeeeee400,
        0x0044444444444444, 0x4444444444444400, 0x004ccccccccccccc, 0xccccccccccccc400,
        0x004ccccccccccccc, 0xccccccccccccc400, 0x004ccccccccccccc, 0xccccccccccccc400,
        0x004ccc4444444444, 0x4444cccaaaccc400, 0x004ccc4444444444, 0x4444cccaaaccc400,
        0x004ccccccccccccc, 0xccccccccccccc400, 0x004ccccccccccccc, 0xccccccccccccc400,
        0x004ccccccccccccc, 0xccccccccccccc400, 0x0044444444444444, 0x4444444444444400,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
    },
};

static const uint32_t padlock[LOCK_SIDE] = {
    0x00333300, 0x03300330, 0x03300330, 0x33333333,
    0x3bbbbbb3, 0x3bb88bb3, 0x3bbbbbb3, 0x33333333,
};

static uint8_t drawn_pixel(enum icon_kind kind, unsigned side, unsigned x, unsigned y)
{
    uint64_t word = side == ICON_SMALL ? small[kind][y] : large[kind][y * 2 + x / WORD_PIXELS];
    return word >> (WORD_PIXELS - 1 - x % WORD_PIXELS) * 4 & 0xf;
}

static uint8_t padlock_pixel(unsigned side, unsigned x, unsigned y)
{
    unsigned scale = side / ICON_SMALL, first = ICON_SMALL - LOCK_SIDE;
    x /= scale;
    y /= scale;
    if (x < first || y < first)
        return ICON_CLEAR;
    return padlock[y - first] >> (LOCK_SIDE - 1 - (x - first)) * 4 & 0xf;
}

static uint8_t grey(uint8_t colour)
{
    if (colour == ICON_CLEAR)
        return ICON_CLEAR;
    return colour > GREY_DARK || colour == GREY_LIGHT ? GREY_LIGHT : GREY_DARK;
}

void icon_draw(struct device_icon *icon, enum icon_kind kind, unsigned state)
{
    for (unsigned i = 0; i < icon->side * icon->side; i++) {
        unsigned x = i % icon->side, y = i / icon->side;
        uint8_t pixel = drawn_pixel(kind, icon->side, x, y);
        uint8_t mark = state & ICON_READ_ONLY ? padlock_pixel(icon->side, x, y) : ICON_CLEAR;

        /* The padlock is drawn over the picture and keeps its colour. */
        if (state & ICON_ABSENT)
            pixel = grey(pixel);
        icon->pixels[i] = mark != ICON_CLEAR ? mark : pixel;
    }
}

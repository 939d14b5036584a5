/*
 * raw_sectors.c - makes whole CD sectors after ECMA-130, slowly and simply: see raw_sectors.h.
 */
#include <string.h>

#include "tests/host/raw_sectors.h"

static void put_edc(uint8_t *sector, unsigned from, unsigned to)
{
    uint32_t crc = 0;
    for (unsigned i = from; i < to; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned in = (sector[i] >> bit ^ crc) & 1;
            crc = crc >> 1 ^ (in ? 0xD8018001u : 0);
        }
    for (unsigned i = 0; i < 4; i++)
        sector[to + i] = (uint8_t)(crc >> 8 * i);
}

static uint8_t multiply(uint8_t a, uint8_t b)
{
    unsigned product = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        if (b >> bit & 1)
            product ^= (unsigned)a << bit;
    for (unsigned bit = 14; bit >= 8; bit--)
        if (product >> bit & 1)
            product ^= 0x11Du << (bit - 8);
    return (uint8_t)product;
}

/* The remainder of the division of the message times x^2 by (x + 1)(x + 2) = x^2 + 3x + 2, over the
 * field with 256 elements. */
struct remainder {
    uint8_t high, low;
};

static void remainder_add(struct remainder *rest, uint8_t byte)
{
    uint8_t lead = rest->high ^ byte;
    rest->high = rest->low ^ multiply(lead, 3);
    rest->low = multiply(lead, 2);
}

static void put_parity(uint8_t *sector)
{
    uint8_t *coded = sector + 12;
    for (unsigned column = 0; column < 86; column++) { /* bytes, not words */
        struct remainder rest = { 0, 0 };
        for (unsigned row = 0; row < 24; row++)
            remainder_add(&rest, coded[86 * row + column]);
        coded[86 * 24 + column] = rest.high;
        coded[86 * 25 + column] = rest.low;
    }
    for (unsigned diagonal = 0; diagonal < 26; diagonal++)
        for (unsigned plane = 0; plane < 2; plane++) {
            struct remainder rest = { 0, 0 };
            for (unsigned i = 0; i < 43; i++)
                remainder_add(&rest, coded[(44 * i + 43 * diagonal) % 1118 * 2 + plane]);
            coded[2236 + 2 * diagonal + plane] = rest.high;
            coded[2288 + 2 * diagonal + plane] = rest.low;
        }
}

static uint8_t bcd(int value)
{
    return (uint8_t)(value / 10 * 16 + value % 10);
}

static void put_header(uint8_t *sector, int block, uint8_t mode)
{
    int frame = block + 150;
    memset(sector + 1, 0xff, 10);
    sector[0] = sector[11] = 0;
    sector[12] = bcd(frame / 75 / 60);
    sector[13] = bcd(frame / 75 % 60);
    sector[14] = bcd(frame % 75);
    sector[15] = mode;
}

void raw_sector_make(uint8_t *sector, enum raw_kind kind, int block, const uint8_t *data)
{
    static const uint8_t submodes[] = { 0, 0x08, 0x24 };
    memset(sector, 0, 2352);
    if (kind == RAW_MODE_1) {
        put_header(sector, block, 1);
        memcpy(sector + 16, data, 2048);
        put_edc(sector, 0, 2064);
        put_parity(sector);
        return;
    }
    sector[16] = sector[20] = 1;
    sector[18] = sector[22] = submodes[kind];
    memcpy(sector + 24, data, 2048);
    if (kind == RAW_FORM_2) {
        memcpy(sector + 24 + 2048, data, 2324 - 2048);
        put_edc(sector, 16, 2348);
    } else {
        put_edc(sector, 16, 2072);
        put_parity(sector);
    }

    /* The parity of form 1 is computed with a header of zeroes, so the header comes last. */
    put_header(sector, block, 2);
}

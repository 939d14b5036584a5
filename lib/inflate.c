/*
 * inflate.c - DEFLATE and zlib; section numbers are RFC 1951's.
 *
 * Codes of up to nine bits are decoded by a table of the next nine bits. Longer ones are decoded
 * bit by bit, by the rule of canonical codes: the codes of one length are consecutive numbers.
 */
#include "lib/inflate.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { LITERALS_MAX = 286, DISTANCES_MAX = 30, END_OF_BLOCK = 256 };

/* ---- bits --------------------------------------------------------------------------------- */

static void refill(struct inflate *w)
{
    /* With 56 bits or fewer there is room for a byte. Only at the end are fewer bits left. */
    while (w->bit_count <= 56 && w->in < w->in_end) {
        w->bits |= (uint64_t)*w->in++ << w->bit_count;
        w->bit_count += 8;
    }
}

static void drop(struct inflate *w, unsigned count)
{
    /* Decoders check `overrun` after a few steps: until then, missing bits are zeros. */
    if (count > w->bit_count) {
        w->overrun = true;
        count = w->bit_count;
    }
    w->bits >>= count;
    w->bit_count -= count;
}

/* Returns the next `count` (<= 16) bits; past the end zeros, and sets overrun. */
static unsigned take(struct inflate *w, unsigned count)
{
    /* Most calls need no new bytes. */
    if (w->bit_count < count)
        refill(w);
    unsigned value = (unsigned)(w->bits & ((1u << count) - 1));
    drop(w, count);
    return value;
}

/* ---- codes -------------------------------------------------------------------------------- */

static unsigned reverse(unsigned code, unsigned length)
{
    unsigned reversed = 0;
    for (; length; length--, code >>= 1)
        reversed = reversed << 1 | (code & 1);
    return reversed;
}

/* Returns whether the lengths are those of a code: none has more codes than are possible, and none
 * is missing, except that a single code is allowed (3.2.7). */
static bool code_is_complete(const struct inflate_code *code, unsigned used)
{
    /* Each bit doubles the codes that are possible; each code that is used takes one of them. */
    int left = 1;
    for (unsigned length = 1; length <= INFLATE_CODE_BITS_MAX; length++) {
        left = left * 2 - code->count[length];
        if (left < 0)
            return false;
    }
    return !left || used <= 1;
}

/* Fills the table of the next nine bits: each code at every index that begins with it. */
static void code_build_fast(struct inflate_code *code, const uint8_t *lengths, unsigned symbols)
{
    uint16_t next[INFLATE_CODE_BITS_MAX + 2] = { 0 };

    /* 3.2.2: the first code of a length is the one after all shorter codes, with a 0 added. */
    memset(code->fast, 0, sizeof(code->fast));
    for (unsigned length = 1; length <= INFLATE_CODE_BITS_MAX; length++)
        next[length + 1] = (uint16_t)((next[length] + code->count[length]) << 1);

    for (unsigned symbol = 0; symbol < symbols; symbol++) {
        unsigned length = lengths[symbol];
        if (!length)
            continue;

        /* Codes are sent from their top bit, but the buffer begins with the lowest one. */
        unsigned bits = reverse(next[length]++, length);
        if (length > INFLATE_FAST_BITS)
            continue;

        /* The bits after the code may have any value. */
        for (; bits < 1u << INFLATE_FAST_BITS; bits += 1u << length)
            code->fast[bits] = (uint16_t)(symbol << 4 | length);
    }
}

/* Builds the code of these code lengths (3.2.2). */
static bool code_build(struct inflate_code *code, const uint8_t *lengths, unsigned symbols)
{
    uint16_t offset[INFLATE_CODE_BITS_MAX + 2] = { 0 };
    unsigned used = 0;

    /* Count the codes of each length. Symbols of length 0 have none. */
    memset(code->count, 0, sizeof(code->count));
    for (unsigned symbol = 0; symbol < symbols; symbol++)
        code->count[lengths[symbol]]++;
    code->count[0] = 0;

    /* The symbols are sorted by length, and so by code. */
    for (unsigned length = 1; length <= INFLATE_CODE_BITS_MAX; length++) {
        offset[length + 1] = (uint16_t)(offset[length] + code->count[length]);
        used += code->count[length];
    }
    if (!code_is_complete(code, used))
        return false;

    /* Among those of one length, they keep their order. */
    for (unsigned symbol = 0; symbol < symbols; symbol++)
        if (lengths[symbol])
            code->symbol[offset[lengths[symbol]]++] = (uint16_t)symbol;
    code_build_fast(code, lengths, symbols);
    return true;
}

/* Returns the next symbol, or -1. `first` is the first code of a length. */
static int code_read_slowly(struct inflate *w, const struct inflate_code *code)
{
    int number = 0, first = 0, index = 0;

    for (unsigned length = 1; length <= INFLATE_CODE_BITS_MAX; length++) {
        /* If the number is one of the `count` codes of this length, it is complete. */
        number |= (int)take(w, 1);
        int count = code->count[length];
        if (number - count < first)
            return w->overrun ? -1 : code->symbol[index + number - first];

        /* Otherwise go one bit further, past the codes of this length. */
        index += count;
        first = (first + count) << 1;
        number <<= 1;
    }
    return -1;
}

static int code_read(struct inflate *w, const struct inflate_code *code)
{
    /* The longest code must be in the buffer. */
    if (w->bit_count < INFLATE_CODE_BITS_MAX)
        refill(w);

    /* 0 means that the next bits begin a longer code, or none. */
    unsigned entry = code->fast[w->bits & ((1u << INFLATE_FAST_BITS) - 1)];
    if (!entry)
        return code_read_slowly(w, code);
    drop(w, entry & 15);
    return w->overrun ? -1 : (int)(entry >> 4);
}

/* ---- blocks ------------------------------------------------------------------------------- */

/* 3.2.4: a length, its complement, and that many bytes. */
static bool block_stored(struct inflate *w)
{
    /* The length begins at the next byte. */
    drop(w, w->bit_count % 8);
    unsigned length = take(w, 16), inverse = take(w, 16);
    if (w->overrun || (length ^ inverse) != 0xffff || length > w->out_room - w->out_used)
        return false;

    /* Some bytes may be in the bit buffer already. */
    for (; length && w->bit_count >= 8; length--)
        w->out[w->out_used++] = (uint8_t)take(w, 8);

    /* The rest is copied straight from the input. */
    if (length > (size_t)(w->in_end - w->in))
        return false;
    memcpy(w->out + w->out_used, w->in, length);
    w->in += length;
    w->out_used += length;
    return true;
}

/* 3.2.5: base values and extra bits of length and distance symbols. */
static const uint16_t length_base[29] = {
    3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
};
static const uint8_t length_extra[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                          2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };
static const uint16_t distance_base[30] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
};

/* Copies earlier output. */
static bool copy_match(struct inflate *w, int symbol)
{
    /* Lengths have the symbols 257 to 285. Two more have codes, but no meaning (3.2.6). */
    if (symbol - 257 >= 29)
        return false;
    size_t length = length_base[symbol - 257] + take(w, length_extra[symbol - 257]);

    /* The distance follows, with a code of its own. From code 4 on, two codes share a number of
     * extra bits. */
    int code = code_read(w, &w->distances);
    if (code < 0 || code >= DISTANCES_MAX)
        return false;
    size_t distance = distance_base[code] + take(w, code < 4 ? 0 : (unsigned)code / 2 - 1);
    if (w->overrun || distance > w->out_used || length > w->out_room - w->out_used)
        return false;

    /* The areas may overlap: then the copy repeats its own output, so it goes byte by byte. */
    uint8_t *to = w->out + w->out_used;
    const uint8_t *from = to - distance;
    w->out_used += length;
    while (length--)
        *to++ = *from++;
    return true;
}

static bool block_coded(struct inflate *w)
{
    for (;;) {
        /* A symbol is a byte, the end of the block, or the length of a match. */
        int symbol = code_read(w, &w->literals);
        if (symbol < 0)
            return false;
        if (symbol == END_OF_BLOCK)
            return true;
        if (symbol > END_OF_BLOCK) {
            if (!copy_match(w, symbol))
                return false;
        } else {
            if (w->out_used == w->out_room)
                return false;
            w->out[w->out_used++] = (uint8_t)symbol;
        }
    }
}

/* 3.2.6: fixed codes. */
static bool block_fixed(struct inflate *w)
{
    /* The lengths are given, not the codes: these follow from them. */
    memset(w->lengths, 8, 144);
    memset(w->lengths + 144, 9, 112);
    memset(w->lengths + 256, 7, 24);
    memset(w->lengths + 280, 8, 8);
    if (!code_build(&w->literals, w->lengths, 288))
        return false;

    /* Two of the 32 distances do not exist; copy_match() rejects them. */
    memset(w->lengths, 5, 32);
    return code_build(&w->distances, w->lengths, 32) && block_coded(w);
}

/* 3.2.7: reads code lengths, which are coded themselves: 16 repeats the last one, 17 and 18 are
 * runs of zeros. */
static bool read_lengths(struct inflate *w, unsigned wanted)
{
    unsigned have = 0;
    while (have < wanted) {
        /* Symbols 0 to 15 are lengths. */
        int symbol = code_read(w, &w->literals);
        if (symbol < 0)
            return false;
        if (symbol < 16) {
            w->lengths[have++] = (uint8_t)symbol;
            continue;
        }

        /* 17 repeats a zero 3 to 10 times, 18 does so 11 to 138 times. */
        uint8_t value = 0;
        unsigned repeat = symbol == 17 ? 3 + take(w, 3) : 11;
        if (symbol == 18)
            repeat += take(w, 7);

        /* 16 repeats the last length 3 to 6 times, so there must be one. */
        if (symbol == 16) {
            if (!have)
                return false;
            value = w->lengths[have - 1];
            repeat = 3 + take(w, 2);
        }

        /* A run may cross from the literals to the distances, but not the end of the list. */
        if (w->overrun || repeat > wanted - have)
            return false;
        memset(w->lengths + have, value, repeat);
        have += repeat;
    }
    return true;
}

/* 3.2.7: codes that the block describes itself, literals and distances in one list of lengths. */
static bool block_dynamic(struct inflate *w)
{
    static const uint8_t order[19] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                       11, 4,  12, 3, 13, 2, 14, 1, 15 };
    unsigned literals = 257 + take(w, 5), distances = 1 + take(w, 5), codes = 4 + take(w, 4);
    if (literals > LITERALS_MAX || distances > DISTANCES_MAX)
        return false;

    /* The lengths of the code for lengths come first, in an order in which the last ones are often
     * 0 and are not sent. `literals` holds this code for now. */
    memset(w->lengths, 0, 19);
    for (unsigned i = 0; i < codes; i++)
        w->lengths[order[i]] = (uint8_t)take(w, 3);
    if (w->overrun || !code_build(&w->literals, w->lengths, 19) ||
        !read_lengths(w, literals + distances) || !w->lengths[END_OF_BLOCK])
        return false;

    /* The code for lengths is not needed any more, so `literals` gets the block's own code. */
    return code_build(&w->distances, w->lengths + literals, distances) &&
           code_build(&w->literals, w->lengths, literals) && block_coded(w);
}

static bool inflate_blocks(struct inflate *w)
{
    bool last = false;
    while (!last) {
        /* 3.2.3: one bit marks the last block, two more have the type. Type 3 is an error. */
        last = take(w, 1);
        unsigned type = take(w, 2);
        if (w->overrun)
            return false;
        bool good = type == 0   ? block_stored(w)
                    : type == 1 ? block_fixed(w)
                    : type == 2 ? block_dynamic(w)
                                : false;
        if (!good)
            return false;
    }
    return true;
}

/* ---- the stream --------------------------------------------------------------------------- */

/* RFC 1950, 8.2. The sums of 5552 bytes do not overflow, so they are reduced once for as many. */
static uint32_t adler32(const uint8_t *data, size_t bytes)
{
    uint32_t a = 1, b = 0;
    while (bytes) {
        size_t run = min(bytes, (size_t)5552);
        bytes -= run;
        while (run--) {
            a += *data++;
            b += a;
        }

        /* 65521 is the largest prime below 2^16. */
        a %= 65521;
        b %= 65521;
    }
    return b << 16 | a;
}

ssize_t inflate_zlib(struct inflate *w, struct bytes packed, void *out, size_t room)
{
    /* RFC 1950, 2.2: the method must be DEFLATE, without a preset dictionary, and the two bytes are
     * a multiple of 31. */
    unsigned header = bytes_be16(packed, 0);
    bool deflate = (header >> 8 & 15) == 8, dictionary = header & 0x20;
    if (packed.length < 6 || !deflate || dictionary || header % 31)
        return -EUCLEAN;

    /* Nothing remains from the previous call. */
    w->in = packed.data + 2;
    w->in_end = packed.data + packed.length;
    w->out = out;
    w->out_used = 0;
    w->out_room = room;
    w->bits = 0;
    w->bit_count = 0;
    w->overrun = false;
    if (!inflate_blocks(w))
        return -EUCLEAN;

    /* The checksum is at the next byte, in big-endian order. */
    drop(w, w->bit_count % 8);
    uint32_t check = 0;
    for (unsigned i = 0; i < 4; i++)
        check = check << 8 | take(w, 8);
    if (w->overrun || check != adler32(out, w->out_used))
        return -EUCLEAN;
    return (ssize_t)w->out_used;
}

/*
 * inflate.c - DEFLATE and zlib; section numbers are RFC 1951's.
 *
 * Codes of up to nine bits are decoded by a table of the next nine bits. Longer ones are decoded
 * bit by bit, by the rule of canonical codes: the codes of one length are consecutive numbers.
 *
 * The input may end anywhere, so it is taken in steps of at most STEP_BITS. A step begins with all
 * of its bits in the buffer, or with all that the piece of input has. If these are too few, the
 * buffer is set back and the step is repeated when there is more input.
 */
#include "lib/deflate/inflate.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    LITERALS_MAX = 286,
    DISTANCES_MAX = 30,
    END_OF_BLOCK = 256,
    CODE_LENGTHS = 19,
    STEP_BITS = 48, /* a length and a distance: two codes of 15 bits, 5 and 13 extra bits */
};

/* What comes next in the input. */
enum {
    STAGE_BLOCK,
    STAGE_STORED_LENGTH,
    STAGE_STORED,
    STAGE_COUNTS,
    STAGE_CODE_LENGTHS,
    STAGE_LENGTHS,
    STAGE_CODED,
    STAGE_END,
    STAGE_DAMAGED,
};

/* Moves on to another stage. Stages return whether to continue. */
static bool enter(struct inflate *w, unsigned stage)
{
    w->stage = stage;
    return true;
}

static bool stop(struct inflate *w, enum inflate_result result)
{
    w->result = result;
    return false;
}

/* ---- bits --------------------------------------------------------------------------------- */

struct step {
    uint64_t bits;
    unsigned bit_count;
};

static struct step step_begin(struct inflate *w)
{
    /* With 56 bits or fewer there is room for a byte. Only at the end are fewer bits left. */
    if (w->bit_count < STEP_BITS)
        while (w->bit_count <= 56 && w->in < w->in_end) {
            w->bits |= (uint64_t)*w->in++ << w->bit_count;
            w->bit_count += 8;
        }
    return (struct step){ w->bits, w->bit_count };
}

static void step_undo(struct inflate *w, struct step step)
{
    w->bits = step.bits;
    w->bit_count = step.bit_count;
    w->overrun = false;
}

/* Returns whether the input was too short for the step, which is undone then. */
static bool step_lacks_input(struct inflate *w, struct step step)
{
    if (!w->overrun)
        return false;
    step_undo(w, step);
    return true;
}

static void drop(struct inflate *w, unsigned count)
{
    /* The step checks `overrun` at its end: until then, missing bits are zeros. */
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
 * is missing, except that a single code of one bit is allowed (3.2.7). */
static bool code_is_complete(const struct inflate_code *code, unsigned used)
{
    /* Each bit doubles the codes that are possible; each code that is used takes one of them. */
    int left = 1;
    for (unsigned length = 1; length <= INFLATE_CODE_BITS_MAX; length++) {
        left = left * 2 - code->count[length];
        if (left < 0)
            return false;
    }
    return !left || (used <= 1 && code->count[1] == used);
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
    /* 0 means that the next bits begin a longer code, or none. */
    unsigned entry = code->fast[w->bits & ((1u << INFLATE_FAST_BITS) - 1)];
    if (!entry)
        return code_read_slowly(w, code);
    drop(w, entry & 15);
    return w->overrun ? -1 : (int)(entry >> 4);
}

/* ---- blocks ------------------------------------------------------------------------------- */

/* 3.2.6: fixed codes. */
static void build_fixed(struct inflate *w)
{
    /* The lengths are given, not the codes: these follow from them. */
    memset(w->lengths, 8, 144);
    memset(w->lengths + 144, 9, 112);
    memset(w->lengths + 256, 7, 24);
    memset(w->lengths + 280, 8, 8);
    IGNORE(code_build(&w->literals, w->lengths, 288)); /* these two are complete */

    /* Two of the 32 distances do not exist; take_match() rejects them. */
    memset(w->lengths, 5, 32);
    IGNORE(code_build(&w->distances, w->lengths, 32));
}

/* 3.2.3: one bit marks the last block, two more have the type. Type 3 is an error. */
static bool run_block(struct inflate *w)
{
    static const uint8_t stages[4] = { STAGE_STORED_LENGTH, STAGE_CODED, STAGE_COUNTS,
                                       STAGE_DAMAGED };
    if (w->last)
        return enter(w, STAGE_END);
    struct step step = step_begin(w);
    bool last = take(w, 1);
    unsigned type = take(w, 2);
    if (step_lacks_input(w, step))
        return stop(w, INFLATE_MORE);
    w->last = last;
    if (type == 1)
        build_fixed(w);
    return enter(w, stages[type]);
}

/* 3.2.4: a length and its complement, from the next byte on. */
static bool run_stored_length(struct inflate *w)
{
    struct step step = step_begin(w);
    drop(w, w->bit_count % 8);
    unsigned length = take(w, 16), inverse = take(w, 16);
    if (step_lacks_input(w, step))
        return stop(w, INFLATE_MORE);
    w->length = length;
    return enter(w, (length ^ inverse) == 0xffff ? STAGE_STORED : STAGE_DAMAGED);
}

/* 3.2.4: that many bytes. */
static bool run_stored(struct inflate *w)
{
    /* Some bytes may be in the bit buffer already. */
    for (; w->length && w->bit_count && w->out_used < w->out_room; w->length--)
        w->out[w->out_used++] = (uint8_t)take(w, 8);

    /* The rest is copied straight from the input. */
    if (w->length && !w->bit_count) {
        size_t run = min(w->length, w->out_room - w->out_used);
        run = min(run, (size_t)(w->in_end - w->in));
        memcpy(w->out + w->out_used, w->in, run);
        w->in += run;
        w->out_used += run;
        w->length -= run;
    }
    if (w->length)
        return stop(w, w->out_used == w->out_room ? INFLATE_FULL : INFLATE_MORE);
    return enter(w, STAGE_BLOCK);
}

/* 3.2.7: how many codes the block describes itself. */
static bool run_counts(struct inflate *w)
{
    struct step step = step_begin(w);
    unsigned literals = 257 + take(w, 5), distances = 1 + take(w, 5), codes = 4 + take(w, 4);
    if (step_lacks_input(w, step))
        return stop(w, INFLATE_MORE);
    if (literals > LITERALS_MAX || distances > DISTANCES_MAX)
        return enter(w, STAGE_DAMAGED);

    w->literal_count = literals;
    w->distance_count = distances;
    w->code_count = codes;
    w->have = 0;
    memset(w->lengths, 0, CODE_LENGTHS);
    return enter(w, STAGE_CODE_LENGTHS);
}

/* 3.2.7: the lengths of the code for lengths, in an order in which the last ones are often 0 and
 * are not sent. `literals` holds this code until the lengths are read. */
static bool run_code_lengths(struct inflate *w)
{
    static const uint8_t order[CODE_LENGTHS] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                 11, 4,  12, 3, 13, 2, 14, 1, 15 };
    for (; w->have < w->code_count; w->have++) {
        struct step step = step_begin(w);
        w->lengths[order[w->have]] = (uint8_t)take(w, 3);
        if (step_lacks_input(w, step))
            return stop(w, INFLATE_MORE);
    }
    w->have = 0;
    return enter(w, code_build(&w->literals, w->lengths, CODE_LENGTHS) ? STAGE_LENGTHS
                                                                      : STAGE_DAMAGED);
}

/* Reads one length, or a run of equal ones. Returns how many, 0 if that is not possible. */
static unsigned take_lengths(struct inflate *w, uint8_t *value)
{
    /* Symbols 0 to 15 are lengths. */
    int symbol = code_read(w, &w->literals);
    *value = symbol > 0 && symbol < 16 ? (uint8_t)symbol : 0;
    if (symbol < 16)
        return symbol >= 0;

    /* 17 repeats a zero 3 to 10 times, 18 does so 11 to 138 times. */
    if (symbol > 16)
        return symbol == 17 ? 3 + take(w, 3) : 11 + take(w, 7);

    /* 16 repeats the last length 3 to 6 times, so there must be one. */
    if (!w->have)
        return 0;
    *value = w->lengths[w->have - 1];
    return 3 + take(w, 2);
}

/* 3.2.7: the lengths of the codes of literals and distances, in one list. */
static bool run_lengths(struct inflate *w)
{
    unsigned wanted = w->literal_count + w->distance_count;
    while (w->have < wanted) {
        uint8_t value;
        struct step step = step_begin(w);
        unsigned repeat = take_lengths(w, &value);
        if (step_lacks_input(w, step))
            return stop(w, INFLATE_MORE);

        /* A run may cross from the literals to the distances, but not the end of the list. */
        if (!repeat || repeat > wanted - w->have)
            return enter(w, STAGE_DAMAGED);
        memset(w->lengths + w->have, value, repeat);
        w->have += repeat;
    }

    /* The code for lengths is not needed any more, so `literals` gets the block's own code. */
    bool good = w->lengths[END_OF_BLOCK] &&
                code_build(&w->distances, w->lengths + w->literal_count, w->distance_count) &&
                code_build(&w->literals, w->lengths, w->literal_count);
    return enter(w, good ? STAGE_CODED : STAGE_DAMAGED);
}

/* ---- codes of literals and matches -------------------------------------------------------- */

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

/* Reads the length and the distance of a match. Returns false if they are not valid. */
static bool take_match(struct inflate *w, int symbol)
{
    /* Lengths have the symbols 257 to 285. Two more have codes, but no meaning (3.2.6). */
    if (symbol - 257 >= 29)
        return false;
    unsigned length = length_base[symbol - 257] + take(w, length_extra[symbol - 257]);

    /* The distance follows, with a code of its own. From code 4 on, two codes share a number of
     * extra bits. */
    int code = code_read(w, &w->distances);
    if (code < 0 || code >= DISTANCES_MAX)
        return false;
    w->length = length;
    w->distance = distance_base[code] + take(w, code < 4 ? 0 : (unsigned)code / 2 - 1);
    return w->distance <= w->out_used;
}

/* Copies earlier output, as far as there is room. */
static void copy_match(struct inflate *w)
{
    size_t run = min(w->length, w->out_room - w->out_used);
    uint8_t *to = w->out + w->out_used;
    const uint8_t *from = to - w->distance;
    w->out_used += run;
    w->length -= run;

    /* The areas may overlap: then the copy repeats its own output, so it goes byte by byte. */
    while (run--)
        *to++ = *from++;
}

/* 3.2.3: bytes and matches, up to the end of the block. */
static bool run_coded(struct inflate *w)
{
    for (;;) {
        /* A match that was longer than the room for it is continued. */
        if (w->length) {
            copy_match(w);
            if (w->length)
                return stop(w, INFLATE_FULL);
        }

        /* A symbol is a byte, the end of the block, or the length of a match. */
        struct step step = step_begin(w);
        int symbol = code_read(w, &w->literals);
        bool valid = symbol >= 0 && (symbol <= END_OF_BLOCK || take_match(w, symbol));
        if (step_lacks_input(w, step)) {
            w->length = 0;
            return stop(w, INFLATE_MORE);
        }
        if (!valid || symbol == END_OF_BLOCK)
            return enter(w, valid ? STAGE_BLOCK : STAGE_DAMAGED);
        if (symbol < END_OF_BLOCK && w->out_used == w->out_room) {
            step_undo(w, step);
            return stop(w, INFLATE_FULL);
        }
        if (symbol < END_OF_BLOCK)
            w->out[w->out_used++] = (uint8_t)symbol;
    }
}

/* ---- the stream --------------------------------------------------------------------------- */

static bool run_stage(struct inflate *w)
{
    switch (w->stage) {
    case STAGE_BLOCK: return run_block(w);
    case STAGE_STORED_LENGTH: return run_stored_length(w);
    case STAGE_STORED: return run_stored(w);
    case STAGE_COUNTS: return run_counts(w);
    case STAGE_CODE_LENGTHS: return run_code_lengths(w);
    case STAGE_LENGTHS: return run_lengths(w);
    case STAGE_CODED: return run_coded(w);
    case STAGE_END: return stop(w, INFLATE_END);
    default: return stop(w, INFLATE_DAMAGED);
    }
}

void inflate_begin(struct inflate *w, void *out, size_t room)
{
    w->stage = STAGE_BLOCK;
    w->last = false;
    w->length = 0;
    w->out = out;
    w->out_used = 0;
    w->out_room = room;
}

void inflate_feed(struct inflate *w, struct bytes packed)
{
    w->in = packed.data;
    w->in_end = packed.data + packed.length;
}

enum inflate_result inflate_run(struct inflate *w)
{
    while (run_stage(w))
        continue;
    return w->result;
}

void inflate_slide(struct inflate *w)
{
    if (w->out_used <= INFLATE_WINDOW)
        return;
    memmove(w->out, w->out + w->out_used - INFLATE_WINDOW, INFLATE_WINDOW);
    w->out_used = INFLATE_WINDOW;
}

int inflate_byte(struct inflate *w)
{
    struct step step = step_begin(w);
    drop(w, w->bit_count % 8);
    unsigned value = take(w, 8);
    return step_lacks_input(w, step) ? -1 : (int)value;
}

/* ---- zlib --------------------------------------------------------------------------------- */

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
    w->bits = 0;
    w->bit_count = 0;
    w->overrun = false;
    inflate_begin(w, out, room);
    inflate_feed(w, (struct bytes){ packed.data + 2, packed.length - 2 });
    if (inflate_run(w) != INFLATE_END)
        return -EUCLEAN;

    /* The checksum is at the next byte, in big-endian order. */
    uint32_t check = 0;
    for (unsigned i = 0; i < 4; i++) {
        int byte = inflate_byte(w);
        if (byte < 0)
            return -EUCLEAN;
        check = check << 8 | (unsigned)byte;
    }
    return check == adler32(out, w->out_used) ? (ssize_t)w->out_used : -EUCLEAN;
}

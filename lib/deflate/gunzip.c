/*
 * gunzip.c - the members of gzip files, byte by byte around their blocks; see gunzip.h.
 */
#include "lib/deflate/gunzip.h"
#include "lib/digest/crc32.h"
#include "lib/macros.h"

/* RFC 1952, 2.3: the fields of a header, and its flags. */
enum {
    MAGIC_1 = 0x1f,
    MAGIC_2 = 0x8b,
    METHOD = 2,
    FLAGS = 3,

    METHOD_DEFLATE = 8,

    FLAG_HEADER_CRC = 0x02,
    FLAG_EXTRA = 0x04,
    FLAG_NAME = 0x08,
    FLAG_COMMENT = 0x10,
    FLAGS_RESERVED = 0xe0,
};

/* What comes next in the input. */
enum {
    STAGE_HEADER,
    STAGE_EXTRA_LENGTH,
    STAGE_EXTRA,
    STAGE_NAME,
    STAGE_COMMENT,
    STAGE_HEADER_CRC,
    STAGE_BLOCKS,
    STAGE_CRC,
    STAGE_LENGTH,
    STAGE_ZEROS, /* after the last member */
    STAGE_FAILED,
};

static bool enter(struct gunzip *g, unsigned stage)
{
    g->stage = stage;
    g->trailer = 0;
    g->trailer_used = 0;
    return true;
}

static bool stop(struct gunzip *g, enum gunzip_result result)
{
    if (result != GUNZIP_MORE && result != GUNZIP_OUTPUT)
        g->stage = STAGE_FAILED;
    g->result = result;
    return false;
}

/* ---- headers ------------------------------------------------------------------------------ */

static void member_begin(struct gunzip *g)
{
    g->header_used = 0;
    g->header_crc = 0;
    g->skip = 0;
    g->crc = 0;
    g->length = 0;
    g->given = 0;
    enter(g, STAGE_HEADER);
}

/* Returns the next byte of a header, or -1. */
static int header_byte(struct gunzip *g)
{
    int byte = inflate_byte(&g->inflate);
    uint8_t value = (uint8_t)byte;
    if (byte >= 0)
        g->header_crc = crc32_add(g->header_crc, &value, 1);
    return byte;
}

/* Reads a number of `bytes` bytes, the lowest first, into g->trailer. Returns false without
 * input. */
static bool take_number(struct gunzip *g, unsigned bytes, int (*take)(struct gunzip *g))
{
    while (g->trailer_used < bytes) {
        int byte = take(g);
        if (byte < 0)
            return false;
        g->trailer |= (uint32_t)byte << 8 * g->trailer_used++;
    }
    return true;
}

static int trailer_byte(struct gunzip *g)
{
    return inflate_byte(&g->inflate);
}

/* Returns whether the bytes so far may begin a member. */
static bool header_fits(const struct gunzip *g)
{
    return g->header[0] == MAGIC_1 && (g->header_used < 2 || g->header[1] == MAGIC_2);
}

static bool run_header(struct gunzip *g)
{
    while (g->header_used < GUNZIP_HEADER) {
        int byte = header_byte(g);
        if (byte < 0)
            return stop(g, GUNZIP_MORE);
        g->header[g->header_used++] = (uint8_t)byte;

        /* A file may be padded with zeros, as on a tape. */
        if (!header_fits(g) && !g->first && !g->header[0])
            return enter(g, STAGE_ZEROS);
        if (!header_fits(g))
            return stop(g, g->first ? GUNZIP_FOREIGN : GUNZIP_GARBAGE);
    }
    if (g->header[METHOD] != METHOD_DEFLATE || g->header[FLAGS] & FLAGS_RESERVED)
        return stop(g, GUNZIP_UNKNOWN);
    return enter(g, STAGE_EXTRA_LENGTH);
}

static bool run_extra_length(struct gunzip *g)
{
    if (g->header[FLAGS] & FLAG_EXTRA) {
        if (!take_number(g, 2, header_byte))
            return stop(g, GUNZIP_MORE);
        g->skip = g->trailer;
    }
    return enter(g, STAGE_EXTRA);
}

static bool run_extra(struct gunzip *g)
{
    for (; g->skip; g->skip--)
        if (header_byte(g) < 0)
            return stop(g, GUNZIP_MORE);
    return enter(g, STAGE_NAME);
}

/* Skips a text that ends with a NUL, if the flag says that there is one. */
static bool run_text(struct gunzip *g, unsigned flag, unsigned next)
{
    int byte = g->header[FLAGS] & flag ? header_byte(g) : 0;
    while (byte > 0)
        byte = header_byte(g);
    return byte < 0 ? stop(g, GUNZIP_MORE) : enter(g, next);
}

static bool run_header_crc(struct gunzip *g)
{
    /* The lower half of the CRC-32 of all bytes before it. */
    if (g->header[FLAGS] & FLAG_HEADER_CRC) {
        if (!take_number(g, 2, trailer_byte))
            return stop(g, GUNZIP_MORE);
        if (g->trailer != (g->header_crc & 0xffff))
            return stop(g, GUNZIP_HEADER_CRC);
    }
    inflate_begin(&g->inflate, g->window, sizeof(g->window));
    return enter(g, STAGE_BLOCKS);
}

/* ---- contents ----------------------------------------------------------------------------- */

static bool run_blocks(struct gunzip *g)
{
    /* What was given can be forgotten, once the window is full. */
    if (g->given == sizeof(g->window)) {
        inflate_slide(&g->inflate);
        g->given = INFLATE_WINDOW;
    }

    enum inflate_result result = inflate_run(&g->inflate);
    size_t bytes = g->inflate.out_used - g->given;
    if (bytes) {
        g->output = (struct bytes){ g->window + g->given, bytes };
        g->given += bytes;
        g->crc = crc32_add(g->crc, g->output.data, bytes);
        g->length += (uint32_t)bytes;
        g->total += bytes;
        return stop(g, GUNZIP_OUTPUT);
    }
    if (result == INFLATE_END)
        return enter(g, STAGE_CRC);
    return stop(g, result == INFLATE_MORE ? GUNZIP_MORE : GUNZIP_DAMAGED);
}

static bool run_crc(struct gunzip *g)
{
    if (!take_number(g, 4, trailer_byte))
        return stop(g, GUNZIP_MORE);
    return g->trailer == g->crc ? enter(g, STAGE_LENGTH) : stop(g, GUNZIP_CRC);
}

static bool run_length(struct gunzip *g)
{
    if (!take_number(g, 4, trailer_byte))
        return stop(g, GUNZIP_MORE);
    if (g->trailer != g->length)
        return stop(g, GUNZIP_LENGTH);
    g->first = false;
    member_begin(g);
    return true;
}

static bool run_zeros(struct gunzip *g)
{
    int byte;
    while (!(byte = inflate_byte(&g->inflate)))
        continue;
    return stop(g, byte < 0 ? GUNZIP_MORE : GUNZIP_GARBAGE);
}

/* ---- the file ----------------------------------------------------------------------------- */

static bool run_stage(struct gunzip *g)
{
    switch (g->stage) {
    case STAGE_HEADER: return run_header(g);
    case STAGE_EXTRA_LENGTH: return run_extra_length(g);
    case STAGE_EXTRA: return run_extra(g);
    case STAGE_NAME: return run_text(g, FLAG_NAME, STAGE_COMMENT);
    case STAGE_COMMENT: return run_text(g, FLAG_COMMENT, STAGE_HEADER_CRC);
    case STAGE_HEADER_CRC: return run_header_crc(g);
    case STAGE_BLOCKS: return run_blocks(g);
    case STAGE_CRC: return run_crc(g);
    case STAGE_LENGTH: return run_length(g);
    case STAGE_ZEROS: return run_zeros(g);
    default: return false;
    }
}

void gunzip_begin(struct gunzip *g)
{
    g->first = true;
    g->total = 0;
    g->inflate.bits = 0;
    g->inflate.bit_count = 0;
    g->inflate.overrun = false;
    g->inflate.in = g->inflate.in_end = NULL;
    member_begin(g);
}

void gunzip_feed(struct gunzip *g, struct bytes packed)
{
    inflate_feed(&g->inflate, packed);
}

enum gunzip_result gunzip_run(struct gunzip *g)
{
    while (run_stage(g))
        continue;
    return g->result;
}

enum gunzip_result gunzip_end(struct gunzip *g)
{
    bool between = g->stage == STAGE_HEADER && !g->header_used && !g->first;
    if (between || g->stage == STAGE_ZEROS)
        return GUNZIP_END;
    if (g->stage == STAGE_FAILED)
        return g->result;
    return GUNZIP_TRUNCATED;
}

const char *gunzip_text(enum gunzip_result result)
{
    switch (result) {
    case GUNZIP_FOREIGN: return "not in gzip format";
    case GUNZIP_UNKNOWN: return "unknown method or flags -- not supported";
    case GUNZIP_HEADER_CRC: return "invalid compressed data--header checksum differs";
    case GUNZIP_DAMAGED: return "invalid compressed data--format violated";
    case GUNZIP_CRC: return "invalid compressed data--crc error";
    case GUNZIP_LENGTH: return "invalid compressed data--length error";
    case GUNZIP_TRUNCATED: return "unexpected end of file";
    case GUNZIP_GARBAGE: return "decompression OK, trailing garbage ignored";
    default: return "complete";
    }
}

/*
 * deflate.c - packs bytes as DEFLATE in a gzip file; section numbers are RFC 1951's.
 */
#include "lib/deflate/deflate.h"
#include "lib/digest/crc32.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    LITERALS = 286,
    DISTANCES = 30,
    CODE_LENGTHS = 19,
    END_OF_BLOCK = 256,
    MATCH_MIN = 3,
    MATCH_MAX = 258,
    CHAIN_MAX = 48,      /* earlier places that are compared */
    LENGTH_BITS_MAX = 7, /* of the code of lengths */
    CODE_BITS_MAX = 15,
};

enum { BLOCK_STORED, BLOCK_FIXED, BLOCK_DYNAMIC };

/* ---- output ------------------------------------------------------------------------------- */

static void put_out(struct gzipper *g)
{
    g->put(g->context, g->out, g->out_used);
    g->out_used = 0;
}

static void put_byte(struct gzipper *g, uint8_t byte)
{
    if (g->out_used == DEFLATE_OUT)
        put_out(g);
    g->out[g->out_used++] = byte;
}

static void put_bits(struct gzipper *g, uint32_t value, unsigned count)
{
    g->bits |= (uint64_t)value << g->bit_count;
    g->bit_count += count;
    for (; g->bit_count >= 8; g->bit_count -= 8) {
        put_byte(g, (uint8_t)g->bits);
        g->bits >>= 8;
    }
}

/* Fills the byte that has begun. */
static void align(struct gzipper *g)
{
    put_bits(g, 0, -g->bit_count & 7);
}

static void put_symbol(struct gzipper *g, const struct deflate_code *code, unsigned symbol)
{
    put_bits(g, code->bits[symbol], code->length[symbol]);
}

/* ---- codes -------------------------------------------------------------------------------- */

/* Returns the node of the least weight that has no parent yet, except `other`. */
static unsigned least(const struct gzipper *g, unsigned nodes, unsigned other)
{
    unsigned found = nodes;
    for (unsigned i = 0; i < nodes; i++)
        if (g->tree.weight[i] && !g->tree.parent[i] && i != other &&
            (found == nodes || g->tree.weight[i] < g->tree.weight[found]))
            found = i;
    return found;
}

/* Builds Huffman's tree: the two least nodes get a common parent, until one is left. Returns the
 * number of nodes, the last of which is the root. */
static unsigned build_tree(struct gzipper *g, const struct deflate_code *code, unsigned symbols,
                           unsigned shift)
{
    unsigned nodes = symbols;
    for (unsigned i = 0; i < symbols; i++)
        g->tree.weight[i] = code->count[i] ? (code->count[i] >> shift) + 1 : 0;
    memset(g->tree.parent, 0, sizeof(g->tree.parent));
    for (;; nodes++) {
        unsigned a = least(g, nodes, nodes), b = least(g, nodes, a);
        if (b == nodes)
            return nodes;
        g->tree.weight[nodes] = g->tree.weight[a] + g->tree.weight[b];
        g->tree.parent[a] = g->tree.parent[b] = (uint16_t)nodes;
    }
}

/* Sets the lengths of the codes: the depths in the tree. Returns the greatest. */
static unsigned take_depths(const struct gzipper *g, struct deflate_code *code, unsigned symbols)
{
    unsigned greatest = 0;
    for (unsigned i = 0; i < symbols; i++) {
        unsigned depth = 0;
        for (unsigned at = i; g->tree.parent[at]; at = g->tree.parent[at])
            depth++;
        if (code->count[i] && !depth)
            depth = 1; /* the only symbol */
        code->length[i] = (uint8_t)depth;
        greatest = max(greatest, depth);
    }
    return greatest;
}

/* Sets the codes that follow from their lengths (3.2.2). */
static void set_bits(struct deflate_code *code, unsigned symbols)
{
    unsigned next[CODE_BITS_MAX + 2] = { 0 }, used[CODE_BITS_MAX + 1] = { 0 };
    for (unsigned i = 0; i < symbols; i++)
        used[code->length[i]] += code->length[i] > 0;
    for (unsigned length = 1; length <= CODE_BITS_MAX; length++)
        next[length + 1] = (next[length] + used[length]) << 1;

    /* Codes are sent from their top bit on. */
    for (unsigned i = 0; i < symbols; i++) {
        unsigned value = code->length[i] ? next[code->length[i]]++ : 0, reversed = 0;
        for (unsigned bit = 0; bit < code->length[i]; bit++, value >>= 1)
            reversed = reversed << 1 | (value & 1);
        code->bits[i] = (uint16_t)reversed;
    }
}

/* Makes the code of its counts. Counts become more equal until no code is too long. */
static void make_code(struct gzipper *g, struct deflate_code *code, unsigned symbols,
                      unsigned bits_max)
{
    unsigned shift = 0;
    do
        IGNORE(build_tree(g, code, symbols, shift)); /* the depths follow from the parents */
    while (take_depths(g, code, symbols) > bits_max && ++shift);
    set_bits(code, symbols);
}

/* 3.2.6: the fixed codes. */
static void make_fixed(struct gzipper *g)
{
    for (unsigned i = 0; i < DEFLATE_SYMBOLS; i++)
        g->literals.length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    memset(g->distances.length, 5, DISTANCES);
    set_bits(&g->literals, DEFLATE_SYMBOLS);
    set_bits(&g->distances, DISTANCES);
}

/* ---- symbols ------------------------------------------------------------------------------ */

static unsigned log2_of(unsigned value)
{
    unsigned log = 0;
    while (value >>= 1)
        log++;
    return log;
}

/* 3.2.5: the symbol of a length, and its extra bits: four lengths share a power of two. */
static unsigned length_symbol(unsigned length, unsigned *extra)
{
    unsigned value = length - MATCH_MIN, log = log2_of(value);
    *extra = 0;
    if (length == MATCH_MAX)
        return 285;
    if (log < 3)
        return 257 + value;
    *extra = log - 2;
    return 257 + 4 * (log - 1) + (value >> (log - 2) & 3);
}

/* 3.2.5: the symbol of a distance: two share a power of two. */
static unsigned distance_symbol(unsigned distance, unsigned *extra)
{
    unsigned value = distance - 1, log = log2_of(value);
    *extra = log < 2 ? 0 : log - 1;
    return log < 2 ? value : 2 * log + (value >> (log - 1) & 1);
}

/* ---- tokens ------------------------------------------------------------------------------- */

static unsigned hash_at(const uint8_t *at)
{
    uint32_t three = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    return three * 2654435761u >> (32 - DEFLATE_HASH_BITS);
}

/* Remembers where the bytes at a position are, if there are three. */
static void remember(struct gzipper *g, size_t at)
{
    if (g->end - at < MATCH_MIN)
        return;
    unsigned hash = hash_at(g->window + at);
    g->older[at] = g->newest[hash];
    g->newest[hash] = (uint16_t)(at + 1);
}

/* Returns the length of the longest match of the bytes at a position, 0 for none. */
static unsigned find_match(const struct gzipper *g, size_t at, unsigned *distance)
{
    const uint8_t *bytes = g->window + at;
    unsigned most = (unsigned)min(g->end - at, (size_t)MATCH_MAX), longest = 0;
    if (most < MATCH_MIN)
        return 0;
    unsigned next = g->newest[hash_at(bytes)];
    for (unsigned chain = CHAIN_MAX; next && chain && longest < most; chain--) {
        const uint8_t *earlier = g->window + next - 1;
        unsigned length = 0;
        if (bytes - earlier > DEFLATE_WINDOW)
            break;
        while (length < most && earlier[length] == bytes[length])
            length++;
        if (length > longest) {
            longest = length;
            *distance = (unsigned)(bytes - earlier);
        }
        next = g->older[next - 1];
    }
    return longest < MATCH_MIN ? 0 : longest;
}

static void add_token(struct gzipper *g, uint32_t token)
{
    unsigned extra;
    g->token[g->token_count++] = token;
    if (token >> 16) {
        g->literals.count[length_symbol(token >> 16, &extra)]++;
        g->distances.count[distance_symbol(token & 0xffff, &extra)]++;
    } else {
        g->literals.count[token]++;
    }
}

/* Makes the tokens of the bytes that are not packed yet, and counts their symbols. */
static void find_tokens(struct gzipper *g)
{
    memset(g->literals.count, 0, sizeof(g->literals.count));
    memset(g->distances.count, 0, sizeof(g->distances.count));
    g->literals.count[END_OF_BLOCK] = 1;
    g->token_count = 0;
    for (size_t at = g->start; at < g->end;) {
        unsigned distance = 0, length = find_match(g, at, &distance);
        add_token(g, length ? length << 16 | distance : g->window[at]);
        for (size_t next = at + max(length, 1u); at < next; at++)
            remember(g, at);
    }
}

/* ---- blocks ------------------------------------------------------------------------------- */

/* Returns the bits that the tokens take in the present codes. */
static uint64_t token_bits(const struct gzipper *g)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < LITERALS; i++)
        bits += (uint64_t)g->literals.count[i] *
                (g->literals.length[i] + (i < 265 || i == 285 ? 0 : (i - 261) / 4));
    for (unsigned i = 0; i < DISTANCES; i++)
        bits += (uint64_t)g->distances.count[i] *
                (g->distances.length[i] + (i < 4 ? 0 : i / 2 - 1));
    return bits;
}

static void put_tokens(struct gzipper *g)
{
    for (size_t i = 0; i < g->token_count; i++) {
        unsigned length = g->token[i] >> 16, distance = g->token[i] & 0xffff, extra;
        if (!length) {
            put_symbol(g, &g->literals, g->token[i]);
            continue;
        }
        put_symbol(g, &g->literals, length_symbol(length, &extra));
        put_bits(g, (length - MATCH_MIN) & ((1u << extra) - 1), extra);
        put_symbol(g, &g->distances, distance_symbol(distance, &extra));
        put_bits(g, (distance - 1) & ((1u << extra) - 1), extra);
    }
    put_symbol(g, &g->literals, END_OF_BLOCK);
}

/* 3.2.7: the lengths of both codes, each by a symbol of a third code. Returns the bits. */
static uint64_t make_lengths_code(struct gzipper *g)
{
    uint64_t bits = 5 + 5 + 4 + 3 * CODE_LENGTHS;
    memset(&g->lengths, 0, sizeof(g->lengths));
    for (unsigned i = 0; i < LITERALS; i++)
        g->lengths.count[g->literals.length[i]]++;
    for (unsigned i = 0; i < DISTANCES; i++)
        g->lengths.count[g->distances.length[i]]++;
    make_code(g, &g->lengths, CODE_LENGTHS, LENGTH_BITS_MAX);
    for (unsigned i = 0; i < CODE_LENGTHS; i++)
        bits += (uint64_t)g->lengths.count[i] * g->lengths.length[i];
    return bits;
}

static void put_codes(struct gzipper *g)
{
    static const uint8_t order[CODE_LENGTHS] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                 11, 4,  12, 3, 13, 2, 14, 1, 15 };
    put_bits(g, LITERALS - 257, 5);
    put_bits(g, DISTANCES - 1, 5);
    put_bits(g, CODE_LENGTHS - 4, 4);
    for (unsigned i = 0; i < CODE_LENGTHS; i++)
        put_bits(g, g->lengths.length[order[i]], 3);
    for (unsigned i = 0; i < LITERALS; i++)
        put_symbol(g, &g->lengths, g->literals.length[i]);
    for (unsigned i = 0; i < DISTANCES; i++)
        put_symbol(g, &g->lengths, g->distances.length[i]);
}

/* 3.2.4. A block is at most half a window, so its length fits. */
static void put_stored(struct gzipper *g)
{
    uint32_t bytes = (uint32_t)(g->end - g->start);
    align(g);
    put_bits(g, bytes, 16);
    put_bits(g, ~bytes & 0xffff, 16);
    for (size_t at = g->start; at < g->end; at++)
        put_byte(g, g->window[at]);
}

/* Packs the bytes that wait. */
static void put_block(struct gzipper *g, bool last)
{
    uint64_t stored = 3 + 7 + 32 + 8 * (uint64_t)(g->end - g->start);
    find_tokens(g);
    make_fixed(g);
    uint64_t fixed = 3 + token_bits(g);
    make_code(g, &g->literals, LITERALS, CODE_BITS_MAX);
    make_code(g, &g->distances, DISTANCES, CODE_BITS_MAX);
    uint64_t dynamic = 3 + make_lengths_code(g) + token_bits(g);

    unsigned type = dynamic < fixed ? BLOCK_DYNAMIC : BLOCK_FIXED;
    if (stored < min(fixed, dynamic))
        type = BLOCK_STORED;
    put_bits(g, last, 1);
    put_bits(g, type, 2);
    if (type == BLOCK_STORED) {
        put_stored(g);
    } else {
        if (type == BLOCK_DYNAMIC)
            put_codes(g);
        else
            make_fixed(g);
        put_tokens(g);
    }
    g->start = g->end;
}

/* Forgets the older half of a full window. */
static void slide(struct gzipper *g)
{
    memmove(g->window, g->window + DEFLATE_WINDOW, DEFLATE_WINDOW);
    memmove(g->older, g->older + DEFLATE_WINDOW, DEFLATE_WINDOW * sizeof(*g->older));
    for (size_t i = 0; i < DEFLATE_WINDOW; i++)
        g->older[i] -= min(g->older[i], (uint16_t)DEFLATE_WINDOW);
    for (size_t i = 0; i < ARRAY_LENGTH(g->newest); i++)
        g->newest[i] -= min(g->newest[i], (uint16_t)DEFLATE_WINDOW);
    g->start -= DEFLATE_WINDOW;
    g->end -= DEFLATE_WINDOW;
}

/* ---- files -------------------------------------------------------------------------------- */

void gzipper_begin(struct gzipper *g, void (*put)(void *context, const void *data, size_t bytes),
                   void *context)
{
    /* DEFLATE, without a name or a time; the system is not known. */
    static const uint8_t header[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
    g->put = put;
    g->context = context;
    g->crc = g->length = 0;
    g->bits = 0;
    g->bit_count = 0;
    g->start = g->end = g->out_used = 0;
    memset(g->newest, 0, sizeof(g->newest));
    for (unsigned i = 0; i < sizeof(header); i++)
        put_byte(g, header[i]);
}

void gzipper_add(struct gzipper *g, const void *data, size_t bytes)
{
    const uint8_t *from = data;
    g->crc = crc32_add(g->crc, data, bytes);
    g->length += (uint32_t)bytes;
    while (bytes) {
        size_t run = min(bytes, DEFLATE_WINDOW - (g->end - g->start));
        memcpy(g->window + g->end, from, run);
        g->end += run;
        from += run;
        bytes -= run;
        if (g->end - g->start == DEFLATE_WINDOW)
            put_block(g, false);
        if (g->end == sizeof(g->window))
            slide(g);
    }
}

void gzipper_end(struct gzipper *g)
{
    put_block(g, true);
    align(g);
    put_bits(g, g->crc, 32);
    put_bits(g, g->length, 32);
    put_out(g);
}

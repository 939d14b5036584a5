/*
 * deflate.h - packs bytes as DEFLATE and as gzip files, in pieces.
 *
 *     struct gzipper *gzipper = mem_zalloc(sizeof(*gzipper));
 *     gzipper_begin(gzipper, put, context);
 *     gzipper_add(gzipper, piece, bytes);   ...
 *     gzipper_end(gzipper);
 *
 * Model       The bytes are collected in a window. Each time that half of it is full, these bytes
 *             are packed as one block: a list of bytes, and of matches with earlier bytes, which a
 *             hash of three bytes finds. The list is put out in whichever form is the shortest:
 *             with codes made for it, with the fixed ones, or as bytes that are stored.
 * Ownership   Allocates nothing: a `struct gzipper` is about 370 KiB. Pieces are borrowed for the
 *             call.
 * References  RFC 1951 (DEFLATE), RFC 1952 (gzip).
 */
#ifndef LIB_DEFLATE_DEFLATE_H
#define LIB_DEFLATE_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DEFLATE_WINDOW = 32768,
    DEFLATE_HASH_BITS = 14,
    DEFLATE_SYMBOLS = 288,
    DEFLATE_OUT = 1024,
};

/* A Huffman code that is made from counts. */
struct deflate_code {
    uint32_t count[DEFLATE_SYMBOLS]; /* how often each symbol is used */
    uint8_t length[DEFLATE_SYMBOLS]; /* of its code, in bits; 0: it has none */
    uint16_t bits[DEFLATE_SYMBOLS];  /* the code, the first bit in bit 0 */
};

struct gzipper {
    void (*put)(void *context, const void *data, size_t bytes);
    void *context;
    uint32_t crc, length;
    uint64_t bits;         /* not put out yet; the next one is bit 0 */
    unsigned bit_count;

    size_t start, end;     /* in the window: of the bytes that are not packed yet */
    size_t token_count;
    struct deflate_code literals, distances, lengths; /* the last one: of lengths of codes */
    struct {
        uint32_t weight[2 * DEFLATE_SYMBOLS];
        uint16_t parent[2 * DEFLATE_SYMBOLS];
    } tree;                /* while a code is made */

    uint16_t newest[1 << DEFLATE_HASH_BITS]; /* 1 + position of the newest bytes of a hash, or 0 */
    uint16_t older[2 * DEFLATE_WINDOW];      /* by position: those before them */
    uint32_t token[DEFLATE_WINDOW];          /* a byte, or length << 16 | distance of a match */
    size_t out_used;
    uint8_t out[DEFLATE_OUT];
    uint8_t window[2 * DEFLATE_WINDOW];
};

/* Begins a gzip file. put() gets its bytes. */
void gzipper_begin(struct gzipper *gzipper,
                   void (*put)(void *context, const void *data, size_t bytes), void *context);
void gzipper_add(struct gzipper *gzipper, const void *data, size_t bytes);
/* Ends the file. */
void gzipper_end(struct gzipper *gzipper);

#endif

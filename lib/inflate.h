/*
 * inflate.h - unpacks zlib streams, checked.
 *
 * Model       One call unpacks one complete stream from memory to memory. Every length and distance
 *             is checked before it is used, and the output never exceeds its buffer. The work is
 *             bounded by the sizes of input and output.
 * Ownership   Allocates nothing: the caller provides a `struct inflate` (about 4 KiB, so not on a
 *             small stack), whose contents have no meaning between calls.
 * References  RFC 1950 (zlib), RFC 1951 (DEFLATE).
 */
#ifndef LIB_INFLATE_H
#define LIB_INFLATE_H

#include "lib/bytes.h"
#include "lib/status.h"

enum {
    INFLATE_FAST_BITS = 9,
    INFLATE_SYMBOLS_MAX = 288,
    INFLATE_CODE_BITS_MAX = 15,
};

/* A canonical Huffman code. */
struct inflate_code {
    uint16_t count[INFLATE_CODE_BITS_MAX + 1]; /* codes of each length */
    uint16_t symbol[INFLATE_SYMBOLS_MAX];      /* by code */
    uint16_t fast[1 << INFLATE_FAST_BITS];     /* by the next bits: symbol << 4 | length, or 0 */
};

struct inflate {
    const uint8_t *in, *in_end;
    uint8_t *out;
    size_t out_used, out_room;
    uint64_t bits;        /* read but not used yet; the next one is bit 0 */
    unsigned bit_count;
    bool overrun;         /* more bits were taken than the input has */
    uint8_t lengths[INFLATE_SYMBOLS_MAX + 32];
    struct inflate_code literals, distances;
};

/* Unpacks the zlib stream `packed` into out[room]. Returns the bytes written, or -EUCLEAN if the
 * stream is damaged, its checksum differs, or it does not fit. */
ssize_t inflate_zlib(struct inflate *work, struct bytes packed, void *out, size_t room) MUST_CHECK;

#endif

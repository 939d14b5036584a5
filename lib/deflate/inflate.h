/*
 * inflate.h - unpacks DEFLATE, checked: in pieces, or a zlib stream from memory to memory.
 *
 *     struct inflate *inflate = mem_zalloc(sizeof(*inflate));
 *     inflate_begin(inflate, out, room);
 *     for (;;) {
 *         switch (inflate_run(inflate)) {
 *         case INFLATE_MORE: inflate_feed(inflate, next_piece()); break;
 *         case INFLATE_FULL: use(out, ...); inflate_slide(inflate); break;
 *         ...
 *
 * Model       The input comes in pieces of any size; the output goes to one buffer. A distance
 *             reaches back at most INFLATE_WINDOW bytes, which the buffer must still have: a larger
 *             buffer can be emptied except for these, and be filled again. Every length and
 *             distance is checked before it is used, and the output never exceeds its buffer. The
 *             work is bounded by the sizes of input and output.
 * Interface   inflate_run() stops for one of the reasons of enum inflate_result. After INFLATE_END,
 *             and before the first block, inflate_byte() reads what a container has around the
 *             blocks. Some of the input may be in the bit buffer already, so a container reads all
 *             of its bytes in this way.
 * Ownership   Allocates nothing: the caller provides a `struct inflate` (about 4 KiB, so not on a
 *             small stack), zeroed before the first use. Input and output are borrowed.
 * References  RFC 1950 (zlib), RFC 1951 (DEFLATE).
 */
#ifndef LIB_DEFLATE_INFLATE_H
#define LIB_DEFLATE_INFLATE_H

#include "lib/bytes.h"
#include "lib/status.h"

enum {
    INFLATE_FAST_BITS = 9,
    INFLATE_SYMBOLS_MAX = 288,
    INFLATE_CODE_BITS_MAX = 15,
    INFLATE_WINDOW = 32768,
};

enum inflate_result {
    INFLATE_MORE,    /* the input is used up, and the next piece can be fed */
    INFLATE_FULL,    /* the buffer is full, and there is more output */
    INFLATE_END,     /* the last block is complete */
    INFLATE_DAMAGED, /* the input is not DEFLATE */
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
    bool last;            /* the block is the last one */
    unsigned stage;
    enum inflate_result result;
    size_t length, distance; /* left of a stored block, or of a match */
    unsigned have;        /* lengths of codes read so far */
    unsigned code_count, literal_count, distance_count;
    uint8_t lengths[INFLATE_SYMBOLS_MAX + 32];
    struct inflate_code literals, distances;
};

/* Begins with a first block, at the next byte of the input. */
void inflate_begin(struct inflate *work, void *out, size_t room);
/* Gives the next piece of input. The one before is used up. */
void inflate_feed(struct inflate *work, struct bytes packed);
/* Unpacks until it must stop. The output so far is out[0..work->out_used). */
enum inflate_result inflate_run(struct inflate *work) MUST_CHECK;
/* Forgets the output except for the last INFLATE_WINDOW bytes, which move to the start. */
void inflate_slide(struct inflate *work);
/* Returns the next whole byte of the input, or -1 if the input is used up. */
int inflate_byte(struct inflate *work) MUST_CHECK;

/* Unpacks the zlib stream `packed` into out[room]. Returns the bytes written, or -EUCLEAN if the
 * stream is damaged, its checksum differs, or it does not fit. */
ssize_t inflate_zlib(struct inflate *work, struct bytes packed, void *out, size_t room) MUST_CHECK;

#endif

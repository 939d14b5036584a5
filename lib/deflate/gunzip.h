/*
 * gunzip.h - unpacks gzip files in pieces, checked.
 *
 *     struct gunzip *gunzip = mem_zalloc(sizeof(*gunzip));
 *     gunzip_begin(gunzip);
 *     while ((bytes = read(piece)) > 0) {
 *         gunzip_feed(gunzip, (struct bytes){ piece, bytes });
 *         while ((result = gunzip_run(gunzip)) == GUNZIP_OUTPUT)
 *             write(gunzip->output);
 *         if (result != GUNZIP_MORE)
 *             stop because of gunzip_text(result);
 *     }
 *     result = gunzip_end(gunzip);
 *
 * Model       A file is one member or several, one after the other, whose contents are the output.
 *             Each has a header, DEFLATE, a CRC-32 and the length. Zeros may follow the last one.
 *             The output of a member is given before its checksum is known, so it is only trusted
 *             once gunzip_end() has returned GUNZIP_END.
 * Ownership   Allocates nothing: a `struct gunzip` is about 70 KiB, 64 KiB of which are the window.
 *             `output` is borrowed until the next call.
 * References  RFC 1952.
 */
#ifndef LIB_DEFLATE_GUNZIP_H
#define LIB_DEFLATE_GUNZIP_H

#include "lib/deflate/inflate.h"

enum { GUNZIP_HEADER = 10 };

enum gunzip_result {
    GUNZIP_OUTPUT, /* there is a piece of output */
    GUNZIP_MORE,   /* the input is used up, and the next piece can be fed */
    GUNZIP_END,    /* the file is complete */

    /* The file is not unpacked further. */
    GUNZIP_FOREIGN,   /* it does not begin as a gzip file: gunzip->header[0..header_used) */
    GUNZIP_UNKNOWN,   /* a method or a flag that RFC 1952 does not define */
    GUNZIP_HEADER_CRC,
    GUNZIP_DAMAGED,
    GUNZIP_CRC,
    GUNZIP_LENGTH,
    GUNZIP_TRUNCATED, /* the input ended within a member */
    GUNZIP_GARBAGE,   /* something that is not a member follows the last one */
};

struct gunzip {
    unsigned stage;
    enum gunzip_result result;
    bool first;            /* the member is the first one */
    uint8_t header[GUNZIP_HEADER];
    unsigned header_used;
    unsigned skip;         /* left of an extra field */
    uint32_t header_crc, crc;
    uint32_t length;       /* of the output of the member, modulo 2^32 */
    uint64_t total;        /* of all members */
    uint32_t trailer;      /* as far as it is read */
    unsigned trailer_used;
    size_t given;          /* of the window's content */
    struct bytes output;
    struct inflate inflate;
    uint8_t window[2 * INFLATE_WINDOW];
};

void gunzip_begin(struct gunzip *gunzip);
/* Gives the next piece of input. The one before is used up. */
void gunzip_feed(struct gunzip *gunzip, struct bytes packed);
enum gunzip_result gunzip_run(struct gunzip *gunzip) MUST_CHECK;
/* Ends the input. Returns GUNZIP_END, GUNZIP_TRUNCATED, or the error that gunzip_run() returned. */
enum gunzip_result gunzip_end(struct gunzip *gunzip) MUST_CHECK;
/* Returns what is wrong, in the words of GNU's gzip. */
const char *gunzip_text(enum gunzip_result result);

#endif

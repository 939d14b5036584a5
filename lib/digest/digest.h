/*
 * digest.h - MD5, SHA-1, SHA-256 and SHA-512 with one interface, in pieces of any length.
 *
 *     struct digest digest;
 *     digest_init(&digest, digest_kind_find("sha1"));
 *     digest_update(&digest, memory, bytes);      as often as needed
 *     digest_hex(&digest, text);                  ends it; then digest_init() again
 *
 * Model       A digest adds blocks to a state. digest.c holds the framing that all share: blocks
 *             out of pieces, padding, output. A digest is a row of its table, with one function.
 * References  RFC 1321 (MD5); FIPS 180-4 (SHA-1, SHA-256, SHA-512).
 * Status      MD5 and SHA-1 detect damage, not intent: files with equal digests can be made.
 */
#ifndef LIB_DIGEST_DIGEST_H
#define LIB_DIGEST_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DIGEST_BYTES_MAX = 64,
    DIGEST_BLOCK_BYTES_MAX = 128,
    DIGEST_HEX_BYTES = 2 * DIGEST_BYTES_MAX + 1,
};

union digest_state {
    uint32_t words[8]; /* MD5, SHA-1, SHA-256 */
    uint64_t longs[8]; /* SHA-512 */
};

struct digest_kind {
    const char *name; /* "sha1" */
    const char *tag;  /* "SHA1", in lists of the BSD form */
    unsigned bytes;   /* of the digest */
    /* The rest is digest.c's. */
    unsigned block_bytes, length_bytes; /* length_bytes: of the message length in the padding */
    bool big_endian;
    union digest_state initial;
    void (*add_block)(union digest_state *state, const uint8_t *block);
};

struct digest {
    const struct digest_kind *kind;
    union digest_state state;
    uint64_t total_bytes;
    uint8_t block[DIGEST_BLOCK_BYTES_MAX]; /* holds total_bytes % block_bytes */
};

/* Returns the digest called "md5", "sha1", "sha256" or "sha512", NULL for another name. */
const struct digest_kind *digest_kind_find(const char *name);
void digest_init(struct digest *digest, const struct digest_kind *kind);
void digest_update(struct digest *digest, const void *memory, size_t bytes);
/* Ends the digest and stores it as lower-case hexadecimal digits and a NUL. */
void digest_hex(struct digest *digest, char text[DIGEST_HEX_BYTES]);

#endif

/*
 * sha256.h - the SHA-256 digest, in pieces of any length.
 *
 *     struct sha256 sha;
 *     sha256_init(&sha);
 *     sha256_update(&sha, memory, bytes);       as often as you like
 *     sha256_final(&sha, digest);               after it the struct is to be initialised again
 *
 * References  FIPS 180-4, sections 4.1.2, 5.1.1, 6.2.
 */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK_BYTES = 64, SHA256_HEX_BYTES = 2 * SHA256_BYTES + 1 };

struct sha256 {
    uint32_t state[8];
    uint64_t total_bytes;
    uint8_t block[SHA256_BLOCK_BYTES]; /* total_bytes % 64 bytes of it wait */
};

void sha256_init(struct sha256 *sha);
void sha256_update(struct sha256 *sha, const void *memory, size_t bytes);
void sha256_final(struct sha256 *sha, uint8_t digest[SHA256_BYTES]);

/* The digest as 64 lower-case digits and a NUL. */
void sha256_hex(const uint8_t digest[SHA256_BYTES], char text[SHA256_HEX_BYTES]);

#endif

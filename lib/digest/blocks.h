/*
 * blocks.h - what each digest does with one block, for the table in digest.c.
 *
 * Each function adds a block of the digest's size to the state.
 */
#ifndef LIB_DIGEST_BLOCKS_H
#define LIB_DIGEST_BLOCKS_H

#include "lib/digest/digest.h"

void md5_add_block(union digest_state *state, const uint8_t *block);
void sha1_add_block(union digest_state *state, const uint8_t *block);
void sha256_add_block(union digest_state *state, const uint8_t *block);
void sha512_add_block(union digest_state *state, const uint8_t *block);

static inline uint32_t rotate_left_32(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

static inline uint32_t rotate_right_32(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

static inline uint64_t rotate_right_64(uint64_t x, unsigned by)
{
    return x >> by | x << (64 - by);
}

#endif

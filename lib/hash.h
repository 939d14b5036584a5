/*
 * hash.h - 64-bit hashes for tables in memory.
 *
 * Fast and well distributed, but keys that collide can be constructed: a table whose keys come from
 * a medium uses a seed that the medium cannot know. Values are never stored on a medium.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Returns a bijection of 64-bit numbers, as multiplications by odd numbers and shifted xors are
 * invertible. Each input bit changes about half of the output bits. */
static inline uint64_t hash_u64(uint64_t value)
{
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93u;
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93u;
    value ^= value >> 32;
    return value;
}

/* To hash several things, pass each result as the seed of the next call. */
static inline uint64_t hash_bytes(const void *memory, size_t bytes, uint64_t seed)
{
    const uint8_t *at = memory;

    /* The length is part of the hash; otherwise "a" and "a\0" would collide. */
    uint64_t hash = seed ^ bytes * 0x9e3779b97f4a7c15u;
    for (; bytes >= 8; bytes -= 8, at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, at, 8);
        hash = hash_u64(hash ^ word);
    }

    /* The last bytes become a word that is padded with zeros. */
    uint64_t rest = 0;
    for (size_t i = 0; i < bytes; i++)
        rest |= (uint64_t)at[i] << i * 8;
    return hash_u64(hash ^ rest);
}

#endif

/*
 * bytes.h - reading numbers from bytes of a medium or a device, and storing them.
 *
 * A `struct bytes` is borrowed memory with its length. Reads are checked: one that reaches past
 * the end returns 0 and reads nothing, so a decoder may be wrong about a medium but never reads
 * outside the memory. Decoders that must distinguish 0 from a missing field call bytes_has()
 * first. Stores are not checked: an encoder writes into memory of its own, whose size it knows.
 */
#ifndef LIB_BYTES_H
#define LIB_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    const uint8_t *data;
    size_t length;
};

static inline bool bytes_has(struct bytes b, size_t offset, size_t count)
{
    /* Subtract instead of adding: the sum of two numbers from a medium may overflow. */
    return offset <= b.length && count <= b.length - offset;
}

static inline uint8_t bytes_u8(struct bytes b, size_t offset)
{
    return bytes_has(b, offset, 1) ? b.data[offset] : 0;
}

static inline uint16_t bytes_le16(struct bytes b, size_t offset)
{
    if (!bytes_has(b, offset, 2))
        return 0;
    const uint8_t *at = b.data + offset;
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t bytes_le32(struct bytes b, size_t offset)
{
    if (!bytes_has(b, offset, 4))
        return 0;
    const uint8_t *at = b.data + offset;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t bytes_le64(struct bytes b, size_t offset)
{
    if (!bytes_has(b, offset, 8))
        return 0;
    return bytes_le32(b, offset) | (uint64_t)bytes_le32(b, offset + 4) << 32;
}

static inline uint16_t bytes_be16(struct bytes b, size_t offset)
{
    return __builtin_bswap16(bytes_le16(b, offset));
}

static inline uint32_t bytes_be32(struct bytes b, size_t offset)
{
    return __builtin_bswap32(bytes_le32(b, offset));
}

static inline uint64_t bytes_be64(struct bytes b, size_t offset)
{
    return __builtin_bswap64(bytes_le64(b, offset));
}

/* Returns the part from `offset` on: `length` bytes or fewer, if the end comes first. */
static inline struct bytes bytes_slice(struct bytes b, size_t offset, size_t length)
{
    /* A slice past the end is empty, and reads from it return 0. */
    if (offset >= b.length)
        return (struct bytes){ b.data, 0 };
    size_t left = b.length - offset;
    return (struct bytes){ b.data + offset, length < left ? length : left };
}

/* Store a number at `at`, least significant byte first. */
static inline void bytes_put_le16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void bytes_put_le32(uint8_t *at, uint32_t value)
{
    bytes_put_le16(at, (uint16_t)value);
    bytes_put_le16(at + 2, (uint16_t)(value >> 16));
}

static inline void bytes_put_le64(uint8_t *at, uint64_t value)
{
    bytes_put_le32(at, (uint32_t)value);
    bytes_put_le32(at + 4, (uint32_t)(value >> 32));
}

#endif

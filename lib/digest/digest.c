/*
 * digest.c - the table of digests, and the framing that they share.
 */
#include "lib/digest/blocks.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

static const struct digest_kind kinds[] = {
    {
        .name = "md5", .tag = "MD5", .bytes = 16, .block_bytes = 64, .length_bytes = 8,
        .initial.words = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 },
        .add_block = md5_add_block,
    },
    {
        .name = "sha1", .tag = "SHA1", .bytes = 20, .block_bytes = 64, .length_bytes = 8,
        .big_endian = true,
        .initial.words = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 },
        .add_block = sha1_add_block,
    },
    {
        .name = "sha256", .tag = "SHA256", .bytes = 32, .block_bytes = 64, .length_bytes = 8,
        .big_endian = true,
        .initial.words = {
            0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
        },
        .add_block = sha256_add_block,
    },
    {
        .name = "sha512", .tag = "SHA512", .bytes = 64, .block_bytes = 128, .length_bytes = 16,
        .big_endian = true,
        .initial.longs = {
            0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
            0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
        },
        .add_block = sha512_add_block,
    },
};

const struct digest_kind *digest_kind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (text_equal(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

void digest_init(struct digest *digest, const struct digest_kind *kind)
{
    digest->kind = kind;
    digest->state = kind->initial;
    digest->total_bytes = 0;
}

void digest_update(struct digest *digest, const void *memory, size_t bytes)
{
    const struct digest_kind *kind = digest->kind;
    const uint8_t *at = memory;
    size_t waiting = digest->total_bytes % kind->block_bytes;

    /* Whole blocks are taken from where they are; only a block in two pieces is copied. */
    digest->total_bytes += bytes;
    while (waiting + bytes >= kind->block_bytes) {
        size_t count = kind->block_bytes - waiting;
        if (waiting)
            memcpy(digest->block + waiting, at, count);
        kind->add_block(&digest->state, waiting ? digest->block : at);
        at += count;
        bytes -= count;
        waiting = 0;
    }
    if (bytes)
        memcpy(digest->block + waiting, at, bytes);
}

/* Adds a 1 bit, zeros, and the message's length in bits at the end of the last block (FIPS 180-4
 * 5.1; RFC 1321 3.1, where the length is little-endian). */
static void add_padding(struct digest *digest)
{
    const struct digest_kind *kind = digest->kind;
    uint8_t padding[DIGEST_BLOCK_BYTES_MAX + 16] = { 0x80 };
    uint64_t bits = digest->total_bytes * 8;

    /* The padding ends with a block: after the message come one byte at least, and the length. */
    unsigned used = (unsigned)(digest->total_bytes % kind->block_bytes) + kind->length_bytes;
    unsigned bytes = kind->block_bytes - used % kind->block_bytes;
    bytes += kind->length_bytes;

    /* SHA-512's length has 16 bytes, of which the upper 8 stay zero. */
    for (unsigned i = 0; i < 8; i++)
        padding[kind->big_endian ? bytes - 1 - i : bytes - 8 + i] = (uint8_t)(bits >> 8 * i);
    digest_update(digest, padding, bytes);
}

/* Returns byte i of the digest: the state's words in the digest's byte order. */
static uint8_t state_byte(const struct digest *digest, unsigned i)
{
    const struct digest_kind *kind = digest->kind;

    /* SHA-512 is the only digest of 64-bit words. */
    if (kind->block_bytes == 128)
        return (uint8_t)(digest->state.longs[i / 8] >> 8 * (7 - i % 8));
    unsigned shift = kind->big_endian ? 3 - i % 4 : i % 4;
    return (uint8_t)(digest->state.words[i / 4] >> 8 * shift);
}

void digest_hex(struct digest *digest, char text[DIGEST_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    /* The padding completes the last block, so the state is final. */
    add_padding(digest);
    for (unsigned i = 0; i < digest->kind->bytes; i++) {
        uint8_t byte = state_byte(digest, i);
        *text++ = digits[byte >> 4];
        *text++ = digits[byte & 15];
    }
    *text = '\0';
}

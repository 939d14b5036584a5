/*
 * sha256.c - one block of SHA-256 (FIPS 180-4, 6.2.2).
 *
 * `manifest` reads whole discs through it, so it is written for speed.
 */
#include "lib/bytes.h"
#include "lib/digest/blocks.h"

/* 4.2.2: from the cube roots of the first 64 primes */
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t big_sigma_0(uint32_t x)
{
    return rotate_right_32(x, 2) ^ rotate_right_32(x, 13) ^ rotate_right_32(x, 22);
}

static inline uint32_t big_sigma_1(uint32_t x)
{
    return rotate_right_32(x, 6) ^ rotate_right_32(x, 11) ^ rotate_right_32(x, 25);
}

static inline uint32_t small_sigma_0(uint32_t x)
{
    return rotate_right_32(x, 7) ^ rotate_right_32(x, 18) ^ x >> 3;
}

static inline uint32_t small_sigma_1(uint32_t x)
{
    return rotate_right_32(x, 17) ^ rotate_right_32(x, 19) ^ x >> 10;
}

/* Round `i` of sixteen. Instead of moving the eight variables along, each round names them one
 * further. The choice and majority functions are in the forms with the fewest operations. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                     \
    do {                                                                                     \
        uint32_t sum = (h) + big_sigma_1(e) + ((g) ^ ((e) & ((f) ^ (g)))) + constants[i] +   \
                       words[i];                                                             \
        (d) += sum;                                                                          \
        (h) = sum + big_sigma_0(a) + (((a) & (b)) | ((c) & ((a) | (b))));                    \
    } while (0)

#define EIGHT_ROUNDS(i)                                                                      \
    do {                                                                                     \
        ROUND(a, b, c, d, e, f, g, h, (i));                                                  \
        ROUND(h, a, b, c, d, e, f, g, (i) + 1);                                              \
        ROUND(g, h, a, b, c, d, e, f, (i) + 2);                                              \
        ROUND(f, g, h, a, b, c, d, e, (i) + 3);                                              \
        ROUND(e, f, g, h, a, b, c, d, (i) + 4);                                              \
        ROUND(d, e, f, g, h, a, b, c, (i) + 5);                                              \
        ROUND(c, d, e, f, g, h, a, b, (i) + 6);                                              \
        ROUND(b, c, d, e, f, g, h, a, (i) + 7);                                              \
    } while (0)

/* The message schedule needs only the last 16 words, so it is kept in place. Unrolled, so that the
 * indices are constants. */
static inline void extend_words(uint32_t words[16])
{
#define EXTEND(i)                                                                            \
    words[i] += small_sigma_1(words[((i) + 14) & 15]) + words[((i) + 9) & 15] +              \
                small_sigma_0(words[((i) + 1) & 15])
    EXTEND(0), EXTEND(1), EXTEND(2), EXTEND(3);
    EXTEND(4), EXTEND(5), EXTEND(6), EXTEND(7);
    EXTEND(8), EXTEND(9), EXTEND(10), EXTEND(11);
    EXTEND(12), EXTEND(13), EXTEND(14), EXTEND(15);
#undef EXTEND
}

void sha256_add_block(union digest_state *state, const uint8_t *block)
{
    struct bytes bytes = { block, 64 };
    uint32_t words[16], *s = state->words;
    uint32_t a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];

    /* The first 16 words of the schedule are the block. */
    for (unsigned i = 0; i < 16; i++)
        words[i] = bytes_be32(bytes, 4 * i);

    /* After each 16 rounds the next 16 words replace the last ones. */
    const uint32_t *constants = round_constants;
    for (unsigned sixteen = 0; sixteen < 4; sixteen++, constants += 16) {
        if (sixteen)
            extend_words(words);
        EIGHT_ROUNDS(0);
        EIGHT_ROUNDS(8);
    }

    /* Without the addition of the old state, the rounds could be undone. */
    s[0] += a, s[1] += b, s[2] += c, s[3] += d;
    s[4] += e, s[5] += f, s[6] += g, s[7] += h;
}

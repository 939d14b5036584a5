/*
 * sha1.c - one block of SHA-1 (FIPS 180-4, 6.1.2).
 */
#include "lib/bytes.h"
#include "lib/digest/blocks.h"

void sha1_add_block(union digest_state *state, const uint8_t *block)
{
    static const uint32_t constants[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    struct bytes bytes = { block, 64 };
    uint32_t words[80], *s = state->words;
    uint32_t a = s[0], b = s[1], c = s[2], d = s[3], e = s[4];

    /* The message schedule: the block's 16 words, extended to 80. */
    for (unsigned i = 0; i < 16; i++)
        words[i] = bytes_be32(bytes, 4 * i);
    for (unsigned i = 16; i < 80; i++)
        words[i] = rotate_left_32(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);

    /* Four rounds of 20 steps. The second and the fourth have the same function. */
    for (unsigned i = 0; i < 80; i++) {
        unsigned round = i / 20;
        uint32_t f = round == 0   ? d ^ (b & (c ^ d))
                     : round == 2 ? (b & c) | (d & (b | c))
                                  : b ^ c ^ d;
        uint32_t sum = rotate_left_32(a, 5) + f + e + constants[round] + words[i];
        e = d;
        d = c;
        c = rotate_left_32(b, 30);
        b = a;
        a = sum;
    }

    /* Without the addition of the old state, the rounds could be undone. */
    s[0] += a;
    s[1] += b;
    s[2] += c;
    s[3] += d;
    s[4] += e;
}

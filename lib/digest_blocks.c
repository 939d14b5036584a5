/* digest_blocks.c - what MD5, SHA-1 and SHA-512 do with one block: see digest.h. */
#include "lib/bytes.h"
#include "lib/digest.h"

static inline uint32_t rotate_left(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

static inline uint64_t rotate_right_64(uint64_t x, unsigned by)
{
    return x >> by | x << (64 - by);
}

/* ---- MD5 ---------------------------------------------------------------------------------- */

/* RFC 1321, 3.4: 2^32 times |sin(i + 1)|. */
static const uint32_t md5_constants[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

void md5_add_block(union digest_state *state, const uint8_t *block)
{
    static const uint8_t shifts[4][4] = {
        { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 }
    };
    static const uint8_t factors[4] = { 1, 5, 3, 7 }, offsets[4] = { 0, 1, 5, 0 };
    struct bytes bytes = { block, 64 };
    uint32_t *s = state->words, a = s[0], b = s[1], c = s[2], d = s[3];
    for (unsigned i = 0; i < 64; i++) {
        unsigned round = i / 16, word = (factors[round] * i + offsets[round]) % 16;
        uint32_t f = round == 0   ? d ^ (b & (c ^ d))
                     : round == 1 ? c ^ (d & (b ^ c))
                     : round == 2 ? b ^ c ^ d
                                  : c ^ (b | ~d);
        uint32_t sum = a + f + md5_constants[i] + bytes_le32(bytes, 4 * word);
        a = d;
        d = c;
        c = b;
        b += rotate_left(sum, shifts[round][i % 4]);
    }
    s[0] += a;
    s[1] += b;
    s[2] += c;
    s[3] += d;
}

/* ---- SHA-1 -------------------------------------------------------------------------------- */

void sha1_add_block(union digest_state *state, const uint8_t *block)
{
    static const uint32_t constants[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    struct bytes bytes = { block, 64 };
    uint32_t words[80], *s = state->words;
    uint32_t a = s[0], b = s[1], c = s[2], d = s[3], e = s[4];
    for (unsigned i = 0; i < 16; i++)
        words[i] = bytes_be32(bytes, 4 * i);
    for (unsigned i = 16; i < 80; i++)
        words[i] = rotate_left(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);

    for (unsigned i = 0; i < 80; i++) {
        unsigned round = i / 20;
        uint32_t f = round == 0   ? d ^ (b & (c ^ d))
                     : round == 2 ? (b & c) | (d & (b | c))
                                  : b ^ c ^ d;
        uint32_t sum = rotate_left(a, 5) + f + e + constants[round] + words[i];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = sum;
    }
    s[0] += a;
    s[1] += b;
    s[2] += c;
    s[3] += d;
    s[4] += e;
}

/* ---- SHA-512 ------------------------------------------------------------------------------ */

/* FIPS 180-4, 4.2.3. */
static const uint64_t sha512_constants[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static void sha512_round(uint64_t v[8], uint64_t input)
{
    uint64_t a = v[0], e = v[4];
    uint64_t sigma_1 = rotate_right_64(e, 14) ^ rotate_right_64(e, 18) ^ rotate_right_64(e, 41);
    uint64_t sigma_0 = rotate_right_64(a, 28) ^ rotate_right_64(a, 34) ^ rotate_right_64(a, 39);
    uint64_t first = v[7] + sigma_1 + (v[6] ^ (e & (v[5] ^ v[6]))) + input;
    uint64_t second = sigma_0 + ((a & v[1]) | (v[2] & (a | v[1])));
    for (unsigned i = 7; i > 0; i--)
        v[i] = v[i - 1];
    v[4] += first;
    v[0] = first + second;
}

/* The next of the 80 words, in the place of the 16th before it. */
static uint64_t sha512_next_word(uint64_t words[16], unsigned i)
{
    uint64_t near = words[(i + 14) % 16], far = words[(i + 1) % 16];
    near = rotate_right_64(near, 19) ^ rotate_right_64(near, 61) ^ near >> 6;
    far = rotate_right_64(far, 1) ^ rotate_right_64(far, 8) ^ far >> 7;
    return words[i % 16] += near + far + words[(i + 9) % 16];
}

void sha512_add_block(union digest_state *state, const uint8_t *block)
{
    struct bytes bytes = { block, 128 };
    uint64_t words[16], v[8];
    for (unsigned i = 0; i < 8; i++)
        v[i] = state->longs[i];
    for (unsigned i = 0; i < 16; i++) {
        words[i] = __builtin_bswap64(bytes_le64(bytes, 8 * i));
        sha512_round(v, sha512_constants[i] + words[i]);
    }
    for (unsigned i = 16; i < 80; i++)
        sha512_round(v, sha512_constants[i] + sha512_next_word(words, i));
    for (unsigned i = 0; i < 8; i++)
        state->longs[i] += v[i];
}

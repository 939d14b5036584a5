/* sha256.c - see sha256.h. */
#include "lib/sha256.h"

#include "lib/string.h"

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

static inline uint32_t rotate_right(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

static inline uint32_t load_be32(const uint8_t *at)
{
    uint32_t word;
    __builtin_memcpy(&word, at, sizeof(word));
    return __builtin_bswap32(word);
}

static inline void store_be32(uint8_t *at, uint32_t word)
{
    word = __builtin_bswap32(word);
    __builtin_memcpy(at, &word, sizeof(word));
}

static inline uint32_t big_sigma_0(uint32_t x)
{
    return rotate_right(x, 2) ^ rotate_right(x, 13) ^ rotate_right(x, 22);
}

static inline uint32_t big_sigma_1(uint32_t x)
{
    return rotate_right(x, 6) ^ rotate_right(x, 11) ^ rotate_right(x, 25);
}

static inline uint32_t small_sigma_0(uint32_t x)
{
    return rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
}

static inline uint32_t small_sigma_1(uint32_t x)
{
    return rotate_right(x, 17) ^ rotate_right(x, 19) ^ x >> 10;
}

/* Round `i` of sixteen. Rather than shifting eight variables along, each round names them one
 * further. The choice and majority functions are in their forms with the fewest operations. */
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

/* The message schedule needs the last sixteen words only, so it is kept in place. Unrolled, since
 * the indices are then constants. */
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

static void add_block(uint32_t state[8], const uint8_t *block)
{
    uint32_t words[16];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (unsigned i = 0; i < 16; i++)
        words[i] = load_be32(block + i * 4);
    const uint32_t *constants = round_constants;
    for (unsigned sixteen = 0; sixteen < 4; sixteen++, constants += 16) {
        if (sixteen > 0)
            extend_words(words);
        EIGHT_ROUNDS(0);
        EIGHT_ROUNDS(8);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256_init(struct sha256 *sha)
{
    static const uint32_t start[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    memcpy(sha->state, start, sizeof(start));
    sha->total_bytes = 0;
}

void sha256_update(struct sha256 *sha, const void *memory, size_t bytes)
{
    const uint8_t *at = memory;
    size_t waiting = sha->total_bytes % SHA256_BLOCK_BYTES;
    sha->total_bytes += bytes;
    if (waiting > 0) {
        size_t wanted = SHA256_BLOCK_BYTES - waiting;
        size_t taken = bytes < wanted ? bytes : wanted;
        if (taken > 0)
            memcpy(sha->block + waiting, at, taken);
        if (taken < wanted)
            return;
        add_block(sha->state, sha->block);
        at += taken;
        bytes -= taken;
    }
    for (; bytes >= SHA256_BLOCK_BYTES; at += SHA256_BLOCK_BYTES, bytes -= SHA256_BLOCK_BYTES)
        add_block(sha->state, at);
    if (bytes > 0)
        memcpy(sha->block, at, bytes);
}

void sha256_final(struct sha256 *sha, uint8_t digest[SHA256_BYTES])
{
    static const uint8_t padding[SHA256_BLOCK_BYTES] = { 0x80 };
    uint64_t bits = sha->total_bytes * 8;
    size_t waiting = sha->total_bytes % SHA256_BLOCK_BYTES;
    uint8_t length[8];
    store_be32(length, (uint32_t)(bits >> 32));
    store_be32(length + 4, (uint32_t)bits);
    /* One byte of padding at least, then up to the last eight bytes of a block. */
    sha256_update(sha, padding, waiting < 56 ? 56 - waiting : 120 - waiting);
    sha256_update(sha, length, sizeof(length));
    for (unsigned i = 0; i < 8; i++)
        store_be32(digest + i * 4, sha->state[i]);
}

void sha256_hex(const uint8_t digest[SHA256_BYTES], char text[SHA256_HEX_BYTES])
{
    static const char symbols[] = "0123456789abcdef";
    for (unsigned i = 0; i < SHA256_BYTES; i++) {
        text[i * 2] = symbols[digest[i] >> 4];
        text[i * 2 + 1] = symbols[digest[i] & 15];
    }
    text[SHA256_HEX_BYTES - 1] = '\0';
}

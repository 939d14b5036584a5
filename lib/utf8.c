/*
 * utf8.c - UTF-8, case folding by a table of ranges, and hashes of folded text.
 */
#include "lib/utf8.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/word.h"

enum { LAST_CODE = 0x10ffff, BAD_BYTE = 0x200000 };

/* The forms of one to four bytes: the first byte under its mask, and the lowest code point that
 * needs the form. */
static const struct form {
    uint8_t mask, lead;
    uint32_t least;
} forms[] = {
    { 0x80, 0x00, 0 },
    { 0xe0, 0xc0, 0x80 },
    { 0xf0, 0xe0, 0x800 },
    { 0xf8, 0xf0, 0x10000 },
};

static bool is_code(uint32_t code)
{
    return code <= LAST_CODE && !(code >= 0xd800 && code <= 0xdfff);
}

int utf8_decode(const char *text, size_t bytes, uint32_t *code)
{
    if (!bytes)
        return -1;

    /* ASCII, without the search below: most text is that. */
    uint8_t first = (uint8_t)text[0];
    if (first < 0x80) {
        *code = first;
        return 1;
    }

    /* The first byte has the form, and so the number of bytes that follow. A byte that only
     * continues a character matches none. */
    unsigned extra = 1;
    while (extra < 4 && (first & forms[extra].mask) != forms[extra].lead)
        extra++;
    if (extra == 4 || extra >= bytes)
        return -1;

    /* Each byte that follows adds six bits. */
    uint32_t result = first & (uint8_t)~forms[extra].mask;
    for (unsigned i = 1; i <= extra; i++) {
        uint8_t next = (uint8_t)text[i];
        if ((next & 0xc0) != 0x80)
            return -1;
        result = result << 6 | (next & 0x3f);
    }

    /* Overlong forms could hide a slash or a NUL from checks on bytes. */
    if (result < forms[extra].least || !is_code(result))
        return -1;
    *code = result;
    return (int)extra + 1;
}

int utf8_encode(uint32_t code, char out[4])
{
    if (!is_code(code))
        return -1;

    /* Use the shortest form: decoders reject the longer ones. */
    unsigned extra = 3;
    while (code < forms[extra].least)
        extra--;

    /* From the last byte to the first: the last one has the low bits. */
    for (unsigned i = extra; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(forms[extra].lead | code);
    return (int)extra + 1;
}

bool utf8_valid(const char *text, size_t bytes)
{
    uint32_t code;
    while (bytes > 0) {
        int used = utf8_decode(text, bytes, &code);
        if (used < 0)
            return false;
        text += used;
        bytes -= (size_t)used;
    }
    return true;
}

/* The letters first, first + step, ..., last fold to themselves + delta. In order. */
static const struct fold_range {
    uint32_t first, last;
    int16_t step, delta;
} fold_ranges[] = {
    { 0x0041, 0x005a, 1, 32 }, { 0x00b5, 0x00b5, 1, 775 }, { 0x00c0, 0x00d6, 1, 32 },
    { 0x00d8, 0x00de, 1, 32 }, { 0x0100, 0x012e, 2, 1 }, { 0x0132, 0x0136, 2, 1 },
    { 0x0139, 0x0147, 2, 1 }, { 0x014a, 0x0176, 2, 1 }, { 0x0178, 0x0178, 1, -121 },
    { 0x0179, 0x017d, 2, 1 }, { 0x017f, 0x017f, 1, -268 }, { 0x0181, 0x0181, 1, 210 },
    { 0x0182, 0x0184, 2, 1 }, { 0x0186, 0x0186, 1, 206 }, { 0x0187, 0x0187, 1, 1 },
    { 0x0189, 0x018a, 1, 205 }, { 0x018b, 0x018b, 1, 1 }, { 0x018e, 0x018e, 1, 79 },
    { 0x018f, 0x018f, 1, 202 }, { 0x0190, 0x0190, 1, 203 }, { 0x0191, 0x0191, 1, 1 },
    { 0x0193, 0x0193, 1, 205 }, { 0x0194, 0x0194, 1, 207 }, { 0x0196, 0x0196, 1, 211 },
    { 0x0197, 0x0197, 1, 209 }, { 0x0198, 0x0198, 1, 1 }, { 0x019c, 0x019c, 1, 211 },
    { 0x019d, 0x019d, 1, 213 }, { 0x019f, 0x019f, 1, 214 }, { 0x01a0, 0x01a4, 2, 1 },
    { 0x01a6, 0x01a6, 1, 218 }, { 0x01a7, 0x01a7, 1, 1 }, { 0x01a9, 0x01a9, 1, 218 },
    { 0x01ac, 0x01ac, 1, 1 }, { 0x01ae, 0x01ae, 1, 218 }, { 0x01af, 0x01af, 1, 1 },
    { 0x01b1, 0x01b2, 1, 217 }, { 0x01b3, 0x01b5, 2, 1 }, { 0x01b7, 0x01b7, 1, 219 },
    { 0x01b8, 0x01b8, 1, 1 }, { 0x01bc, 0x01bc, 1, 1 }, { 0x01c4, 0x01c4, 1, 2 },
    { 0x01c5, 0x01c5, 1, 1 }, { 0x01c7, 0x01c7, 1, 2 }, { 0x01c8, 0x01c8, 1, 1 },
    { 0x01ca, 0x01ca, 1, 2 }, { 0x01cb, 0x01db, 2, 1 }, { 0x01de, 0x01ee, 2, 1 },
    { 0x01f1, 0x01f1, 1, 2 }, { 0x01f2, 0x01f4, 2, 1 }, { 0x01f6, 0x01f6, 1, -97 },
    { 0x01f7, 0x01f7, 1, -56 }, { 0x01f8, 0x021e, 2, 1 }, { 0x0220, 0x0220, 1, -130 },
    { 0x0222, 0x0232, 2, 1 }, { 0x023a, 0x023a, 1, 10795 }, { 0x023b, 0x023b, 1, 1 },
    { 0x023d, 0x023d, 1, -163 }, { 0x023e, 0x023e, 1, 10792 }, { 0x0241, 0x0241, 1, 1 },
    { 0x0243, 0x0243, 1, -195 }, { 0x0244, 0x0244, 1, 69 }, { 0x0245, 0x0245, 1, 71 },
    { 0x0246, 0x024e, 2, 1 }, { 0x0345, 0x0345, 1, 116 }, { 0x0370, 0x0372, 2, 1 },
    { 0x0376, 0x0376, 1, 1 }, { 0x037f, 0x037f, 1, 116 }, { 0x0386, 0x0386, 1, 38 },
    { 0x0388, 0x038a, 1, 37 }, { 0x038c, 0x038c, 1, 64 }, { 0x038e, 0x038f, 1, 63 },
    { 0x0391, 0x03a1, 1, 32 }, { 0x03a3, 0x03ab, 1, 32 }, { 0x03c2, 0x03c2, 1, 1 },
    { 0x03cf, 0x03cf, 1, 8 }, { 0x03d0, 0x03d0, 1, -30 }, { 0x03d1, 0x03d1, 1, -25 },
    { 0x03d5, 0x03d5, 1, -15 }, { 0x03d6, 0x03d6, 1, -22 }, { 0x03d8, 0x03ee, 2, 1 },
    { 0x03f0, 0x03f0, 1, -54 }, { 0x03f1, 0x03f1, 1, -48 }, { 0x03f4, 0x03f4, 1, -60 },
    { 0x03f5, 0x03f5, 1, -64 }, { 0x03f7, 0x03f7, 1, 1 }, { 0x03f9, 0x03f9, 1, -7 },
    { 0x03fa, 0x03fa, 1, 1 }, { 0x03fd, 0x03ff, 1, -130 }, { 0x0400, 0x040f, 1, 80 },
    { 0x0410, 0x042f, 1, 32 }, { 0x0460, 0x0480, 2, 1 }, { 0x048a, 0x04be, 2, 1 },
    { 0x04c0, 0x04c0, 1, 15 }, { 0x04c1, 0x04cd, 2, 1 }, { 0x04d0, 0x052e, 2, 1 },
    { 0x0531, 0x0556, 1, 48 }, { 0x1e00, 0x1e94, 2, 1 }, { 0x1e9b, 0x1e9b, 1, -58 },
    { 0x1e9e, 0x1e9e, 1, -7615 }, { 0x1ea0, 0x1efe, 2, 1 }, { 0x1f08, 0x1f0f, 1, -8 },
    { 0x1f18, 0x1f1d, 1, -8 }, { 0x1f28, 0x1f2f, 1, -8 }, { 0x1f38, 0x1f3f, 1, -8 },
    { 0x1f48, 0x1f4d, 1, -8 }, { 0x1f59, 0x1f5f, 2, -8 }, { 0x1f68, 0x1f6f, 1, -8 },
    { 0x1f88, 0x1f8f, 1, -8 }, { 0x1f98, 0x1f9f, 1, -8 }, { 0x1fa8, 0x1faf, 1, -8 },
    { 0x1fb8, 0x1fb9, 1, -8 }, { 0x1fba, 0x1fbb, 1, -74 }, { 0x1fbc, 0x1fbc, 1, -9 },
    { 0x1fbe, 0x1fbe, 1, -7173 }, { 0x1fc8, 0x1fcb, 1, -86 }, { 0x1fcc, 0x1fcc, 1, -9 },
    { 0x1fd8, 0x1fd9, 1, -8 }, { 0x1fda, 0x1fdb, 1, -100 }, { 0x1fe8, 0x1fe9, 1, -8 },
    { 0x1fea, 0x1feb, 1, -112 }, { 0x1fec, 0x1fec, 1, -7 }, { 0x1ff8, 0x1ff9, 1, -128 },
    { 0x1ffa, 0x1ffb, 1, -126 }, { 0x1ffc, 0x1ffc, 1, -9 }, { 0x2126, 0x2126, 1, -7517 },
    { 0x212a, 0x212a, 1, -8383 }, { 0x212b, 0x212b, 1, -8262 }, { 0x2132, 0x2132, 1, 28 },
    { 0x2160, 0x216f, 1, 16 }, { 0x2183, 0x2183, 1, 1 }, { 0x24b6, 0x24cf, 1, 26 },
    { 0xff21, 0xff3a, 1, 32 }, { 0x10400, 0x10427, 1, 40 },
};

uint32_t unicode_fold(uint32_t code)
{
    /* ASCII first: nearly all names consist of it. */
    if (code < 0x80)
        return code >= 'A' && code <= 'Z' ? code + 32 : code;

    /* Search the range that holds the letter. In a range of step 2, capital and small letters
     * alternate. */
    size_t low = 0, high = ARRAY_LENGTH(fold_ranges);
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct fold_range *range = &fold_ranges[middle];
        if (code > range->last)
            low = middle + 1;
        else if (code < range->first)
            high = middle;
        else if ((code - range->first) % (uint32_t)range->step)
            return code;
        else
            return (uint32_t)((int32_t)code + range->delta);
    }
    return code;
}

/* Returns the next code point, folded, or a malformed byte with BAD_BYTE. */
static uint32_t next_folded(const char **text, size_t *bytes)
{
    uint32_t code = 0;
    int used = utf8_decode(*text, *bytes, &code);

    /* A malformed byte is above all code points, so it equals only itself. */
    uint32_t result = used > 0 ? unicode_fold(code) : BAD_BYTE | (uint8_t)**text;

    *text += used > 0 ? used : 1;
    *bytes -= used > 0 ? (size_t)used : 1;
    return result;
}

/* ---- words of text ------------------------------------------------------------------------ */

enum { WORD_BYTES = 8 };

/* Returns the first eight bytes of text, the first one lowest; a shorter text is padded with
 * zeros. */
static uint64_t load_word(const char *text, size_t bytes)
{
    uint64_t word = 0;
    if (bytes >= WORD_BYTES) {
        __builtin_memcpy(&word, text, WORD_BYTES);
        return word;
    }
    for (size_t i = 0; i < bytes; i++)
        word |= (uint64_t)(uint8_t)text[i] << i * 8;
    return word;
}

static bool is_ascii(uint64_t word)
{
    return !(word & 0x80 * EACH_BYTE);
}

/* Folds eight bytes of ASCII at once. The sums carry into the top bit of each byte from 'A' on, and
 * of each byte above 'Z'. */
static uint64_t fold_ascii(uint64_t word)
{
    uint64_t from_a = word + (0x80 - 'A') * EACH_BYTE, above_z = word + (0x7f - 'Z') * EACH_BYTE;
    return word | ((from_a & ~above_z & 0x80 * EACH_BYTE) >> 2);
}

/* ---- comparing ---------------------------------------------------------------------------- */

static bool equal_slowly(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    /* Folding changes lengths, so the texts cannot be compared by length first. */
    while (a_bytes > 0 && b_bytes > 0)
        if (next_folded(&a, &a_bytes) != next_folded(&b, &b_bytes))
            return false;
    return a_bytes == b_bytes;
}

bool utf8_equal_folded(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    while (a_bytes > 0 && b_bytes > 0) {
        /* Most names are ASCII. From the first other word on, letters are compared one by one. */
        uint64_t word = load_word(a, a_bytes), other = load_word(b, b_bytes);
        if (!is_ascii(word | other))
            return equal_slowly(a, a_bytes, b, b_bytes);

        /* The padding must not equal a NUL. */
        size_t count = min(a_bytes, (size_t)WORD_BYTES);
        if (count != min(b_bytes, (size_t)WORD_BYTES) || fold_ascii(word) != fold_ascii(other))
            return false;
        a += count;
        b += count;
        a_bytes -= count;
        b_bytes -= count;
    }
    return a_bytes == b_bytes;
}

/* ---- hashing ------------------------------------------------------------------------------ */

/* A hash over words of eight folded bytes, the first one lowest; the last is padded with zeros. */
struct folded_hash {
    uint64_t hash, word;
    unsigned bytes; /* in word */
};

static void folded_add(struct folded_hash *folded, uint8_t byte)
{
    folded->word |= (uint64_t)byte << folded->bytes * 8;

    /* A full word is mixed into the hash. */
    if (++folded->bytes < 8)
        return;
    folded->hash = hash_u64(folded->hash ^ folded->word);
    folded->word = folded->bytes = 0;
}

/* Adds the UTF-8 of the folded letters. */
static void folded_add_slowly(struct folded_hash *folded, const char *text, size_t bytes)
{
    while (bytes > 0) {
        /* A malformed byte cannot be encoded: its low eight bits are added. */
        char encoded[4];
        uint32_t code = next_folded(&text, &bytes);
        int count = utf8_encode(code, encoded);
        if (count < 0)
            folded_add(folded, (uint8_t)code);
        for (int i = 0; i < count; i++)
            folded_add(folded, (uint8_t)encoded[i]);
    }
}

uint64_t utf8_hash_folded(const char *text, size_t bytes, uint64_t seed)
{
    struct folded_hash folded = { .hash = seed };

    while (bytes > 0) {
        size_t count = min(bytes, (size_t)WORD_BYTES);
        uint64_t word = load_word(text, bytes);

        /* Most names are ASCII. From the first other word on, letters are folded one by one. */
        if (!is_ascii(word)) {
            folded_add_slowly(&folded, text, bytes);
            break;
        }
        folded.hash = hash_u64(folded.hash ^ fold_ascii(word));
        text += count;
        bytes -= count;
    }

    /* Folding one by one may have left an incomplete word. */
    return folded.bytes ? hash_u64(folded.hash ^ folded.word) : folded.hash;
}

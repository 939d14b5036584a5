/*
 * test_lib.c - promise: the small functions of lib/ (formatting, digests, encodings, dates, bytes,
 * texts, lists, hashes) agree with their standards, and with the C library where it has the same
 * function.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/bytes.h"
#include "lib/civil.h"
#include "lib/digest/digest.h"
#include "lib/format.h"
#include "lib/hash.h"
#include "lib/list.h"
#include "lib/macros.h"
#include "lib/status.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"

/* ---- format ------------------------------------------------------------------------------- */

/* The host's snprintf is the reference. */
static char own_text[256], host_text[256];
#define SAME(...)                                                             \
    do {                                                                      \
        int own = format_text(own_text, sizeof(own_text), __VA_ARGS__);       \
        assert_int_equal(own, snprintf(host_text, sizeof(host_text), __VA_ARGS__)); \
        assert_string_equal(own_text, host_text);                             \
    } while (0)

static void format_numbers_decimal(void **state)
{
    (void)state;
    SAME("%d %i %u", 0, -1, UINT_MAX);
    SAME("%d %ld %lld", INT_MIN, LONG_MIN, LLONG_MAX);
    SAME("[%5d] [%-5d] [%05d] [%+d] [% d] [%+5d]", 42, 42, -42, 42, 42, -42);
    SAME("[%.3d] [%8.3d] [%-8.3d] [%.0d]", 7, -7, 7, 0);
    SAME("%zu %zd %jd %td", (size_t)-1, (ssize_t)-1, (intmax_t)-5, (ptrdiff_t)-6);
}

static void format_numbers_other(void **state)
{
    (void)state;
    SAME("%x %X %o %#x %#X %#o %#x %#o", 0xbeef, 0xbeef, 8, 0xbeef, 0xbeef, 8, 0, 0);
    SAME("[%#10x] [%-#10x] [%#010x] [%016llx]", 255, 255, 255, 0x123456789abcdefull);
    SAME("[%#.5o] [%#.0o] [%.8x] [%.0x]", 8, 0, 0xab, 0);
    SAME("%p", (void *)0x1234);
    SAME("%hhu %hu %hhd %hd", (unsigned char)200, (unsigned short)60000, (signed char)-3,
         (short)-4);
    SAME("[%*d] [%-*d] [%.*d]", 6, 1, 6, 2, 4, 3);
}

/* What the compiler would warn of in a literal. */
__attribute__((format(printf, 2, 0))) static void assert_formats(const char *expected,
                                                                 const char *format, ...)
{
    char text[128];
    va_list arguments;
    va_start(arguments, format);
    assert_int_equal(format_text_v(text, sizeof(text), format, arguments), strlen(expected));
    va_end(arguments);
    assert_string_equal(text, expected);
}

static void format_odd_formats(void **state)
{
    (void)state;
    static const char *volatile unknown = "%q %5! %", *volatile null_text = "[%s]";
    static const char *volatile width = "[%*d]", *volatile precision = "[%.*s]";
    static const char *volatile small = "%hhu %hhd";
    assert_formats("%q %5! %", unknown, 0);
    assert_formats("[(null)]", null_text, NULL);
    assert_formats("[7    ]", width, -5, 7);
    assert_formats("[abc]", precision, -1, "abc");
    assert_formats("0 -1", small, 256, 255);
}

static void format_texts(void **state)
{
    (void)state;
    static const char no_end[3] = { 'a', 'b', 'c' };
    SAME("%s|%10s|%-10s|%.2s|%10.2s", "text", "text", "text", "text", "text");
    SAME("%c%c|%3c|%-3c|100%%", 'a', 'b', 'c', 'd');
    SAME("[%.3s] [%.*s] [%s]", no_end, 2, no_end, "");
}

static void format_bounds(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 20; bytes++) {
        char *buffer = malloc(bytes + 1); /* one more, to see that it stays */
        buffer[bytes] = 0x55;
        assert_int_equal(format_text(buffer, bytes, "%s-%05d", "abcdef", 42), 12);
        assert_int_equal(buffer[bytes], 0x55);
        if (bytes > 0) {
            assert_int_equal(strlen(buffer), bytes - 1 < 12 ? bytes - 1 : 12);
            assert_memory_equal(buffer, "abcdef-00042", strlen(buffer));
        }
        free(buffer);
    }
    assert_int_equal(format_text(NULL, 0, "%100d", 1), 100);
}

/* ---- SHA-256 ------------------------------------------------------------------------------ */

static void sha256_of(const void *memory, size_t bytes, size_t piece, char text[DIGEST_HEX_BYTES])
{
    struct digest digest;
    const uint8_t *at = memory;
    digest_init(&digest, digest_kind_find("sha256"));
    for (size_t done = 0; done < bytes; done += piece)
        digest_update(&digest, at + done, min(piece, bytes - done));
    digest_hex(&digest, text);
}

static void assert_sha256(const void *memory, size_t bytes, size_t piece, const char *expected)
{
    char text[DIGEST_HEX_BYTES];
    sha256_of(memory, bytes, piece, text);
    assert_string_equal(text, expected);
}

/* FIPS 180's examples and those of NIST's test vectors for whole bytes. */
static void sha256_vectors(void **state)
{
    (void)state;
    static const uint8_t four[] = { 0xc9, 0x8c, 0x8e, 0x55 };
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    assert_sha256("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_sha256("abc", 3, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_sha256("\xbd", 1, 1, "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b");
    assert_sha256(four, 4, 4, "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504");
    assert_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 56,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    for (size_t piece = 1; piece < 1000000; piece = piece * 3 + 1)
        assert_sha256(million, 1000000, piece,
                      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

/* Around the padding's edges: any split gives the digest of the whole. */
static void sha256_splits(void **state)
{
    (void)state;
    uint8_t memory[200];
    char whole[DIGEST_HEX_BYTES], split[DIGEST_HEX_BYTES];
    for (unsigned i = 0; i < sizeof(memory); i++)
        memory[i] = (uint8_t)(i * i);
    for (size_t bytes = 0; bytes <= sizeof(memory); bytes++) {
        struct digest digest;
        sha256_of(memory, bytes, 7, whole);
        digest_init(&digest, digest_kind_find("sha256"));
        digest_update(&digest, memory, bytes / 3);
        digest_update(&digest, NULL, 0);
        digest_update(&digest, memory + bytes / 3, bytes - bytes / 3);
        digest_hex(&digest, split);
        assert_string_equal(whole, split);
    }
}

/* ---- UTF-8 -------------------------------------------------------------------------------- */

static void utf8_round_trip(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x110010; code++) {
        char text[4];
        uint32_t back = 0;
        int bytes = utf8_encode(code, text);
        if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
            assert_int_equal(bytes, -1);
            continue;
        }
        assert_int_equal(bytes, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
        assert_int_equal(utf8_decode(text, 4, &back), bytes);
        assert_int_equal(back, code);
        assert_int_equal(utf8_decode(text, (size_t)bytes - 1, &back), -1);
    }
}

static void utf8_refuses(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2x", "\xe0\x80\x80", "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xe2\x82", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff",
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(wrong); i++) {
        uint32_t code = 77;
        assert_int_equal(utf8_decode(wrong[i], strlen(wrong[i]), &code), -1);
        assert_int_equal(code, 77);
        assert_false(utf8_valid(wrong[i], strlen(wrong[i])));
    }
    assert_true(utf8_valid("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xbf", 10));
    assert_true(utf8_valid("", 0));
    assert_false(utf8_valid("ok\xe2\x82", 4));
}

static void unicode_folds(void **state)
{
    (void)state;
    static const uint32_t pairs[][2] = {
        { 'A', 'a' },       { 'Z', 'z' },       { '@', '@' },       { '[', '[' },
        { 0xc4, 0xe4 },     { 0xd7, 0xd7 },     { 0xde, 0xfe },     { 0xdf, 0xdf },
        { 0xb5, 0x3bc },    { 0x100, 0x101 },   { 0x101, 0x101 },   { 0x130, 0x130 },
        { 0x141, 0x142 },   { 0x178, 0xff },    { 0x17d, 0x17e },   { 0x17f, 's' },
        { 0x386, 0x3ac },   { 0x391, 0x3b1 },   { 0x3a3, 0x3c3 },   { 0x3c2, 0x3c3 },
        { 0x3a9, 0x3c9 },   { 0x401, 0x451 },   { 0x410, 0x430 },   { 0x42f, 0x44f },
        { 0x490, 0x491 },   { 0x531, 0x561 },   { 0x1e9e, 0xdf },   { 0x2126, 0x3c9 },
        { 0x212a, 'k' },    { 0xff21, 0xff41 }, { 0x10400, 0x10428 }, { 0x4e2d, 0x4e2d },
        { 0x10ffff, 0x10ffff },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(pairs); i++)
        assert_int_equal(unicode_fold(pairs[i][0]), pairs[i][1]);
    for (uint32_t code = 0; code < 0x11000; code++) /* folding twice changes nothing */
        assert_int_equal(unicode_fold(unicode_fold(code)), unicode_fold(code));
}

static bool folded(const char *a, const char *b)
{
    return utf8_equal_folded(a, strlen(a), b, strlen(b));
}

static void utf8_compares_folded(void **state)
{
    (void)state;
    assert_true(folded("README.md", "readme.MD"));
    assert_true(folded("\xc3\x84rger", "\xc3\xa4RGER"));
    assert_true(folded("\xe2\x84\xaa", "k")); /* Kelvin: three bytes against one */
    assert_true(folded("", ""));
    assert_false(folded("a", ""));
    assert_false(folded("a", "ab"));
    assert_true(folded("EIGHT by eight BYTES", "eight BY EIGHT bytes"));
    assert_false(folded("eight by", "eight by eight"));
    assert_true(folded("eight by\xe2\x84\xaa", "EIGHT BYk"));
    assert_false(folded("eight @y", "eight `y")); /* a bit apart, as letters of either case are */
    assert_false(utf8_equal_folded("a", 1, "a\0", 2));
    assert_true(folded("x\xff", "X\xff"));
    assert_false(folded("\xff", "\xfe"));
    assert_false(folded("\xff", "\xc3\xbf")); /* a byte is not the letter of that number */
}

/* Texts of random letters, half of them ASCII, and the same in another case. */
static void utf8_hashes_folded(void **state)
{
    (void)state;
    static const uint32_t letters[][2] = { { 'K', 0x212a }, { 0xc4, 0xe4 }, { 0x10400, 0x10428 },
                                           { 0x3a9, 0x3c9 } };
    uint64_t random = 1;
    for (unsigned n = 0; n < 20000; n++) {
        char a[80], b[80];
        size_t a_bytes = 0, b_bytes = 0;
        unsigned length = n % 20;
        for (unsigned i = 0; i < length; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            unsigned which = random >> 40 & 63;
            uint32_t one = which < 4 ? letters[which][0] : which - 4 + '@';
            uint32_t other = which < 4 ? letters[which][1] : unicode_fold(one);
            a_bytes += (size_t)utf8_encode(one, a + a_bytes);
            b_bytes += (size_t)utf8_encode(other, b + b_bytes);
        }
        assert_true(utf8_equal_folded(a, a_bytes, b, b_bytes));
        uint64_t hash = utf8_hash_folded(a, a_bytes, n);
        assert_true(hash == utf8_hash_folded(b, b_bytes, n));
        a[a_bytes] = '!';
        assert_true(hash != utf8_hash_folded(a, a_bytes + 1, n));
        assert_true(hash != utf8_hash_folded(a, a_bytes, n + 1));
    }
    assert_true(utf8_hash_folded("@[`{", 4, 1) != utf8_hash_folded("`{@[", 4, 1));
    assert_true(utf8_hash_folded("\xffK", 2, 1) == utf8_hash_folded("\xffk", 2, 1));
}

/* ---- dates -------------------------------------------------------------------------------- */

static void assert_as_host(int64_t seconds)
{
    struct tm tm;
    time_t host = seconds;
    struct civil c = seconds_to_civil(seconds);
    assert_non_null(gmtime_r(&host, &tm));
    assert_int_equal(c.year, tm.tm_year + 1900);
    assert_int_equal(c.month, tm.tm_mon + 1);
    assert_int_equal(c.day, tm.tm_mday);
    assert_int_equal(c.hour, tm.tm_hour);
    assert_int_equal(c.minute, tm.tm_min);
    assert_int_equal(c.second, tm.tm_sec);
    assert_int_equal(civil_to_seconds(c.year, c.month, c.day, c.hour, c.minute, c.second),
                     seconds);
    assert_int_equal(civil_valid(&c), c.year >= 1 && c.year <= 9999);
}

/* Each day of the years 1 to 9999, at a time of day that differs from day to day. */
static void civil_as_host(void **state)
{
    (void)state;
    int64_t first = civil_to_seconds(1, 1, 1, 0, 0, 0);
    int64_t last = civil_to_seconds(9999, 12, 31, 23, 59, 59);
    assert_int_equal(first, -62135596800);
    assert_int_equal(last, 253402300799);
    for (int64_t seconds = first; seconds <= last; seconds += 86400 + 997)
        assert_as_host(seconds);
    for (int64_t seconds = -100000; seconds < 100000; seconds += 7)
        assert_as_host(seconds);
    assert_as_host(first - 1);
    assert_as_host(last + 1);
}

/* The least number stands for an unknown time: its day begins before it. */
static void civil_of_extremes(void **state)
{
    (void)state;
    struct civil least = seconds_to_civil(INT64_MIN), most = seconds_to_civil(INT64_MAX);
    assert_false(civil_valid(&least) || civil_valid(&most));
    assert_true(least.hour == 8 && least.minute == 29 && least.second == 52);
    assert_true(most.hour == 15 && most.minute == 30 && most.second == 7);
}

static void civil_validates(void **state)
{
    (void)state;
    static const struct {
        struct civil civil;
        bool valid;
    } cases[] = {
        { { 2000, 2, 29, 23, 59, 59 }, true }, { { 1900, 2, 29, 0, 0, 0 }, false },
        { { 2024, 2, 29, 0, 0, 0 }, true },    { { 2023, 2, 29, 0, 0, 0 }, false },
        { { 0, 1, 1, 0, 0, 0 }, false },       { { 10000, 1, 1, 0, 0, 0 }, false },
        { { 2023, 0, 1, 0, 0, 0 }, false },    { { 2023, 13, 1, 0, 0, 0 }, false },
        { { 2023, 4, 31, 0, 0, 0 }, false },   { { 2023, 4, 0, 0, 0, 0 }, false },
        { { 2023, 4, 1, 24, 0, 0 }, false },   { { 2023, 4, 1, 0, 60, 0 }, false },
        { { 2023, 4, 1, 0, 0, 60 }, false },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(civil_valid(&cases[i].civil), cases[i].valid);
}

static void civil_formats(void **state)
{
    (void)state;
    char text[CIVIL_TEXT_BYTES];
    assert_int_equal(civil_format(text, sizeof(text), 951827696), CIVIL_TEXT_BYTES - 1);
    assert_string_equal(text, "2000-02-29T12:34:56Z");
    civil_format(text, sizeof(text), civil_to_seconds(7, 3, 4, 5, 6, 9));
    assert_string_equal(text, "0007-03-04T05:06:09Z");
    assert_int_equal(civil_format(text, 5, 0), 20);
    assert_string_equal(text, "1970");
}

/* ---- bytes, texts, the rest --------------------------------------------------------------- */

static void bytes_reads(void **state)
{
    (void)state;
    static const uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7, 0x88, 9 };
    uint8_t *exact = malloc(sizeof(data)); /* so that a read past it is seen */
    memcpy(exact, data, sizeof(data));
    struct bytes b = { exact, sizeof(data) };
    assert_int_equal(bytes_u8(b, 8), 9);
    assert_int_equal(bytes_le16(b, 6), 0x8807);
    assert_int_equal(bytes_be16(b, 6), 0x0788);
    assert_int_equal(bytes_le32(b, 5), 0x09880706);
    assert_int_equal(bytes_be32(b, 5), 0x06078809);
    assert_true(bytes_le64(b, 0) == 0x8807060504030201);
    assert_true(bytes_le64(b, 1) == 0x0988070605040302);
    assert_int_equal(bytes_u8(b, 9) | bytes_le16(b, 8) | bytes_be16(b, SIZE_MAX), 0);
    assert_int_equal(bytes_le32(b, 6) | bytes_be32(b, SIZE_MAX - 1), 0);
    assert_true(bytes_be64(b, 0) == 0x0102030405060788);
    assert_true(bytes_le64(b, 2) == 0 && bytes_be64(b, 2) == 0);
    assert_true(bytes_has(b, 9, 0) && bytes_has(b, 0, 9));
    assert_false(bytes_has(b, 10, 0) || bytes_has(b, 1, 9) || bytes_has(b, 1, SIZE_MAX) ||
                 bytes_has(b, SIZE_MAX, 2));
    assert_int_equal(bytes_slice(b, 4, 3).length, 3);
    assert_int_equal(bytes_u8(bytes_slice(b, 4, 3), 0), 5);
    assert_int_equal(bytes_slice(b, 4, SIZE_MAX).length, 5);
    assert_int_equal(bytes_slice(b, 9, 1).length, 0);
    assert_int_equal(bytes_slice(b, SIZE_MAX, SIZE_MAX).length, 0);
    free(exact);
}

static void text_copies(void **state)
{
    (void)state;
    char to[4] = "xyz";
    assert_int_equal(text_copy(to, 0, "abc"), 3);
    assert_string_equal(to, "xyz");
    assert_int_equal(text_copy(to, sizeof(to), "abcdef"), 6);
    assert_string_equal(to, "abc");
    assert_int_equal(text_copy(to, sizeof(to), "a"), 1);
    assert_string_equal(to, "a");
    assert_int_equal(text_copy(to, 1, "a"), 1);
    assert_string_equal(to, "");
}

static void text_compares(void **state)
{
    (void)state;
    assert_true(text_equal("ab", "ab") && !text_equal("ab", "abc") && text_equal("", ""));
    assert_true(text_equal_n("abX", 2, "abY", 2) && text_equal_n(NULL, 0, "", 0));
    assert_false(text_equal_n("ab", 2, "ab", 1) || text_equal_n("ab", 2, "ac", 2));
    assert_true(text_starts("cdrom0", "cdrom") && text_starts("a", "") && text_starts("", ""));
    assert_false(text_starts("cd", "cdrom") || text_starts("", "a"));
    for (int c = -128; c < 128; c++)
        assert_int_equal(text_lower((char)c), c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static void text_parses_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        status_t status;
        uint64_t value;
    } cases[] = {
        { "0", 0, 0 },
        { "18446744073709551615", 0, UINT64_MAX },
        { "18446744073709551616", -ERANGE, 0 },
        { "99999999999999999999999999", -ERANGE, 0 },
        { "0xffffffffFFFFFFFF", 0, UINT64_MAX },
        { "0x10000000000000000", -ERANGE, 0 },
        { "0X1f", 0, 31 },
        { "007", 0, 7 },
        { "4K", 0, 4096 },
        { "3m", 0, 3 << 20 },
        { "0x2G", 0, (uint64_t)2 << 30 },
        { "17179869183G", 0, (uint64_t)17179869183 << 30 },
        { "17179869184G", -ERANGE, 0 },
        { "0x2t", 0, (uint64_t)2 << 40 },
        { "16777215T", 0, (uint64_t)16777215 << 40 },
        { "16777216T", -ERANGE, 0 },
        { "2P", 0, (uint64_t)2 << 50 }, { "15e", 0, (uint64_t)15 << 60 }, { "16E", -ERANGE, 0 },
        { "1KiB", 0, 1024 }, { "1kB", 0, 1000 }, { "2MB", 0, 2000000 }, { "3GiB", 0, 3ull << 30 },
        { "18EB", 0, 18000000000000000000ull }, { "19EB", -ERANGE, 0 }, { "0x0E", 0, 14 },
        { "99999999999999999999x", -EINVAL, 0 },
        { "", -EINVAL, 0 }, { "0x", -EINVAL, 0 }, { "K", -EINVAL, 0 }, { "-1", -EINVAL, 0 },
        { "+1", -EINVAL, 0 }, { " 1", -EINVAL, 0 }, { "1 ", -EINVAL, 0 }, { "1KK", -EINVAL, 0 },
        { "1a", -EINVAL, 0 }, { "0xg", -EINVAL, 0 }, { "1Z", -EINVAL, 0 },
        { "1Ki", -EINVAL, 0 }, { "1kb", -EINVAL, 0 }, { "1B", -EINVAL, 0 }, { "1KiBx", -EINVAL, 0 },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        uint64_t value = 12345;
        assert_int_equal(text_parse_u64(cases[i].text, &value), cases[i].status);
        assert_true(value == (cases[i].status == 0 ? cases[i].value : 12345));
    }
}

static void text_parses_signs(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        status_t status;
        char sign;
        uint64_t value;
    } cases[] = {
        { "5", 0, 0, 5 },          { "-5", 0, '-', 5 },        { "+1K", 0, '+', 1024 },
        { "-0", 0, '-', 0 },       { "--5", -EINVAL, 'x', 1 }, { "+-5", -EINVAL, 'x', 1 },
        { "-", -EINVAL, 'x', 1 },  { "- 5", -EINVAL, 'x', 1 }, { "", -EINVAL, 'x', 1 },
        { "-18446744073709551616", -ERANGE, 'x', 1 },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        char sign = 'x';
        uint64_t value = 1;
        assert_int_equal(text_parse_signed(cases[i].text, &sign, &value), cases[i].status);
        assert_int_equal(sign, cases[i].sign);
        assert_true(value == cases[i].value);
    }
}

static void text_parses_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        status_t status;
        uint64_t us;
    } cases[] = {
        { "0", 0, 0 }, { "2", 0, 2000000 }, { "0.25", 0, 250000 }, { ".5s", 0, 500000 },
        { "1.", 0, 1000000 }, { "1.5m", 0, 90000000 }, { "2h", 0, 7200000000 },
        { "1d", 0, 86400000000 }, { "0.0000019", 0, 1 }, { "0.00000000000000000000001", 0, 0 },
        { "18446744073709", 0, 18446744073709000000ull }, { "18446744073710", -ERANGE, 7 },
        { "99999999999999999999999", -ERANGE, 7 }, { "213503983d", -ERANGE, 7 },
        { "", -EINVAL, 7 }, { ".", -EINVAL, 7 }, { "s", -EINVAL, 7 }, { "1x", -EINVAL, 7 },
        { "1ss", -EINVAL, 7 }, { "-1", -EINVAL, 7 }, { "1.2.3", -EINVAL, 7 }, { "1 ", -EINVAL, 7 },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        uint64_t us = 7;
        assert_int_equal(text_parse_time(cases[i].text, &us), cases[i].status);
        assert_true(us == cases[i].us);
    }
}

static void statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(status_name(-EIO), "EIO");
    assert_string_equal(status_name(EIO), "EIO");
    assert_string_equal(status_name(-EMEDIUMTYPE), "EMEDIUMTYPE");
    assert_string_equal(status_text(-EIO), "input/output error");
    assert_string_equal(status_name(9999), "E???");
    assert_string_equal(status_text(INT_MIN), "unknown error");
    assert_string_equal(status_name(INT_MAX), "E???");
    assert_string_equal(status_name(0), "OK");
}

static void hashes_spread(void **state)
{
    (void)state;
    unsigned filled = 0;
    static bool slots[4096];
    for (uint64_t i = 0; i < 4096; i++) {
        bool *slot = &slots[hash_u64(i * 2048) % 4096];
        filled += !*slot;
        *slot = true;
    }
    assert_in_range(filled, 2400, 2800); /* at random 4096 * (1 - 1/e) = 2589 */
    assert_true(hash_bytes("abc", 3, 0) == hash_bytes("abcd", 3, 0));
    assert_true(hash_bytes("abc", 3, 0) != hash_bytes("abc", 3, 1));
    assert_true(hash_bytes("abc", 3, 0) != hash_bytes("abc\0", 4, 0));
    assert_true(hash_bytes("12345678a", 9, 0) != hash_bytes("12345678b", 9, 0));
    assert_true(hash_bytes(NULL, 0, 5) == hash_bytes("", 0, 5));
}

static void lists_link(void **state)
{
    (void)state;
    struct item {
        int number;
        struct list link;
    } items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
    struct list head = LIST_INIT(head);
    int expected = 2;
    assert_null(list_pop_front(&head));
    list_push_back(&head, &items[1].link);
    list_push_back(&head, &items[0].link);
    list_push_front(&head, &items[2].link);
    list_each(link, &head)
        assert_int_equal(container_of(link, struct item, link)->number, expected--);
    list_remove(&items[1].link);
    list_remove(&items[1].link); /* does nothing */
    list_each_safe(link, &head)
        list_remove(link);
    assert_true(list_empty(&head) && list_empty(&items[0].link));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_numbers_decimal),
        cmocka_unit_test(format_numbers_other),
        cmocka_unit_test(format_odd_formats),
        cmocka_unit_test(format_texts),
        cmocka_unit_test(format_bounds),
        cmocka_unit_test(sha256_vectors),
        cmocka_unit_test(sha256_splits),
        cmocka_unit_test(utf8_round_trip),
        cmocka_unit_test(utf8_refuses),
        cmocka_unit_test(unicode_folds),
        cmocka_unit_test(utf8_compares_folded),
        cmocka_unit_test(utf8_hashes_folded),
        cmocka_unit_test(civil_as_host),
        cmocka_unit_test(civil_of_extremes),
        cmocka_unit_test(civil_validates),
        cmocka_unit_test(civil_formats),
        cmocka_unit_test(bytes_reads),
        cmocka_unit_test(text_copies),
        cmocka_unit_test(text_compares),
        cmocka_unit_test(text_parses_numbers),
        cmocka_unit_test(text_parses_signs),
        cmocka_unit_test(text_parses_times),
        cmocka_unit_test(statuses_have_names),
        cmocka_unit_test(hashes_spread),
        cmocka_unit_test(lists_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

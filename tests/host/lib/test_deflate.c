/*
 * test_deflate.c - promise: what lib/deflate/deflate.c packs, zlib and lib/deflate/gunzip.c unpack
 * to the same bytes, whatever the bytes are and however they are divided; it is about as short as
 * what zlib makes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "lib/deflate/deflate.h"
#include "lib/deflate/gunzip.h"
#include "lib/macros.h"

enum { BYTES_MAX = 200000, PACKED_MAX = BYTES_MAX + 4096, ROUNDS = 40, KINDS = 7 };

static struct gzipper gzipper;
static struct gunzip gunzip;
static uint8_t data[BYTES_MAX], packed[PACKED_MAX], out[BYTES_MAX + 1];
static size_t packed_bytes;
static uint64_t seed;

static unsigned random_below(unsigned bound)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % bound;
}

/* Noise, words, a staircase, runs, one byte, rare bytes (long codes), and far repetitions. */
static uint8_t content(size_t at, unsigned kind)
{
    unsigned noise = random_below(256);
    switch (kind) {
    case 0: return (uint8_t)noise;
    case 1: return (uint8_t) "the words of a text\n"[noise % 20];
    case 2: return (uint8_t)(at / 100);
    case 3: return (uint8_t)(noise % 3 ? 'x' : noise);
    case 4: return 'z';
    case 5: return (uint8_t)(__builtin_ctz(random_below(1u << 30) | 1u << 29) * 3 + noise % 2);
    default: return (uint8_t)(at % 32771 * 7919 >> 3);
    }
}

static void take(void *context, const void *bytes, size_t count)
{
    assert_ptr_equal(context, &seed);
    assert_true(count <= PACKED_MAX - packed_bytes);
    memcpy(packed + packed_bytes, bytes, count);
    packed_bytes += count;
}

static void pack(size_t bytes, unsigned piece_max)
{
    packed_bytes = 0;
    memset(&gzipper, 0xa5, sizeof(gzipper));
    gzipper_begin(&gzipper, take, &seed);
    for (size_t at = 0, piece; at < bytes; at += piece) {
        piece = 1 + random_below(piece_max);
        piece = min(piece, bytes - at);
        gzipper_add(&gzipper, data + at, piece);
    }
    gzipper_end(&gzipper);
}

static void check_zlib(size_t bytes)
{
    z_stream stream = { .next_in = packed, .avail_in = (unsigned)packed_bytes, .next_out = out,
                        .avail_out = sizeof(out) };
    assert_int_equal(inflateInit2(&stream, 31), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(sizeof(out) - stream.avail_out, bytes);
    assert_memory_equal(out, data, bytes);
    inflateEnd(&stream);
}

static void check_gunzip(size_t bytes)
{
    enum gunzip_result result;
    size_t at = 0;
    gunzip_begin(&gunzip);
    gunzip_feed(&gunzip, (struct bytes){ packed, packed_bytes });
    while ((result = gunzip_run(&gunzip)) == GUNZIP_OUTPUT) {
        assert_true(gunzip.output.length <= bytes - at);
        assert_memory_equal(gunzip.output.data, data + at, gunzip.output.length);
        at += gunzip.output.length;
    }
    assert_int_equal(result, GUNZIP_MORE);
    assert_int_equal(gunzip_end(&gunzip), GUNZIP_END);
    assert_int_equal(at, bytes);
}

static void test_contents(void **state)
{
    (void)state;
    seed = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t bytes = round < KINDS ? BYTES_MAX : random_below(BYTES_MAX);
        for (size_t at = 0; at < bytes; at++)
            data[at] = content(at, round % KINDS);
        pack(bytes, round % 2 ? 100000 : 300);
        check_zlib(bytes);
        check_gunzip(bytes);

        /* Noise is stored: five bytes for each block. */
        assert_true(packed_bytes <= bytes + 5 * (bytes / 32768 + 1) + 32);
    }
}

static void test_sizes(void **state)
{
    static const size_t sizes[] = { 0, 1, 2, 3, 4, 258, 259, 32767, 32768, 32769, 65535, 65536,
                                    65537, 98304, 131072 };
    (void)state;
    seed = 2;
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
            for (size_t at = 0; at < sizes[i]; at++)
                data[at] = content(at, kind);
            pack(sizes[i], 100000);
            check_zlib(sizes[i]);
            check_gunzip(sizes[i]);
        }
}

static void test_as_short_as_zlib(void **state)
{
    (void)state;
    seed = 3;
    for (size_t at = 0; at < BYTES_MAX; at++)
        data[at] = content(at / (1 + at % 3), 1);
    pack(BYTES_MAX, 100000);
    uLongf length = sizeof(out);
    assert_int_equal(compress2(out, &length, data, BYTES_MAX, 6), Z_OK);
    assert_true(packed_bytes < length + length / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_as_short_as_zlib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_inflate.c - promise: lib/deflate/inflate.c unpacks whatever zlib packs, in whole or in
 * pieces that are divided anywhere, with the same output; a damaged stream is rejected, or unpacked
 * within its buffer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "lib/deflate/inflate.h"
#include "lib/macros.h"

enum { ROUNDS = 400, BYTES_MAX = 150000, DAMAGES = 4 };

static struct inflate work;
static uint64_t seed;

static unsigned random_below(unsigned bound)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % bound;
}

/* Four kinds of content: noise, words, a staircase, runs. */
static void make_content(uint8_t *data, size_t bytes, unsigned kind)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned noise = random_below(256);
        data[i] = kind == 0   ? (uint8_t)noise
                  : kind == 1 ? (uint8_t)"abcab cdea"[noise % 10]
                  : kind == 2 ? (uint8_t)(i / 100)
                              : (uint8_t)(noise % 3 ? 'x' : noise);
    }
}

static size_t pack(const uint8_t *data, size_t bytes, uint8_t *packed, size_t room, int level,
                   int strategy)
{
    z_stream stream = { 0 };
    assert_int_equal(deflateInit2(&stream, level, Z_DEFLATED, 15, 8, strategy), Z_OK);
    stream.next_in = (uint8_t *)(uintptr_t)data;
    stream.avail_in = (unsigned)bytes;
    stream.next_out = packed;
    stream.avail_out = (unsigned)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    room -= stream.avail_out;
    deflateEnd(&stream);
    return room;
}

/* The input ends where the allocation ends, so that the sanitizer sees a byte too far. */
static ssize_t unpack_copy(const uint8_t *packed, size_t bytes, uint8_t *out, size_t room)
{
    uint8_t *exact = malloc(bytes ? bytes : 1);
    memcpy(exact, packed, bytes);
    ssize_t got = inflate_zlib(&work, (struct bytes){ exact, bytes }, out, room);
    free(exact);
    return got;
}

static void check_round(unsigned round)
{
    size_t bytes = random_below(BYTES_MAX), room = compressBound(bytes);
    uint8_t *data = malloc(bytes + 1), *packed = malloc(room), *out = malloc(bytes + 1);
    make_content(data, bytes, round % 4);
    size_t length = pack(data, bytes, packed, room, (int)(round % 10), (int)(round % 5));
    assert_int_equal(unpack_copy(packed, length, out, bytes), bytes);
    assert_memory_equal(out, data, bytes);
    assert_int_equal(unpack_copy(packed, length - 1, out, bytes), -EUCLEAN);
    if (bytes)
        assert_int_equal(unpack_copy(packed, length, out, bytes - 1), -EUCLEAN);
    for (unsigned i = 0; i < DAMAGES; i++) {
        packed[random_below((unsigned)length)] ^= (uint8_t)(1u << random_below(8));
        assert_true(unpack_copy(packed, length, out, bytes) <= (ssize_t)bytes);
    }
    free(data);
    free(packed);
    free(out);
}

static void test_against_zlib(void **state)
{
    (void)state;
    seed = 1;
    for (unsigned round = 0; round < ROUNDS; round++)
        check_round(round);
}

/* ---- in pieces ---------------------------------------------------------------------------- */

/* Unpacks DEFLATE that is divided into pieces, to a buffer of `room` bytes that is emptied when it
 * is full. `piece_of` returns the size of the next piece; the last one gets the rest. Returns the
 * number of bytes, or -1. */
static ssize_t unpack_pieces(const uint8_t *packed, size_t bytes, size_t room, uint8_t *to,
                             size_t (*piece_of)(size_t left))
{
    uint8_t *out = malloc(room), *piece = NULL;
    size_t at = 0, given = 0, total = 0;
    enum inflate_result result;
    memset(&work, 0, sizeof(work));
    inflate_begin(&work, out, room);
    for (;;) {
        result = inflate_run(&work);
        memcpy(to + total, out + given, work.out_used - given);
        total += work.out_used - given;
        given = work.out_used;
        if (result == INFLATE_FULL) {
            inflate_slide(&work);
            given = work.out_used;
        } else if (result == INFLATE_MORE && at < bytes) {
            size_t size = piece_of(bytes - at);
            free(piece);
            piece = malloc(size);
            memcpy(piece, packed + at, size);
            inflate_feed(&work, (struct bytes){ piece, size });
            at += size;
        } else {
            break;
        }
    }
    bool whole = result == INFLATE_END && at == bytes && inflate_byte(&work) == -1;
    free(piece);
    free(out);
    return whole ? (ssize_t)total : -1;
}

static size_t split_at; /* 0: no more */

static size_t piece_split(size_t left)
{
    size_t size = split_at ? split_at : left;
    split_at = 0;
    return size;
}

static size_t piece_byte(size_t left)
{
    return min(left, 1u);
}

static size_t piece_random(size_t left)
{
    size_t size = 1 + random_below(random_below(8) ? 16 : 5000);
    return min(left, size);
}

/* Divides streams of each kind of block at every byte, and into bytes. */
static void test_every_split(void **state)
{
    enum { BYTES = 250 };
    (void)state;
    seed = 3;
    uint8_t data[BYTES], packed[2 * BYTES], out[BYTES];
    for (unsigned round = 0; round < 12; round++) {
        size_t bytes = round < 10 ? random_below(BYTES) : 0;
        make_content(data, bytes, round % 4);
        size_t length = pack(data, bytes, packed, sizeof(packed), (int)(round % 10),
                             (int)(round % 5));

        /* Without the two bytes and the checksum of zlib. */
        length -= 6;
        for (size_t at = 1; at < length; at++) {
            split_at = at;
            assert_int_equal(unpack_pieces(packed + 2, length, BYTES, out, piece_split), bytes);
            assert_memory_equal(out, data, bytes);
        }
        assert_int_equal(unpack_pieces(packed + 2, length, BYTES, out, piece_byte), bytes);
        assert_memory_equal(out, data, bytes);
    }
}

/* Large contents, through buffers that are filled many times. */
static void test_windows(void **state)
{
    (void)state;
    seed = 4;
    for (unsigned round = 0; round < 8; round++) {
        size_t bytes = random_below(2 * BYTES_MAX), room = compressBound(bytes);
        uint8_t *data = malloc(bytes + 1), *packed = malloc(room), *out = malloc(bytes + 1);
        make_content(data, bytes, round % 4);
        size_t length = pack(data, bytes, packed, room, (int)(round % 10), (int)(round % 5)) - 6;
        size_t window = INFLATE_WINDOW + 1 + (round % 3 ? random_below(INFLATE_WINDOW) : 0);
        assert_int_equal(unpack_pieces(packed + 2, length, window, out, piece_random), bytes);
        assert_memory_equal(out, data, bytes);
        free(data);
        free(packed);
        free(out);
    }
}

static void test_noise_is_refused(void **state)
{
    (void)state;
    uint8_t noise[300], out[1000];
    seed = 2;
    for (unsigned round = 0; round < 20000; round++) {
        size_t bytes = random_below(sizeof(noise));
        make_content(noise, bytes, 0);
        noise[0] = 0x78; /* a good header, so that the blocks are looked at */
        noise[1] = 0x9c;
        assert_true(unpack_copy(noise, bytes, out, sizeof(out)) <= (ssize_t)sizeof(out));
    }
}

static void test_headers(void **state)
{
    (void)state;
    uint8_t out[16];
    static const uint8_t bad[][8] = {
        { 0x78, 0x9d, 3, 0, 0, 0, 0, 1 }, /* header check */
        { 0x79, 0x9b, 3, 0, 0, 0, 0, 1 }, /* not deflate */
        { 0x78, 0xbb, 3, 0, 0, 0, 0, 1 }, /* a dictionary */
        { 0x78, 0x9c, 3, 0, 0, 0, 0, 2 }, /* check sum */
        { 0x78, 0x9c, 7, 0, 0, 0, 0, 1 }, /* block type 3 */
    };
    static const uint8_t good[8] = { 0x78, 0x9c, 3, 0, 0, 0, 0, 1 };
    assert_int_equal(unpack_copy(good, 8, out, sizeof(out)), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        assert_int_equal(unpack_copy(bad[i], 8, out, sizeof(out)), -EUCLEAN);
    for (size_t bytes = 0; bytes < 8; bytes++)
        assert_int_equal(unpack_copy(good, bytes, out, sizeof(out)), -EUCLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_zlib),
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_noise_is_refused),
        cmocka_unit_test(test_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

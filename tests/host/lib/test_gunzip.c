/*
 * test_gunzip.c - promise: lib/deflate/gunzip.c unpacks the gzip files that zlib makes, whatever
 * their header has and however they are divided; each byte that is changed or missing is noticed,
 * or has no effect on the content.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "lib/deflate/gunzip.h"
#include "lib/macros.h"

enum { BYTES_MAX = 200000, SMALL = 600 };

static struct gunzip work;
static uint64_t seed;
static uint8_t data[BYTES_MAX], packed[2 * BYTES_MAX], out[2 * BYTES_MAX];

static unsigned random_below(unsigned bound)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % bound;
}

static void make_content(size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t) "the words of a text\n"[random_below(20)];
}

/* Appends a member to packed[]. Bit 0 to 3 of `fields`: an extra field, a name, a comment, and the
 * checksum of the header. */
static size_t add_member(size_t at, size_t bytes, unsigned fields)
{
    uint8_t extra[] = "extra field", name[] = "name", comment[] = "a comment";
    z_stream stream = { 0 };
    gz_header header = { .time = 1000000000, .os = 3, .hcrc = fields >> 3 & 1 };
    header.extra = fields & 1 ? extra : NULL;
    header.extra_len = sizeof(extra);
    header.name = fields & 2 ? name : NULL;
    header.comment = fields & 4 ? comment : NULL;
    assert_int_equal(deflateInit2(&stream, (int)(1 + fields % 9), Z_DEFLATED, 31, 8, 0), Z_OK);
    assert_int_equal(deflateSetHeader(&stream, &header), Z_OK);
    stream.next_in = data;
    stream.avail_in = (unsigned)bytes;
    stream.next_out = packed + at;
    stream.avail_out = (unsigned)(sizeof(packed) - at);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return sizeof(packed) - stream.avail_out;
}

static size_t used; /* of out[] */

/* Feeds a piece, copied so that the sanitizer sees a byte too far. Returns what follows the
 * output. */
static enum gunzip_result feed(const uint8_t *piece, size_t bytes)
{
    uint8_t *exact = malloc(bytes ? bytes : 1);
    enum gunzip_result result;
    memcpy(exact, piece, bytes);
    gunzip_feed(&work, (struct bytes){ exact, bytes });
    while ((result = gunzip_run(&work)) == GUNZIP_OUTPUT) {
        assert_true(work.output.length <= sizeof(out) - used);
        memcpy(out + used, work.output.data, work.output.length);
        used += work.output.length;
    }
    free(exact);
    return result;
}

/* Unpacks a file in two pieces. */
static enum gunzip_result unpack(const uint8_t *file, size_t bytes, size_t split)
{
    memset(&work, 0xa5, sizeof(work));
    gunzip_begin(&work);
    used = 0;
    enum gunzip_result result = feed(file, split);
    if (result == GUNZIP_MORE)
        result = feed(file + split, bytes - split);
    enum gunzip_result end = gunzip_end(&work);
    assert_true(result == GUNZIP_MORE || result == end);
    return end;
}

static void check(size_t length, size_t split, size_t bytes)
{
    assert_int_equal(unpack(packed, length, split), GUNZIP_END);
    assert_int_equal(used, bytes);
    assert_memory_equal(out, data, bytes);
    assert_int_equal(work.total, bytes);
}

static void test_headers_and_splits(void **state)
{
    (void)state;
    seed = 1;
    for (unsigned fields = 0; fields < 16; fields++) {
        make_content(SMALL);
        size_t length = add_member(0, SMALL, fields);
        for (size_t split = 0; split <= length; split++)
            check(length, split, SMALL);
    }
    make_content(BYTES_MAX);
    check(add_member(0, BYTES_MAX, 2), 1000, BYTES_MAX);
    check(add_member(0, 0, 2), 3, 0);
}

static void test_bytes(void **state)
{
    (void)state;
    make_content(BYTES_MAX);
    size_t length = add_member(0, BYTES_MAX, 15);
    gunzip_begin(&work);
    used = 0;
    for (size_t i = 0; i < length; i++)
        assert_int_equal(feed(packed + i, 1), GUNZIP_MORE);
    assert_int_equal(gunzip_end(&work), GUNZIP_END);
    assert_int_equal(used, BYTES_MAX);
    assert_memory_equal(out, data, BYTES_MAX);
}

static void test_members(void **state)
{
    (void)state;
    make_content(SMALL);
    size_t length = add_member(0, SMALL, 0), first = length;
    length = add_member(length, SMALL, 15);
    length = add_member(length, 0, 2);
    assert_int_equal(unpack(packed, length, first), GUNZIP_END);
    assert_int_equal(used, 2 * SMALL);
    assert_memory_equal(out, data, SMALL);
    assert_memory_equal(out + SMALL, data, SMALL);

    /* Zeros may follow, and something else is noticed after all of the content was given. */
    memset(packed + length, 0, 100);
    assert_int_equal(unpack(packed, length + 100, length + 50), GUNZIP_END);
    packed[length + 99] = 'x';
    assert_int_equal(unpack(packed, length + 100, length), GUNZIP_GARBAGE);
    assert_int_equal(used, 2 * SMALL);
    packed[length] = 'x';
    assert_int_equal(unpack(packed, length + 100, 7), GUNZIP_GARBAGE);
    packed[length] = 0x1f;
    assert_int_equal(unpack(packed, length + 2, 7), GUNZIP_GARBAGE);
    assert_int_equal(unpack(packed, length + 1, 7), GUNZIP_TRUNCATED);
}

static void test_truncated(void **state)
{
    (void)state;
    make_content(SMALL);
    size_t length = add_member(0, SMALL, 15);
    for (size_t bytes = 0; bytes < length; bytes++)
        assert_int_equal(unpack(packed, bytes, bytes / 2), GUNZIP_TRUNCATED);
}

/* Changes each bit: with the checksum of the header all are covered, except the bits that fill the
 * last byte of the blocks. */
static void test_damaged(void **state)
{
    (void)state;
    unsigned free_bits = 0;
    make_content(SMALL);
    size_t length = add_member(0, SMALL, 15);
    for (size_t bit = 0; bit < 8 * length; bit++) {
        packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum gunzip_result result = unpack(packed, length, bit / 8);
        free_bits += result == GUNZIP_END;
        if (result == GUNZIP_END)
            assert_memory_equal(out, data, SMALL);
        packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(free_bits < 8);
}

static void test_errors(void **state)
{
    (void)state;
    make_content(SMALL);
    size_t length = add_member(0, SMALL, 0);
    static const struct {
        int from_end; /* or from the start, if it is not negative */
        enum gunzip_result result;
    } damages[] = {
        { 0, GUNZIP_FOREIGN }, { 1, GUNZIP_FOREIGN }, { 2, GUNZIP_UNKNOWN },
        { -8, GUNZIP_CRC },    { -5, GUNZIP_CRC },    { -1, GUNZIP_LENGTH },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(damages); i++) {
        int at = damages[i].from_end;
        uint8_t *byte = at < 0 ? packed + length + at : packed + at;
        *byte ^= 0x11;
        assert_int_equal(unpack(packed, length, 2), damages[i].result);
        *byte ^= 0x11;
    }
    assert_int_equal(unpack((const uint8_t *)"text", 4, 4), GUNZIP_FOREIGN);
    assert_int_equal(work.header[0], 't');
    assert_int_equal(work.header_used, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_and_splits),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

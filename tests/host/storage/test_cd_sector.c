/*
 * test_cd_sector.c - verification and correction of CD sectors.
 *
 * Promise     cd_sector.h: a sector is accepted only with the data that was written, whatever was
 *             damaged; all other sectors are refused. Damage within the limit of the two codes is
 *             corrected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/storage/virtual/disc/cd_sector.h"
#include "tests/host/raw_sectors.h"

enum { BLOCK = 4711, TRIES = 300 };

static uint8_t data[2048], sector[2352];
static struct cd_check check;

static void fill(void)
{
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(rand() >> 8);
}

static void make(enum raw_kind kind)
{
    fill();
    raw_sector_make(sector, kind, BLOCK, data);
    check.frame = BLOCK + CD_LEAD_FRAMES;
    check.mode = kind == RAW_MODE_1 ? 1 : 2;
}

/* The verdict; data that is given out is right. */
static enum cd_verdict verdict(bool bare)
{
    const uint8_t *got = NULL;
    enum cd_verdict result = bare ? cd_sector_verify_bare(&check, sector + 16, &got)
                                  : cd_sector_verify(&check, sector, &got);
    if (result == CD_GOOD || result == CD_CORRECTED)
        assert_memory_equal(got, data, sizeof(data));
    return result;
}

static void expect_verdict(enum cd_verdict expected)
{
    assert_int_equal(verdict(false), expected);
}

static void flip(unsigned at)
{
    sector[at] ^= (uint8_t)(1 + rand() % 255);
}

static void test_good(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TRIES; i++) {
        make(RAW_MODE_1);
        expect_verdict(CD_GOOD);
        make(RAW_FORM_1);
        expect_verdict(CD_GOOD);
        assert_int_equal(verdict(true), CD_GOOD);
    }
    make(RAW_MODE_1);
    memset(sector + 2068, 0, 284); /* P and Q that were never made */
    expect_verdict(CD_GOOD);
}

/* A sector that was made elsewhere: block 16 of a disc, all of its data 0x55 (the parity by an
 * encoder of another kind: lookups of products, as programs that shrink images have them). */
static void test_known(void **state)
{
    (void)state;
    memset(data, 0x55, sizeof(data));
    raw_sector_make(sector, RAW_MODE_1, 16, data);
    check.frame = 166;
    check.mode = 1;
    expect_verdict(CD_GOOD);
    uint32_t sum = 2166136261u;
    for (unsigned i = 2064; i < 2352; i++)
        sum = (sum ^ sector[i]) * 16777619u;
    assert_int_equal(sum, 0x15701276u);
}

/* Any one byte that a code or the EDC covers. */
static void test_single(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 2352; at++) {
        make(RAW_MODE_1);
        flip(at);
        expect_verdict(at < 2068 ? CD_CORRECTED : CD_GOOD);
        make(RAW_FORM_1);
        flip(at);
        enum cd_verdict result = verdict(false);
        if (at < 16)
            assert_true(result >= CD_EMPTY);
        else
            assert_int_equal(result, at < 2076 ? CD_CORRECTED : CD_GOOD);
    }
}

/* The limit of the codes: a byte in each column of P, or in each diagonal of Q, and bursts. */
static void test_limit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TRIES; i++) {
        make(i % 2 ? RAW_MODE_1 : RAW_FORM_1);
        for (unsigned column = 0; column < 86; column++)
            if (i % 2 || column >= 4) /* without the header of mode 2 */
                flip(12 + column + 86 * (unsigned)(rand() % 26));
        expect_verdict(CD_CORRECTED);

        make(i % 2 ? RAW_MODE_1 : RAW_FORM_1);
        for (unsigned diagonal = 0; diagonal < 26; diagonal++)
            for (unsigned plane = 0; plane < 2; plane++) {
                unsigned word = (44 * (unsigned)(rand() % 43) + 43 * diagonal) % 1118;
                unsigned at = 12 + 2 * word + plane;
                flip(at < 16 && i % 2 == 0 ? at + 86 * 13 : at);
            }
        assert_true(verdict(false) == CD_CORRECTED || i % 2 == 0);

        make(i % 2 ? RAW_MODE_1 : RAW_FORM_1);
        unsigned at = 16 + (unsigned)(rand() % 2200);
        for (unsigned left = 86; left && at < 2352; at++, left--)
            flip(at);
        enum cd_verdict result = verdict(false); /* a burst in the parity alone harms nothing */
        assert_true(result == CD_CORRECTED || result == CD_GOOD);
    }
}

/* The bytes of column `number` of P, or of diagonal `number` of Q with its parity. */
static unsigned p_byte(unsigned number, unsigned i, unsigned plane)
{
    return 12 + 2 * (43 * i + number) + plane;
}

static unsigned q_byte(unsigned number, unsigned i, unsigned plane)
{
    unsigned word = i < 43 ? (43 * number + 44 * i) % 1118 : 1118 + 26 * (i - 43) + number;
    return 12 + 2 * word + plane;
}

/* Two codewords of each plane, all of whose bytes are wrong: what one code cannot correct, the
 * other does, because it knows which bytes they are. */
static void test_erasures(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4 * TRIES; i++) {
        bool mode_1 = i % 2, columns = i / 2 % 2;
        make(mode_1 ? RAW_MODE_1 : RAW_FORM_1);
        for (unsigned plane = 0; plane < 2; plane++) {
            unsigned count = columns ? 43 : 26, length = columns ? 26 : 45;
            unsigned one = (unsigned)rand() % count;
            unsigned other = (one + 1 + (unsigned)rand() % (count - 1)) % count;
            for (unsigned n = 0; n < length; n++) {
                unsigned at = columns ? p_byte(one, n, plane) : q_byte(one, n, plane);
                if (mode_1 || at >= 16) /* the header of mode 2 is in no code */
                    flip(at);
                at = columns ? p_byte(other, n, plane) : q_byte(other, n, plane);
                if (mode_1 || at >= 16)
                    flip(at);
            }
        }
        expect_verdict(CD_CORRECTED);
    }
}

/* Beyond the limit no wrong data is returned, also from bare sectors. */
static void test_beyond(void **state)
{
    (void)state;
    unsigned corrected = 0, refused = 0;
    for (unsigned i = 0; i < 4 * TRIES; i++) {
        make((enum raw_kind)(i % 2));
        for (unsigned n = (unsigned)rand() % 400; n; n--)
            flip(16 + (unsigned)rand() % 2336);
        enum cd_verdict result = verdict(i % 4 == 1);
        corrected += result == CD_CORRECTED;
        refused += result >= CD_EMPTY;
    }
    assert_true(corrected > 0 && refused > 0);
}

static void test_frame(void **state)
{
    (void)state;
    make(RAW_FORM_2);
    expect_verdict(CD_FORM_2);
    assert_int_equal(verdict(true), CD_FORM_2);
    memset(sector + 2348, 0, 4); /* "no EDC" */
    expect_verdict(CD_FORM_2);
    memset(sector, 0, sizeof(sector));
    expect_verdict(CD_EMPTY);
    assert_int_equal(verdict(true), CD_EMPTY);
    for (unsigned kind = 0; kind < 2; kind++) {
        make((enum raw_kind)kind);
        check.frame++; /* a sector that is right, and another one */
        expect_verdict(CD_OTHER_ADDRESS);
    }
    make(RAW_MODE_1);
    sector[12] = 0x30; /* damage: the EDC knows the address that belongs there */
    sector[13] = sector[14] = 0;
    expect_verdict(CD_CORRECTED);
    make(RAW_FORM_1);
    sector[14] = 0xff;
    expect_verdict(CD_OTHER_ADDRESS);
    for (unsigned mode = 0; mode < 256; mode++) {
        make(RAW_MODE_1);
        sector[15] = (uint8_t)mode; /* damaged to another one */
        expect_verdict(mode == 1 ? CD_GOOD : CD_CORRECTED);
        make(RAW_FORM_1);
        sector[15] = (uint8_t)mode;
        assert_true((verdict(false) == CD_GOOD) == (mode == 2));
    }
    memset(sector + 16, 0, 2336);
    sector[15] = 0; /* a sector of mode 0 */
    expect_verdict(CD_EMPTY);
    for (unsigned i = 0; i < sizeof(sector); i++)
        sector[i] = (uint8_t)rand(); /* audio */
    expect_verdict(CD_NO_SYNC);
}

static int start(void **state)
{
    (void)state;
    cd_sector_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),   cmocka_unit_test(test_known),
        cmocka_unit_test(test_single), cmocka_unit_test(test_limit),
        cmocka_unit_test(test_erasures), cmocka_unit_test(test_beyond),
        cmocka_unit_test(test_frame),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

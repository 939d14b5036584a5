/*
 * test_ata_identify.c - IDENTIFY data (drivers/storage/ata/identify.c).
 *
 * Promises    ata.h: texts are trimmed and printable; capacities, sector sizes and features are
 *             taken only from valid words; a wrong checksum is noticed; a disk that lies is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/storage/ata/ata.h"
#include "lib/macros.h"

static uint16_t words[ATA_IDENTIFY_WORDS];

static void put_text(unsigned first, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        uint16_t c = (uint8_t)(i < strlen(text) ? text[i] : ' ');
        uint16_t *word = &words[first + i / 2];
        *word = i % 2 ? *word | c : (uint16_t)(c << 8);
    }
}

static struct ata_identity decode(void)
{
    struct ata_identity identity;
    assert_true(ata_identify_decode(words, &identity));
    return identity;
}

/* Fills the words of a usual disk: 1000000 sectors of 512 bytes. */
static void set_up_disk(void)
{
    memset(words, 0, sizeof(words));
    words[49] = 0x0300;
    words[60] = 1000000 & 0xffff;
    words[61] = 1000000 >> 16;
    words[83] = 0x7400;
    words[85] = 0x0020;
    words[87] = 0x4000;
    words[100] = words[60];
    words[101] = words[61];
}

static void test_texts(void **state)
{
    (void)state;
    memset(words, 0, sizeof(words));
    words[0] = 0x8581;
    words[49] = 0x0100;
    words[62] = 0x8000;
    put_text(27, "  A drive\x80 of words", 40);
    put_text(23, "1.0", 8);
    words[10] = 'S' << 8; /* a serial number that ends early */

    struct ata_identity identity = decode();
    assert_string_equal(identity.model, "A drive? of words");
    assert_string_equal(identity.firmware, "1.0");
    assert_string_equal(identity.serial, "S");
    assert_int_equal(identity.device_type, 5);
    assert_int_equal(identity.packet_bytes, 16);
    assert_true(identity.dma && identity.dma_direction);

    memset(words, 0xff, sizeof(words));
    words[255] = 0;
    identity = decode();
    assert_int_equal(strlen(identity.model), 40);
    assert_int_equal(identity.packet_bytes, 12);
    assert_int_equal(identity.queue_depth, 0);
    assert_int_equal(identity.rotation, 0);
}

static void test_a_disk(void **state)
{
    (void)state;
    set_up_disk();
    struct ata_identity identity = decode();
    assert_true(identity.lba && identity.lba48 && identity.dma);
    assert_true(identity.flush && identity.flush_extended && identity.write_cache);
    assert_int_equal(identity.sectors, 1000000);
    assert_int_equal(identity.sector_bytes, 512);
    assert_int_equal(identity.physical_bytes, 512);
    assert_int_equal(identity.queue_depth, 0);
    assert_null(ata_identity_fault(&identity));

    words[75] = 31;
    words[76] = 0x0106;
    words[217] = 7200;
    words[128] = 4;
    identity = decode();
    assert_int_equal(identity.queue_depth, 32);
    assert_int_equal(identity.rotation, 7200);
    assert_true(identity.locked);

    /* Without valid words of features the disk is as old as ATA-3. */
    words[83] = 0xffff;
    words[87] = 0;
    identity = decode();
    assert_false(identity.lba48 || identity.flush || identity.flush_extended);
    assert_false(identity.write_cache);
    assert_int_equal(identity.queue_depth, 0);
    assert_int_equal(identity.sectors, 1000000);
}

static void test_sector_sizes(void **state)
{
    static const struct {
        uint16_t size, low, high;
        uint32_t logical, physical;
    } cases[] = {
        { 0, 2048, 0, 512, 512 },        { 0x6003, 2048, 0, 512, 4096 },
        { 0x5000, 2048, 0, 4096, 4096 }, { 0x5000, 260, 0, 520, 520 },
        { 0xe003, 0, 0, 512, 512 },      { 0x5000, 0, 0x8000, 0, 0 },
        { 0x7001, 1024, 0, 2048, 4096 },
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        set_up_disk();
        words[106] = cases[i].size;
        words[117] = cases[i].low;
        words[118] = cases[i].high;
        struct ata_identity identity = decode();
        assert_int_equal(identity.sector_bytes, cases[i].logical);
        assert_int_equal(identity.physical_bytes, cases[i].physical);
    }
}

static void test_disks_that_lie(void **state)
{
    static const struct {
        unsigned word;
        uint16_t value;
    } lies[] = {
        { 49, 0x0100 }, /* no LBA */
        { 103, 1 },     /* 2^48 sectors and more */
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LENGTH(lies); i++) {
        set_up_disk();
        words[lies[i].word] = lies[i].value;
        struct ata_identity identity = decode();
        assert_non_null(ata_identity_fault(&identity));
    }

    set_up_disk();
    words[100] = words[101] = 0;
    struct ata_identity identity = decode();
    assert_non_null(ata_identity_fault(&identity));

    static const uint32_t sizes[] = { 0, 3, 256, 520, 8192, UINT32_MAX };
    set_up_disk();
    identity = decode();
    for (unsigned i = 0; i < ARRAY_LENGTH(sizes); i++) {
        identity.sector_bytes = sizes[i];
        assert_non_null(ata_identity_fault(&identity));
    }

    /* 28 bits address 2^28 sectors. */
    words[83] = 0x4000;
    words[61] = 0x1000;
    words[60] = 0;
    identity = decode();
    assert_null(ata_identity_fault(&identity));
    words[60] = 1;
    identity = decode();
    assert_non_null(ata_identity_fault(&identity));
}

static void test_checksums(void **state)
{
    (void)state;
    set_up_disk();
    uint8_t sum = 0xa5;
    for (unsigned i = 0; i < 255; i++)
        sum = (uint8_t)(sum + words[i] + (words[i] >> 8));
    words[255] = (uint16_t)(0xa5 | (uint8_t)-sum << 8);
    struct ata_identity identity = decode();
    words[20] ^= 4;
    assert_false(ata_identify_decode(words, &identity));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_a_disk),
        cmocka_unit_test(test_sector_sizes),
        cmocka_unit_test(test_disks_that_lie),
        cmocka_unit_test(test_checksums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

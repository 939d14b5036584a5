/*
 * test_partition.c - promise: the partitions of an MBR and of a GPT are found as they were made,
 * and a table that is damaged or hostile costs a bounded time and yields only partitions inside the
 * medium that do not overlap. The decoder alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/partition/table.h"
#include "lib/digest/crc32.h"
#include "lib/macros.h"
#include "tests/host/partition_image.h"

enum { SECTORS = 2048, IMAGE_BYTES = SECTORS * 512, READS_MAX = 2000 };

static uint8_t bytes[SECTORS * 4096];
static struct partition_image image;
static struct partition_table table;
static char notes[2048], list[4096];
static unsigned reads;
static uint64_t bad_sector; /* 0: none */

static void begin(uint32_t sector_bytes)
{
    memset(bytes, 0, sizeof(bytes));
    image = (struct partition_image){ bytes, (uint64_t)SECTORS * sector_bytes, sector_bytes };
    bad_sector = 0;
}

static status_t read_image(struct partition_source *source, uint64_t offset, void *buffer,
                           size_t length)
{
    assert_true(length && length <= PARTITION_PIECE_BYTES && length % 512 == 0);
    assert_true(offset <= source->size_bytes && length <= source->size_bytes - offset);
    uint64_t bad = bad_sector * image.sector_bytes;
    reads++;
    if (bad && offset < bad + image.sector_bytes && bad < offset + length)
        return -EIO;
    memcpy(buffer, bytes + offset, length);
    return 0;
}

static void keep_note(struct partition_source *source, const char *text)
{
    (void)source;
    snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes), "%s\n", text);
}

/* Decodes the image, counting in sectors of this length, and checks the list of partitions as
 * "number first+count type name" in the image's sectors, and the notes. */
static void decode_as(uint32_t sector_bytes, enum partition_scheme scheme, const char *wanted,
                      const char *wanted_notes)
{
    struct partition_source source = { read_image, keep_note, image.size_bytes, sector_bytes };
    memset(&table, 0xaa, sizeof(table));
    notes[0] = list[0] = '\0';
    reads = 0;
    assert_int_equal(partition_table_read(&source, &table), 0);
    assert_int_equal(table.scheme, scheme);
    assert_true(reads <= READS_MAX);
    for (unsigned i = 0; i < table.count; i++) {
        const struct partition *p = &table.partitions[i];
        size_t used = strlen(list);
        assert_true(p->base_bytes + p->length_bytes <= image.size_bytes);
        snprintf(list + used, sizeof(list) - used, "%s%u %llu+%llu %s%s%s", i ? "; " : "",
                 p->number, (unsigned long long)p->base_bytes / image.sector_bytes,
                 (unsigned long long)p->length_bytes / image.sector_bytes, p->type,
                 *p->name ? " " : "", p->name);
    }
    if (wanted)
        assert_string_equal(list, wanted);
    if (wanted_notes)
        assert_string_equal(notes, wanted_notes);
}

static void decode(enum partition_scheme scheme, const char *wanted, const char *wanted_notes)
{
    decode_as(image.sector_bytes, scheme, wanted, wanted_notes);
}

/* ---- MBR ---------------------------------------------------------------------------------- */

static void test_none(void **state)
{
    (void)state;
    begin(512);
    decode(PARTITION_NONE, "", "");
    bytes[510] = 0x55;
    bytes[511] = 0xaa;
    decode(PARTITION_NONE, "", ""); /* a signature without an entry */

    /* Code where the table would be, and the boot sector of a FAT volume with an entry. */
    table_put_mbr(&image, 0, 0, 0x83, 63, 100);
    bytes[446 + 16] = 0x33;
    decode(PARTITION_NONE, "", "");
    bytes[446 + 16] = 0x80;
    decode(PARTITION_MBR, "1 63+100 Linux", "");
    memcpy(bytes + 82, "FAT32   ", 8);
    decode(PARTITION_NONE, "", "");

    image.size_bytes = 511;
    decode(PARTITION_NONE, "", "");
    image.size_bytes = IMAGE_BYTES;
    struct partition_source source = { read_image, keep_note, IMAGE_BYTES, 4096 };
    bad_sector = 7; /* of the first 4096 bytes */
    assert_int_equal(partition_table_read(&source, &table), -EIO);
}

static void put_chain(void)
{
    table_put_mbr(&image, 0, 0, 0x0c, 63, 100);
    table_put_mbr(&image, 0, 1, 0x0f, 200, 1000);
    table_put_mbr(&image, 200, 0, 0x83, 1, 50);
    table_put_mbr(&image, 200, 1, 0x05, 400, 100);
    table_put_mbr(&image, 600, 1, 0x05, 300, 100); /* without a partition: takes no number */
    table_put_mbr(&image, 500, 0, 0x82, 10, 20);
    table_put_mbr(&image, 0, 3, 0x99, 1300, 8);
}

static void test_mbr(void **state)
{
    (void)state;
    for (uint32_t sector = 512; sector <= 4096; sector *= 2) {
        begin(sector);
        put_chain();
        decode(PARTITION_MBR, "1 63+100 FAT32; 4 1300+8 type 99; 5 201+50 Linux; "
                              "6 510+20 Linux swap", "");
    }
}

static void test_chain_hostile(void **state)
{
    (void)state;
    const char *first = "1 63+100 FAT32; 4 1300+8 type 99; 5 201+50 Linux";
    char both[128];
    snprintf(both, sizeof(both), "%s; 6 510+20 Linux swap", first);

    begin(512);
    put_chain();
    table_put_mbr(&image, 500, 1, 0x05, 400, 100); /* back to the second record */
    decode(PARTITION_MBR, both, "the chain of extended boot records is a loop; left there\n");
    table_put_mbr(&image, 500, 1, 0x05, 0, 100); /* back to the first */
    decode(PARTITION_MBR, both, "the chain of extended boot records is a loop; left there\n");
    table_put_mbr(&image, 500, 1, 0x05, 0xffffffff, 100);
    decode(PARTITION_MBR, both, "an extended boot record leads out of its partition\n");

    table_put_mbr(&image, 500, 1, 0, 0, 0);
    table_put_mbr(&image, 500, 0, 0x82, 690, 20); /* leaves the extended partition */
    decode(PARTITION_MBR, first, "partition 6 is not inside its extended one; left out\n");
    table_put(&image, 600 * 512 + 510, 0, 2);
    decode(PARTITION_MBR, first, "extended boot record 600: unreadable or without signature\n");
    bad_sector = 200;
    decode(PARTITION_MBR, "1 63+100 FAT32; 4 1300+8 type 99",
           "extended boot record 200: unreadable or without signature\n");

    /* As many records as the medium has sectors, of which each is a partition. */
    begin(512);
    table_put_mbr(&image, 0, 0, 0x05, 1, SECTORS);
    for (uint32_t at = 0; at < SECTORS - 2; at += 2) {
        table_put_mbr(&image, 1 + at, 0, 0x83, 1, 1);
        table_put_mbr(&image, 1 + at, 1, 0x05, at + 2, 2);
    }
    decode(PARTITION_MBR, NULL, "more than 128 extended boot records; the rest is left out\n");
    assert_int_equal(table.count, PARTITION_COUNT_MAX);
}

static void test_places(void **state)
{
    (void)state;
    begin(512);
    table_put_mbr(&image, 0, 0, 0x83, 100, 100);
    table_put_mbr(&image, 0, 1, 0x83, 199, 10);
    table_put_mbr(&image, 0, 2, 0x83, 2000, 0xffffffff);
    table_put_mbr(&image, 0, 3, 0x83, SECTORS, 1);
    decode(PARTITION_MBR, "1 100+100 Linux; 3 2000+48 Linux",
           "partition 2 overlaps partition 1; left out\n"
           "partition 3 ends after the medium; cut there\n"
           "partition 4 begins after the end of the medium; left out\n");
    table_put_mbr(&image, 0, 0, 0x83, 0, SECTORS);
    table_put_mbr(&image, 0, 2, 0xa5, 50, 0); /* of no sectors: unused */
    decode(PARTITION_MBR, "2 199+10 Linux",
           "partition 1 begins with the table itself; left out\n"
           "partition 4 begins after the end of the medium; left out\n");
}

/* ---- GPT ---------------------------------------------------------------------------------- */

static const char gpt_list[] = "1 40+60 Linux root; 7 200+1 Linux; 128 1000+100 Linux last";

static void put_gpt(uint32_t sector_bytes)
{
    begin(sector_bytes);
    table_put_gpt(&image);
    table_put_gpt_entry(&image, 1, 40, 99, "root");
    table_put_gpt_entry(&image, 7, 200, 200, "");
    table_put_gpt_entry(&image, 128, 1000, 1099, "last");
}

static void test_gpt(void **state)
{
    (void)state;
    for (uint32_t sector = 512; sector <= 4096; sector *= 2) {
        put_gpt(sector);
        decode(PARTITION_GPT, gpt_list, "");
        table_put_mbr(&image, 0, 1, 0x0c, 40, 60); /* hybrid: the GPT counts */
        decode(PARTITION_GPT, gpt_list, "");
        table_put_mbr(&image, 0, 0, 0x83, 500, 10); /* not protective: a remnant */
        decode(PARTITION_MBR, "1 500+10 Linux; 2 40+60 FAT32", "");
    }

    /* The image of a disk with sectors of another length than the drive that shows it. */
    put_gpt(4096);
    decode_as(512, PARTITION_GPT, gpt_list, "");
    put_gpt(512);
    decode_as(4096, PARTITION_GPT, gpt_list, "");
}

static void test_gpt_backup(void **state)
{
    (void)state;
    put_gpt(512);
    bytes[512 + 60]++;
    decode(PARTITION_GPT, gpt_list,
           "GPT: the primary header has a wrong checksum; the backup is used\n");
    memset(bytes + 512, 0, 512);
    decode(PARTITION_GPT, gpt_list,
           "GPT: the primary header has no signature; the backup is used\n");
    put_gpt(512);
    bytes[1024 + 130]++;
    decode(PARTITION_GPT, gpt_list,
           "GPT: the primary header has entries with a wrong checksum; the backup is used\n");
    put_gpt(512);
    bad_sector = 3;
    decode(PARTITION_GPT, gpt_list,
           "GPT: the primary header has unreadable entries; the backup is used\n");
    put_gpt(512);
    bytes[table_header_at(&image, 1) + 20]++;
    decode(PARTITION_GPT, gpt_list, "GPT: the backup header has a wrong checksum\n");

    /* The disk has grown: the backup is where it was. */
    put_gpt(512);
    image.size_bytes += 100 * 512;
    decode(PARTITION_GPT, gpt_list, "");
    image.size_bytes -= 200 * 512;
    decode(PARTITION_GPT, gpt_list, "GPT: the backup header cannot be read\n");

    put_gpt(512);
    table_put_mbr(&image, 0, 2, 0x0c, 300, 60);
    bytes[512]++;
    bytes[table_header_at(&image, 1)]++;
    decode(PARTITION_MBR, "3 300+60 FAT32",
           "GPT: the primary header has no signature, the backup has no signature; not used\n");
}

static void test_gpt_hostile(void **state)
{
    (void)state;
    static const struct {
        unsigned at, bytes;
        uint64_t value;
        const char *why;
    } lies[] = {
        { 12, 4, 91, "has an invalid length" },
        { 12, 4, 513, "has an invalid length" },
        { 24, 8, 2, "belongs to another sector" },
        { 40, 8, 0, "has invalid bounds" },
        { 40, 8, UINT64_MAX, "has invalid bounds" },
        { 48, 8, 39, "has invalid bounds" },
        { 72, 8, UINT64_MAX, "has invalid bounds" },
        { 72, 8, 1, "has invalid bounds" },
        { 72, 8, SECTORS - 1, "has unreadable entries" },
        { 80, 4, 0xffffffff, "has an invalid number of entries" },
        { 80, 4, 0, "has an invalid number of entries" },
        { 80, 4, 4097, "has an invalid number of entries" },
        { 84, 4, 0, "has entries of an invalid length" },
        { 84, 4, 64, "has entries of an invalid length" },
        { 84, 4, 192, "has entries of an invalid length" },
        { 84, 4, 0x80000000, "has entries of an invalid length" },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(lies); i++) {
        char wanted[128];
        put_gpt(512);
        table_put(&image, 512 + lies[i].at, lies[i].value, lies[i].bytes);
        table_seal_gpt(&image);
        snprintf(wanted, sizeof(wanted), "GPT: the primary header %s; the backup is used\n",
                 lies[i].why);
        decode(PARTITION_GPT, gpt_list, wanted);
    }

    /* Places of entries, and more notes than are shown. */
    put_gpt(512);
    table_put_gpt_entry(&image, 2, 39, 50, "");
    table_put_gpt_entry(&image, 3, 60, 50, "");
    table_put_gpt_entry(&image, 4, 300, UINT64_MAX, "");
    table_put_gpt_entry(&image, 5, 99, 120, "");
    decode(PARTITION_GPT, gpt_list,
           "partition 2 is outside of the usable sectors; left out\n"
           "partition 3 is outside of the usable sectors; left out\n"
           "partition 4 is outside of the usable sectors; left out\n"
           "partition 5 overlaps partition 1; left out\n");
    for (unsigned i = 10; i < 100; i++)
        table_put_gpt_entry(&image, i, 41, 42, "");
    decode(PARTITION_GPT, gpt_list, NULL);
    assert_string_equal(strstr(notes, "more"), "more is invalid; not listed\n");
}

static void test_gpt_names(void **state)
{
    (void)state;
    static const uint16_t units[] = { 'a', 0xe4, 0x20ac, 0xd83d, 0xde00, 0xd83d, 'b', 0xdc00 };
    put_gpt(512);
    for (unsigned i = 0; i < ARRAY_LENGTH(units); i++)
        table_put(&image, 1024 + 56 + 2 * i, units[i], 2);
    table_put(&image, 1024, 0x0102030405060708, 8); /* a type without a name */
    table_seal_gpt(&image);
    decode(PARTITION_GPT, NULL, NULL);
    assert_string_equal(table.partitions[0].name, "aä€😀\xef\xbf\xbd" "b\xef\xbf\xbd");
    assert_string_equal(table.partitions[0].type, "05060708-0304-0102-8E79-3D69D8477DE4");

    /* The longest name there is room for: 36 units, three bytes each. */
    for (unsigned i = 0; i < 36; i++)
        table_put(&image, 1024 + 56 + 2 * i, 0xffff, 2);
    table_seal_gpt(&image);
    decode(PARTITION_GPT, NULL, NULL);
    assert_int_equal(strlen(table.partitions[0].name), PARTITION_NAME_BYTES - 1);
}

/* ---- volumes ------------------------------------------------------------------------------ */

static void test_volume(void **state)
{
    (void)state;
    begin(512);
    struct partition_source source = { read_image, keep_note, image.size_bytes, 512 };
    assert_false(partition_is_volume(&source, &table));
    memcpy(bytes + 32769, "CD001", 5);
    assert_true(partition_is_volume(&source, &table));
    bad_sector = 64;
    assert_false(partition_is_volume(&source, &table));
    source.size_bytes = 32768;
    assert_false(partition_is_volume(&source, &table));
}

static void test_crc(void **state)
{
    (void)state;
    assert_int_equal(crc32_add(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(crc32_add(crc32_add(0, "12345", 5), "6789", 4), 0xcbf43926);
    assert_int_equal(crc32_add(0, "", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),        cmocka_unit_test(test_mbr),
        cmocka_unit_test(test_chain_hostile), cmocka_unit_test(test_places),
        cmocka_unit_test(test_gpt),         cmocka_unit_test(test_gpt_backup),
        cmocka_unit_test(test_gpt_hostile), cmocka_unit_test(test_gpt_names),
        cmocka_unit_test(test_volume),      cmocka_unit_test(test_crc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

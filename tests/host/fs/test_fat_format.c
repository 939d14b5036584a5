/*
 * test_fat_format.c - promise: `format` makes FAT volumes of every size in which other programs
 * find no fault, and names get the short forms that Windows gives them. Runs on both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/fat/fat.h"
#include "fs/fat/tools/tools.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/host_image.h"
#include "tests/host/rig.h"

/* ---- volumes ------------------------------------------------------------------------------ */

struct size {
    uint64_t bytes;
    uint32_t sector_bytes, cluster_bytes;
    unsigned bits;
    status_t status;
};

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static const struct size sizes[] = {
    { 360 << 10, 512, 0, 12, 0 },        { 1440 << 10, 512, 0, 12, 0 },
    { 4 * MIB - 512, 512, 0, 12, 0 },    { 4 * MIB, 512, 0, 16, 0 },
    { 16 * MIB, 512, 0, 16, 0 },         { 100 * MIB + 512, 512, 0, 16, 0 },
    { 511 * MIB, 512, 0, 16, 0 },        { 512 * MIB, 512, 0, 32, 0 },
    { 64 * MIB, 512, 512, 32, 0 },       { 64 * MIB, 512, 65536, 12, 0 },
    { 64 * MIB, 4096, 0, 16, 0 },        { 8 * MIB, 4096, 4096, 12, 0 },
    { 600 * MIB, 4096, 0, 32, 0 },       { 33 * GIB, 512, 0, 32, 0 },
    { 1024 * GIB, 512, 0, 32, 0 },       { 4096 * GIB, 512, 0, 0, -EFBIG },
    { 4096, 512, 0, 0, -ENOSPC },        { 64 * MIB, 512, 3000, 0, -EINVAL },
    { 64 * MIB, 4096, 512, 0, -EINVAL }, { 64 * MIB, 512, 131072, 0, -EINVAL },
};

static void test_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        const struct size *size = &sizes[i];
        struct fat_layout layout;
        status_t status =
            fat_layout_plan(size->bytes, size->sector_bytes, size->cluster_bytes, &layout);
        assert_int_equal(status, size->status);
        if (status)
            continue;
        assert_int_equal(layout.bits, size->bits);

        /* The tables have an entry for each cluster, and little more. */
        uint64_t entries = (uint64_t)layout.table_sectors * layout.sector_bytes * 8 / layout.bits;
        assert_true(entries >= (uint64_t)layout.clusters + 2);
        assert_true(entries < (uint64_t)layout.clusters + 2 +
                                  4096 * layout.sector_bytes / layout.bits);
    }
}

/* Formats an image in memory, mounts it, and has fsck.fat read it. */
static void format_body(void *argument)
{
    const struct size *size = argument;
    struct volume_format format = { .label = "a label", .cluster_bytes = size->cluster_bytes };
    uint8_t *image = malloc(size->bytes);
    kassert(image);
    memset(image, 0xa5, size->bytes);
    rig_start();
    rig_mkdir("/m");
    struct io_limits limits = faulty_limits();
    limits.block_bytes = size->sector_bytes;
    struct faulty *faulty = faulty_create(0, image, size->bytes, limits, FAULTY_MIXED);

    struct device_handle handle;
    expect("open", device_open(faulty->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    expect("format", fat_format(&handle, &format), 0);
    device_release(&handle);
    device_close(&handle);
    expect("mount", rig_mount("/m", "disk0"), 0);
    expect("unmount", rig_unmount("/m"), 0);
    faulty_destroy(faulty);
    rig_stop();

    kassert(host_run("fsck.fat -n $V && minfo -i $V && mlabel -s -i $V | grep -q 'A LABEL'", image,
                     size->bytes));
    free(image);
}

static void test_formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
        if (!sizes[i].status && sizes[i].bytes <= 64 * MIB)
            rig_run(format_body, (void *)(uintptr_t)&sizes[i], 1);
}

static void test_labels(void **state)
{
    (void)state;
    char label[LABEL_BYTES];
    assert_int_equal(fat_label_encode("", label), 0);
    assert_memory_equal(label, "           ", LABEL_BYTES);
    assert_int_equal(fat_label_encode("My disk", label), 0);
    assert_memory_equal(label, "MY DISK    ", LABEL_BYTES);
    assert_int_equal(fat_label_encode("twelve bytes", label), -EINVAL);
    assert_int_equal(fat_label_encode("a.b", label), -EINVAL);
    assert_int_equal(fat_label_encode("\xc3\xbc", label), -EINVAL);
}

/* ---- names -------------------------------------------------------------------------------- */

static struct element element_of(const char *text)
{
    return (struct element){ text, strlen(text) };
}

/* Returns the n-th alias of a name, or its short form. */
static const char *short_of(const char *text, unsigned n)
{
    static char shown[FAT_SHORT_BYTES + 1];
    struct fat_name name;
    struct fat_alias alias;
    assert_int_equal(fat_name_parse(element_of(text), &name), 0);
    assert_int_equal(name.is_long, n > 0);
    if (n)
        fat_alias_begin(&name, &alias);
    for (unsigned i = 0; i < n; i++)
        assert_true(fat_alias_next(&alias, &name));
    fat_short_text(&name, shown);
    return shown;
}

static void test_short_names(void **state)
{
    (void)state;
    assert_string_equal(short_of("README.TXT", 0), "README.TXT");
    assert_string_equal(short_of("readme.txt", 0), "README.TXT");
    assert_string_equal(short_of("readme.TXT", 0), "README.TXT");
    assert_string_equal(short_of("12345678.123", 0), "12345678.123");
    assert_string_equal(short_of("a", 0), "A");
    assert_string_equal(short_of("Readme.txt", 1), "README~1.TXT");
    assert_string_equal(short_of("Readme.txt", 4), "README~4.TXT");
    assert_string_equal(short_of("a long name.text", 1), "ALONGN~1.TEX");
    assert_string_equal(short_of("many.dots.in.a.name", 2), "MANYDO~2.NAM");
    assert_string_equal(short_of("a+b;c=d[e].txt", 1), "A_B_C_~1.TXT");
    assert_string_equal(short_of(".profile", 1), "PROFIL~1");
    assert_string_equal(short_of("1234567890.1", 1), "123456~1.1");

    /* after ~4, and for very short stems, the sum of the name takes part */
    const char *fifth = short_of("a long name.text", 5);
    assert_int_equal(strlen(fifth), 12);
    assert_memory_equal(fifth, "AL", 2);
    assert_string_equal(fifth + 6, "~1.TEX");
    assert_string_equal(short_of("a b", 1) + 6, "~1");
    assert_int_equal(strlen(short_of("a long name.text", 2000)), 12);
    assert_string_equal(short_of("a long name.text", 2000) + 8, ".TEX");
}

static void test_refused_names(void **state)
{
    (void)state;
    static const char *const refused[] = { "a:b", "a*", "a?", "\"", "<", ">", "|", "a\\b", "a\n",
                                           "dot.", "blank ", "..." };
    struct fat_name name;
    char text[600];
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++)
        assert_int_equal(fat_name_parse(element_of(refused[i]), &name), -EINVAL);

    memset(text, 'x', sizeof(text));
    text[255] = '\0';
    assert_int_equal(fat_name_parse(element_of(text), &name), 0);
    assert_int_equal(fat_name_records(&name), 21);
    text[255] = 'x';
    text[256] = '\0';
    assert_int_equal(fat_name_parse(element_of(text), &name), -ENAMETOOLONG);
}

/* What is encoded is decoded again, name, times and all. */
static void test_records(void **state)
{
    (void)state;
    static const char *const names[] = { "a", "Mixed", "1234567890123", "12345678901234",
                                         "\xc3\xbcn\xc3\xaf \xe6\x97\xa5 \xf0\x9f\x98\x80.txt",
                                         "lower.UPP" };
    static struct fat fat = { .geometry.bits = 32, .zone_s = 5400 };
    fat.charset = charset_find("cp437", 5);
    const struct fat_attributes in = {
        .attributes = FAT_ARCHIVE, .cluster = 0x123456, .size_bytes = 0xfedcba98,
        .has_modified = true, .modified_s = 1000000000,
        .has_created = true, .created_s = 1000000001,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        uint8_t records[FAT_NAME_RECORDS_MAX * FAT_RECORD_BYTES], source[FAT_RECORD_BYTES] = { 0 };
        char text[FAT_NAME_BYTES_MAX + 1];
        struct fat_long_name collected = { 0 };
        struct fat_attributes out;
        struct fat_name name;
        struct fat_alias alias;
        assert_int_equal(fat_name_parse(element_of(names[i]), &name), 0);
        fat_alias_begin(&name, &alias);
        if (name.is_long)
            assert_true(fat_alias_next(&alias, &name));
        fat_record_update(&fat, &in, source);
        fat_name_encode(&name, source, records);

        unsigned last = fat_name_records(&name) - 1;
        for (unsigned n = 0; n < last; n++)
            assert_true(fat_long_name_take(
                &collected, (struct bytes){ records + n * FAT_RECORD_BYTES, FAT_RECORD_BYTES }));
        struct bytes record = { records + last * FAT_RECORD_BYTES, FAT_RECORD_BYTES };
        assert_int_equal(fat_record_kind(record), FAT_RECORD_NODE);
        if (!fat_long_name_end(&fat, &collected, record, text))
            fat_record_name(&fat, record, text);
        assert_string_equal(text, names[i]);

        fat_record_attributes(&fat, record, &out);
        assert_int_equal(out.cluster, in.cluster);
        assert_int_equal(out.size_bytes, in.size_bytes);
        assert_int_equal(out.modified_s, in.modified_s);
        assert_int_equal(out.created_s, in.created_s);
        assert_false(out.has_accessed);
    }
    assert_true(fat_time_fits(&fat, 0x7fffffff));
    assert_false(fat_time_fits(&fat, 0));
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_short_names),
        cmocka_unit_test(test_refused_names),
        cmocka_unit_test(test_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

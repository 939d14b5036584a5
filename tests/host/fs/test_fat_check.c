/*
 * test_fat_check.c - promise: `check` finds each kind of damage of a FAT volume, repairs what can
 * be repaired, and leaves a volume in which fsck.fat finds nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/fat/tools/tools.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/host_image.h"
#include "tests/host/writable.h"

/* A FAT32 volume of small clusters: its entries are easy to find. */
enum { IMAGE_BYTES = 40 << 20, CLUSTER_BYTES = 512, FILE_CLUSTERS = 5, FREE_CLUSTER = 70000 };

#define ENTRY_LAST 0x0fffffffu

static uint8_t image[IMAGE_BYTES];
static struct faulty *disk;

/* ---- the volume --------------------------------------------------------------------------- */

static uint32_t get32(size_t at)
{
    return bytes_le32((struct bytes){ image, sizeof(image) }, at);
}

static uint16_t get16(size_t at)
{
    return bytes_le16((struct bytes){ image, sizeof(image) }, at);
}

/* Returns where the entry of a cluster is in a copy of the table. */
static size_t entry_at(unsigned copy, uint32_t cluster)
{
    size_t table = get16(BOOT_RESERVED_SECTORS) * 512u;
    return table + copy * (size_t)get32(BOOT_TABLE_SECTORS_32) * 512 + cluster * 4u;
}

static void entry_set(uint32_t cluster, uint32_t value)
{
    bytes_put_le32(image + entry_at(0, cluster), value);
    bytes_put_le32(image + entry_at(1, cluster), value);
}

/* Returns the first cluster of the file "/FILE", and where its record is. */
static uint32_t file_cluster(size_t *record)
{
    size_t data = entry_at(2, 0);
    for (*record = data; memcmp(image + *record, "FILE       ", 11); *record += 32)
        kassert(*record < data + CLUSTER_BYTES);
    return (uint32_t)get16(*record + 20) << 16 | get16(*record + 26);
}

static void begin(void)
{
    struct volume_format format = { .label = "", .cluster_bytes = CLUSTER_BYTES };
    struct device_handle handle;
    static const uint8_t content[FILE_CLUSTERS * CLUSTER_BYTES - 100];
    memset(image, 0, sizeof(image));
    rig_start();
    rig_mkdir("/m");
    disk = faulty_create(0, image, sizeof(image), faulty_limits(), FAULTY_SYNC);
    expect("open", device_open(disk->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    expect("format", fat_format(&handle, &format), 0);
    device_release(&handle);
    device_close(&handle);

    writable_mount();
    rig_put_file("/m/FILE", content, sizeof(content));
    rig_mkdir("/m/DIR");
    rig_put_file("/m/DIR/A long name", content, 2000);
    writable_unmount();
}

/* ---- checking ----------------------------------------------------------------------------- */

struct findings {
    struct check_report report;
    char text[4000];
    unsigned found, repaired;
};

static void take_finding(struct check_report *report, const char *text, bool repaired)
{
    struct findings *findings = container_of(report, struct findings, report);
    findings->found++;
    findings->repaired += repaired;
    kassert(strlen(findings->text) + strlen(text) + 2 < sizeof(findings->text));
    strcat(strcat(findings->text, text), "\n");
}

static struct findings *check(bool repair)
{
    static struct findings findings;
    struct device_handle handle;
    findings = (struct findings){ .report.found = take_finding };
    expect("open", device_open(disk->device, &handle), 0);
    if (repair)
        expect("claim", device_claim(&handle), 0);
    expect("check", fat_check(&handle, repair, &findings.report), 0);
    if (repair)
        device_release(&handle);
    device_close(&handle);
    return &findings;
}

/* Returns whether fsck.fat finds nothing. */
static bool fsck(void)
{
    return host_run("fsck.fat -n $V >/dev/null", image, sizeof(image));
}

/* ---- damage ------------------------------------------------------------------------------- */

static void damage_nothing(void)
{
}

static void damage_lost(void)
{
    entry_set(FREE_CLUSTER, FREE_CLUSTER + 1);
    entry_set(FREE_CLUSTER + 1, ENTRY_LAST);
}

static void damage_copies(void)
{
    bytes_put_le32(image + entry_at(1, FREE_CLUSTER), ENTRY_LAST);
}

static void damage_long(void)
{
    size_t record;
    entry_set(file_cluster(&record) + FILE_CLUSTERS - 1, FREE_CLUSTER);
    entry_set(FREE_CLUSTER, ENTRY_LAST);
}

static void damage_info(void)
{
    bytes_put_le32(image + 512 + INFO_FREE_CLUSTERS, 1234);
}

static void damage_dirty(void)
{
    image[BOOT_STATE_32] = BOOT_STATE_DIRTY;
    bytes_put_le32(image + entry_at(0, 1), 0x07ffffff);
    bytes_put_le32(image + entry_at(1, 1), 0x07ffffff);
}

static void damage_short(void)
{
    size_t record;
    uint32_t first = file_cluster(&record);
    entry_set(first + 1, ENTRY_LAST);
    for (unsigned i = 2; i < FILE_CLUSTERS; i++)
        entry_set(first + i, 0);
}

static void damage_twice(void)
{
    size_t record;
    uint32_t first = file_cluster(&record);
    entry_set(first + 1, first);
    for (unsigned i = 2; i < FILE_CLUSTERS; i++)
        entry_set(first + i, 0);
}

/* Returns where the record of "/DIR/A long name" is. */
static size_t long_record(void)
{
    size_t record = entry_at(2, 0);
    while (memcmp(image + record, "ALONGN~1   ", 11))
        record += 32;
    return record;
}

static void damage_crossed(void)
{
    size_t record;
    uint32_t other = get16(long_record() + 26), first = file_cluster(&record);
    entry_set(other, first);
    for (unsigned i = 1; i < 4; i++)
        entry_set(other + i, 0);
}

static void damage_empty(void)
{
    size_t record;
    file_cluster(&record);
    bytes_put_le32(image + record + 28, 0);
}

static void damage_free(void)
{
    size_t record;
    entry_set(file_cluster(&record) + 1, 0);
}

static void damage_end(void)
{
    size_t record;
    entry_set(file_cluster(&record) + FILE_CLUSTERS - 1, 0);
}

static size_t dots_record(void)
{
    size_t record = entry_at(2, 0);
    while (memcmp(image + record, "..         ", 11))
        record += 32;
    return record;
}

static void damage_dots(void)
{
    bytes_put_le16(image + dots_record() + 26, 9);
}

static void damage_dot_name(void)
{
    image[dots_record() + 1] = 'x';
}

static void damage_dot_kind(void)
{
    image[dots_record() + 11] = 0x20;
}

/* A second directory that begins with the first one's cluster. */
static void damage_same(void)
{
    size_t record, directory = entry_at(2, 0);
    file_cluster(&record);
    while (memcmp(image + directory, "DIR        ", 11))
        directory += 32;
    image[record + 11] = 0x10;
    memcpy(image + record + 26, image + directory + 26, 2);
    bytes_put_le32(image + record + 28, 0);
}

static const struct damage {
    void (*make)(void);
    const char *text;
    bool repaired;
} damages[] = {
    { damage_nothing, NULL, true },
    { damage_lost, "2 clusters (1024 bytes) belong to no file", true },
    { damage_copies, "copy 2 of the table differs", true },
    { damage_long, "/FILE: has more clusters than its 2460 bytes need", true },
    { damage_info, "FSInfo counts 1234 free clusters", true },
    { damage_dirty, "the volume was not unmounted", true },
    { damage_short, "/FILE: 2460 bytes, but its clusters hold only 1024", true },
    { damage_twice, "/FILE: its cluster 4 comes twice", true },
    { damage_crossed, "/DIR/A long name: its cluster 4 belongs to /FILE", true },
    { damage_empty, "/FILE: empty, but has cluster 4", true },
    { damage_free, "/FILE: its clusters lead to a free one", true },
    { damage_end, "/FILE: its last cluster does not end it", true },
    { damage_dots, "/DIR: its record \"..\" leads to cluster 9 instead of 0", true },
    { damage_dot_name, "/DIR: its record \"..\" is damaged", true },
    { damage_dot_kind, "/DIR: its record \"..\" is damaged", true },
    { damage_same, "/FILE/: its cluster 3 belongs to /DIR/", false },
};

static void damage_body(void *argument)
{
    const struct damage *damage = argument;
    begin();
    damage->make();
    kassert(fsck() == !damage->text || damage->make == damage_dirty || damage->make == damage_info);

    /* Reading changes nothing. */
    struct findings *found = check(false);
    kassert(!found->repaired);
    if (damage->text ? !strstr(found->text, damage->text) : found->found)
        panic("expected %s; found %s", damage->text ? damage->text : "nothing", found->text);

    /* What is repaired is not found again. */
    unsigned left = check(true)->found;
    left -= check(false)->found;
    found = check(false);
    kassert(damage->repaired ? !found->found && fsck() : found->found > 0);
    kassert(!damage->text || !damage->repaired || left);
    faulty_destroy(disk);
    rig_stop();
}

static void test_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(damages); i++)
        rig_run(damage_body, (void *)(uintptr_t)&damages[i], 1);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

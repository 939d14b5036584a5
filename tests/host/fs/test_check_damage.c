/*
 * test_check_damage.c - promise: of volumes with random damage of their tables and directories,
 * `check -f` leaves those that it calls repaired without a fault that fsck.fat or fsck.exfat find,
 * and it overlooks none that they find. DAMAGES is the number of damages of each volume.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/exfat/exfat.h"
#include "fs/exfat/record.h"
#include "fs/exfat/tools/tools.h"
#include "fs/fat/tools/tools.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/host_image.h"
#include "tests/host/writable.h"

enum { MIB = 1 << 20, DAMAGES = 60, AREA_BYTES = 24 * 1024, EXFAT_SET_FIELDS = 64 };

static const struct kind {
    const char *name, *fsck;
    uint32_t bytes, cluster_bytes;
    unsigned entry_bits;
    status_t (*format)(const struct device_handle *, const struct volume_format *);
    status_t (*check)(const struct device_handle *, bool, struct check_report *);
} kinds[] = {
    { "FAT12", "fsck.fat -n $V", 2 * MIB, 512, 12, fat_format, fat_check },
    { "FAT16", "fsck.fat -n $V", 8 * MIB, 512, 16, fat_format, fat_check },
    { "exFAT", "fsck.exfat -n $V", 3 * MIB, 512, 32, exfat_format, exfat_check },
};

static const struct kind *kind;
static uint8_t *image;
static struct faulty *disk;
static uint32_t random_state;

static uint32_t any(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

/* ---- the volume --------------------------------------------------------------------------- */

static void begin(void)
{
    struct volume_format format = { .label = "TEST", .cluster_bytes = kind->cluster_bytes };
    struct device_handle handle;
    static uint8_t content[9000];
    image = calloc(1, kind->bytes);
    rig_start();
    rig_mkdir("/m");
    disk = faulty_create(0, image, kind->bytes, faulty_limits(), FAULTY_SYNC);
    expect("open", device_open(disk->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    expect("format", kind->format(&handle, &format), 0);
    device_release(&handle);
    device_close(&handle);

    /* Files in pieces: each is continued after the next one was written. */
    char path[64];
    writable_mount();
    for (unsigned d = 0; d < 3; d++) {
        snprintf(path, sizeof(path), d == 2 ? "/m/dir0/dir%u" : "/m/dir%u", d);
        rig_mkdir(path);
        for (unsigned turn = 1; turn < 3; turn++)
            for (unsigned n = 0; n < 6; n++) {
                snprintf(path, sizeof(path), d == 2 ? "/m/dir0/dir%u/%s %u" : "/m/dir%u/%s %u", d,
                         "A name that is long", n);
                struct file *file;
                expect("open", rig_open(path, OPEN_WRITE | OPEN_CREATE, &file), 0);
                expect("write", file_write_all(file, content, turn * 700 * n), 0);
                expect("flush", file_flush(file), 0);
                file_close(file);
            }
    }
    writable_unmount();
}

static void end(void)
{
    faulty_destroy(disk);
    rig_stop();
    free(image);
}

/* ---- judges ------------------------------------------------------------------------------- */

struct findings {
    struct check_report report;
    char text[100000];
    unsigned found, repaired;
};

static struct findings findings;

static void take_finding(struct check_report *report, const char *text, bool repaired)
{
    struct findings *f = container_of(report, struct findings, report);
    size_t length = strlen(f->text);
    f->found++;
    f->repaired += repaired;
    snprintf(f->text + length, sizeof(f->text) - length, "%s%s\n", text,
             repaired ? " (repaired)" : "");
}

/* Returns whether the volume has no fault, or could not even be mounted. */
static bool check(bool repair, status_t *status)
{
    struct device_handle handle;
    findings.found = findings.repaired = 0;
    findings.report = (struct check_report){ .found = take_finding };
    expect("open", device_open(disk->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    *status = kind->check(&handle, repair, &findings.report);
    device_release(&handle);
    device_close(&handle);
    return !findings.found && !*status;
}

static bool fsck(void)
{
    char line[200];
    snprintf(line, sizeof(line), "%s >/dev/null 2>&1", kind->fsck);
    return host_run(line, image, kind->bytes);
}

static void disagree(const char *what, uint32_t seed)
{
    char line[200];
    snprintf(line, sizeof(line), "%s; false", kind->fsck);
    IGNORE(host_run(line, image, kind->bytes));
    panic("%s, damage %u: %s; found %s", kind->name, seed, what, findings.text);
}

/* ---- damage ------------------------------------------------------------------------------- */

/* Where the table and the directories are. */
struct places {
    size_t table, tables, table_bytes, heap, bitmap;
    uint32_t clusters;
};

static struct places places_find(void)
{
    struct bytes boot = { image, 512 };
    if (kind->entry_bits == 32)
        return (struct places){
            .table = bytes_le32(boot, 80) * 512u, .tables = 1,
            .table_bytes = bytes_le32(boot, 84) * 512u,
            .heap = bytes_le32(boot, 88) * 512u, .bitmap = bytes_le32(boot, 88) * 512u,
            .clusters = bytes_le32(boot, 92),
        };
    size_t table = bytes_le16(boot, 14) * 512u, bytes = bytes_le16(boot, 22) * 512u;
    return (struct places){
        .table = table, .tables = 2, .table_bytes = bytes, .heap = table + 2 * bytes,
        .clusters = (uint32_t)((kind->bytes - table - 2 * bytes) / kind->cluster_bytes),
    };
}

static void damage_entry(const struct places *p)
{
    uint32_t cluster = 2 + any(150), value = any(200);
    static const uint32_t special[] = { 0, 1, 0xfffffff7, 0xffffffff, 0xfffffff0 };
    if (any(3) == 0)
        value = special[any(ARRAY_LENGTH(special))];
    for (size_t n = 0; n < p->tables; n++) {
        uint8_t *table = image + p->table + n * p->table_bytes, *at = table + cluster * 2;
        if (kind->entry_bits == 32) {
            bytes_put_le32(table + cluster * 4, value);
        } else if (kind->entry_bits == 16) {
            bytes_put_le16(at, (uint16_t)value);
        } else {
            at = table + cluster * 3 / 2;
            uint16_t pair = bytes_le16((struct bytes){ at, 2 }, 0);
            bytes_put_le16(at, cluster & 1 ? (uint16_t)((pair & 15) | value << 4)
                                           : (uint16_t)((pair & 0xf000) | (value & 0xfff)));
        }
    }
}

/* Returns a random record in use: of FAT a short one, of exFAT a file entry; or NULL. */
static uint8_t *any_record(const struct places *p)
{
    for (unsigned tries = 0; tries < 20000; tries++) {
        uint8_t *record = image + p->heap + any(AREA_BYTES / 32) * 32;
        bool exfat = kind->entry_bits == 32;
        if (exfat ? record[0] == EXFAT_ENTRY_FILE && record[32] == EXFAT_ENTRY_STREAM
                  : record[0] && record[0] != 0xe5 && (record[11] == 0x20 || record[11] == 0x10))
            return record;
    }
    return NULL;
}

static void damage_record(const struct places *p)
{
    uint8_t *record = any_record(p);
    if (!record)
        return;
    if (kind->entry_bits != 32) {
        static const unsigned fields[] = { 26, 26, 28, 29, 11, 1 };
        unsigned field = fields[any(ARRAY_LENGTH(fields))];
        record[field] = (uint8_t)(field == 11 ? 0x10u << any(2) : any(256));
        return;
    }

    /* The checksum is right, or all of the set would be invalid. */
    static const unsigned fields[] = { 52, 52, 56, 57, 40, 33, 4, 36 };
    record[fields[any(ARRAY_LENGTH(fields))]] = (uint8_t)any(256);
    struct bytes set = { record, (record[1] + 1u) * 32 };
    if (any(8))
        bytes_put_le16(record + FILE_CHECKSUM, exfat_set_checksum(set));
}

static void damage(const struct places *p)
{
    unsigned what = any(kind->entry_bits == 32 ? 5 : 4);
    if (what == 4)
        image[p->bitmap + any(30)] ^= (uint8_t)(1 << any(8));
    else if (what & 1)
        damage_entry(p);
    else
        damage_record(p);
}

/* ---- the test ----------------------------------------------------------------------------- */

static void damage_body(void *argument)
{
    kind = argument;
    begin();
    struct places places = places_find();
    uint8_t *good = malloc(kind->bytes);
    status_t status;
    unsigned repaired = 0;
    memcpy(good, image, kind->bytes);

    for (uint32_t seed = 1; seed <= DAMAGES; seed++) {
        random_state = seed * 7919;
        memcpy(image, good, kind->bytes);
        for (unsigned n = 1 + any(3); n; n--)
            damage(&places);
        findings.text[0] = '\0';
        if (check(false, &status) && !fsck())
            disagree("fsck finds a fault that check does not", seed);

        /* A repair may uncover what was hidden: the last check decides. */
        for (unsigned turn = 0; turn < 4 && !check(true, &status) && findings.repaired; turn++)
            ;
        if (check(false, &status)) {
            repaired++;
            if (!fsck())
                disagree("fsck finds a fault in what was repaired", seed);
        }
    }
    print_message("%s: %u of %u volumes were repaired\n", kind->name, repaired, DAMAGES);
    free(good);
    end();
}

static void test_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        rig_run(damage_body, (void *)(uintptr_t)&kinds[i], 1);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

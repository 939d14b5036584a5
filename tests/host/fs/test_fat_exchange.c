/*
 * test_fat_exchange.c - promise: a FAT volume of any geometry that mkfs.fat makes is read, filled
 * to the last cluster and emptied; other programs read what is written here, and find no fault.
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

enum {
    KIB = 1024,
    MIB = 1024 * KIB,
    SECTOR = 512,
    BY_MTOOLS = 1, /* it reads these volumes */
    BY_FSCK = 2,   /* fsck.fat accepts them */
    BY_ALL = BY_MTOOLS | BY_FSCK,
    CONTENT_BYTES = 5000,
    FILES = 12,
};

struct geometry {
    const char *options; /* of mkfs.fat */
    uint64_t bytes;
    unsigned bits, others;
};

/* Volumes with exactly n clusters of one sector, one table, and 16 records in the root. */
#define CLUSTERS_12(n) (1 + ((n) + 2) * 3 / 2 / SECTOR + 1 + 1 + (n)) * (uint64_t)SECTOR
#define CLUSTERS_16(n) (1 + ((n) + 2) * 2 / SECTOR + 1 + 1 + (n)) * (uint64_t)SECTOR

static const struct geometry geometries[] = {
    { "-f 1 -F 16 -s 1", 8 * MIB, 16, BY_ALL },
    { "-f 4 -F 16 -s 1", 8 * MIB, 16, BY_MTOOLS },
    { "-F 32 -s 1 -f 3", 40 * MIB, 32, BY_MTOOLS },
    { "-F 12 -a -s 1 -f 1 -r 16", CLUSTERS_12(4084), 12, BY_ALL },
    { "-F 16 -a -s 1 -f 1 -r 16", CLUSTERS_16(4090), 16, BY_ALL },
    { "-F 16 -a -s 1 -f 1 -r 16", CLUSTERS_16(65524), 16, BY_ALL },
    { "-F 32 -a -s 1 -f 1", 34 * MIB, 32, BY_ALL },
    { "-F 32 -s 1", 2 * MIB, 32, BY_FSCK },
    { "-F 32 -s 1", 100 * KIB, 32, BY_FSCK },
    { "-F 32 -R 8", 40 * MIB, 32, BY_ALL },
    { "-F 32 -s 1 -R 3 -b 0", 40 * MIB, 32, BY_MTOOLS },
    { "-F 16 -s 128", 300 * MIB, 16, BY_ALL },
    { "-F 12 -s 64", 64 * MIB, 12, BY_ALL },
    { "-S 1024 -s 1", 16 * MIB, 16, BY_ALL },
    { "-S 4096 -s 1", 64 * MIB, 16, BY_ALL },
    { "-S 4096 -s 16", 64 * MIB, 12, BY_ALL },
    { "-S 4096 -s 1 -F 32", 40 * MIB, 32, BY_FSCK },
    { "-h 2048", 16 * MIB, 16, BY_ALL },
    { "-A", 8 * MIB, 16, BY_MTOOLS },
    { "-A", 40 * MIB, 16, BY_MTOOLS },
    { "", 320 * KIB, 12, BY_ALL },
    { "-r 4096", 16 * MIB, 16, BY_ALL },
    { "-R 100", 16 * MIB, 16, BY_ALL },
};

static struct host_image image;
static struct faulty *disk;
static uint8_t content[CONTENT_BYTES], reserved[SECTOR];

/* ---- this side ---------------------------------------------------------------------------- */

static struct fs_info volume_info(void)
{
    struct mount_info info;
    unsigned n = 0;
    while (!vfs_mount_usage(n, &info) && strcmp(info.path, "/m"))
        n++;
    return info.fs;
}

static const char *file_path(unsigned n)
{
    static char path[64];
    snprintf(path, sizeof(path), n % 2 ? "/m/dir/FILE%u.TXT" : "/m/dir/a long name, number %u", n);
    return path;
}

static void write_files(void)
{
    rig_mkdir("/m/dir");
    for (unsigned n = 0; n < FILES; n++)
        rig_put_file(file_path(n), content + n, n * 300);
    rig_unlink(file_path(3));
    rig_unlink(file_path(4));
}

/* Fills the volume: the file gets all that is free, and nothing can be added. */
static void fill(void)
{
    static uint8_t piece[65536];
    struct fs_info before = volume_info();
    struct file *file;
    uint64_t bytes = 0;
    expect("open", rig_open("/m/dir/fill", OPEN_WRITE | OPEN_CREATE, &file), 0);

    /* The directory may have grown. */
    uint64_t free = volume_info().free_bytes;
    kassert(before.free_bytes - free <= before.block_bytes);
    memset(piece, 0x77, sizeof(piece));
    for (uint64_t step; bytes < free; bytes += step) {
        step = min(free - bytes, (uint64_t)sizeof(piece));
        kassert(file_write(file, piece, step) == (ssize_t)step);
    }
    kassert(volume_info().free_bytes == 0);
    kassert(file_write(file, piece, 1) == -ENOSPC);
    expect("flush", file_flush(file), 0);
    kassert(volume_info().free_bytes == 0);
    file_close(file);
    expect("full", rig_try_mkdir("/m/dir/none"), -ENOSPC);
    expect("size", rig_open("/m/dir/FILE1.TXT", OPEN_READ | OPEN_WRITE, &file), 0);
    kassert(file_write_at(file, 1, "x", 1) == 1);
    file_close(file);
    rig_unlink("/m/dir/fill");
    expect("sync", vfs_sync(NULL), 0);
    kassert(volume_info().free_bytes == free);
}

static void print_finding(struct check_report *report, const char *text, bool repaired)
{
    (void)report, (void)repaired;
    panic("check: %s", text);
}

static void check(void)
{
    struct check_report report = { .found = print_finding };
    struct device_handle handle;
    expect("open", device_open(disk->device, &handle), 0);
    expect("check", fat_check(&handle, false, &report), 0);
    device_close(&handle);
}

static void write_body(void *argument)
{
    const struct geometry *geometry = argument;
    uint8_t got[100];
    char type[16];
    rig_start();
    rig_mkdir("/m");
    disk = faulty_create(0, image.bytes, image.size, faulty_limits(), FAULTY_MIXED);
    writable_mount();
    snprintf(type, sizeof(type), "FAT%u", geometry->bits);
    if (strcmp(volume_info().type, type))
        panic("%s, not %s", volume_info().type, type);
    if (geometry->others & BY_MTOOLS) {
        kassert(rig_get_file("/m/From mtools, ß", got, sizeof(got)) == 6);
        kassert(rig_get_file("/m/SHORT.TXT", got, sizeof(got)) == 6);
    }
    write_files();
    fill();
    writable_unmount();
    check();
    faulty_destroy(disk);
    rig_stop();
}

/* ---- the other side ----------------------------------------------------------------------- */

static void make(const struct geometry *geometry)
{
    char commands[400];
    host_image_begin(&image, geometry->bytes);
    snprintf(commands, sizeof(commands),
             "mkfs.fat %s $V%s", geometry->options,
             geometry->others & BY_MTOOLS ? " && echo there | mcopy -i $V - '::/From mtools, ß' && "
                                            "echo there | mcopy -i $V - ::/SHORT.TXT"
                                          : "");
    kassert(host_image_run(&image, commands));
    memcpy(reserved, image.bytes, sizeof(reserved));
}

static void look(const struct geometry *geometry)
{
    kassert(!memcmp(image.bytes, reserved, sizeof(reserved)));
    kassert(!(geometry->others & BY_FSCK) || host_image_run(&image, "fsck.fat -n $V"));
    if (geometry->others & BY_MTOOLS)
        kassert(host_image_run(&image, "[ $(mtype -i $V '::/dir/a long name, number 10' | wc -c) = "
                                       "3000 ] && ! mdir -b -i $V ::/dir/FILE3.TXT && "
                                       "mtype -i $V ::/dir/FILE11.TXT >/dev/null"));
    host_image_end(&image);
}

static void test_geometries(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = 0; i < ARRAY_LENGTH(geometries); i++) {
        fprintf(stderr, "%s, %llu bytes\n", geometries[i].options,
                (unsigned long long)geometries[i].bytes);
        make(&geometries[i]);
        rig_run(write_body, (void *)(uintptr_t)&geometries[i], 1);
        look(&geometries[i]);
    }
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_geometries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_disk_threads.c - promise: several threads may change names and contents of one FAT or exFAT
 * volume at the same time. For both back ends, and under ThreadSanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/exfat/tools/tools.h"
#include "fs/fat/tools/tools.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/host_image.h"
#include "tests/host/writable.h"

#define MIB ((uint64_t)1 << 20)

/* ---- volumes ------------------------------------------------------------------------------ */

struct kind {
    const char *name, *check;
    status_t (*format)(const struct device_handle *handle, const struct volume_format *format);
    uint64_t bytes;
};

/* Several groups of clusters each, so that searches load one after another. */
static const struct kind kinds[] = {
    { "FAT", "fsck.fat -n $V", fat_format, 24 * MIB },
    { "exFAT", "fsck.exfat -n $V", exfat_format, 24 * MIB },
};

static uint8_t *image;
static struct faulty *disk;

static void begin(const struct kind *kind)
{
    const struct volume_format format = { .label = "TEST", .cluster_bytes = 512 };
    struct io_limits limits = faulty_limits();
    struct device_handle handle;
    image = malloc(kind->bytes);
    kassert(image);
    limits.block_bytes = 512;

    rig_start();
    rig_mkdir("/m");
    disk = faulty_create(0, image, kind->bytes, limits, FAULTY_MIXED);
    expect("open", device_open(disk->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    expect(kind->name, kind->format(&handle, &format), 0);
    device_release(&handle);
    device_close(&handle);
    writable_mount();
}

/* The volume has the same tree when it is mounted again. */
static void end(const struct kind *kind)
{
    uint64_t hash = writable_hash("/m");
    writable_unmount();
    writable_mount();
    kassert(writable_hash("/m") == hash);
    writable_unmount();
    faulty_destroy(disk);
    rig_stop();
    kassert(host_run(kind->check, image, kind->bytes));
    free(image);
}

/* ---- random changes ----------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 120, CONTENT_BYTES = 65536 };

static _Atomic unsigned next_thread;
static uint8_t content[CONTENT_BYTES];

static const char *thread_path(char path[60], unsigned *seed)
{
    static const char *const forms[] = { "/m/%u", "/m/d/%u", "/m/d/A long name %u", "/m/e/%u.TXT" };
    *seed = *seed * 1103515245 + 12345;
    snprintf(path, 60, forms[*seed >> 16 & 3], *seed >> 20 & 7);
    return path;
}

static void thread_body(void *unused)
{
    (void)unused;
    unsigned seed = atomic_fetch_add(&next_thread, 7919) + 1;
    struct path *root = path_root();
    char one[60], two[60];
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct file *file;
        thread_path(one, &seed);
        thread_path(two, &seed);
        switch (seed >> 24 & 7) {
        case 0: case 1: IGNORE(vfs_rename(root, one, two)); break;
        case 2: IGNORE(vfs_unlink(root, one)); break;
        case 3: IGNORE(vfs_mkdir(root, one)); break;
        case 4: IGNORE(writable_hash("/m/d")); break;
        case 5: expect("sync", vfs_sync(NULL), 0); break;
        default:
            if (file_open(root, one, OPEN_READ | OPEN_WRITE | OPEN_CREATE, &file))
                break;
            IGNORE(file_write_at(file, seed % 5000, content, seed >> 8 & (CONTENT_BYTES - 1)));
            IGNORE(file_set_size(file, seed % 50000));
            file_close(file);
        }
    }
    path_put(root);
}

static void changes_body(void *argument)
{
    const struct kind *kind = argument;
    begin(kind);
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * 7 + i / 251);
    rig_mkdir("/m/d");
    rig_mkdir("/m/e");
    rig_run_threads(THREADS, thread_body);
    end(kind);
}

static void test_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        rig_run(changes_body, (void *)&kinds[i], 20);
}

/* ---- files that take each other's place --------------------------------------------------- */

static void reuse_body(void *argument)
{
    const struct kind *kind = argument;
    begin(kind);
    writable_reuse();
    end(kind);
}

static void test_reuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        rig_run(reuse_body, (void *)&kinds[i], 10);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_reuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

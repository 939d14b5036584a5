/*
 * test_exfat_hostile.c - promise: an exFAT volume with any damage can be mounted or is refused,
 * walked, written and unmounted: nothing hangs, and nothing outside of it is touched. `check` ends
 * too, and what it has repaired it does not find again.
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
#include "fs/exfat/tools/tools.h"
#include "kernel/log.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "tests/host/writable.h"

enum { BYTES = 2 << 20, FILES = 12, ROUNDS = 60, STRUCTURES_BYTES = 160 << 10 };

static uint8_t image[BYTES], whole[BYTES], content[30000];
static struct faulty *disk;

/* ---- the volume --------------------------------------------------------------------------- */

static void ignore_finding(struct check_report *report, const char *text, bool repaired)
{
    (void)text;
    report->used_bytes += !repaired;
}

/* Calls one of the tools on the disk. */
static void use_tool(bool format, bool repair)
{
    struct volume_format how = { .label = "HOSTILE", .cluster_bytes = 512 };
    struct check_report report = { .found = ignore_finding };
    struct device_handle handle;
    expect("open", device_open(disk->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    if (format)
        expect("format", exfat_format(&handle, &how), 0);
    else
        IGNORE(exfat_check(&handle, repair, &report)); /* damage may be anything */
    device_release(&handle);
    device_close(&handle);
}

static const char *name_of(const char *folder, unsigned n)
{
    static char path[80];
    snprintf(path, sizeof(path), "%s/a name of two entries %u", folder, n);
    return path;
}

/* Files in two directories, written alternately, so that they are fragmented. */
static void fill(void)
{
    writable_mount();
    rig_mkdir("/m/d");
    for (unsigned part = 0; part < 3; part++) {
        for (unsigned n = 0; n < FILES; n++) {
            struct file *file;
            expect("open", rig_open(name_of(n % 2 ? "/m/d" : "/m", n),
                                    OPEN_WRITE | OPEN_CREATE | OPEN_APPEND, &file), 0);
            kassert(file_write(file, content, 700 * (n + 1)) == (ssize_t)(700 * (n + 1)));
            file_close(file);
        }
        expect("sync", vfs_sync(NULL), 0);
    }
    writable_unmount();
}

/* ---- damage ------------------------------------------------------------------------------- */

/* Changes some bytes of the structures, more often than not in ways that are nearly right. */
static void damage(void)
{
    for (unsigned left = 1 + rig_random() % 8; left; left--) {
        uint8_t *at = image + 12 * 512 * 2 + rig_random() % STRUCTURES_BYTES;
        switch (rig_random() % 4) {
        case 0: *at = (uint8_t)rig_random(); break;
        case 1: *at ^= (uint8_t)(1 << rig_random() % 8); break;
        case 2: memset(at, rig_random() % 2 ? 0xff : 0, 1 + rig_random() % 64); break;
        default: memmove(at, at + rig_random() % 4096, 1 + rig_random() % 64);
        }
    }
}

/* Makes the checksums of sets right again, so that their damage is met. */
static void sets_amend(void)
{
    for (size_t at = 0; at + 19 * 32 < BYTES; at += 32) {
        unsigned entries = image[at + 1] + 1u;
        if (image[at] == EXFAT_ENTRY_FILE && entries > 2 && entries <= 19)
            bytes_put_le16(image + at + 2,
                           exfat_set_checksum((struct bytes){ image + at, entries * 32u }));
    }
}

/* Returns a hash of what is found of the files. Directories may lead to each other: no deeper. */
static uint64_t look(void)
{
    static uint8_t bytes[100000];
    uint64_t hash = 0;
    for (unsigned n = 0; n < 2 * FILES; n++) {
        ssize_t got = rig_get_file(name_of(n % 2 ? "/m/d" : "/m", n / 2), bytes, sizeof(bytes));
        hash = hash_bytes(bytes, got > 0 ? (size_t)got : 0, hash ^ (uint64_t)got);
    }
    return hash;
}

/* Changes whatever is there; all of it may fail. */
static void change(void)
{
    struct path *root = path_root();
    struct file *file;
    for (unsigned n = 0; n < 40; n++) {
        char path[80];
        snprintf(path, sizeof(path), "%s", name_of(rig_random() % 3 ? "/m" : "/m/d",
                                                   (unsigned)(rig_random() % (FILES + 4))));
        switch (rig_random() % 5) {
        case 0: IGNORE(rig_try_unlink(path)); break;
        case 1:
            IGNORE(vfs_rename(root, path, name_of(rig_random() % 2 ? "/m" : "/m/d",
                                                  (unsigned)(rig_random() % FILES))));
            break;
        case 2: IGNORE(rig_try_mkdir(path)); break;
        default:
            if (rig_open(path, OPEN_READ | OPEN_WRITE | OPEN_CREATE, &file))
                break;
            IGNORE(file_write_at(file, rig_random() % 20000, content,
                                 1 + rig_random() % sizeof(content)));
            IGNORE(file_set_size(file, rig_random() % 50000));
            IGNORE(file_flush(file));
            file_close(file);
        }
    }
    path_put(root);
}

static void round_of(void)
{
    struct path *root = path_root();
    memcpy(image, whole, sizeof(image));
    damage();
    if (rig_random() % 3)
        sets_amend();
    if (rig_random() % 2)
        use_tool(false, rig_random() % 2);

    if (!rig_mount("/m", "disk0")) {
        uint64_t before = look();
        bool writable = !vfs_remount(root, "/m", "rw");
        kassert(look() == before);
        if (writable)
            change();
        (void)look();
        expect("unmount", rig_unmount("/m"), 0);
    }
    use_tool(false, true);
    path_put(root);
}

static void hostile_body(void *unused)
{
    (void)unused;
    rig_start();
    rig_mkdir("/m");
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * 3 + i / 256);
    disk = faulty_create(0, image, BYTES, faulty_limits(), FAULTY_MIXED);
    use_tool(true, false);
    fill();
    memcpy(whole, image, sizeof(image));
    for (unsigned i = 0; i < ROUNDS; i++)
        round_of();
    faulty_destroy(disk);
    rig_stop();
}

static void test_hostile(void **state)
{
    (void)state;
    rig_run(hostile_body, NULL, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_hostile) };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

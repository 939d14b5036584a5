/*
 * test_write_errors.c - promise: an error of writing costs only the bytes that it must, each handle
 * and each sync gets it once, and nothing is left half done (vfs.h, kernel/vfs/write). For both
 * back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/write_rig.h"

/* ---- bytes -------------------------------------------------------------------------------- */

/* A block that cannot be written costs the file what follows it, until it can be. */
static void bad_block_body(void *unused)
{
    (void)unused;
    begin();
    struct file *file = open_file("/m/a", OPEN_WRITE | OPEN_CREATE);
    write_at(file, 0, write_content, 30000);

    /* the first cluster of a new volume that is allocated is 1 */
    write_disk->bad_from = write_fs_cluster_address(1 + 3);
    write_disk->bad_to = write_disk->bad_from + WRITE_FS_BLOCK_BYTES;
    write_disk->bad_writes = true;
    expect("sync", sync_all(), -EIO);
    medium_has("a", write_content, 3 * WRITE_FS_CLUSTER_BYTES);

    /* bytes that are written again before it do not make the size smaller */
    write_at(file, 100, write_content, 10);
    expect("sync", sync_all(), -EIO);
    kassert(write_fs_read_medium("a", got, sizeof(got)) == 3 * WRITE_FS_CLUSTER_BYTES);

    write_at(file, 0, write_content, 200);
    write_disk->bad_to = 0;
    expect("the error", file_flush(file), -EIO);
    expect("flush", file_flush(file), 0);
    medium_has("a", write_content, 30000);
    file_close(file);
    end();
}

static void test_bad_block(void **state)
{
    (void)state;
    rig_run(bad_block_body, NULL, 10);
}

/* A write past the end that fails before its first byte leaves no zeroes behind, whichever
 * allocation failed. */
static void gap_body(void *unused)
{
    (void)unused;
    bool reached = true;
    for (unsigned long n = 1; reached; n++) {
        begin();
        struct file *file = open_file("/m/a", OPEN_READ | OPEN_WRITE | OPEN_CREATE);
        write_at(file, 0, write_content, 1000);
        host_fail_nth_allocation(n);
        ssize_t done = file_write_at(file, 20000, write_content, 5000);
        reached = host_failure_happened();
        host_fail_nth_allocation(0);

        kassert(file_size(file) == (done > 0 ? 20000 + (uint64_t)done : 1000));
        kassert(file_read_at(file, 0, got, 1000) == 1000 && !memcmp(got, write_content, 1000));
        file_close(file);
        end();
    }
}

static void test_gap(void **state)
{
    (void)state;
    rig_run(gap_body, NULL, 2);
}

/* ---- errors ------------------------------------------------------------------------------- */

/* A flush by the flusher that failed may have lost bytes, although the next one succeeds: the next
 * sync returns the error, and so does that of a program that has written before. */
static void flusher_body(void *unused)
{
    (void)unused;
    begin();
    struct path *root = path_root(), *path;
    expect("walk", path_walk(root, "/m", 0, &path), 0);
    struct vfs_sync_mark before = vfs_sync_mark(path);
    rig_put_file("/m/a", write_content, 5000);
    write_fs.fail_flush = -EIO;
    thread_sleep_until(time_now_us() + CACHE_AGE_US + CACHE_AGE_US / 5);
    write_fs.fail_flush = 0;

    struct vfs_sync_mark after = vfs_sync_mark(path);
    expect("sync", sync_all(), -EIO);
    expect("sync again", vfs_sync(path), 0);
    expect("began before", vfs_sync_since(path, &before), -EIO);
    expect("again", vfs_sync_since(path, &before), 0);
    expect("began after", vfs_sync_since(path, &after), 0);
    medium_has("a", write_content, 5000);
    path_put(path);
    path_put(root);
    end();
}

static void test_flusher(void **state)
{
    (void)state;
    rig_run(flusher_body, NULL, 3);
}

/* ---- mounting and unmounting -------------------------------------------------------------- */

struct mounter {
    const char *device;
    status_t status;
};

static void mounter_main(void *argument)
{
    struct mounter *mounter = argument;
    struct path *root = path_root();
    mounter->status = vfs_mount(root, "/m", mounter->device, NULL, "rw");
    path_put(root);
}

/* Of two threads that mount a volume writable at one place, one fails: its volume is not marked as
 * in use. */
static void publish_body(void *unused)
{
    (void)unused;
    static uint8_t other[DISK_BYTES];
    write_fs.read_only = true;
    begin();
    memcpy(other, write_image, sizeof(other));
    struct faulty *second = faulty_create(1, other, sizeof(other), faulty_limits(), FAULTY_MIXED);
    for (unsigned i = 0; i < 8; i++) {
        struct mounter a = { .device = "disk0" }, b = { .device = "disk1" };
        expect("unmount", rig_unmount("/m"), 0);
        kassert(!write_image[WRITE_FS_IN_USE] && !other[WRITE_FS_IN_USE]);
        struct thread *thread = thread_create("mounter", PRIORITY_NORMAL, mounter_main, &a);
        mounter_main(&b);
        thread_join(thread);
        kassert(a.status + b.status == -EBUSY);
        kassert(write_image[WRITE_FS_IN_USE] == !a.status && other[WRITE_FS_IN_USE] == !b.status);
    }
    expect("unmount", rig_unmount("/m"), 0);
    faulty_destroy(second);
    expect("mount", rig_mount("/m", "disk0"), 0);
    end();
}

static void test_publish(void **state)
{
    (void)state;
    rig_run(publish_body, NULL, 20);
}

static void release_main(void *unused)
{
    (void)unused;
    thread_sleep_until(time_now_us() + 10000);
    faulty_hold(write_disk, false);
}

/* A removed file whose bytes are being read ahead is freed when the read has ended: an unmount
 * waits for that, so that its flush is the last one. */
static void late_body(void *unused)
{
    (void)unused;
    begin_with(FAULTY_LATE);
    write_fs.slow_put = true;
    rig_put_file("/m/a", write_content, FILE_BYTES);
    expect("sync", sync_all(), 0);
    rig_evict_all();

    struct path *root = path_root(), *path;
    expect("walk", path_walk(root, "/m/a", 0, &path), 0);
    faulty_hold(write_disk, true);
    cache_prefetch(&path_vnode(path)->cache, 100000, 100000);
    rig_unlink("/m/a");
    path_put(path);
    path_put(root);

    struct thread *thread = thread_create("release", PRIORITY_NORMAL, release_main, NULL);
    expect("unmount", rig_unmount("/m"), 0);
    thread_join(thread);
    kassert(!write_fs.late_puts);
    expect("mount", rig_mount("/m", "disk0"), 0);
    end();
}

static void test_late(void **state)
{
    (void)state;
    rig_run(late_body, NULL, 20);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_block),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_flusher),
        cmocka_unit_test(test_publish),
        cmocka_unit_test(test_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

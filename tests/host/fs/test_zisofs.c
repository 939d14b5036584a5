/*
 * test_zisofs.c - promise: packed files of different block sizes are unpacked correctly in one
 * mount, even with little memory. Runs on both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/rig.h"

enum { LAST = 65536, PIECE = 2048, POOL_BYTES = 256 << 20, BLOCK_LARGE = 128 << 10 };

static uint8_t *image;
static size_t image_bytes;

/* Bytes of a file's last block, which read-ahead does not go past; not from the cache. */
static status_t read_last(struct file *file, uint8_t piece[PIECE])
{
    rig_evict();
    ssize_t got = file_read_at(file, LAST, piece, PIECE);
    kassert(got < 0 || got == PIECE);
    return got < 0 ? (status_t)got : 0;
}

/* While the large blocks cannot be had, the small one at hand must not become another. */
static status_t read_with(size_t spare_bytes)
{
    static uint8_t before[PIECE], after[PIECE], other[PIECE];
    struct file *small, *large;
    kassert(rig_open("/m/log14", OPEN_READ, &small) == 0);
    kassert(rig_open("/m/log17", OPEN_READ, &large) == 0);
    kassert(read_last(small, before) == 0);
    rig_evict();
    host_memory_limit(host_memory_used() + spare_bytes);
    status_t status = read_last(large, other);
    host_memory_limit(POOL_BYTES);
    kassert(read_last(small, after) == 0);
    kassert(memcmp(before, after, PIECE) == 0);
    file_close(small);
    file_close(large);
    return status;
}

static void memory_body(void *unused)
{
    (void)unused;
    status_t status = -ENOMEM;
    for (size_t spare = 0; status; spare += 16384) { /* a mount each: the room is small again */
        rig_start();
        rig_mkdir("/m");
        struct faulty *faulty = faulty_create(0, image, image_bytes, faulty_limits(), FAULTY_MIXED);
        struct path *root = path_root();
        kassert(vfs_mount(root, "/m", "disk0", NULL, NULL) == 0);
        status = read_with(spare);
        kassert(!status || status == -ENOMEM);
        kassert(vfs_unmount(root, "/m") == 0);
        path_put(root);
        faulty_destroy(faulty);
        rig_stop();
    }
}

static void test_little_memory(void **state)
{
    (void)state;
    rig_run(memory_body, NULL, 5);
}

/* A worker without work keeps no blocks, though the file is open. */
static void idle_body(void *unused)
{
    (void)unused;
    static uint8_t before[PIECE], after[PIECE];
    rig_start();
    rig_mkdir("/m");
    struct faulty *faulty = faulty_create(0, image, image_bytes, faulty_limits(), FAULTY_MIXED);
    struct path *root = path_root();
    struct file *file;
    kassert(vfs_mount(root, "/m", "disk0", NULL, NULL) == 0);
    path_put(root);
    kassert(rig_open("/m/log17", OPEN_READ, &file) == 0);
    rig_evict_all();
    size_t used = host_memory_used();
    kassert(read_last(file, before) == 0);
    rig_evict_all();
    kassert(host_memory_used() > used + BLOCK_LARGE);
    thread_sleep_until(time_now_us() + 2000000);
    kassert(host_memory_used() <= used);
    kassert(read_last(file, after) == 0 && memcmp(before, after, PIECE) == 0);
    file_close(file);
    root = path_root();
    kassert(vfs_unmount(root, "/m") == 0);
    path_put(root);
    faulty_destroy(faulty);
    rig_stop();
}

static void test_idle_worker(void **state)
{
    (void)state;
    rig_run(idle_body, NULL, 5);
}

static int make_image(void **state)
{
    (void)state;
    char folder[] = "/tmp/spindle_zisofs.XXXXXX", text[256];
    kassert(mkdtemp(folder) != NULL);
    snprintf(text, sizeof(text), "python3 tests/images/edge.py %s block_sizes", folder);
    kassert(system(text) == 0);
    snprintf(text, sizeof(text), "%s/block_sizes.iso", folder);
    image = rig_load(text, &image_bytes);
    kassert(image != NULL);
    snprintf(text, sizeof(text), "rm -r %s", folder);
    return system(text);
}

static int free_image(void **state)
{
    (void)state;
    free(image);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_little_memory) };
    const struct CMUnitTest in_virtual_time[] = { cmocka_unit_test(test_idle_worker) };
    int failed = cmocka_run_group_tests(tests, make_image, free_image);
    if (run_is_simulated())
        failed += cmocka_run_group_tests(in_virtual_time, make_image, free_image);
    return failed;
}

/*
 * test_exchange.c - promise: vfs_exchange_device() replaces the device of a mount while its files
 * are open and read, and no reader notices. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/disc.h"

static struct walk before, after; /* large */

static struct faulty *second_device(const struct image *image, uint8_t *copy, uint64_t bytes)
{
    memcpy(copy, image->bytes, image->length);
    return faulty_create(1, copy, bytes, faulty_limits(), FAULTY_MIXED);
}

static status_t exchange(const char *where, const char *device)
{
    struct path *root = path_root();
    status_t status = vfs_exchange_device(root, where, device);
    path_put(root);
    return status;
}

static uint64_t whole_blocks(const struct image *image)
{
    return image->length / 512 * 512;
}

static void same_nodes(const struct walk *a, const struct walk *b)
{
    kassert(a->count == b->count);
    for (unsigned i = 0; i < a->count; i++)
        kassert(a->nodes[i].id == b->nodes[i].id && a->nodes[i].name == b->nodes[i].name &&
                a->nodes[i].digest == b->nodes[i].digest &&
                a->nodes[i].status == b->nodes[i].status);
}

/* ---- while it is read ----------------------------------------------------------------------- */

struct reader {
    _Atomic bool stop;
    unsigned rounds;
};

/* Reads the nodes of the first walk by id, from the cache or from the medium, and checks that their
 * bytes are unchanged. */
static void reader_main(void *argument)
{
    struct reader *reader = argument;
    while (!atomic_load(&reader->stop) || !reader->rounds) {
        for (unsigned i = 1; i < before.count; i++) {
            struct seen node = { .id = before.nodes[i].id };
            see_node(&before, &node);
            kassert(node.digest == before.nodes[i].digest && node.size == before.nodes[i].size);
            if (rig_random() % 4 == 0)
                rig_evict();
        }
        reader->rounds++;
    }
}

static void reading_body(void *argument)
{
    const struct image *image = argument;
    struct reader reader = { .stop = false };
    uint8_t *copy = malloc(image->length);
    struct faulty *first = disc_begin(image);
    struct faulty *second = second_device(image, copy, whole_blocks(image));
    kassert(disc_mount(&before, NULL) == 0);
    walk_all(&before);
    struct thread *thread = thread_create("reader", PRIORITY_NORMAL, reader_main, &reader);
    for (uint64_t n = rig_random() % 200; n; n--)
        thread_yield();
    expect("exchange", exchange("/m", "disk1"), 0);
    unsigned long reads = first->reads;
    faulty_change(first, NULL, 0); /* the disc is taken out */
    for (uint64_t n = rig_random() % 200; n; n--)
        thread_yield();
    atomic_store(&reader.stop, true);
    thread_join(thread);
    kassert(first->reads == reads);
    after.fsd = before.fsd;
    after.mounted = before.mounted;
    after.count = after.next = after.alias_count = 0;
    rig_evict();
    walk_all(&after);
    same_nodes(&before, &after);
    disc_unmount(&before);
    faulty_destroy(second);
    disc_end(first);
    free(copy);
}

static void test_reading(void **state)
{
    (void)state;
    rig_run(reading_body, image_named("rock_ridge_everything"), 60);
    rig_run(reading_body, image_named("multi_extent_not_contiguous"), 60);
    rig_run(reading_body, image_named("zisofs_file"), 60);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void refused_body(void *argument)
{
    const struct image *image = argument;
    uint8_t *copy = malloc(image->length);
    struct faulty *first = disc_begin(image);
    struct faulty *second = second_device(image, copy, whole_blocks(image) - 512);
    kassert(disc_mount(&before, NULL) == 0);
    walk_all(&before);
    expect("shorter", exchange("/m", "disk1"), -EINVAL);
    expect("no device", exchange("/m", "disk7"), -ENODEV);
    expect("no mount", exchange("/m/..", "disk1"), -ENODEV); /* the root has no device */
    expect("no mount point", exchange("/System", "disk1"), -EINVAL);
    expect("nothing there", exchange("/nowhere", "disk1"), -ENOENT);
    faulty_change(second, NULL, 0);
    expect("no medium", exchange("/m", "disk1"), -ENOMEDIUM);
    faulty_change(second, copy, whole_blocks(image));
    unsigned long reads = second->reads;
    rig_evict();
    struct seen node = { .id = VNODE_ROOT };
    see_node(&before, &node);
    kassert(second->reads == reads); /* the first device is still in use */
    faulty_change(first, copy, whole_blocks(image)); /* another disc, though with the same bytes */
    expect("changed", exchange("/m", "disk1"), -ESTALE);
    disc_unmount(&before);
    faulty_destroy(second);
    disc_end(first);
    free(copy);
}

static void test_refused(void **state)
{
    (void)state;
    rig_run(refused_body, image_named("rock_ridge_everything"), 10);
}

/* ---- open files lock the door of the drive in use ------------------------------------------- */

static void open_files_body(void *argument)
{
    const struct image *image = argument;
    uint8_t *copy = malloc(image->length);
    struct file *files[3] = { NULL };
    struct faulty *first = disc_begin(image);
    struct faulty *second = second_device(image, copy, whole_blocks(image));
    kassert(disc_mount(&before, NULL) == 0);
    walk_all(&before);
    unsigned count = 0;
    for (unsigned i = 0; i < before.count && count < 3; i++)
        if (before.nodes[i].type == NODE_FILE)
            kassert(file_open_id(before.mounted, before.nodes[i].id, OPEN_READ,
                                 &files[count++]) == 0);
    kassert(count == 3 && device_files_open(first->device) == 3);
    file_close(files[0]);
    expect("exchange", exchange("/m", "disk1"), 0);
    kassert(device_files_open(first->device) == 0 && device_files_open(second->device) == 2);
    kassert(device_open_count(first->device) == 0);
    expect("again", exchange("/m", "disk0"), -EALREADY);
    file_close(files[1]);
    file_close(files[2]);
    kassert(device_files_open(second->device) == 0);
    disc_unmount(&before);
    faulty_destroy(second);
    disc_end(first);
    free(copy);
}

static void test_open_files(void **state)
{
    (void)state;
    rig_run(open_files_body, image_named("rock_ridge_everything"), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_open_files),
    };
    images_load();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    images_free();
    return failed;
}

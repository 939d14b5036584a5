/*
 * test_cdfs_memory.c - promise: the indexes of directories are freed when memory runs low, even
 * while their directories are in use, and are built again when they are needed. Runs on both back
 * ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kernel/log.h"
#include "tests/host/disc.h"

enum {
    INDEX_BYTES = 64 << 10, /* that of each of the two directories takes over twice as much */
    LISTED = 500,           /* names in each */
    MOUNTS = 8,
    SPARE_BYTES = MOUNTS * 2 * INDEX_BYTES, /* less than the indexes of all mounts take */
    POOL_BYTES = 256 << 20,
    LITTLE_BYTES = 1400 << 10, /* less than 16 times a directory */
};

static struct walk disc; /* large */

static struct path *walk_to(const char *text)
{
    struct path *root = path_root(), *path;
    kassert(path_walk(root, text, 0, &path) == 0);
    path_put(root);
    return path;
}

/* Looks a name of a directory up; its id. */
static vnode_id_t look_up_in(struct fsd *fsd, struct vnode *directory, char letter, unsigned n)
{
    char name[200];
    vnode_id_t id = VNODE_NONE;
    memset(name, letter, 180);
    snprintf(name + 180, sizeof(name) - 180, "%03u", n);
    status_t status = fsd->ops->lookup(fsd, directory, (struct element){ name, strlen(name) }, &id);
    if (status)
        panic("%c %u: %s", letter, n, status_name(status));
    return id;
}

static vnode_id_t look_up(struct vnode *directory, char letter, unsigned n)
{
    return look_up_in(disc.fsd, directory, letter, n);
}

static vnode_id_t id_of(const char *text)
{
    struct path *path = walk_to(text);
    struct node_info info;
    kassert(path_info(path, INFO_DIRENT, &info) == 0);
    path_put(path);
    return info.id;
}

/* Evicts until no more than that is used. What is being read ahead has to arrive before it can
 * go. */
static bool shrinks_to(size_t bytes)
{
    for (unsigned i = 0; i < 1000 && host_memory_used() > bytes; i++) {
        thread_sleep_until(time_now_us() + 1000);
        rig_evict();
    }
    return host_memory_used() <= bytes;
}

/* ---- an index that is not used --------------------------------------------------------- */

static void idle_body(void *unused)
{
    (void)unused;
    struct faulty *faulty = disc_begin(image_named("large_directories"));
    struct vnode *directory;
    kassert(disc_mount(&disc, NULL) == 0);
    kassert(vnode_get(disc.fsd, id_of("/m/A"), &directory) == 0);
    rig_evict_all();
    size_t before = host_memory_used();
    vnode_id_t id = look_up(directory, 'A', 7);
    kassert(host_memory_used() > before + INDEX_BYTES);
    kassert(shrinks_to(before));
    kassert(look_up(directory, 'A', 7) == id); /* made again */
    rig_evict_all();
    struct seen node = { .id = id };
    see_node(&disc, &node);
    kassert(node.status == 0 && node.size == 7);
    vnode_put(directory);
    disc_unmount(&disc);
    disc_end(faulty);
}

/* C7. */
static void test_idle_index(void **state)
{
    (void)state;
    rig_run(idle_body, NULL, 20);
}

/* ---- one that is being listed ------------------------------------------------------------- */

static void listed_body(void *unused)
{
    (void)unused;
    static struct dir_entry entry;
    struct faulty *faulty = disc_begin(image_named("large_directories"));
    struct file *file;
    kassert(disc_mount(&disc, NULL) == 0);
    struct path *path = walk_to("/m/B");
    kassert(file_open_path(path, OPEN_DIRECTORY, &file) == 0);
    unsigned count = 0;
    while (dir_read(file, INFO_NONE, &entry) > 0) {
        kassert(entry.name[0] == 'B' && strlen(entry.name) == 183);
        if (count++ % 50 == 0)
            rig_evict();
    }
    kassert(count == LISTED);
    file_close(file);
    path_put(path);
    disc_unmount(&disc);
    disc_end(faulty);
}

/* C8. */
static void test_listed_index(void **state)
{
    (void)state;
    rig_run(listed_body, NULL, 20);
}

/* ---- not enough memory for all ------------------------------------------------------------ */

/* The disc is mounted several times, and both directories of each mount are in use. */
struct pressure {
    struct fsd *fsd;
    struct vnode *directories[2];
};

static void pressure_mount(struct pressure *pressure, const char *place)
{
    struct path *root = path_root(), *mounted;
    rig_mkdir(place);
    kassert(vfs_mount(root, place, "disk0", NULL, NULL) == 0);
    kassert(path_walk(root, place, 0, &mounted) == 0);
    pressure->fsd = path_fsd(mounted);
    for (unsigned i = 0; i < 2; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%s/%c", place, "AB"[i]);
        kassert(vnode_get(pressure->fsd, id_of(text), &pressure->directories[i]) == 0);
    }
    path_put(mounted);
    path_put(root);
}

static void pressure_unmount(struct pressure *pressure, const char *place)
{
    struct path *root = path_root();
    for (unsigned i = 0; i < 2; i++)
        vnode_put(pressure->directories[i]);
    kassert(vfs_unmount(root, place) == 0);
    path_put(root);
}

static void pressure_body(void *unused)
{
    (void)unused;
    static const char *const places[MOUNTS] = { "/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7" };
    struct pressure pressures[MOUNTS];
    vnode_id_t ids[2]; /* the same in each mount */
    struct faulty *faulty = disc_begin(image_named("large_directories"));
    for (unsigned i = 0; i < MOUNTS; i++)
        pressure_mount(&pressures[i], places[i]);
    void *page = page_alloc();
    kassert(page != NULL);
    rig_evict_all();
    size_t before = host_memory_used();
    for (unsigned i = 0; i < 2; i++)
        ids[i] = look_up_in(pressures[0].fsd, pressures[0].directories[i], "AB"[i], 0);
    size_t taken = host_memory_used() - before - vfs_counts().pages * PAGE_BYTES;
    kassert(taken * MOUNTS > SPARE_BYTES);
    rig_evict_all();
    host_memory_limit(before + SPARE_BYTES);
    for (unsigned i = 0; i < 3 * 2 * MOUNTS; i++) {
        const struct pressure *pressure = &pressures[i / 2 % MOUNTS];
        kassert(look_up_in(pressure->fsd, pressure->directories[i % 2], "AB"[i % 2], 0) ==
                ids[i % 2]);
        /* memory in flight cannot be reclaimed: no other read follows this one */
        kassert(io_wait(&pressure->fsd->device, IO_READ, 0, page, 512, NULL) == 0);
    }
    host_memory_limit(POOL_BYTES);
    page_free(page);
    for (unsigned i = 0; i < MOUNTS; i++)
        pressure_unmount(&pressures[i], places[i]);
    disc_end(faulty);
}

/* CB22. */
static void test_pressure(void **state)
{
    (void)state;
    rig_run(pressure_body, NULL, 20);
}

/* ---- too little memory for more than names ------------------------------------------------ */

/* Lists /m/B, and asks for what each of its names stands for: true when the directory told all of
 * it, false when nothing. */
static bool list_tells(void)
{
    static struct dir_entry entry;
    enum { LEVELS = INFO_STANDARD | INFO_TIMES | INFO_ALIAS };
    unsigned told = 0, count = 0;
    struct path *path = walk_to("/m/B");
    struct file *file;
    kassert(file_open_path(path, OPEN_DIRECTORY, &file) == 0);
    for (; dir_read(file, LEVELS, &entry) > 0; count++) {
        struct node_info info;
        kassert(path_child_info(path, entry.name, false, LEVELS, &info) == 0);
        kassert(info.type == NODE_FILE && info.size_bytes == 7 && info.id == entry.info.id);
        kassert(!entry.info.known || rig_info_equal(&entry.info, &info));
        told += entry.info.known != 0;
    }
    file_close(file);
    path_put(path);
    kassert(count == LISTED && (told == 0 || told == count));
    return told != 0;
}

static void little_body(void *unused)
{
    (void)unused;
    struct faulty *faulty = disc_begin(image_named("large_directories"));
    kassert(disc_mount(&disc, NULL) == 0);
    host_memory_limit(LITTLE_BYTES);
    kassert(!list_tells());
    host_memory_limit(POOL_BYTES);
    kassert(!list_tells()); /* the index stays, */
    rig_evict_all();
    kassert(list_tells()); /* until it is made again */
    disc_unmount(&disc);
    disc_end(faulty);
}

static void test_little(void **state)
{
    (void)state;
    rig_run(little_body, NULL, 5);
}

/* ---- look-ups and reclaim at the same time ------------------------------------------------ */

struct looker {
    struct vnode *directory;
    char letter;
};

static void looker_main(void *argument)
{
    const struct looker *looker = argument;
    vnode_id_t ids[2];
    for (unsigned i = 0; i < 60; i++) {
        unsigned n = i % 2 ? LISTED - 1 : 3;
        vnode_id_t id = look_up(looker->directory, looker->letter, n);
        kassert(i < 2 || ids[i % 2] == id);
        ids[i % 2] = id;
    }
}

static void reclaim_main(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 200; i++) {
        (void)vfs_reclaim(rig_random() % 100);
        thread_yield();
    }
}

static void together_body(void *unused)
{
    (void)unused;
    struct faulty *faulty = disc_begin(image_named("large_directories"));
    struct looker lookers[3] = { { .letter = 'A' }, { .letter = 'B' }, { .letter = 'A' } };
    struct thread *threads[4];
    kassert(disc_mount(&disc, NULL) == 0);
    for (unsigned i = 0; i < 3; i++)
        kassert(vnode_get(disc.fsd, id_of(i % 2 ? "/m/B" : "/m/A"), &lookers[i].directory) == 0);
    for (unsigned i = 0; i < 4; i++) {
        threads[i] = thread_create("test", PRIORITY_NORMAL, i < 3 ? looker_main : reclaim_main,
                                   i < 3 ? &lookers[i] : NULL);
        kassert(threads[i] != NULL);
    }
    for (unsigned i = 0; i < 4; i++)
        thread_join(threads[i]);
    for (unsigned i = 0; i < 3; i++)
        vnode_put(lookers[i].directory);
    disc_unmount(&disc);
    disc_end(faulty);
}

/* C9, CB22. */
static void test_together(void **state)
{
    (void)state;
    rig_run(together_body, NULL, 20);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    images_load();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_index),
        cmocka_unit_test(test_listed_index),
        cmocka_unit_test(test_pressure),
        cmocka_unit_test(test_little),
        cmocka_unit_test(test_together),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    images_free();
    return failed;
}

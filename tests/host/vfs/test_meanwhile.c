/*
 * test_meanwhile.c - promise: mounts and replacements are right although another thread moves the
 * directory that they are in, or removes the disc. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "kernel/log.h"
#include "tests/host/rig.h"

static struct semaphore finished; /* the other thread has ended */

/* ---- while a directory is moved ----------------------------------------------------------- */

static _Atomic bool moves_stop;

static void mover_main(void *unused)
{
    struct path *root = path_root();
    (void)unused;
    for (unsigned round = 0; !atomic_load(&moves_stop); round++) {
        status_t status = vfs_rename(root, round % 2 ? "/b" : "/a", round % 2 ? "/a" : "/b");
        kassert(!status || status == -EBUSY || status == -ENOENT);
    }
    path_put(root);
    semaphore_up(&finished);
}

static void mover_start(void)
{
    rig_mkdir("/a");
    rig_mkdir("/a/m");
    semaphore_init(&finished, 0);
    atomic_store(&moves_stop, false);
    struct thread *thread = thread_create("mover", PRIORITY_NORMAL, mover_main, NULL);
    kassert(thread);
    thread_detach(thread);
}

static void mover_stop(void)
{
    atomic_store(&moves_stop, true);
    while (semaphore_down(&finished, TIME_NEVER))
        ;
}

/* A mount is found by its path, though another thread moves the directory that it is in. */
static void moved_mounts_body(void *unused)
{
    (void)unused;
    rig_start();
    mover_start();
    struct path *root = path_root();
    for (unsigned round = 0; round < 100; round++) {
        const char *path = rig_random() % 2 ? "/a/m" : "/b/m";
        struct path *at;
        status_t status = rig_mount_type(path, "ramfs");
        kassert(!status || status == -EBUSY || status == -ENOENT);
        if (status)
            continue;

        /* it may have been moved after it was found, and stays there now */
        if (path_walk(root, path, 0, &at)) {
            path = path[1] == 'a' ? "/b/m" : "/a/m";
            expect(path, path_walk(root, path, 0, &at), 0);
        }
        kassert(path_is_mount_point(at));
        path_put(at);
        expect("unmount", rig_unmount(path), 0);
    }
    path_put(root);
    mover_stop();
    rig_stop();
}

static void test_moved_mounts(void **state)
{
    (void)state;
    rig_run(moved_mounts_body, NULL, 30);
}

/* After ^C the part of a replacement is removed, though another thread's move is waited for. */
static void abandon_body(void *unused)
{
    struct replacement replacement;
    (void)unused;
    rig_start();
    mover_start();
    struct path *root = path_root();
    for (unsigned round = 0; round < 100; round++) {
        expect("begin", replace_begin(root, "/f", 0, &replacement), 0);
        thread_interrupt(thread_current());
        replace_abandon(&replacement);
        kassert(thread_interrupted());
        thread_clear_interrupt();
        expect("part", rig_walk("/.f.part~1"), -ENOENT);
    }
    path_put(root);
    mover_stop();
    rig_stop();
}

static void test_abandon(void **state)
{
    (void)state;
    rig_run(abandon_body, NULL, 10);
}

/* ---- while a disc is removed -------------------------------------------------------------- */

static uint8_t *image; /* rock_ridge_everything */
static size_t image_bytes;

static void remover_main(void *device)
{
    device_remove(device);
    IGNORE(vfs_unmount_device(device)); /* one or two */
    semaphore_up(&finished);
}

/* A mount on a disc that is removed at the same time leaves with it, or is refused. */
static void gone_meanwhile_body(void *unused)
{
    (void)unused;
    char name[NAME_BYTES_MAX + 1];
    unsigned position = 0;
    rig_start();
    struct faulty *faulty =
        faulty_create(0, image, image_bytes, faulty_limits(), FAULTY_MIXED);
    rig_mkdir("/m");
    expect("mount", rig_mount("/m", "disk0"), 0);
    semaphore_init(&finished, 0);
    struct thread *thread = thread_create("remover", PRIORITY_NORMAL, remover_main, faulty->device);
    kassert(thread);
    thread_detach(thread);

    status_t status = rig_mount_type("/m/links", "ramfs");
    kassert(!status || status == -ENOENT || status == -ENODEV);
    while (semaphore_down(&finished, TIME_NEVER))
        ;
    struct path *root = path_root(), *path;
    expect("walk", path_walk(root, "/m", 0, &path), 0);
    expect("left", vfs_mount_below(path, &position, name, sizeof(name)), -ENOENT);
    path_put(path);
    path_put(root);
    faulty_destroy(faulty);
    rig_stop();
}

static void test_gone_meanwhile(void **state)
{
    (void)state;
    rig_run(gone_meanwhile_body, NULL, 100);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    image = rig_load_image("rock_ridge_everything", &image_bytes);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moved_mounts),
        cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_gone_meanwhile),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(image);
    return failed;
}

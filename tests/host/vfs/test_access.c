/*
 * test_access.c - promise: a file system is written only while it is mounted writable, and is
 * durable before it becomes read-only (vfs.h: vfs_remount, vfs_finish, vfs_exchange_device). For
 * both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/drives.h"
#include "tests/host/write_rig.h"

static status_t remount(const char *mount, const char *options)
{
    struct path *root = path_root();
    status_t status = vfs_remount(root, mount, options);
    path_put(root);
    return status;
}

/* Nothing is written until it is asked for, and nothing after it was ended. */
static void access_body(void *unused)
{
    (void)unused;
    struct file *file;
    write_fs.read_only = true;
    begin();
    expect("create", rig_open("/m/a", OPEN_WRITE | OPEN_CREATE, &file), -EROFS);
    expect("unlink", rig_try_unlink("/m/a"), -ENOENT);
    kassert(!write_disk->writes && !write_fs.opened_for_writing);

    expect("rw", remount("/m", "rw"), 0);
    expect("rw again", remount("/m", "rw"), 0);
    kassert(write_fs.opened_for_writing == 1);
    file = open_file("/m/a", OPEN_WRITE | OPEN_CREATE);
    write_at(file, 0, write_content, 5000);
    expect("ro while open", remount("/m", "ro"), -EBUSY);
    write_at(file, 5000, write_content + 5000, 5000);
    file_close(file);
    expect("not an option", remount("/m", "ro,wrong"), -EOPNOTSUPP);
    kassert(!fsd_at("/m")->read_only);

    /* if it cannot be written, it stays writable, and nothing is lost */
    write_fs.fail_flush = -EIO;
    expect("ro with an error", remount("/m", "ro"), -EIO);
    write_fs.fail_flush = 0;
    kassert(!fsd_at("/m")->read_only);
    expect("ro", remount("/m", "ro"), 0);
    medium_has("a", write_content, 10000);
    expect("write", rig_open("/m/a", OPEN_WRITE, &file), -EROFS);
    unsigned long writes = write_disk->writes;
    expect("sync", sync_all(), 0);
    kassert(write_disk->writes == writes);
    end();
}

static void test_access(void **state)
{
    (void)state;
    rig_run(access_body, NULL, 5);
}

/* Threads of the next test: one ends writing, the other removes a file meanwhile. */
static status_t ended, removed;

static void ender_main(void *unmounts)
{
    ended = unmounts ? rig_unmount("/m") : remount("/m", "ro");
}

static void remover_main(void *unused)
{
    (void)unused;
    removed = rig_try_unlink("/m/a");
}

/* A change waits until a mount has become read-only, or has not: an unmount that is refused,
 * because of the change itself, disturbs nothing. */
static void gate_body(void *unmounts)
{
    begin_with(FAULTY_LATE);
    rig_put_file("/m/a", write_content, 5000);
    faulty_hold(write_disk, true);
    struct thread *ender = thread_create("ender", PRIORITY_NORMAL, ender_main, unmounts);
    thread_sleep_until(time_now_us() + 20000);
    struct thread *remover = thread_create("remover", PRIORITY_NORMAL, remover_main, NULL);
    thread_sleep_until(time_now_us() + 20000);
    faulty_hold(write_disk, false);
    thread_join(ender);
    thread_join(remover);
    expect("end", ended, unmounts ? -EBUSY : 0);
    expect("remove", removed, unmounts ? 0 : -EROFS);
    end();
}

static void test_gate(void **state)
{
    (void)state;
    rig_run(gate_body, NULL, 5);
    rig_run(gate_body, &ended, 5);
}

static status_t exchange(const char *device)
{
    struct path *root = path_root();
    status_t status = vfs_exchange_device(root, "/m", device);
    path_put(root);
    return status;
}

/* A copy takes the place of the disk only if nothing can have been written since it was made, and
 * nothing is written to it. */
static void exchanged_body(void *unused)
{
    (void)unused;
    static uint8_t copy[DISK_BYTES];
    write_fs.read_only = true;
    begin();
    memcpy(copy, write_image, sizeof(copy));
    struct faulty *second = faulty_create(1, copy, sizeof(copy), faulty_limits(), FAULTY_MIXED);

    /* refused while it is writable, and after it was; a new mount starts over */
    expect("rw", remount("/m", "rw"), 0);
    expect("writable", exchange("disk1"), -EBUSY);
    expect("ro", remount("/m", "ro"), 0);
    expect("was writable", exchange("disk1"), -EBUSY);
    expect("unmount", rig_unmount("/m"), 0);
    expect("mount", rig_mount("/m", "disk0"), 0);
    expect("exchange", exchange("disk1"), 0);
    expect("rw of the copy", remount("/m", "rw"), -EROFS);
    expect("unmount", rig_unmount("/m"), 0);
    faulty_destroy(second);
    expect("mount", rig_mount("/m", "disk0"), 0);
    end();
}

static void test_exchanged(void **state)
{
    (void)state;
    rig_run(exchanged_body, NULL, 5);
}

/* With `sync`, each change is durable when it returns. */
static void synchronous_body(void *unused)
{
    (void)unused;
    begin();
    expect("sync", remount("/m", "sync"), 0);
    struct file *file = open_file("/m/a", OPEN_WRITE | OPEN_CREATE);
    kassert(write_fs_read_medium("a", got, sizeof(got)) == 0);
    write_at(file, 0, write_content, 5000);
    medium_has("a", write_content, 5000);
    expect("set size", file_set_size(file, 100), 0);
    medium_has("a", write_content, 100);
    expect("async", remount("/m", "async"), 0);
    write_at(file, 0, write_content, 5000);
    medium_has("a", write_content, 100);
    file_close(file);
    end();
}

static void test_synchronous(void **state)
{
    (void)state;
    rig_run(synchronous_body, NULL, 5);
}

/* A device that is written is mounted once. */
static void alone_body(void *unused)
{
    (void)unused;
    write_fs.read_only = true;
    begin();
    struct path *root = path_root();
    rig_mkdir("/n");
    expect("second", rig_mount("/n", "disk0"), 0);
    expect("rw beside another", remount("/m", "rw"), -EBUSY);
    kassert(!write_disk->writes);
    expect("unmount", rig_unmount("/n"), 0);
    expect("rw", remount("/m", "rw"), 0);
    expect("beside a writer", rig_mount("/n", "disk0"), -EBUSY);
    expect("rw, beside a writer", vfs_mount(root, "/n", "disk0", NULL, "rw"), -EBUSY);
    kassert(write_image[WRITE_FS_IN_USE]);

    expect("ro", remount("/m", "ro"), 0);
    expect("second", rig_mount("/n", "disk0"), 0);
    expect("unmount", rig_unmount("/n"), 0);
    rig_unlink("/n");
    path_put(root);
    end();
}

static void test_alone(void **state)
{
    (void)state;
    rig_run(alone_body, NULL, 5);
}

static char said_lines[4096];

static void keep_text(struct text_sink *sink, const char *text, size_t bytes)
{
    (void)sink;
    strncat(said_lines, text, min(bytes, sizeof(said_lines) - 1 - strlen(said_lines)));
}

/* Before the machine is switched off: what cannot be written is listed. */
static void finish_body(void *unused)
{
    (void)unused;
    struct text_sink sink = { .write = keep_text };
    begin();
    rig_put_file("/m/a", write_content, 5000);
    write_fs.fail_prepare = -EIO;
    *said_lines = '\0';
    expect("finish", vfs_finish(false, &sink), -EIO);
    kassert(strstr(said_lines, "disk0: not all changes could be written: input/output error\n") &&
            strstr(said_lines, "/m/a: 5000 bytes not written\n"));
    kassert(!fsd_at("/m")->read_only);

    write_fs.fail_prepare = 0;
    struct file *file = open_file("/m/a", OPEN_WRITE);
    expect("finish", vfs_finish(false, &sink), 0);
    medium_has("a", write_content, 5000);
    kassert(file_write(file, "x", 1) == -EROFS);
    file_close(file);
    end();
}

static void test_finish(void **state)
{
    (void)state;
    rig_run(finish_body, NULL, 5);
}

/* A volume in an image on another one is finished first, and both are writable again if something
 * cannot be written. */
static void nested_body(void *unused)
{
    (void)unused;
    struct text_sink sink = { .write = keep_text };
    enum { IMAGE_BYTES = 70 * WRITE_FS_CLUSTER_BYTES };
    char drive[DEVICE_NAME_BYTES];
    write_fs.read_only = true;
    begin();
    expect("rw", remount("/m", "rw"), 0);
    rig_put_file("/m/image", write_image, IMAGE_BYTES);
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/m/image"), .flags = VIRTUAL_WRITABLE },
                             drive), 0);
    rig_mkdir("/n");
    expect("mount", rig_mount("/n", drive), 0);
    expect("rw", remount("/n", "rw"), 0);

    /* The upper volume is read-only by the time that the lower one fails. */
    *said_lines = '\0';
    write_fs.fail_read_only = fsd_at("/m");
    expect("finish", vfs_finish(false, &sink), -EIO);
    kassert(strstr(said_lines, "disk0: not all changes could be written"));
    kassert(!fsd_at("/m")->read_only && !fsd_at("/n")->read_only);
    rig_put_file("/n/a", write_content, 5000);
    rig_put_file("/m/a", write_content, 5000);

    *said_lines = '\0';
    write_fs.fail_read_only = NULL;
    expect("finish", vfs_finish(false, &sink), 0);
    kassert(!*said_lines && fsd_at("/m")->read_only && fsd_at("/n")->read_only);
    medium_has("a", write_content, 5000);
    kassert(!write_image[WRITE_FS_IN_USE]);
    kassert(rig_get_file("/m/image", got, sizeof(got)) == -EBUSY);
    expect("unmount", rig_unmount("/n"), 0);
    expect("remove", drives_remove(drive, VIRTUAL_IF_IDLE), 0);
    kassert(rig_get_file("/m/image", got, sizeof(got)) == IMAGE_BYTES && !got[WRITE_FS_IN_USE]);
    rig_unlink("/n");
    drives_take_events();
    end();
}

static void test_nested(void **state)
{
    (void)state;
    rig_run(nested_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_synchronous),
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_exchanged),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_vfs.c - promise: paths, mounts, and files in ramfs and on a disc behave as vfs.h and fsd.h
 * describe, with the errors of POSIX. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/dev/virtual.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/rig.h"

static uint8_t *image; /* rock_ridge_everything */
static size_t image_bytes;

static struct faulty *image_device(unsigned n)
{
    return faulty_create(n, image, image_bytes, faulty_limits(), FAULTY_MIXED);
}

/* ---- ramfs -------------------------------------------------------------------------------- */

enum { FILE_MODEL_BYTES = 60000 };

/* Random writes, appends, truncations and reads have the same result as on an array. */
static void content_body(void *unused)
{
    (void)unused;
    static uint8_t model[FILE_MODEL_BYTES], got[FILE_MODEL_BYTES + 100], piece[9000];
    size_t size = 0;
    struct file *file, *append;
    rig_start();
    memset(model, 0, sizeof(model));
    kassert(rig_open("/f", OPEN_READ | OPEN_WRITE | OPEN_CREATE, &file) == 0);
    kassert(rig_open("/f", OPEN_WRITE | OPEN_APPEND, &append) == 0);
    for (unsigned i = 0; i < 60; i++) {
        size_t bytes = rig_random() % sizeof(piece);
        bool at_end = rig_random() % 3 == 0;
        size_t at = at_end ? size : rig_random() % (FILE_MODEL_BYTES - sizeof(piece));
        if (at + bytes > FILE_MODEL_BYTES)
            continue;
        memset(piece, (int)(rig_random() | 1), bytes);
        file_seek(file, at);
        kassert(file_write(at_end ? append : file, piece, bytes) == (ssize_t)bytes);
        memcpy(model + at, piece, bytes);
        size = bytes && at + bytes > size ? at + bytes : size;
        if (i % 7 == 6) { /* shorter or longer */
            struct node_info info = { .size_bytes = rig_random() % FILE_MODEL_BYTES };
            struct path *root = path_root(), *path;
            kassert(path_walk(root, "/f", 0, &path) == 0);
            struct fsd *fsd = path_fsd(path);
            kassert(fsd->ops->set_info(fsd, path_vnode(path), INFO_STANDARD, &info) == 0);
            path_put(path);
            path_put(root);
            size = info.size_bytes;
            memset(model + size, 0, FILE_MODEL_BYTES - size);
        }
        kassert(file_size(file) == size);
        kassert(rig_get_file("/f", got, sizeof(got)) == (ssize_t)size);
        kassert(memcmp(got, model, size) == 0);
    }
    file_close(append);
    file_close(file);
    rig_stop();
}

static void test_content(void **state)
{
    (void)state;
    rig_run(content_body, NULL, 20);
}

static status_t rename_name(const char *directory, const char *from, const char *to_directory,
                            const char *to)
{
    struct path *root = path_root(), *a, *b;
    kassert(path_walk(root, directory, 0, &a) == 0 && path_walk(root, to_directory, 0, &b) == 0);
    struct fsd *fsd = path_fsd(a);
    struct path *moved;
    if (path_child(a, from, false, &moved))
        moved = path_get(a); /* the name is missing: any node */
    status_t status = fsd->ops->rename(fsd, path_vnode(a), (struct element){ from, strlen(from) },
                                       path_vnode(moved), path_vnode(b),
                                       (struct element){ to, strlen(to) }, NULL);
    path_put(moved);
    path_put(a);
    path_put(b);
    path_put(root);
    return status;
}

static void names_body(void *unused)
{
    (void)unused;
    struct file *file;
    char text[16];
    rig_start();
    rig_mkdir("/d");
    rig_mkdir("/d/e");
    rig_put_file("/d/f", "hello", 5);
    expect("mkdir twice", rig_try_mkdir("/d"), -EEXIST);
    expect("mkdir over file", rig_try_mkdir("/d/f"), -EEXIST);
    expect("mkdir in file", rig_try_mkdir("/d/f/g"), -ENOTDIR);
    expect("mkdir nowhere", rig_try_mkdir("/x/g"), -ENOENT);
    expect("unlink full", rig_try_unlink("/d"), -ENOTEMPTY);
    expect("unlink nothing", rig_try_unlink("/d/x"), -ENOENT);
    expect("unlink file/", rig_try_unlink("/d/f/"), -ENOTDIR);
    expect("unlink ..", rig_try_unlink("/d/.."), -EINVAL);
    expect("create dir/", rig_open("/d/new/", OPEN_WRITE | OPEN_CREATE, &file), -EISDIR);
    expect("walk new", rig_walk("/d/new"), -ENOENT);
    expect("no utf-8", rig_try_mkdir("/d/\xff\xfe"), -EILSEQ);
    expect("rename", rename_name("/d", "f", "/d/e", "g"), 0);
    expect("rename gone", rename_name("/d", "f", "/d/e", "h"), -ENOENT);
    expect("rename into itself", rename_name("/", "d", "/d/e", "d"), -EINVAL);
    expect("rename over", rename_name("/d", "e", "/", "d"), -EEXIST);
    expect("renamed", rig_walk("/d/e/g"), 0);
    expect("case", rig_walk("/d/e/G"), -ENOENT);
    kassert(rig_open("/d/e/g", OPEN_READ | OPEN_WRITE, &file) == 0);
    expect("unlink open", rig_try_unlink("/d/e/g"), 0);
    expect("unlinked", rig_walk("/d/e/g"), -ENOENT);
    rig_put_file("/d/e/g", "other", 5); /* another file of the same name */
    kassert(file_read_at(file, 0, text, 16) == 5 && memcmp(text, "hello", 5) == 0);
    file_seek(file, 5);
    kassert(file_write(file, "!", 1) == 1 && file_read_at(file, 0, text, 16) == 6);
    file_close(file);
    kassert(rig_get_file("/d/e/g", text, 16) == 5 && memcmp(text, "other", 5) == 0);
    kassert(rig_open("/d/e/g", OPEN_WRITE, &file) == 0);
    file_seek(file, UINT64_MAX - 2);
    kassert(file_write(file, "far", 3) == -EFBIG);
    kassert(file_read(file, text, 1) == -EBADF);
    file_close(file);
    expect("write a directory", rig_open("/d", OPEN_WRITE, &file), -EISDIR);
    expect("list a file", rig_open("/d/e/g", OPEN_DIRECTORY, &file), -ENOTDIR);
    rig_stop();
}

static void test_names(void **state)
{
    (void)state;
    rig_run(names_body, NULL, 30);
}

/* A name that stays is listed once, even if others are created and removed meanwhile. */
static void listing_body(void *unused)
{
    (void)unused;
    enum { COUNT = 60 };
    unsigned seen[COUNT] = { 0 };
    char path[32];
    struct file *file;
    static struct dir_entry entry;
    rig_start();
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(path, sizeof(path), "/%u", i);
        rig_put_file(path, "", 0);
    }
    kassert(rig_open("/", OPEN_DIRECTORY, &file) == 0);
    for (int got; (got = dir_read(file, INFO_NONE, &entry)) != 0;) {
        kassert(got == 1);
        unsigned number = (unsigned)strtoul(entry.name, NULL, 10);
        if (entry.name[0] >= '0' && entry.name[0] <= '9')
            seen[number]++;
        snprintf(path, sizeof(path), "/%u", (unsigned)(rig_random() % (COUNT / 2) * 2));
        if (rig_random() % 2)
            IGNORE(rig_try_unlink(path)); /* even ones come and go */
        else
            rig_put_file(path, "x", 1);
    }
    file_close(file);
    for (unsigned i = 1; i < COUNT; i += 2)
        kassert(seen[i] == 1);
    rig_stop();
}

static void test_listing(void **state)
{
    (void)state;
    rig_run(listing_body, NULL, 10);
}

static void fill_ramfs(void)
{
    static uint8_t data[65536];
    struct file *file;
    ssize_t got;
    kassert(rig_open("/big", OPEN_WRITE | OPEN_CREATE, &file) == 0);
    while ((got = file_write(file, data, sizeof(data))) > 0)
        ;
    kassert(got == -ENOSPC);
    kassert(page_free_count() >= page_total_count() / 8 - 2);
    kassert(page_free_count() < page_total_count() / 8 + 64);
    file_close(file);
}

/* A write fails with -ENOSPC before it takes the last eighth of memory. Cached pages are reclaimed
 * and do not count. */
static void space_body(void *unused)
{
    (void)unused;
    static uint8_t disk[6 << 20];
    rig_start();
    size_t limit = page_total_count() * PAGE_BYTES;
    host_memory_limit(host_memory_used() + (4 << 20));
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_MIXED);
    uint8_t *data = malloc(sizeof(disk));
    struct file *file;
    kassert(rig_open("/System/Devices/faulty0", OPEN_READ, &file) == 0);
    kassert(file_read(file, data, sizeof(disk)) == (ssize_t)sizeof(disk));
    kassert(page_free_count() < page_total_count() / 8); /* the cache has it all */
    fill_ramfs();
    struct node_info huge = { .size_bytes = (uint64_t)1 << 40 }, larger = { .size_bytes = -1ull };
    struct path *root = path_root(), *path;
    kassert(path_walk(root, "/big", 0, &path) == 0);
    struct fsd *fsd = path_fsd(path);

    /* A file's holes take no memory. */
    size_t free_pages = page_free_count();
    kassert(fsd->ops->set_info(fsd, path_vnode(path), INFO_STANDARD, &huge) == 0);
    kassert(page_free_count() == free_pages && path_vnode(path)->size_bytes == huge.size_bytes);
    kassert(fsd->ops->set_info(fsd, path_vnode(path), INFO_STANDARD, &larger) == -EFBIG);
    path_put(path);
    path_put(root);
    kassert(rig_try_unlink("/big") == 0);
    fill_ramfs(); /* the memory of the removed file is free again */
    kassert(rig_try_unlink("/big") == 0);
    file_close(file);
    free(data);
    host_memory_limit(limit);
    faulty_destroy(faulty);
    rig_stop();
}

static void test_space(void **state)
{
    (void)state;
    rig_run(space_body, NULL, 2);
}

/* ---- paths -------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    status_t status;
} walks[] = {
    { "", -ENOENT }, { "/", 0 }, { "//", 0 }, { "/.", 0 }, { "/..", 0 }, { "/../../..", 0 },
    { "/d", 0 }, { "/d/", 0 }, { "//d//e//", 0 }, { "/d/./e/../e/.", 0 }, { "d/e", 0 },
    { "/d/x", -ENOENT }, { "/d/x/..", -ENOENT }, { "/d/f", 0 }, { "/d/f/", -ENOTDIR },
    { "/d/f/.", -ENOTDIR }, { "/d/f/..", -ENOTDIR }, { "/d/f/x", -ENOTDIR },
    { "/System/../d/e", 0 }, { "/System/Devices/../../d", 0 }, { "/System/Devices/..", 0 },
    { "/mnt/links/../with blank", 0 }, { "/mnt/..", 0 }, { "/mnt/../d", 0 },
    { "/mnt/links/up", -ENOENT }, { "/mnt/links/root/d/e", 0 }, { "/mnt/links/root", 0 },
    { "/mnt/LINKS/root", 0 }, { "/mnt/links/root/mnt/.hidden", 0 }, { "/D", -ENOENT },
    { "/mnt/kept;1", 0 }, { "/mnt/kept", -ENOENT }, { "/mnt/dot.", 0 }, { "/mnt/dot", -ENOENT },
};

static void expect_text(const char *walk, const char *expected)
{
    char text[64];
    struct path *root = path_root(), *path;
    kassert(path_walk(root, walk, 0, &path) == 0);
    size_t length = path_text(path, text, sizeof(text));
    if (strcmp(text, expected) != 0 || length != strlen(expected))
        panic("%s is %s", walk, text);
    path_put(path);
    path_put(root);
}

static void expect_long_paths(void)
{
    static char text[2 * PATH_BYTES_MAX];
    memset(text, 'n', sizeof(text));
    text[0] = '/';
    text[1 + NAME_BYTES_MAX] = '\0';
    expect("longest name", rig_walk(text), -ENOENT);
    expect("make longest name", rig_try_mkdir(text), 0);
    expect("longest name", rig_walk(text), 0);
    text[1 + NAME_BYTES_MAX] = 'n';
    text[2 + NAME_BYTES_MAX] = '\0';
    expect("too long a name", rig_walk(text), -ENAMETOOLONG);
    expect("make too long a name", rig_try_mkdir(text), -ENAMETOOLONG);
    for (unsigned i = 0; i < PATH_BYTES_MAX; i++)
        text[i] = i % 2 ? '.' : '/';
    text[PATH_BYTES_MAX] = '\0';
    expect("longest path", rig_walk(text), 0);
    text[PATH_BYTES_MAX] = '/';
    text[PATH_BYTES_MAX + 1] = '\0';
    expect("too long a path", rig_walk(text), -ENAMETOOLONG);
    strcpy(text, "/mnt/links/root");
    for (unsigned links = 2; links <= 16; links++)
        strcat(text, "/mnt/links/root");
    expect("16 links", rig_walk(text), 0);
    strcat(text, "/mnt/links/root");
    expect("17 links", rig_walk(text), -ELOOP);
}

static void paths_body(void *unused)
{
    (void)unused;
    char target[16];
    rig_start();
    struct faulty *faulty = image_device(0);
    rig_mkdir("/d");
    rig_mkdir("/d/e");
    rig_put_file("/d/f", "f", 1);
    rig_mkdir("/mnt");
    expect("mount", rig_mount("/mnt", "disk0"), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(walks); i++)
        expect(walks[i].text, rig_walk(walks[i].text), walks[i].status);
    expect_text("/mnt/links/..", "/mnt");
    expect_text("/mnt/links/../..", "/");
    expect_text("//d/./e/", "/d/e");
    expect_text("/mnt/links/root/d", "/d");
    expect_text("/System/Devices/Classes/disk0", "/System/Devices/faulty0");
    struct path *root = path_root(), *link;
    kassert(path_walk(root, "/mnt/links/up", WALK_NO_FOLLOW, &link) == 0);
    kassert(path_read_link(link, target, 5) == 7 && strcmp(target, "../.") == 0);
    path_put(link);
    path_put(root);
    expect_long_paths();
    expect("write to the disc", rig_try_mkdir("/mnt/new"), -EROFS);
    expect("unlink on the disc", rig_try_unlink("/mnt/.hidden"), -EROFS);
    expect("unmount", rig_unmount("/mnt"), 0);
    faulty_destroy(faulty);
    rig_stop();
}

/* CB11. */
static void test_paths(void **state)
{
    (void)state;
    rig_run(paths_body, NULL, 10);
}

/* ---- mounts ------------------------------------------------------------------------------- */

static void mounts_body(void *unused)
{
    (void)unused;
    struct file *file;
    struct path *root, *inside;
    rig_start();
    struct faulty *a = image_device(0), *b = image_device(1);
    rig_mkdir("/m");
    rig_mkdir("/n");
    rig_put_file("/f", "f", 1);
    root = path_root();
    expect("on a file", rig_mount("/f", "disk0"), -ENOTDIR);
    expect("nowhere", rig_mount("/x", "disk0"), -ENOENT);
    expect("no device", rig_mount("/m", "disk7"), -ENODEV);
    expect("control device", rig_mount("/m", "virtual/control"), -ENODEV);
    expect("unknown type", vfs_mount(root, "/m", "disk0", "nofs", NULL), -ENODEV);
    expect("not its type", vfs_mount(root, "/m", "disk0", "ramfs", NULL), -EMEDIUMTYPE);
    expect("bad option", vfs_mount(root, "/m", "disk0", "cdfs", "x=y"), -EINVAL);
    expect("over the root", rig_mount("/", "disk0"), -EBUSY);
    expect("over the devices", rig_mount("/System/Devices", "disk0"), -EBUSY);
    expect("mount", rig_mount("/m", "disk0"), 0);
    expect("twice", rig_mount("/m", "disk1"), -EBUSY);
    expect("elsewhere", rig_mount("/n", "disk0"), 0);
    expect("below", rig_mount_type("/m/links", "ramfs"), 0);
    rig_put_file("/m/links/new", "n", 1);
    expect("out of it", rig_walk("/m/links/../.hidden"), 0);
    expect("parent with child", rig_unmount("/m"), -EBUSY);
    expect("unlink a mount point", rig_try_unlink("/n"), -EBUSY);
    expect("no mount point", rig_unmount("/m/links/new"), -EINVAL);
    expect("child", rig_unmount("/m/links"), 0);
    kassert(rig_open("/m/access", OPEN_READ, &file) == 0);
    expect("open file", rig_unmount("/m"), -EBUSY);
    file_close(file);
    kassert(rig_open("/m/links", OPEN_DIRECTORY, &file) == 0);
    expect("open directory", rig_unmount("/m"), -EBUSY);
    file_close(file);
    kassert(path_walk(root, "/m/links", 0, &inside) == 0);
    expect("path inside", rig_unmount("/m"), -EBUSY);
    path_put(inside);
    expect("free", rig_unmount("/m"), 0);
    expect("the covered directory", rig_walk("/m/links"), -ENOENT);
    expect("root", rig_unmount("/"), -EBUSY);
    expect("devices", rig_unmount("/System/Devices"), -EBUSY);
    expect("over /System", rig_mount("/System", "disk1"), 0);
    expect("devices stay", rig_walk("/System/Devices/Classes/disk0"), 0);
    expect("and the disc is there", rig_walk("/System/access"), 0);
    expect("unmount /System", rig_unmount("/System"), 0);
    expect("devices stay", rig_walk("/System/Devices/faulty1"), 0);
    kassert(vfs_unmount_device(a->device) == 1 && vfs_unmount_device(a->device) == 0);
    path_put(root);
    faulty_destroy(a);
    faulty_destroy(b);
    rig_stop();
}

static void test_mounts(void **state)
{
    (void)state;
    rig_run(mounts_body, NULL, 10);
}

/* If a drive is removed while its files are open, they return errors until they are closed. Then
 * nothing is left. */
static void gone_body(void *unused)
{
    (void)unused;
    struct file *file, *directory;
    static struct dir_entry entry;
    char text[16];
    rig_start();
    struct faulty *faulty = image_device(0);
    rig_mkdir("/m");
    expect("mount", rig_mount("/m", "disk0"), 0);
    kassert(rig_open("/m/access", OPEN_READ, &file) == 0);
    kassert(rig_open("/m", OPEN_DIRECTORY, &directory) == 0);
    kassert(file_read_at(file, 0, text, sizeof(text)) > 0);
    device_remove(faulty->device);
    kassert(vfs_unmount_device(faulty->device) == 1);
    expect("gone", rig_walk("/m/access"), -ENOENT);
    kassert(file_read_at(file, 0, text, sizeof(text)) == -ENODEV);
    kassert(file_read_at(file, 1000, text, sizeof(text)) == -ENODEV);
    kassert(dir_read(directory, INFO_NONE, &entry) == -ENODEV);
    file_close(directory);
    file_close(file);
    faulty_destroy(faulty);
    expect("rmdir", rig_try_unlink("/m"), 0);
    rig_stop();
}

static void test_gone(void **state)
{
    (void)state;
    rig_run(gone_body, NULL, 20);
}

static void by_id_body(void *unused)
{
    (void)unused;
    static struct dir_entry entry;
    struct file *directory, *file;
    char by_path[256], by_id[256];
    rig_start();
    struct faulty *faulty = image_device(0);
    rig_mkdir("/m");
    expect("mount", rig_mount("/m", "disk0"), 0);
    struct path *root = path_root(), *mounted;
    kassert(path_walk(root, "/m", 0, &mounted) == 0);
    kassert(rig_open("/m", OPEN_DIRECTORY, &directory) == 0);
    unsigned files = 0;
    while (dir_read(directory, INFO_NONE, &entry) == 1) {
        char path[1100];
        snprintf(path, sizeof(path), "/m/%s", entry.name);
        ssize_t length = rig_get_file(path, by_path, sizeof(by_path));
        rig_evict();
        status_t status = file_open_id(mounted, entry.info.id, OPEN_READ, &file);
        kassert(status == (length < 0 ? length : 0));
        if (status)
            continue;
        kassert(file_read(file, by_id, sizeof(by_id)) == length);
        kassert(memcmp(by_id, by_path, (size_t)length) == 0);
        file_close(file);
        files++;
    }
    kassert(files > 10);
    file_close(directory);
    kassert(file_open_id(mounted, VNODE_NONE, OPEN_READ, &file) != 0);
    kassert(file_open_id(mounted, VNODE_ROOT, OPEN_DIRECTORY, &file) == 0);
    path_put(mounted);
    expect("open by id", rig_unmount("/m"), -EBUSY);
    file_close(file);
    expect("unmount", rig_unmount("/m"), 0);
    path_put(root);
    faulty_destroy(faulty);
    rig_stop();
}

/* C5, CB18. */
static void test_by_id(void **state)
{
    (void)state;
    rig_run(by_id_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    image = rig_load_image("rock_ridge_everything", &image_bytes);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content), cmocka_unit_test(test_names),
        cmocka_unit_test(test_listing), cmocka_unit_test(test_space),
        cmocka_unit_test(test_paths),   cmocka_unit_test(test_mounts),
        cmocka_unit_test(test_gone),    cmocka_unit_test(test_by_id),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(image);
    return failed;
}

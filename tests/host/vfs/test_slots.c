/*
 * test_slots.c - promise: flush and passthrough, which few file systems have in their fsd_ops, are
 * called when vfs.h says so, and their errors are returned (C6: each slot has a caller). The file
 * system here has one file and counts the calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/dev/control.h"
#include "kernel/dev/driver.h"
#include "tests/host/rig.h"

enum { ID_FILE = 2 };

static unsigned flushes;
static status_t flush_status;

static status_t slots_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                             vnode_id_t *id)
{
    (void)fsd, (void)directory, (void)element;
    *id = ID_FILE;
    return 0;
}

static status_t slots_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    (void)fsd;
    vnode->type = vnode->id == VNODE_ROOT ? NODE_DIRECTORY : NODE_FILE;
    return 0;
}

static status_t slots_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                               struct node_info *info)
{
    (void)fsd, (void)vnode, (void)levels;
    info->known = INFO_DIRENT;
    return 0;
}

static int slots_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor,
                          uint64_t *position, unsigned levels, struct dir_entry *entry)
{
    (void)fsd, (void)directory, (void)cursor, (void)position, (void)levels, (void)entry;
    return 0;
}

static status_t slots_get_fs_info(struct fsd *fsd, struct fs_info *info)
{
    (void)fsd;
    *info = (struct fs_info){ .block_bytes = 512 };
    return 0;
}

static status_t slots_flush(struct fsd *fsd)
{
    (void)fsd;
    flushes++;
    return flush_status;
}

static const struct fsd_ops slots_ops = {
    .dismount = rig_fsd_free,
    .get_fs_info = slots_get_fs_info,
    .lookup = slots_lookup,
    .get_vnode = slots_get_vnode,
    .get_info = slots_get_info,
    .read_dir = slots_read_dir,
    .flush = slots_flush,
};

static status_t slots_mount(const struct device_handle *handle, const char *options,
                            struct fsd **result)
{
    (void)options;
    return rig_fsd_create(handle, "slots", &slots_ops, result);
}

static const struct driver driver_slots = { .name = "slots", .order = 99,
                                            .mount_fs = slots_mount };
DRIVER(driver_slots);

/* ---- flush -------------------------------------------------------------------------------- */

static void flush_body(void *unused)
{
    (void)unused;
    struct file *file;
    rig_start();
    rig_mkdir("/m");
    expect("mount", rig_mount_type("/m", "slots"), 0);
    flushes = 0;
    flush_status = 0;
    kassert(rig_open("/m/file", OPEN_READ, &file) == 0);
    kassert(file_flush(file) == 0 && flushes == 1);
    flush_status = -EIO;
    kassert(file_flush(file) == -EIO && flushes == 2);
    file_close(file);

    /* It is still mounted after the error, so no dirty data is lost. */
    kassert(rig_unmount("/m") == -EIO && flushes == 3);
    kassert(rig_walk("/m/file") == 0);
    flush_status = 0;
    kassert(rig_unmount("/m") == 0 && flushes == 4);
    kassert(rig_walk("/m/file") == -ENOENT);
    rig_stop();
}

/* C1, C6, C13: file_flush() and an unmount call flush, and return its error. */
static void test_c6_c13_flush(void **state)
{
    (void)state;
    rig_run(flush_body, NULL, 3);
}

/* ---- passthrough -------------------------------------------------------------------------- */

static status_t size_at(const char *text, struct device_size *size)
{
    struct path *root = path_root(), *path;
    status_t status = path_walk(root, text, 0, &path);
    path_put(root);
    if (status)
        return status;
    status = path_control(path, DEVICE_CONTROL_GET_SIZE, size, sizeof(*size));
    path_put(path);
    return status;
}

static void add_image(const char *host_path)
{
    static unsigned n;
    struct device_size size, same;
    size_t bytes;
    uint8_t *image = rig_load(host_path, &bytes);
    kassert(image != NULL);
    struct faulty *disk = faulty_create(n++, image, bytes / 2048 * 2048, faulty_limits(),
                                        FAULTY_MIXED);
    expect("mount", rig_mount("/m", device_alias(disk->device)), 0);
    kassert(size_at("/m", &size) == 0 && size.size_bytes == bytes / 2048 * 2048);
    char text[64] = "/System/Devices/Classes/";
    strcat(text, device_alias(disk->device));
    kassert(size_at(text, &same) == 0 && same.size_bytes == size.size_bytes);
    expect("unmount", rig_unmount("/m"), 0);
    faulty_destroy(disk);
    free(image);
    rig_evict();
}

static void passthrough_body(void *unused)
{
    (void)unused;
    struct device_size size;
    rig_start();
    rig_mkdir("/m");
    kassert(size_at("/", &size) == -EOPNOTSUPP); /* ramfs has no device */
    kassert(size_at("/System/Devices/null", &size) == -EOPNOTSUPP);
    kassert(size_at("/System/Devices/virtual", &size) == -EOPNOTSUPP);
    rig_make_images(add_image);
    rig_stop();
}

/* C6: passthrough reaches the device below the file system, or the device of a device file. */
static void test_c6_passthrough(void **state)
{
    (void)state;
    rig_run(passthrough_body, NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_c6_c13_flush),
        cmocka_unit_test(test_c6_passthrough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

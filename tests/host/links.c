/*
 * links.c - ramfs with symbolic links: see links.h. It copies the operations of ramfs and replaces
 * a few.
 */
#include <string.h>

#include "tests/host/links.h"
#include "kernel/dev/driver.h"
#include "tests/host/rig.h"

enum { MARK = 1, TARGET_BYTES = 64 }; /* the first byte of a link's content */

static struct fsd_ops links_ops;
static status_t (*ramfs_get_vnode)(struct fsd *fsd, struct vnode *vnode);
static status_t (*ramfs_get_info)(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                                  struct node_info *info);

static void read_complete(struct vfs_io *io, status_t status)
{
    *(status_t *)io->context = status;
}

/* Reads the content of a file. The io of ramfs is complete when read_write() returns. */
static size_t read_content(struct fsd *fsd, struct vnode *vnode, char text[TARGET_BYTES])
{
    status_t status = -EIO;
    size_t bytes = vnode->size_bytes < TARGET_BYTES ? (size_t)vnode->size_bytes : 0;
    struct io_segment segment = { .address = text, .length_bytes = (uint32_t)bytes };
    struct vfs_io io = { .vnode = vnode, .op = IO_READ, .length_bytes = bytes,
                         .segments = &segment, .segment_count = 1, .complete = read_complete,
                         .context = &status };
    if (!bytes)
        return 0;
    fsd->ops->read_write(fsd, &io);
    kassert(status == 0);
    return bytes;
}

static status_t links_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    char text[TARGET_BYTES];
    status_t status = ramfs_get_vnode(fsd, vnode);
    if (!status && vnode->type == NODE_FILE && read_content(fsd, vnode, text) && text[0] == MARK)
        vnode->type = NODE_LINK;
    return status;
}

static status_t links_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                               struct node_info *info)
{
    status_t status = ramfs_get_info(fsd, vnode, levels, info);
    info->type = vnode->type;
    return status;
}

static ssize_t links_read_link(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes)
{
    char text[TARGET_BYTES];
    size_t length = read_content(fsd, vnode, text) - 1;
    size_t count = length < bytes ? length : bytes - 1;
    memcpy(target, text + 1, count);
    target[count] = '\0';
    return (ssize_t)length;
}

static const struct driver *ramfs_driver(void)
{
    const struct driver *driver = driver_next(NULL);
    while (strcmp(driver->name, "ramfs") != 0)
        driver = driver_next(driver);
    return driver;
}

static status_t links_mount(const struct device_handle *handle, const char *options,
                            struct fsd **fsd)
{
    if (handle->device)
        return -EMEDIUMTYPE;
    status_t status = ramfs_driver()->mount_fs(handle, options, fsd);
    if (status)
        return status;
    links_ops = *(*fsd)->ops;
    ramfs_get_vnode = links_ops.get_vnode;
    ramfs_get_info = links_ops.get_info;
    links_ops.get_vnode = links_get_vnode;
    links_ops.get_info = links_get_info;
    links_ops.read_link = links_read_link;
    links_ops.get_child_info = NULL; /* that of ramfs would report a file */
    (*fsd)->ops = &links_ops;
    (*fsd)->name = "links";
    return 0;
}

static const struct driver driver_links = {
    .name = "links",
    .order = 95,
    .mount_fs = links_mount,
};
DRIVER(driver_links);

void links_put(const char *path, const char *target)
{
    char text[TARGET_BYTES];
    size_t length = strlen(target);
    kassert(length < TARGET_BYTES - 1);
    text[0] = MARK;
    memcpy(text + 1, target, length);
    rig_put_file(path, text, length + 1);
    rig_evict();
}

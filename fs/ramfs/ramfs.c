/*
 * ramfs.c - the operations and the driver of ramfs, the root file system.
 */
#include "fs/ramfs/ramfs.h"
#include "kernel/dev/driver.h"
#include "lib/text.h"

/* ---- vnodes ------------------------------------------------------------------------------- */

static status_t ramfs_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct ramfs_node *node = ramfs_node_get(fsd->private_data, vnode->id);
    if (!node)
        return -ENOENT;

    /* No cache: the pages of the node are the only copy of its content. */
    vnode->type = node->type;
    vnode->size_bytes = node->size_bytes;
    vnode->private_data = node;
    return 0;
}

static void ramfs_put_vnode(struct fsd *fsd, struct vnode *vnode)
{
    (void)fsd;
    ramfs_node_put(vnode->private_data);
}

static status_t ramfs_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                               struct node_info *info)
{
    (void)fsd, (void)levels;
    ramfs_node_info(vnode->private_data, info);
    return 0;
}

/* ---- the file system ---------------------------------------------------------------------- */

static status_t ramfs_get_fs_info(struct fsd *fsd, struct fs_info *info)
{
    (void)fsd;
    *info = (struct fs_info){
        .total_bytes = (uint64_t)page_total_count() * PAGE_BYTES,
        .free_bytes = (uint64_t)page_free_count() * PAGE_BYTES,
        .block_bytes = PAGE_BYTES,
    };
    text_copy(info->type, sizeof(info->type), "ramfs");
    return 0;
}

static void ramfs_dismount(struct fsd *fsd)
{
    ramfs_nodes_free(fsd->private_data);
    mem_free(fsd->private_data);
}

static const struct fsd_ops ramfs_ops = {
    .dismount = ramfs_dismount,
    .get_fs_info = ramfs_get_fs_info,
    .lookup = ramfs_lookup,
    .get_child_info = ramfs_get_child_info,
    .create = ramfs_create,
    .mkdir = ramfs_mkdir,
    .symlink = ramfs_symlink,
    .read_link = ramfs_read_link,
    .unlink = ramfs_unlink,
    .rename = ramfs_rename,
    .get_vnode = ramfs_get_vnode,
    .put_vnode = ramfs_put_vnode,
    .get_info = ramfs_get_info,
    .set_info = ramfs_set_info,
    .read_write = ramfs_read_write,
    .open_dir = ramfs_open_dir,
    .read_dir = ramfs_read_dir,
    .close_dir = ramfs_close_dir,
};

static struct ramfs *ramfs_alloc(void)
{
    struct ramfs *ramfs = mem_zalloc(sizeof(*ramfs));
    if (!ramfs)
        return NULL;

    /* Taken before a node's lock (FSD), and shards after it. */
    mutex_init(&ramfs->renames, RANK_VNODE);
    for (unsigned i = 0; i < RAMFS_SHARDS; i++)
        mutex_init(&ramfs->shards[i].lock, RANK_CACHE);
    ramfs->fsd = (struct fsd){ .ops = &ramfs_ops, .name = "ramfs", .private_data = ramfs };
    return ramfs;
}

static status_t ramfs_mount(const struct device_handle *handle, const char *options,
                            struct fsd **fsd)
{
    struct ramfs_node *root; /* the first node created: its id is VNODE_ROOT */
    (void)options;
    if (handle->device)
        return -EMEDIUMTYPE; /* ramfs needs no device */

    struct ramfs *ramfs = ramfs_alloc();
    if (!ramfs)
        return -ENOMEM;
    status_t status = ramfs_node_create(ramfs, NODE_DIRECTORY, (struct element){ "", 0 }, NULL,
                                        &root);
    if (status) {
        ramfs_dismount(&ramfs->fsd);
        return status;
    }

    *fsd = &ramfs->fsd;
    return 0;
}

static const struct driver driver_ramfs = {
    .name = "ramfs",
    .order = 90,
    .mount_fs = ramfs_mount,
};
DRIVER(driver_ramfs);

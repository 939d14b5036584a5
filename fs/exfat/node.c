/*
 * node.c - vnodes of an exFAT volume: found by the address of their set, and read and written along
 * their runs.
 */
#include "fs/exfat/exfat.h"
#include "lib/macros.h"

/* ---- nodes -------------------------------------------------------------------------------- */

status_t exfat_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct exfat *exfat = exfat_of(fsd);
    struct exfat_node *node = mem_zalloc(sizeof(*node));
    if (!node)
        return -ENOMEM;

    /* The root has no set, hence no size and no times. Its cluster is in the boot sector. */
    node->root = vnode->id == VNODE_ROOT;
    list_init(&node->unlinked_link);
    node->attributes = (struct exfat_attributes){
        .attributes = EXFAT_DIRECTORY, .cluster = exfat->geometry.root_cluster
    };
    status_t status =
        node->root ? 0 : exfat_set_load(exfat, vnode->id, &node->attributes, &node->place);
    if (status) {
        mem_free(node);
        return status;
    }

    /* Its content is not looked at yet: most vnodes are only asked for their information. */
    bool directory = node->attributes.attributes & EXFAT_DIRECTORY;
    node->directory = directory;
    vnode->type = directory ? NODE_DIRECTORY : NODE_FILE;
    vnode->size_bytes = directory ? 0 : node->attributes.size_bytes;
    vnode->valid_bytes = directory ? 0 : node->attributes.valid_bytes;
    vnode->private_data = node;
    return 0;
}

/* Queues the clusters of a node that has lost its name: the next flush releases them. */
static void clusters_leave(struct exfat *exfat, struct exfat_node *node)
{
    node->release->runs = node->runs;
    node->runs = (struct runs){ 0 };
    clusters_release(&exfat->clusters, node->release);

    /* Last, so that has_removed() of state.c finds the node or its clusters. */
    spin_lock_in_reclaim(&exfat->lock);
    list_remove(&node->unlinked_link);
    spin_unlock(&exfat->lock);
}

void exfat_put_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct exfat *exfat = exfat_of(fsd);
    struct exfat_node *node = vnode->private_data;

    /* Bytes that were promised room were not written in the end. */
    if (node->reserved)
        clusters_unreserve(&exfat->clusters, node->reserved);
    if (node->release)
        clusters_leave(exfat, node);

    /* The last reference is gone, so no transfer and no search uses the index or the runs. */
    name_index_put(node->index.index);
    runs_free(&node->runs);
    mem_free(node);
}

void exfat_trim_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct exfat_node *node = vnode->private_data;
    name_index_trim(&exfat_of(fsd)->lock, &node->index);
}

status_t exfat_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                        struct node_info *info)
{
    struct exfat_attributes attributes =
        exfat_node_attributes(exfat_of(fsd), vnode->private_data);
    (void)levels;
    exfat_attributes_info(&attributes, vnode->id, info);

    /* What is recorded follows what was written. */
    if (info->type == NODE_FILE)
        info->size_bytes = vnode->size_bytes;
    return 0;
}

/* ---- content ------------------------------------------------------------------------------ */

status_t exfat_open(struct fsd *fsd, struct vnode *vnode, bool write)
{
    struct exfat_node *node = vnode->private_data;
    status_t status = exfat_node_read_chain(exfat_of(fsd), node);

    /* New clusters would be taken for those that are missing. */
    if (!status && write)
        status = fsd->read_only ? -EROFS : node->damaged ? -EUCLEAN : 0;
    if (!status && write && exfat_node_attributes(exfat_of(fsd), node).attributes & EXFAT_READ_ONLY)
        status = -EACCES;
    return status;
}

static void io_continue(struct exfat *exfat, struct vfs_io *io)
{
    struct exfat_node *node = io->vnode->private_data;
    struct runs_io file = {
        .runs = &node->runs,
        .lock = &exfat->lock,
        .device_bytes = exfat->cache.size_bytes,
        .zero_from = io->vnode->valid_bytes,
    };

    /* What was allocated but never written may hold deleted files of others, and what has no place
     * yet was not written either; unless its place is unknown. */
    spin_lock(&exfat->lock);
    if (!node->damaged)
        file.zero_from = min(file.zero_from, node->runs.length_bytes);
    spin_unlock(&exfat->lock);
    runs_transfer(&file, io);
}

void exfat_finish_io(struct fsd *fsd, struct vfs_io *io)
{
    if (io->request.status)
        vfs_io_complete(io, io->request.status);
    else
        io_continue(exfat_of(fsd), io);
}

void exfat_read_write(struct fsd *fsd, struct vfs_io *io)
{
    io->done_bytes = 0;
    if (io_op_moves(io->op))
        io_continue(exfat_of(fsd), io);
    else
        vfs_io_complete(io, io->op == IO_FLUSH ? 0 : -EOPNOTSUPP);
}

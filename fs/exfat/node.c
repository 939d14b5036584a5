/*
 * node.c - vnodes of an exFAT volume: found by the address of their set, and read along their runs.
 */
#include "fs/exfat/exfat.h"
#include "lib/macros.h"

/* ---- finding ------------------------------------------------------------------------------ */

/* Reads a set whose entries continue in `next`, the cluster after the first one. */
static status_t set_read(struct exfat *exfat, uint64_t address, uint64_t in_first, uint32_t next,
                         uint8_t *set, size_t bytes)
{
    /* The entries of a set are consecutive in the directory, which may be fragmented: a
     * cluster's end may divide the set, and its next cluster may be anywhere. */
    size_t first = (size_t)min(in_first, (uint64_t)bytes);
    status_t status = exfat_read(exfat, address, set, first);
    if (status || first == bytes)
        return status;
    return exfat_read(exfat, exfat_cluster_address(exfat, next), set + first, bytes - first);
}

/* Decodes the set, and returns false if that is not possible. */
static bool set_try(struct exfat *exfat, struct bytes set, struct exfat_attributes *attributes)
{
    /* 765 bytes of name are too many for the stack. Only the checksum and the attributes are
     * wanted. */
    size_t length;
    char *name = mem_alloc(EXFAT_NAME_BYTES_MAX + 1);
    bool valid = name && exfat_set_decode(exfat, set, attributes, name, &length);
    mem_free(name);
    return valid;
}

/* Loads the set at an address. The directory's chain is not known here: a set that continues in
 * another cluster does so in the next one, or in that which the table names. Its checksum
 * decides. */
static status_t set_load(struct exfat *exfat, vnode_id_t id, struct exfat_attributes *attributes)
{
    const struct exfat_geometry *geometry = &exfat->geometry;

    /* An id is an address, but only one that can be that of an entry in the heap is read. */
    uint8_t set[EXFAT_SET_ENTRIES_MAX * EXFAT_ENTRY_BYTES];
    uint64_t offset = id - geometry->heap_address;
    if (id < geometry->heap_address || id % EXFAT_ENTRY_BYTES ||
        offset / geometry->cluster_bytes >= geometry->clusters)
        return -ENOENT;

    /* Ids may be forged: the bytes there may be anything. */
    status_t status = exfat_read(exfat, id, set, EXFAT_ENTRY_BYTES);
    struct bytes first = { set, EXFAT_ENTRY_BYTES };
    unsigned secondaries = status ? 0 : exfat_set_secondaries(first);
    if (status)
        return status;
    if (bytes_u8(first, 0) != EXFAT_ENTRY_FILE || secondaries < 2 ||
        secondaries >= EXFAT_SET_ENTRIES_MAX)
        return -ENOENT;

    /* Two candidates: the next cluster on the volume (a consecutive directory has no chain in
     * the table), and the one in the table. */
    struct bytes whole = { set, (secondaries + 1) * (size_t)EXFAT_ENTRY_BYTES };
    uint64_t in_first = geometry->cluster_bytes - offset % geometry->cluster_bytes;
    uint32_t cluster = (uint32_t)(offset / geometry->cluster_bytes) + EXFAT_FIRST_CLUSTER;
    uint32_t candidates[2] = { cluster + 1, 0 };
    if (whole.length > in_first)
        status = exfat_table_read(exfat, cluster, &candidates[1]);

    /* A set within one cluster is the same with either candidate. The first that decodes is
     * right: a wrong one would have to have the same checksum. */
    for (unsigned i = 0; !status && i < ARRAY_LENGTH(candidates); i++) {
        if (whole.length > in_first && !exfat_cluster_exists(exfat, candidates[i]))
            continue;
        status = set_read(exfat, id, in_first, candidates[i], set, whole.length);
        if (!status && set_try(exfat, whole, attributes))
            return 0;
    }
    return status ? status : -ENOENT;
}

status_t exfat_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct exfat *exfat = exfat_of(fsd);
    struct exfat_node *node = mem_zalloc(sizeof(*node));
    if (!node)
        return -ENOMEM;

    /* The root has no set, hence no size and no times. Its cluster is in the boot sector. */
    node->root = vnode->id == VNODE_ROOT;
    node->attributes = (struct exfat_attributes){
        .attributes = EXFAT_DIRECTORY, .cluster = exfat->geometry.root_cluster
    };
    status_t status = node->root ? 0 : set_load(exfat, vnode->id, &node->attributes);
    if (status) {
        mem_free(node);
        return status;
    }

    /* Its content is not looked at yet: most vnodes are only asked for their information. */
    bool directory = node->attributes.attributes & EXFAT_DIRECTORY;
    vnode->type = directory ? NODE_DIRECTORY : NODE_FILE;
    vnode->size_bytes = directory ? 0 : node->attributes.size_bytes;
    vnode->private_data = node;
    return 0;
}

void exfat_put_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct exfat_node *node = vnode->private_data;
    (void)fsd;

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
    const struct exfat_node *node = vnode->private_data;
    (void)fsd, (void)levels;
    exfat_attributes_info(&node->attributes, vnode->id, info);
    return 0;
}

/* ---- content ------------------------------------------------------------------------------ */

status_t exfat_open(struct fsd *fsd, struct vnode *vnode, bool write)
{
    return write ? -EROFS : exfat_node_read_chain(exfat_of(fsd), vnode->private_data);
}

static void io_continue(struct exfat *exfat, struct vfs_io *io)
{
    /* What was allocated but never written may hold deleted files of others. */
    const struct exfat_node *node = io->vnode->private_data;
    struct runs_io file = {
        .runs = &node->runs,
        .device_bytes = exfat->cache.size_bytes,
        .zero_from = node->attributes.valid_bytes,
    };
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
    if (io->op == IO_READ)
        io_continue(exfat_of(fsd), io);
    else
        vfs_io_complete(io, io->op == IO_FLUSH ? 0 : -EROFS);
}

/*
 * node.c - vnodes of a FAT volume: found by the address of their record, and read along their runs.
 */
#include "fs/fat/fat.h"
#include "lib/macros.h"

/* ---- finding ------------------------------------------------------------------------------ */

/* Returns whether a record may be at this address: in the root directory or in a cluster. */
static bool is_record_address(const struct fat *fat, uint64_t address)
{
    const struct fat_geometry *geometry = &fat->geometry;
    uint64_t end = geometry->data_address + (uint64_t)geometry->clusters * geometry->cluster_bytes;
    bool in_root = address >= geometry->root_address &&
                   address - geometry->root_address < geometry->root_bytes;
    return address % FAT_RECORD_BYTES == 0 &&
           (in_root || (address >= geometry->data_address && address < end));
}

static status_t record_load(struct fat *fat, vnode_id_t id, struct fat_attributes *attributes)
{
    uint8_t raw[FAT_RECORD_BYTES];
    struct bytes record = { raw, sizeof(raw) };
    if (!is_record_address(fat, id))
        return -ENOENT;
    status_t status = fat_read(fat, id, raw, sizeof(raw));
    if (status)
        return status;

    /* Ids may be forged: the bytes there may be anything. */
    if (fat_record_kind(record) != FAT_RECORD_NODE)
        return -ENOENT;
    fat_record_attributes(fat, record, attributes);
    if (attributes->attributes & FAT_DIRECTORY && !fat_cluster_exists(fat, attributes->cluster))
        return -EUCLEAN;
    return 0;
}

static struct fat_attributes root_attributes(const struct fat *fat)
{
    return (struct fat_attributes){
        .attributes = FAT_DIRECTORY, .cluster = fat->geometry.root_cluster
    };
}

status_t fat_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct fat *fat = fat_of(fsd);
    struct fat_node *node = mem_zalloc(sizeof(*node));
    if (!node)
        return -ENOMEM;

    node->root = vnode->id == VNODE_ROOT;
    node->attributes = root_attributes(fat);
    status_t status = node->root ? 0 : record_load(fat, vnode->id, &node->attributes);
    if (status) {
        mem_free(node);
        return status;
    }

    bool directory = node->attributes.attributes & FAT_DIRECTORY;
    vnode->type = directory ? NODE_DIRECTORY : NODE_FILE;
    vnode->size_bytes = directory ? 0 : node->attributes.size_bytes;
    vnode->private_data = node;
    return 0;
}

void fat_put_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct fat_node *node = vnode->private_data;
    (void)fsd;
    name_index_put(node->index.index);
    runs_free(&node->runs);
    mem_free(node);
}

void fat_trim_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct fat_node *node = vnode->private_data;
    name_index_trim(&fat_of(fsd)->lock, &node->index);
}

/* ---- information -------------------------------------------------------------------------- */

void fat_attributes_info(const struct fat_attributes *attributes, vnode_id_t id,
                         struct node_info *info)
{
    bool directory = attributes->attributes & FAT_DIRECTORY;
    *info = (struct node_info){
        .known = INFO_DIRENT | INFO_STANDARD | INFO_TIMES | INFO_ALIAS,
        .id = id,
        .type = directory ? NODE_DIRECTORY : NODE_FILE,
        .size_bytes = directory ? 0 : attributes->size_bytes,
        .attributes = (attributes->attributes & FAT_HIDDEN ? ATTRIBUTE_HIDDEN : 0u) |
                      (attributes->attributes & FAT_READ_ONLY ? ATTRIBUTE_READ_ONLY : 0u),
        .has_modified = attributes->has_modified,
        .modified_s = attributes->modified_s,
        .has_created = attributes->has_created,
        .created_s = attributes->created_s,
        .has_accessed = attributes->has_accessed,
        .accessed_s = attributes->accessed_s,
        /* Two directories that begin in one cluster have the same content. */
        .alias = directory && attributes->cluster ? attributes->cluster : id,
    };
}

status_t fat_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                      struct node_info *info)
{
    const struct fat_node *node = vnode->private_data;
    (void)fsd, (void)levels;
    fat_attributes_info(&node->attributes, vnode->id, info);
    return 0;
}

/* ---- content ------------------------------------------------------------------------------ */

status_t fat_open(struct fsd *fsd, struct vnode *vnode, bool write)
{
    return write ? -EROFS : fat_node_read_chain(fat_of(fsd), vnode->private_data);
}

static void io_continue(struct fat *fat, struct vfs_io *io)
{
    const struct fat_node *node = io->vnode->private_data;
    struct runs_io file = {
        .runs = &node->runs,
        .device_bytes = fat->cache.size_bytes,
        .zero_from = UINT64_MAX,
    };
    runs_transfer(&file, io);
}

void fat_finish_io(struct fsd *fsd, struct vfs_io *io)
{
    if (io->request.status)
        vfs_io_complete(io, io->request.status);
    else
        io_continue(fat_of(fsd), io);
}

void fat_read_write(struct fsd *fsd, struct vfs_io *io)
{
    io->done_bytes = 0;
    if (io->op == IO_READ)
        io_continue(fat_of(fsd), io);
    else
        vfs_io_complete(io, io->op == IO_FLUSH ? 0 : -EROFS);
}

/*
 * node.c - vnodes of a FAT volume: found by the address of their record, and described.
 *
 * A node whose size or time is newer than its record is in a table by id (fat->unsaved), so that
 * listings show it as it is.
 */
#include "fs/fat/fat.h"
#include "kernel/vfs/layout/attributes.h"
#include "lib/hash.h"
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

status_t fat_record_load(struct fat *fat, vnode_id_t id, struct fat_attributes *attributes)
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
    return 0;
}

static struct fat_attributes root_attributes(const struct fat *fat)
{
    return (struct fat_attributes){
        .attributes = FAT_DIRECTORY, .cluster = fat->geometry.root_cluster
    };
}

static status_t node_load(struct fat *fat, vnode_id_t id, struct fat_node *node)
{
    node->root = id == VNODE_ROOT;
    node->attributes = root_attributes(fat);
    status_t status = node->root ? 0 : fat_record_load(fat, id, &node->attributes);
    const struct fat_attributes *attributes = &node->attributes;
    if (!status && !node->root && attributes->attributes & FAT_DIRECTORY &&
        !fat_cluster_exists(fat, attributes->cluster))
        status = -EUCLEAN;
    return status;
}

status_t fat_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct fat *fat = fat_of(fsd);
    struct fat_node *node = mem_zalloc(sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->vnode = vnode;
    node->id = vnode->id;
    list_init(&node->unsaved_link);
    list_init(&node->removed_link);

    status_t status = node_load(fat, vnode->id, node);
    if (status) {
        mem_free(node);
        return status;
    }
    bool directory = node->attributes.attributes & FAT_DIRECTORY;
    node->directory = directory;
    vnode->type = directory ? NODE_DIRECTORY : NODE_FILE;
    vnode->size_bytes = directory ? 0 : node->attributes.size_bytes;
    vnode->private_data = node;
    return 0;
}

void fat_put_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct fat *fat = fat_of(fsd);
    struct fat_node *node = vnode->private_data;
    struct clusters_release *release = node->release;
    uint64_t linked_bytes = (uint64_t)node->linked * fat->geometry.cluster_bytes;
    spin_lock_in_reclaim(&fat->lock);
    list_remove(&node->unsaved_link);
    list_remove(&node->removed_link);
    spin_unlock(&fat->lock);

    /* A removed file gives back all clusters, another one those that were allocated for bytes which
     * were never written. The memory for this was allocated before the clusters were, since this
     * cannot fail. The next operation frees them in the table. */
    if (node->reserved)
        clusters_unreserve(&fat->clusters, node->reserved);
    if (release && (node->unlinked || node->runs.length_bytes > linked_bytes)) {
        release->runs = node->runs;
        release->kept_bytes = node->unlinked ? 0 : linked_bytes;
        node->runs = (struct runs){ 0 };
        clusters_release(&fat->clusters, release);
    } else {
        mem_free(release);
    }

    name_index_put(node->index.index);
    fat_slots_free(&node->slots);
    runs_free(&node->runs);
    mem_free(node);
}

void fat_trim_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct fat_node *node = vnode->private_data;
    name_index_trim(&fat_of(fsd)->lock, &node->index);
}

/* ---- information -------------------------------------------------------------------------- */

static void attributes_info(const struct fat_attributes *attributes, vnode_id_t id,
                            uint64_t size_bytes, struct node_info *info)
{
    bool directory = attributes->attributes & FAT_DIRECTORY;
    *info = (struct node_info){
        .known = INFO_DIRENT | INFO_STANDARD | INFO_TIMES | INFO_ALIAS,
        .id = id,
        .size_bytes = directory ? 0 : size_bytes,
        .has_modified = attributes->has_modified,
        .modified_s = attributes->modified_s,
        .has_created = attributes->has_created,
        .created_s = attributes->created_s,
        .has_accessed = attributes->has_accessed,
        .accessed_s = attributes->accessed_s,
        /* Two directories that begin in one cluster have the same content. */
        .alias = directory && attributes->cluster ? attributes->cluster : id,
    };
    layout_attributes_info(attributes->attributes, info);
}

status_t fat_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                      struct node_info *info)
{
    struct fat *fat = fat_of(fsd);
    const struct fat_node *node = vnode->private_data;
    (void)levels;
    spin_lock(&fat->lock);
    struct fat_attributes attributes = node->attributes;
    spin_unlock(&fat->lock);
    attributes_info(&attributes, vnode->id, vnode->size_bytes, info);
    return 0;
}

/* ---- nodes that are newer than their record ----------------------------------------------- */

static struct list *unsaved_bucket(struct fat *fat, vnode_id_t id)
{
    return &fat->unsaved[hash_u64(id) % FAT_UNSAVED_BUCKETS];
}

void fat_node_unsaved(struct fat *fat, struct fat_node *node, bool unsaved)
{
    list_remove(&node->unsaved_link);
    if (unsaved && !node->unlinked)
        list_push_front(unsaved_bucket(fat, node->id), &node->unsaved_link);
}

/* Describes the node with this id, if it is newer than its record. */
static bool unsaved_info(struct fat *fat, vnode_id_t id, struct node_info *info)
{
    bool found = false;
    spin_lock(&fat->lock);
    list_each(link, unsaved_bucket(fat, id)) {
        const struct fat_node *node = container_of(link, struct fat_node, unsaved_link);
        if (node->id != id)
            continue;
        attributes_info(&node->attributes, id, node->vnode->size_bytes, info);
        found = true;
        break;
    }
    spin_unlock(&fat->lock);
    return found;
}

status_t fat_entry_info(struct fsd *fsd, vnode_id_t id, const void *details, unsigned levels,
                        struct node_info *info)
{
    const struct fat_details *known = details;
    struct fat *fat = fat_of(fsd);
    struct fat_attributes attributes = known->attributes;
    (void)levels;

    /* Of a volume that is only read, an index stays true. */
    if (atomic_load(&fat->changes)) {
        if (unsaved_info(fat, id, info))
            return 0;
        status_t status = fat_record_load(fat, id, &attributes);
        if (status)
            return status;
    }
    attributes_info(&attributes, id, attributes.size_bytes, info);
    return 0;
}

/*
 * content.c - the content of files: reading, writing, and sizes.
 *
 * A file gets clusters when its bytes are written back, and its record leads to them once the
 * device has the bytes. Until then a crash loses the bytes, but shows no others in their place.
 */
#include "fs/fat/fat.h"
#include "fs/fat/table.h"
#include "kernel/vfs/layout/attributes.h"
#include "lib/macros.h"

static uint32_t clusters_of(const struct fat *fat, uint64_t bytes)
{
    uint32_t cluster_bytes = fat->geometry.cluster_bytes;
    return (uint32_t)((bytes + cluster_bytes - 1) / cluster_bytes);
}

static struct fat_attributes attributes_get(struct fat *fat, const struct fat_node *node)
{
    spin_lock(&fat->lock);
    struct fat_attributes attributes = node->attributes;
    spin_unlock(&fat->lock);
    return attributes;
}

status_t fat_open(struct fsd *fsd, struct vnode *vnode, bool write)
{
    struct fat_node *node = vnode->private_data;
    if (write && fsd->read_only)
        return -EROFS;
    status_t status = fat_node_read_chain(fat_of(fsd), node);

    /* A file that lost its clusters could only be continued with those of another one. */
    if (!status && write && !node->sound)
        status = -EUCLEAN;
    if (!status && write && attributes_get(fat_of(fsd), node).attributes & FAT_READ_ONLY)
        status = -EACCES;
    return status;
}

/* ---- transfers ---------------------------------------------------------------------------- */

static void io_continue(struct fat *fat, struct vfs_io *io)
{
    const struct fat_node *node = io->vnode->private_data;
    struct runs_io file = {
        .runs = &node->runs,
        .lock = &fat->lock,
        .device_bytes = fat->cache.size_bytes,
        .zero_from = UINT64_MAX,
    };

    /* What has no clusters yet is zero, unless the chain is broken: those bytes are lost. So is
     * what a larger size has just added: the last cluster may have other bytes there. */
    spin_lock(&fat->lock);
    if (node->sound)
        file.zero_from = min(node->runs.length_bytes, (uint64_t)io->vnode->valid_bytes);
    spin_unlock(&fat->lock);
    runs_transfer(&file, io);
}

void fat_finish_io(struct fsd *fsd, struct vfs_io *io)
{
    struct fat *fat = fat_of(fsd);
    if (io->request.status && io->op == IO_WRITE)
        atomic_store(&fat->write_failed, true);
    if (io->request.status)
        vfs_io_complete(io, io->request.status);
    else
        io_continue(fat, io);
}

void fat_read_write(struct fsd *fsd, struct vfs_io *io)
{
    io->done_bytes = 0;
    /* The VFS sets fsd->read_only before the last bytes are written. */
    if (io->op == IO_READ || (io->op == IO_WRITE && fat_of(fsd)->changes))
        io_continue(fat_of(fsd), io);
    else
        vfs_io_complete(io, io->op == IO_FLUSH ? 0 : -EROFS);
}

/* ---- records ------------------------------------------------------------------------------ */

status_t fat_node_record(struct fat *fat, struct fat_node *node, enum change_epoch epoch,
                         const struct fat_attributes *attributes)
{
    uint8_t record[FAT_RECORD_BYTES];
    uint64_t address = node->id;
    status_t status = fat_read(fat, address, record, sizeof(record));
    if (status)
        return status;
    fat_record_update(fat, attributes, record);
    return changes_write(fat->changes, epoch, address, record, sizeof(record));
}

/* Takes over attributes that were recorded. The file may be larger by now, or newer. */
static void attributes_keep(struct fat *fat, struct fat_node *node,
                            const struct fat_attributes *attributes)
{
    spin_lock(&fat->lock);
    int64_t modified_s = node->attributes.modified_s;
    bool newer = node->attributes.has_modified && modified_s != attributes->modified_s;
    node->attributes = *attributes;
    if (newer) {
        node->attributes.has_modified = true;
        node->attributes.modified_s = modified_s;
    }
    fat_node_unsaved(fat, node, newer || node->vnode->size_bytes != attributes->size_bytes);
    spin_unlock(&fat->lock);
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Allocates the memory for giving clusters back, unless the node has it. */
static status_t release_prepare(struct fat *fat, struct fat_node *node)
{
    struct clusters_release *release = mem_zalloc(sizeof(*release));
    if (!release)
        return -ENOMEM;

    /* A removal at the same time may have set it (change.c, removal_keep()). */
    spin_lock(&fat->lock);
    if (!node->release) {
        node->release = release;
        release = NULL;
    }
    spin_unlock(&fat->lock);
    mem_free(release);
    return 0;
}

/* Promises the file the clusters that `bytes` bytes need. */
static status_t reserve(struct fat *fat, struct fat_node *node, uint64_t bytes)
{
    if (bytes > UINT32_MAX)
        return -EFBIG;
    if (!node->sound)
        return -EUCLEAN;

    spin_lock(&fat->lock);
    uint64_t have = fat_node_clusters(fat, node) + node->reserved;
    spin_unlock(&fat->lock);
    uint64_t wanted = clusters_of(fat, bytes), more = wanted > have ? wanted - have : 0;
    if (!more)
        return 0;

    /* With the promise comes the memory for giving the clusters back, which cannot fail later. */
    status_t status = release_prepare(fat, node);
    if (!status)
        status = fat_promise(fat, more);
    if (status)
        return status;
    spin_lock(&fat->lock);
    node->reserved += more;
    spin_unlock(&fat->lock);
    return 0;
}

static void touch(struct fat *fat, struct fat_node *node)
{
    spin_lock(&fat->lock);
    node->attributes.has_modified = true;
    node->attributes.modified_s = fat_now();
    node->attributes.attributes |= FAT_ARCHIVE;
    fat_node_unsaved(fat, node, true);
    spin_unlock(&fat->lock);
}

status_t fat_reserve(struct fsd *fsd, struct vnode *vnode, uint64_t offset, uint64_t bytes)
{
    struct fat *fat = fat_of(fsd);
    struct fat_node *node = vnode->private_data;
    if (offset > UINT32_MAX || bytes > UINT32_MAX)
        return -EFBIG;
    status_t status = reserve(fat, node, offset + bytes);
    if (!status)
        touch(fat, node);
    return status;
}

status_t fat_prepare_write(struct fsd *fsd, struct vnode *vnode, uint64_t offset, uint64_t bytes)
{
    struct fat *fat = fat_of(fsd);
    struct fat_node *node = vnode->private_data;
    if (clusters_of(fat, offset + bytes) <= fat_node_clusters(fat, node))
        return 0;
    status_t status = changes_begin(fat->changes);
    if (status)
        return status;

    /* All of the file at once, so that it is in one piece where possible. A promise for more than
     * its size is kept: it may be given back. */
    uint64_t end = max(offset + bytes, (uint64_t)vnode->size_bytes);
    spin_lock(&fat->lock);
    uint64_t promised = fat_node_clusters(fat, node) + node->reserved;
    uint32_t wanted = (uint32_t)min(promised, (uint64_t)clusters_of(fat, end));
    spin_unlock(&fat->lock);
    if (clusters_of(fat, offset + bytes) > wanted)
        status = -EIO; /* it was not reserved */
    else
        status = fat_extend(fat, node, wanted);
    changes_end(fat->changes, !status);
    return status;
}

/* Makes the first `clusters` clusters reachable: through the entry of the last one that is, or, for
 * the first ones, through the record, which the caller writes. */
static status_t link_clusters(struct fat *fat, struct fat_node *node, uint32_t clusters)
{
    uint32_t total = fat_node_clusters(fat, node);
    status_t status = 0;

    /* The chain ends with them, so that it is not longer than the file. */
    if (clusters < total)
        status = fat_entry_write(fat, CHANGE_NEW, fat_node_cluster(fat, node, clusters - 1),
                                 ENTRY_LAST);
    if (!status && node->linked)
        status = fat_entry_write(fat, CHANGE_LINK, fat_node_cluster(fat, node, node->linked - 1),
                                 fat_node_cluster(fat, node, node->linked));
    return status;
}

/* Records that the file has `size` bytes. In an operation. */
static status_t record_size(struct fat *fat, struct fat_node *node, uint32_t size,
                            struct fat_attributes *attributes)
{
    uint32_t clusters = min(clusters_of(fat, size), fat_node_clusters(fat, node));
    bool links = clusters > node->linked;
    status_t status = links ? link_clusters(fat, node, clusters) : 0;
    if (status)
        return status;

    /* A record that leads to the first clusters changes with them. Otherwise the size grows after
     * the chain did: a chain that is too long does no harm, but one that is too short loses what
     * the file seems to contain. */
    enum change_epoch epoch = links && node->linked ? CHANGE_UNLINK : CHANGE_LINK;
    attributes->size_bytes = size;
    if (clusters)
        attributes->cluster = fat_node_cluster(fat, node, 0);
    return fat_node_record(fat, node, epoch, attributes);
}

status_t fat_data_written(struct fsd *fsd, struct vnode *vnode, uint64_t size)
{
    struct fat *fat = fat_of(fsd);
    struct fat_node *node = vnode->private_data;
    if (size > UINT32_MAX)
        return -EFBIG;
    status_t status = changes_begin(fat->changes);
    if (status)
        return status;

    struct fat_attributes attributes = attributes_get(fat, node);
    if (!node->unlinked) {
        /* The bytes of the size that was recorded before are on the device too. */
        size = max(size, (uint64_t)attributes.size_bytes);
        status = record_size(fat, node, (uint32_t)size, &attributes);
        if (!status) {
            uint32_t clusters = min(clusters_of(fat, size), fat_node_clusters(fat, node));
            node->grown = clusters > node->linked && node->linked;
            node->grown_commits = changes_commits(fat->changes);
            node->linked = max(node->linked, clusters);
            attributes_keep(fat, node, &attributes);
        }
    }
    changes_end(fat->changes, !status);
    return status;
}

/* ---- sizes and times ---------------------------------------------------------------------- */

/* Records a smaller size, and cuts the chain after it. In an operation. */
static status_t record_cut(struct fat *fat, struct fat_node *node, uint32_t clusters,
                           struct fat_attributes *attributes)
{
    /* an old name, with the larger size, must be gone before (change.c, chain_renamed()) */
    changes_add_name(fat->changes, attributes->cluster, "", 0);
    if (!clusters)
        attributes->cluster = 0;
    status_t status = node->unlinked ? 0 : fat_node_record(fat, node, CHANGE_LINK, attributes);

    /* After the record is smaller, and before the clusters are free. */
    if (!status && clusters && clusters < node->linked)
        status = fat_entry_write(fat, CHANGE_UNLINK, fat_node_cluster(fat, node, clusters - 1),
                                 ENTRY_LAST);
    else if (!status && clusters && clusters < fat_node_clusters(fat, node))
        status = fat_entry_write(fat, CHANGE_NEW, fat_node_cluster(fat, node, clusters - 1),
                                 ENTRY_LAST);
    return status;
}

/* Gives the promises back that a file of this many clusters does not need. */
static void unreserve(struct fat *fat, struct fat_node *node, uint32_t clusters)
{
    spin_lock(&fat->lock);
    uint32_t total = fat_node_clusters(fat, node);
    uint64_t needed = clusters > total ? clusters - total : 0;
    uint64_t extra = node->reserved > needed ? node->reserved - needed : 0;
    node->reserved -= extra;
    spin_unlock(&fat->lock);
    if (extra)
        clusters_unreserve(&fat->clusters, extra);
}

/* Cuts the file's list after the clusters that stay; the others are freed by the next flush. */
static void release_tail(struct fat *fat, struct fat_node *node, uint32_t clusters,
                         struct clusters_release *release, struct runs *kept)
{
    uint64_t kept_bytes = (uint64_t)clusters * fat->geometry.cluster_bytes;
    spin_lock(&fat->lock);
    release->runs = node->runs;
    release->kept_bytes = kept_bytes;
    node->runs = *kept;
    node->linked = min(node->linked, clusters);
    spin_unlock(&fat->lock);
    clusters_release(&fat->clusters, release);
}

static status_t shrink(struct fat *fat, struct fat_node *node, uint32_t size)
{
    uint32_t clusters = clusters_of(fat, size);
    bool cuts = clusters < fat_node_clusters(fat, node);
    struct clusters_release *release = cuts ? mem_zalloc(sizeof(*release)) : NULL;
    struct runs kept = { 0 };
    if (cuts && !release)
        return -ENOMEM;

    status_t status = cuts ? runs_append(&kept, &node->runs, 0) : 0;
    if (!status)
        status = fat_count_clusters(fat);
    runs_cut(&kept, (uint64_t)clusters * fat->geometry.cluster_bytes);
    if (!status)
        status = changes_begin(fat->changes);
    if (status)
        goto fail;

    struct fat_attributes attributes = attributes_get(fat, node);
    attributes.size_bytes = min(attributes.size_bytes, size);
    attributes.attributes |= FAT_ARCHIVE;
    attributes.has_modified = true;
    attributes.modified_s = fat_now();
    status = record_cut(fat, node, clusters, &attributes);
    if (!status) {
        node->vnode->size_bytes = size;
        spin_lock(&fat->lock);
        node->attributes = attributes;
        fat_node_unsaved(fat, node, size != attributes.size_bytes);
        spin_unlock(&fat->lock);
        if (cuts)
            release_tail(fat, node, clusters, release, &kept);
    }
    changes_end(fat->changes, !status);
    if (!status) {
        unreserve(fat, node, clusters);
        return 0;
    }

fail:
    runs_free(&kept);
    mem_free(release);
    return status;
}

static status_t set_size(struct fat *fat, struct vnode *vnode, uint64_t size)
{
    struct fat_node *node = vnode->private_data;
    status_t status = vnode->type != NODE_FILE ? -EISDIR : fat_node_read_chain(fat, node);
    if (!status && !node->sound)
        status = -EUCLEAN;
    if (status)
        return status;
    if (size <= vnode->size_bytes)
        return shrink(fat, node, (uint32_t)size);

    status = reserve(fat, node, size);
    if (!status) {
        vnode->size_bytes = size;
        touch(fat, node);
    }
    return status;
}

/* Stores attributes that a caller has set, and keeps them. In an operation. */
static status_t attributes_store(struct fat *fat, struct fat_node *node,
                                 struct fat_attributes attributes)
{
    uint8_t record[FAT_RECORD_BYTES];
    status_t status = 0;
    if (!node->unlinked)
        status = fat_node_record(fat, node, CHANGE_LINK, &attributes);

    /* The format's times are coarser: what is shown is what was stored. */
    if (!status && !node->unlinked) {
        status = fat_read(fat, node->id, record, sizeof(record));
        if (!status)
            fat_record_attributes(fat, (struct bytes){ record, sizeof(record) }, &attributes);
    }
    if (status)
        return status;

    spin_lock(&fat->lock);
    node->attributes = attributes;
    fat_node_unsaved(fat, node, node->vnode->type == NODE_FILE &&
                                    node->vnode->size_bytes != attributes.size_bytes);
    spin_unlock(&fat->lock);
    return 0;
}

static status_t set_times(struct fat *fat, struct fat_node *node, const struct node_info *info)
{
    if (node->root || (info->has_modified && !fat_time_fits(fat, info->modified_s)) ||
        (info->has_created && !fat_time_fits(fat, info->created_s)) ||
        (info->has_accessed && !fat_time_fits(fat, info->accessed_s)))
        return -EINVAL;
    status_t status = changes_begin(fat->changes);
    if (status)
        return status;

    struct fat_attributes attributes = attributes_get(fat, node), former = attributes;
    attributes.has_modified |= info->has_modified;
    attributes.has_created |= info->has_created;
    attributes.has_accessed |= info->has_accessed;
    attributes.modified_s = info->has_modified ? info->modified_s : former.modified_s;
    attributes.created_s = info->has_created ? info->created_s : former.created_s;
    attributes.accessed_s = info->has_accessed ? info->accessed_s : former.accessed_s;
    status = attributes_store(fat, node, attributes);
    changes_end(fat->changes, !status);
    return status;
}

static status_t set_attributes(struct fat *fat, struct fat_node *node, unsigned wanted)
{
    status_t status = node->root ? -EINVAL : changes_begin(fat->changes);
    if (status)
        return status;
    struct fat_attributes attributes = attributes_get(fat, node);
    attributes.attributes = (uint8_t)layout_attributes_set(attributes.attributes, wanted);
    status = attributes_store(fat, node, attributes);
    changes_end(fat->changes, !status);
    return status;
}

status_t fat_set_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                      const struct node_info *info)
{
    struct fat *fat = fat_of(fsd);
    status_t status = 0;
    if (levels & INFO_STANDARD)
        status = set_size(fat, vnode, info->size_bytes);
    if (!status && levels & INFO_TIMES)
        status = set_times(fat, vnode->private_data, info);
    if (!status && levels & INFO_ATTRIBUTES)
        status = set_attributes(fat, vnode->private_data, info->attributes);
    return status;
}

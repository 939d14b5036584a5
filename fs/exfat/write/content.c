/*
 * content.c - files are written: room is promised when bytes are copied into the cache, allocated
 * when they are written back, and recorded when the device has them.
 */
#include "fs/exfat/exfat.h"
#include "kernel/vfs/layout/attributes.h"
#include "lib/macros.h"

/* ---- room --------------------------------------------------------------------------------- */

/* Returns how many clusters a file of that size lacks. The caller holds exfat.lock. */
static uint64_t clusters_missing(const struct exfat *exfat, const struct exfat_node *node,
                                 uint64_t bytes)
{
    uint64_t wanted = exfat_clusters_of(exfat, bytes);
    uint64_t has = node->runs.length_bytes / exfat->geometry.cluster_bytes + node->reserved;
    return wanted > has ? wanted - has : 0;
}

/* Promises clusters; if there are not enough, those of removed files are released first. */
static status_t promise(struct exfat *exfat, uint64_t count)
{
    status_t status = clusters_reserve(&exfat->clusters, count);
    if (status != -ENOSPC)
        return status;
    status = exfat_flush(&exfat->fsd);
    return status ? status : clusters_reserve(&exfat->clusters, count);
}

status_t exfat_reserve(struct fsd *fsd, struct vnode *vnode, uint64_t offset, uint64_t bytes)
{
    struct exfat *exfat = exfat_of(fsd);
    struct exfat_node *node = vnode->private_data;
    if (bytes > INT64_MAX || offset > (uint64_t)INT64_MAX - bytes)
        return -EFBIG;

    /* One thread reserves at a time. Clusters that are allocated meanwhile are among the promised
     * ones, so the sum stays. */
    spin_lock(&exfat->lock);
    uint64_t missing = clusters_missing(exfat, node, offset + bytes);
    spin_unlock(&exfat->lock);
    status_t status = missing ? promise(exfat, missing) : 0;
    if (status)
        return status;

    int64_t now = time_wall_s();
    spin_lock(&exfat->lock);
    node->reserved += missing;
    node->attributes.attributes |= EXFAT_ARCHIVE;
    if (exfat_time_fits(now)) {
        node->attributes.has_modified = true;
        node->attributes.modified_s = now;
    }
    spin_unlock(&exfat->lock);
    return 0;
}

/* Gives promised clusters back that a file of that size does not need. */
static void promise_return(struct exfat *exfat, struct exfat_node *node, uint64_t bytes)
{
    uint64_t wanted = exfat_clusters_of(exfat, bytes);
    spin_lock(&exfat->lock);
    uint64_t has = node->runs.length_bytes / exfat->geometry.cluster_bytes;
    uint64_t keep = min(wanted - min(wanted, has), node->reserved);
    uint64_t surplus = node->reserved - keep;
    node->reserved = keep;
    spin_unlock(&exfat->lock);
    clusters_unreserve(&exfat->clusters, surplus);
}

/* Allocates what a file of that size lacks, from what was promised. */
static status_t grow_to(struct exfat_operation *operation, struct exfat_node *node, uint64_t bytes)
{
    uint64_t wanted = exfat_clusters_of(operation->exfat, bytes);
    uint64_t has = node->runs.length_bytes / operation->exfat->geometry.cluster_bytes;
    return wanted > has ? exfat_grow(operation, node, wanted - has) : 0;
}

status_t exfat_prepare_write(struct fsd *fsd, struct vnode *vnode, uint64_t offset, uint64_t bytes)
{
    struct exfat *exfat = exfat_of(fsd);
    struct exfat_node *node = vnode->private_data;
    struct exfat_operation operation;

    /* All that the file has got so far is allocated at once, so that it is in one piece even if
     * write-back takes it in several. */
    uint64_t size = max(vnode->size_bytes, offset + bytes);
    spin_lock(&exfat->lock);
    uint64_t has = node->runs.length_bytes;
    spin_unlock(&exfat->lock);
    if (has >= size)
        return 0;

    status_t status = exfat_begin(exfat, &operation);
    if (status)
        return status;
    return exfat_end(&operation, grow_to(&operation, node, size));
}

status_t exfat_data_written(struct fsd *fsd, struct vnode *vnode, uint64_t size)
{
    struct exfat *exfat = exfat_of(fsd);
    struct exfat_node *node = vnode->private_data;
    struct exfat_operation operation;
    status_t status = exfat_begin(exfat, &operation);
    if (status)
        return status;

    /* Not more than the clusters that it has. A size that set_info has recorded stays, or is
     * recorded now, though its last bytes may not be valid. */
    struct exfat_attributes attributes = exfat_node_attributes(exfat, node);
    size = min(size, min(vnode->size_bytes, node->runs.length_bytes));
    attributes.valid_bytes = max(attributes.valid_bytes, size);
    attributes.size_bytes = max(attributes.size_bytes, size);
    if (size >= node->extended_from)
        attributes.size_bytes = max(attributes.size_bytes, node->extended_bytes);
    if (!node->release)
        status = exfat_node_store(exfat, node, &attributes);
    if (!status) {
        spin_lock(&exfat->lock);
        node->attributes.size_bytes = attributes.size_bytes;
        node->attributes.valid_bytes = attributes.valid_bytes;
        spin_unlock(&exfat->lock);
    }
    return exfat_end(&operation, status);
}

/* ---- setting the size ---------------------------------------------------------------------- */

/* Ends a chain after the clusters that stay. */
static status_t chain_end(struct exfat *exfat, const struct exfat_node *node, uint64_t bytes)
{
    /* After the size is recorded: a chain may be longer than its file, not shorter. */
    const struct run *last = runs_find(&node->runs, bytes - 1);
    return exfat_link(exfat, CHANGE_UNLINK,
                      exfat_cluster_at(exfat, last->address + (bytes - 1 - last->offset_bytes)),
                      EXFAT_TABLE_END);
}

/* Makes the recorded size not larger than that of the file, and notes the change. */
static void size_changed(struct exfat_attributes *attributes, uint64_t size)
{
    int64_t now = time_wall_s();
    attributes->size_bytes = min(attributes->size_bytes, size);
    attributes->valid_bytes = min(attributes->valid_bytes, size);
    attributes->attributes |= EXFAT_ARCHIVE;
    if (exfat_time_fits(now)) {
        attributes->has_modified = true;
        attributes->modified_s = now;
    }
}

/* Records a smaller size, and queues the clusters past it. */
static status_t shrink(struct exfat *exfat, struct exfat_node *node, uint64_t size,
                       struct exfat_attributes *attributes)
{
    uint64_t keep = exfat_clusters_of(exfat, size) * exfat->geometry.cluster_bytes;
    struct clusters_release *release = mem_zalloc(sizeof(*release));
    if (!release)
        return -ENOMEM;
    status_t status = runs_append(&release->runs, &node->runs, keep);

    /* an old name, with the larger size, must be gone before (rename.c) */
    changes_add_name(exfat->changes, attributes->cluster, "", 0);

    /* What is left of a fragmented file may be consecutive; then it needs no chain. Until that is
     * recorded the chain is still in use, and must not be replaced (grown_link). */
    const struct run *first = node->runs.count ? &node->runs.list[0] : NULL;
    bool cut = node->runs.length_bytes > keep;
    if (!attributes->consecutive)
        changes_remove_name(exfat->changes, attributes->cluster, "", 0);
    if (!keep)
        attributes->cluster = 0;
    attributes->consecutive = keep && (attributes->consecutive ||
                                       (cut && first->length_bytes >= keep));
    if (!status && !node->release)
        status = exfat_node_store(exfat, node, attributes);
    if (!status && cut && keep && !attributes->consecutive)
        status = chain_end(exfat, node, keep);
    if (status || !cut) {
        runs_free(&release->runs);
        mem_free(release);
        return status;
    }

    spin_lock(&exfat->lock);
    runs_cut(&node->runs, keep);
    spin_unlock(&exfat->lock);
    clusters_release(&exfat->clusters, release);
    return 0;
}

/* Allocates clusters for a larger size, and records it, or leaves that to data_written. */
static status_t extend(struct exfat_operation *operation, struct vnode *vnode, uint64_t size,
                       struct exfat_attributes *attributes)
{
    struct exfat *exfat = operation->exfat;
    struct exfat_node *node = vnode->private_data;
    status_t status = grow_to(operation, node, size);
    if (status)
        return status;

    /* Bytes that are only in memory would be zeroes on the medium if this size were there before
     * them. The VFS writes the file back, since it has more than was recorded. */
    if (vnode->valid_bytes > attributes->valid_bytes) {
        node->extended_bytes = size;
        node->extended_from = vnode->valid_bytes;
        return 0;
    }

    attributes->size_bytes = size;
    if (operation->grown) {
        const struct runs *runs = &operation->grown_runs;
        attributes->cluster = exfat_cluster_at(exfat, runs->list[0].address);
        attributes->consecutive = operation->grown_consecutive;
    }
    return node->release ? 0 : exfat_node_store(exfat, node, attributes);
}

static status_t set_size(struct exfat *exfat, struct vnode *vnode, uint64_t size)
{
    struct exfat_node *node = vnode->private_data;
    struct exfat_operation operation;
    if (size > INT64_MAX)
        return -EFBIG;
    status_t status = exfat_node_read_chain(exfat, node);
    if (!status && node->damaged)
        status = -EUCLEAN;

    /* The clusters must have a place at once: without dirty bytes there will be no write-back. */
    spin_lock(&exfat->lock);
    uint64_t missing = status ? 0 : clusters_missing(exfat, node, size);
    spin_unlock(&exfat->lock);
    if (!status && missing)
        status = promise(exfat, missing);
    if (status)
        return status;
    spin_lock(&exfat->lock);
    node->reserved += missing;
    spin_unlock(&exfat->lock);

    status = exfat_begin(exfat, &operation);
    if (!status) {
        /* Bytes that are not written yet are not recorded by truncating the file either. */
        struct exfat_attributes attributes = exfat_node_attributes(exfat, node);
        size_changed(&attributes, size);
        status = size < vnode->size_bytes ? shrink(exfat, node, size, &attributes)
                                          : extend(&operation, vnode, size, &attributes);
        if (!status) {
            spin_lock(&exfat->lock);
            node->attributes = attributes;
            node->extended_bytes = min(node->extended_bytes, size);
            node->extended_from = min(node->extended_from, size);
            spin_unlock(&exfat->lock);
        }
        status = exfat_end(&operation, status);
    }
    promise_return(exfat, node, status ? vnode->size_bytes : size);
    if (!status)
        vnode->size_bytes = size;
    return status;
}

/* ---- information -------------------------------------------------------------------------- */

/* Changes times, unless `times` is NULL, or else the settable attributes. */
static void attributes_change(struct exfat_attributes *attributes, const struct node_info *times,
                              unsigned settable)
{
    if (!times) {
        attributes->attributes =
            (uint16_t)layout_attributes_set(attributes->attributes, settable);
        return;
    }
    if (times->has_modified)
        attributes->modified_s = times->modified_s;
    if (times->has_created)
        attributes->created_s = times->created_s;
    if (times->has_accessed)
        attributes->accessed_s = times->accessed_s;
    attributes->has_modified |= times->has_modified;
    attributes->has_created |= times->has_created;
    attributes->has_accessed |= times->has_accessed;
}

/* Makes that change in an operation: of the node, and of its set. */
static status_t attributes_store(struct exfat *exfat, struct exfat_node *node,
                                 const struct node_info *times, unsigned settable)
{
    struct exfat_operation operation;
    status_t status = exfat_begin(exfat, &operation);
    if (status)
        return status;

    spin_lock(&exfat->lock);
    struct exfat_attributes old = node->attributes;
    attributes_change(&node->attributes, times, settable);
    struct exfat_attributes new = node->attributes;
    spin_unlock(&exfat->lock);

    /* Clusters that were allocated for bytes which are not written yet are recorded with them. */
    if (!node->release)
        status = exfat_node_store(exfat, node, &new);
    if (status) {
        spin_lock(&exfat->lock);
        node->attributes = old;
        spin_unlock(&exfat->lock);
    }
    return exfat_end(&operation, status);
}

static status_t set_times(struct exfat *exfat, struct exfat_node *node,
                          const struct node_info *info)
{
    if ((info->has_modified && !exfat_time_fits(info->modified_s)) ||
        (info->has_created && !exfat_time_fits(info->created_s)) ||
        (info->has_accessed && !exfat_time_fits(info->accessed_s)) || info->has_changed ||
        node->root)
        return -EINVAL;
    return attributes_store(exfat, node, info, 0);
}

static status_t set_attributes(struct exfat *exfat, struct exfat_node *node, unsigned settable)
{
    return node->root ? -EINVAL : attributes_store(exfat, node, NULL, settable);
}

status_t exfat_set_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                        const struct node_info *info)
{
    struct exfat *exfat = exfat_of(fsd);
    status_t status = 0;
    if (levels & INFO_STANDARD)
        status = set_size(exfat, vnode, info->size_bytes);
    if (!status && levels & INFO_TIMES)
        status = set_times(exfat, vnode->private_data, info);
    if (!status && levels & INFO_ATTRIBUTES)
        status = set_attributes(exfat, vnode->private_data, info->attributes);
    return status;
}

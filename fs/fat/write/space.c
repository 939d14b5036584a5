/*
 * space.c - counts free clusters, allocates them to nodes, and takes those of removed ones back.
 *
 * The order on the medium: the entries of new clusters are in CHANGE_NEW, since nothing leads to
 * them. What leads to them, an entry or a record, is in CHANGE_LINK. Clusters are marked as free in
 * CHANGE_FREE, when nothing leads to them any more.
 */
#include "fs/fat/fat.h"
#include "fs/fat/table.h"
#include "lib/macros.h"
#include "lib/string.h"

/* ---- counting --------------------------------------------------------------------------- */

status_t fat_count_clusters(struct fat *fat)
{
    if (atomic_load(&fat->counted))
        return 0;
    status_t status = changes_begin(fat->changes);
    if (status)
        return status;
    status = clusters_count(&fat->clusters);
    changes_end(fat->changes, true);
    if (!status)
        atomic_store(&fat->counted, true);
    return status;
}

status_t fat_count_free(struct fat *fat, uint64_t *clusters)
{
    enum { GROUP_BYTES = CLUSTERS_GROUP / 8 };
    if (atomic_load(&fat->changes)) {
        status_t counted = fat_count_clusters(fat);
        if (counted)
            return counted;
        *clusters = clusters_available(&fat->clusters);
        return 0;
    }
    *clusters = atomic_load(&fat->free_clusters);
    if (*clusters != UINT64_MAX)
        return 0;

    /* A volume that is only read has no map: the bits are counted and forgotten. */
    uint8_t *used = mem_alloc(GROUP_BYTES);
    uint64_t free = 0;
    status_t status = used ? 0 : -ENOMEM;
    for (uint32_t at = 0; !status && at < fat->geometry.clusters; at += CLUSTERS_GROUP) {
        uint32_t count = min(fat->geometry.clusters - at, (uint32_t)CLUSTERS_GROUP);
        status = thread_interrupted() ? -EINTR : fat_clusters_load(&fat->clusters, at, count, used);
        for (uint32_t i = 0; !status && i < count; i++)
            free += !(used[i / 8] >> i % 8 & 1);
    }
    mem_free(used);
    if (status)
        return status;
    atomic_store(&fat->free_clusters, free);
    *clusters = free;
    return 0;
}

status_t fat_promise(struct fat *fat, uint64_t clusters)
{
    status_t status = fat_count_clusters(fat);
    if (!status)
        status = clusters_reserve(&fat->clusters, clusters);
    if (status != -ENOSPC)
        return status;

    /* Removed files give their clusters back when their removal is durable. */
    status = fat_flush(&fat->fsd);
    return status ? status : clusters_reserve(&fat->clusters, clusters);
}

/* ---- allocating --------------------------------------------------------------------------- */

status_t fat_allocate(struct fat *fat, uint32_t near, uint32_t wanted, uint32_t *first,
                      uint32_t *count)
{
    status_t status =
        clusters_find(&fat->clusters, near - FAT_FIRST_CLUSTER, wanted, first, count);
    if (status)
        return status;
    clusters_take(&fat->clusters, *first, *count);
    *first += FAT_FIRST_CLUSTER;
    return 0;
}

uint32_t fat_address_cluster(const struct fat *fat, uint64_t address)
{
    return (uint32_t)((address - fat->geometry.data_address) / fat->geometry.cluster_bytes) +
           FAT_FIRST_CLUSTER;
}

uint32_t fat_node_cluster(const struct fat *fat, const struct fat_node *node, uint32_t index)
{
    uint64_t offset = (uint64_t)index * fat->geometry.cluster_bytes;
    const struct run *run = runs_find(&node->runs, offset);
    return run ? fat_address_cluster(fat, run->address + (offset - run->offset_bytes)) : 0;
}

uint32_t fat_node_clusters(const struct fat *fat, const struct fat_node *node)
{
    return (uint32_t)(node->runs.length_bytes / fat->geometry.cluster_bytes);
}

status_t fat_runs_add(struct fat *fat, struct fat_node *node, uint64_t address, uint64_t bytes,
                      uint64_t promised)
{
    struct runs grown = { 0 }, old = { 0 };
    bool full = node->runs.count == node->runs.room;
    status_t status = full ? runs_append(&grown, &node->runs, 0) : 0;
    if (!status && full)
        status = runs_add(&grown, address, bytes);
    if (status) {
        runs_free(&grown);
        return status;
    }

    /* Readers find their place under the lock, so nothing is allocated while it is held. A list
     * with room needs no memory. */
    spin_lock(&fat->lock);
    if (full) {
        old = node->runs;
        node->runs = grown;
    } else {
        status = runs_add(&node->runs, address, bytes);
    }
    node->reserved -= promised;
    spin_unlock(&fat->lock);
    runs_free(&old);
    return status;
}

void fat_runs_cut(struct fat *fat, struct fat_node *node, uint64_t bytes)
{
    spin_lock(&fat->lock);
    runs_cut(&node->runs, bytes);
    spin_unlock(&fat->lock);
}

void fat_give_back(struct fat *fat, struct fat_node *node, uint64_t bytes)
{
    for (uint64_t at = bytes; at < node->runs.length_bytes;) {
        const struct run *run = runs_find(&node->runs, at);
        uint64_t length = run->length_bytes - (at - run->offset_bytes);
        clusters_give(&fat->clusters,
                      fat_address_cluster(fat, run->address + (at - run->offset_bytes)) -
                          FAT_FIRST_CLUSTER,
                      (uint32_t)(length / fat->geometry.cluster_bytes));
        at += length;
    }
    fat_runs_cut(fat, node, bytes);
}

/* Writes the entries of new clusters of a file, which is not linked to them yet. */
static status_t write_new(struct fat *fat, struct fat_node *node, uint32_t first, uint32_t count)
{
    uint32_t total = fat_node_clusters(fat, node);
    struct fat_entries entries = {
        .first = first, .count = count, .chained = true, .next = ENTRY_LAST
    };
    status_t status = fat_entries_write(fat, CHANGE_NEW, &entries);

    /* The clusters before them, if nothing leads to those either. */
    if (!status && total > node->linked)
        status = fat_entry_write(fat, CHANGE_NEW, fat_node_cluster(fat, node, total - 1), first);
    return status;
}

status_t fat_extend(struct fat *fat, struct fat_node *node, uint32_t clusters)
{
    uint32_t cluster_bytes = fat->geometry.cluster_bytes;
    uint64_t former_bytes = node->runs.length_bytes, taken = 0;
    status_t status = 0;
    while (!status && fat_node_clusters(fat, node) < clusters) {
        uint32_t total = fat_node_clusters(fat, node), first, count;
        uint32_t near = total ? fat_node_cluster(fat, node, total - 1) + 1 : 0;

        status = fat_allocate(fat, near, clusters - total, &first, &count);
        if (status)
            break;
        status = write_new(fat, node, first, count);
        if (!status)
            status = fat_runs_add(fat, node, fat_cluster_address(fat, first),
                                  (uint64_t)count * cluster_bytes, count);
        if (status)
            clusters_give(&fat->clusters, first - FAT_FIRST_CLUSTER, count);
        else
            taken += count;
    }
    if (!status) {
        clusters_unreserve(&fat->clusters, taken);
        return 0;
    }

    /* The entries are undone with the operation; the promises are still counted. */
    fat_give_back(fat, node, former_bytes);
    spin_lock(&fat->lock);
    node->reserved += taken;
    spin_unlock(&fat->lock);
    return status;
}

/* ---- giving back -------------------------------------------------------------------------- */

status_t fat_clusters_free(struct clusters *clusters, uint32_t first, uint32_t count)
{
    struct fat_entries entries = { .first = first + FAT_FIRST_CLUSTER, .count = count };
    return fat_entries_write(container_of(clusters, struct fat, clusters), CHANGE_FREE, &entries);
}

/* Frees the last clusters of a release, in an operation of their own, and removes them from it. An
 * error: nothing was changed. */
static status_t free_slice(struct fat *fat, struct clusters_release *release)
{
    /* Each may change another block of the table, which takes memory until the commit. */
    enum { SLICE = 256 };
    uint64_t slice_bytes = (uint64_t)SLICE * fat->geometry.cluster_bytes;
    struct runs *runs = &release->runs;
    uint64_t end = runs->length_bytes, from = release->kept_bytes;
    from = end - from > slice_bytes ? end - slice_bytes : from;

    struct clusters_release *slice = mem_zalloc(sizeof(*slice));
    status_t status = slice ? changes_begin(fat->changes) : -ENOMEM;
    if (status) {
        mem_free(slice);
        return status;
    }

    /* Queued before the operation ends: the next one would find the clusters free in the table, and
     * may not allocate them before the commit. */
    status = clusters_mark_free(&fat->clusters, runs, from, end, &slice->runs);
    if (!status) {
        clusters_freed(&fat->clusters, slice, changes_commits(fat->changes));
        runs_cut(runs, from);
    } else {
        runs_free(&slice->runs);
        mem_free(slice);
    }
    changes_end(fat->changes, !status);
    return status;
}

/* Frees what removed files had. The next flush continues after an error. */
static status_t free_released(struct fat *fat)
{
    struct clusters_release *release;
    status_t status = 0;
    while (!status && (release = clusters_next_release(&fat->clusters))) {
        while (!status && release->runs.length_bytes > release->kept_bytes)
            status = free_slice(fat, release);
        if (status) {
            clusters_release(&fat->clusters, release);
        } else {
            runs_free(&release->runs);
            mem_free(release);
        }
    }
    return status;
}

status_t fat_flush(struct fsd *fsd)
{
    struct fat *fat = fat_of(fsd);
    if (!atomic_load(&fat->writable))
        return 0;

    status_t freed = free_released(fat);

    /* Even if that failed: what files need most is that the rest is durable. */
    status_t status = changes_commit(fat->changes);
    if (!status)
        clusters_settle(&fat->clusters, changes_commits(fat->changes));

    /* What could not be freed for lack of memory is in use for longer, which loses nothing. */
    return status || freed == -ENOMEM ? status : freed;
}

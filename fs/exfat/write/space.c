/*
 * space.c - operations, the allocation bitmap, and links in the table.
 *
 * The bitmap is read and changed through exfat_read() and changes_write(): kernel/vfs/layout/
 * clusters.h only remembers where to search. It numbers clusters from 0, the volume from 2.
 */
#include "fs/exfat/exfat.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { PIECE_BYTES = 512, LINK_BYTES = 4 };

/* ---- operations --------------------------------------------------------------------------- */

status_t exfat_begin(struct exfat *exfat, struct exfat_operation *operation)
{
    *operation = (struct exfat_operation){ .exfat = exfat };
    return !exfat->writable ? -EROFS : changes_begin(exfat->changes);
}

/* Gives the grown node what the operation has allocated for it. */
static void grown_adopt(struct exfat_operation *operation)
{
    struct exfat *exfat = operation->exfat;
    struct exfat_node *node = operation->grown;
    uint64_t added = operation->grown_runs.length_bytes - node->runs.length_bytes;
    spin_lock(&exfat->lock);

    /* They were promised to it. A thread that reserves more meanwhile counts either. */
    uint64_t promised = min(added / exfat->geometry.cluster_bytes, node->reserved);
    node->reserved -= promised;
    struct runs old = node->runs;
    node->runs = operation->grown_runs;
    node->attributes.consecutive = operation->grown_consecutive;
    if (node->runs.count && !node->root)
        node->attributes.cluster = exfat_cluster_at(exfat, node->runs.list[0].address);
    if (node->directory)
        node->attributes.size_bytes = node->attributes.valid_bytes = node->runs.length_bytes;
    spin_unlock(&exfat->lock);
    operation->grown_runs = old;
    clusters_unreserve(&exfat->clusters, promised);
}

status_t exfat_end(struct exfat_operation *operation, status_t status)
{
    struct clusters *clusters = &operation->exfat->clusters;
    if (!status && operation->grown)
        grown_adopt(operation);

    /* Their bits are undone with the other changes. */
    for (size_t i = 0; status && i < operation->taken.count; i++) {
        const struct run *run = &operation->taken.list[i];
        clusters_give(clusters,
                      exfat_cluster_at(operation->exfat, run->address) - EXFAT_FIRST_CLUSTER,
                      (uint32_t)(run->length_bytes / clusters->cluster_bytes));
    }
    if (status && operation->directory)
        operation->directory->scanned = false;

    changes_end(operation->exfat->changes, !status);
    runs_free(&operation->taken);
    runs_free(&operation->grown_runs);
    return status;
}

/* ---- the bitmap --------------------------------------------------------------------------- */

uint64_t exfat_clusters_of(const struct exfat *exfat, uint64_t bytes)
{
    uint32_t cluster = exfat->geometry.cluster_bytes;
    return bytes / cluster + (bytes % cluster != 0);
}

uint32_t exfat_cluster_at(const struct exfat *exfat, uint64_t address)
{
    const struct exfat_geometry *geometry = &exfat->geometry;
    return (uint32_t)((address - geometry->heap_address) / geometry->cluster_bytes) +
           EXFAT_FIRST_CLUSTER;
}

/* Finds where a byte of the bitmap is. The bytes after it, up to the end of its piece, follow it:
 * clusters are multiples of a piece. */
static status_t bitmap_address(const struct exfat *exfat, uint64_t byte, uint64_t *address)
{
    const struct run *run = runs_find(&exfat->bitmap_runs, byte);
    if (run)
        *address = run->address + (byte - run->offset_bytes);
    return run ? 0 : -EUCLEAN;
}

status_t exfat_bits_set(struct exfat *exfat, uint32_t first, uint32_t count, bool used,
                        enum change_epoch epoch)
{
    uint8_t piece[PIECE_BYTES];
    status_t status = 0;
    while (count && !status) {
        /* Only the bytes that change, up to the end of a piece: other changes of the same byte
         * may be in another epoch. */
        uint32_t here = min(count, CLUSTERS_GROUP - first % CLUSTERS_GROUP);
        uint32_t byte = first / 8, bytes = (first + here - 1) / 8 - byte + 1;
        uint64_t address;
        status = bitmap_address(exfat, byte, &address);
        if (!status)
            status = exfat_read(exfat, address, piece, bytes);

        for (uint32_t i = first; i < first + here; i++) {
            uint8_t *at = &piece[i / 8 - byte], bit = (uint8_t)(1 << i % 8);
            *at = (uint8_t)(used ? *at | bit : *at & ~bit);
        }
        if (!status)
            status = changes_write(exfat->changes, epoch, address, piece, bytes);
        first += here;
        count -= here;
    }
    return status;
}

static status_t bitmap_load(struct clusters *clusters, uint32_t first, uint32_t count,
                            uint8_t *used)
{
    struct exfat *exfat = container_of(clusters, struct exfat, clusters);
    uint64_t address;
    status_t status = bitmap_address(exfat, first / 8, &address);
    return status ? status : exfat_read(exfat, address, used, (count + 7) / 8);
}

static status_t bitmap_free(struct clusters *clusters, uint32_t first, uint32_t count)
{
    return exfat_bits_set(container_of(clusters, struct exfat, clusters), first, count, false,
                          CHANGE_FREE);
}

static const struct clusters_ops clusters_ops = { .load = bitmap_load, .free = bitmap_free };
_Static_assert(CLUSTERS_GROUP / 8 == PIECE_BYTES, "a group's bits are in one piece");

status_t exfat_space_start(struct exfat *exfat)
{
    const struct exfat_geometry *geometry = &exfat->geometry;
    if (exfat->bitmap.size_bytes < ((uint64_t)geometry->clusters + 7) / 8)
        return -EUCLEAN;
    status_t status = 0;
    if (!exfat->bitmap_runs.count)
        status = exfat_chain_read(exfat, &exfat->bitmap, false, &exfat->bitmap_runs);
    if (!status && exfat->bitmap_runs.length_bytes < exfat->bitmap.size_bytes)
        status = -EUCLEAN;
    if (!status && !exfat->clusters.ops)
        status = clusters_start(&exfat->clusters, &clusters_ops, geometry->clusters,
                                geometry->heap_address, geometry->cluster_bytes);
    return status ? status : clusters_count(&exfat->clusters);
}

/* Clears the bits of a release, all or none: bits that were cleared twice would release clusters
 * that a file was given in between. Takes it over. */
static status_t release_free(struct exfat *exfat, struct clusters_release *release)
{
    struct clusters *clusters = &exfat->clusters;
    struct runs freed = { 0 };
    status_t status = clusters_mark_free(clusters, &release->runs, 0, UINT64_MAX, &freed);
    if (status) {
        runs_free(&freed);
        clusters_release(clusters, release);
        return status;
    }
    runs_free(&release->runs);
    release->runs = freed;
    clusters_freed(clusters, release, changes_commits(exfat->changes));
    return 0;
}

status_t exfat_free_released(struct exfat *exfat)
{
    struct exfat_operation operation;
    struct clusters_release *release;

    /* They are released together, as late as possible: a byte of the bitmap in which bits are set
     * after others were cleared would split a commit. */
    do {
        status_t status = exfat_begin(exfat, &operation);
        if (status)
            return status;
        release = clusters_next_release(&exfat->clusters);
        if (release)
            status = release_free(exfat, release);
        changes_end(exfat->changes, !status);
        if (status)
            return status;
    } while (release);
    return 0;
}

/* ---- links -------------------------------------------------------------------------------- */

status_t exfat_link(struct exfat *exfat, enum change_epoch epoch, uint32_t cluster, uint32_t next)
{
    uint8_t raw[LINK_BYTES];
    bytes_put_le32(raw, next);
    return changes_write(exfat->changes, epoch,
                         exfat->geometry.table_address + (uint64_t)cluster * LINK_BYTES, raw,
                         sizeof(raw));
}

/* Links consecutive clusters, and the last one of them to `next`. */
static status_t links_write(struct exfat *exfat, uint32_t first, uint32_t count, uint32_t next)
{
    uint8_t piece[PIECE_BYTES];
    status_t status = 0;
    while (count && !status) {
        uint32_t here = min(count, (uint32_t)(PIECE_BYTES / LINK_BYTES));
        for (uint32_t i = 0; i < here; i++)
            bytes_put_le32(piece + i * LINK_BYTES, i + 1 == count ? next : first + i + 1);
        status = changes_write(exfat->changes, CHANGE_NEW,
                               exfat->geometry.table_address + (uint64_t)first * LINK_BYTES,
                               piece, here * LINK_BYTES);
        first += here;
        count -= here;
    }
    return status;
}

/* Links the clusters of a list from an offset on. Nothing leads to them yet. */
static status_t chain_write(struct exfat *exfat, const struct runs *runs, uint64_t from)
{
    uint32_t cluster_bytes = exfat->geometry.cluster_bytes;
    status_t status = 0;
    for (size_t i = 0; i < runs->count && !status; i++) {
        const struct run *run = &runs->list[i];
        uint64_t skip = from > run->offset_bytes ? from - run->offset_bytes : 0;
        uint32_t next = i + 1 < runs->count
                            ? exfat_cluster_at(exfat, runs->list[i + 1].address)
                            : EXFAT_TABLE_END;
        if (skip < run->length_bytes)
            status = links_write(exfat, exfat_cluster_at(exfat, run->address + skip),
                                 (uint32_t)((run->length_bytes - skip) / cluster_bytes), next);
    }
    return status;
}

/* Links what was appended to a node's clusters after the first `from` bytes. */
static status_t grown_link(struct exfat *exfat, const struct exfat_node *node,
                           const struct runs *runs, uint64_t from)
{
    /* A file that was consecutive gets its whole chain while its set says that there is none. Where
     * the set says otherwise, since the file was cut just now, the set comes first. */
    if (node->attributes.consecutive)
        changes_add_name(exfat->changes, node->attributes.cluster, "", 0);
    if (node->attributes.consecutive || !from)
        return chain_write(exfat, runs, 0);
    status_t status = chain_write(exfat, runs, from);
    if (status)
        return status;

    /* The size of a file limits its chain, so the link to the new clusters may be there before the
     * size is. The root has no size: its new cluster must be complete before. */
    const struct run *last = runs_find(runs, from - 1), *new = runs_find(runs, from);
    uint64_t before = last->address + (from - 1 - last->offset_bytes);
    uint64_t after = new->address + (from - new->offset_bytes);
    return exfat_link(exfat, node->root ? CHANGE_LINK : CHANGE_NEW,
                      exfat_cluster_at(exfat, before), exfat_cluster_at(exfat, after));
}

/* ---- allocating --------------------------------------------------------------------------- */

/* Allocates up to `wanted` clusters, marks them, and appends them to the list. */
static status_t allocate(struct exfat_operation *operation, uint32_t near, uint64_t wanted,
                         struct runs *runs, uint64_t *allocated)
{
    struct exfat *exfat = operation->exfat;
    struct clusters *clusters = &exfat->clusters;
    uint32_t first = 0, count = 0;
    status_t status = clusters_find(clusters, near, (uint32_t)min(wanted, (uint64_t)UINT32_MAX),
                                    &first, &count);
    if (status)
        return status;

    uint64_t address = exfat_cluster_address(exfat, first + EXFAT_FIRST_CLUSTER);
    uint64_t bytes = (uint64_t)count * exfat->geometry.cluster_bytes;
    status = exfat_bits_set(exfat, first, count, true, CHANGE_NEW);
    if (!status)
        status = runs_add(runs, address, bytes);
    if (!status)
        status = runs_add(&operation->taken, address, bytes);
    if (!status)
        clusters_take(clusters, first, count);
    *allocated = count;
    return status;
}

status_t exfat_grow(struct exfat_operation *operation, struct exfat_node *node, uint64_t clusters)
{
    struct exfat *exfat = operation->exfat;
    struct runs *runs = &operation->grown_runs;
    uint64_t old = node->runs.length_bytes, count = 0;
    status_t status = runs_append(runs, &node->runs, 0);
    operation->grown = node;

    for (; clusters && !status; clusters -= count) {
        /* An empty file begins wherever there is room for all of it. */
        const struct run *last = runs->count ? &runs->list[runs->count - 1] : NULL;
        uint32_t near = UINT32_MAX;
        if (last)
            near = exfat_cluster_at(exfat, last->address + last->length_bytes) -
                   EXFAT_FIRST_CLUSTER;
        status = allocate(operation, near, clusters, runs, &count);
    }

    /* A chained file stays chained, even if its clusters are consecutive. */
    operation->grown_consecutive =
        !node->root && (!old || node->attributes.consecutive) && runs->count <= 1;
    if (!status && !operation->grown_consecutive)
        status = grown_link(exfat, node, runs, old);
    return status;
}

status_t exfat_zero(struct exfat *exfat, uint64_t address, uint64_t bytes)
{
    static const uint8_t zeroes[PAGE_BYTES];
    status_t status = io_zero(fsd_device(&exfat->fsd), address, bytes);

    /* The cache may have what was there before. */
    for (uint64_t at = 0; !status && at < bytes; at += sizeof(zeroes))
        cache_update(&exfat->cache, address + at, min(bytes - at, (uint64_t)sizeof(zeroes)),
                     zeroes);
    return status;
}

status_t exfat_new_directory(struct exfat_operation *operation, uint32_t *cluster)
{
    struct exfat *exfat = operation->exfat;
    uint64_t count;
    struct runs runs = { 0 };

    /* What was promised to files is theirs. */
    status_t status = clusters_reserve(&exfat->clusters, 1);
    if (status)
        return status;
    status = allocate(operation, UINT32_MAX, 1, &runs, &count);
    clusters_unreserve(&exfat->clusters, 1);
    if (!status)
        status = exfat_zero(exfat, runs.list[0].address, exfat->geometry.cluster_bytes);
    if (!status)
        *cluster = exfat_cluster_at(exfat, runs.list[0].address);
    runs_free(&runs);
    return status;
}

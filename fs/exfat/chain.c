/*
 * chain.c - the clusters of a file: consecutive, or linked by the table.
 */
#include "fs/exfat/exfat.h"
#include "lib/macros.h"

status_t exfat_table_read(struct exfat *exfat, uint32_t cluster, uint32_t *next)
{
    uint8_t raw[4];
    status_t status = exfat_read(exfat, exfat->geometry.table_address + (uint64_t)cluster * 4, raw,
                                 sizeof(raw));
    *next = bytes_le32((struct bytes){ raw, sizeof(raw) }, 0);
    return status;
}

/* Follows the table from a cluster, for at most that many clusters. *last: what follows the last
 * one that was taken. */
static status_t follow(struct exfat *exfat, uint32_t cluster, uint64_t wanted, struct runs *runs,
                       uint32_t *last)
{
    /* A table of a hostile volume may link clusters into a loop. `wanted` ends it, as it never
     * exceeds the clusters of the volume; that can still be millions, so the user may interrupt. */
    status_t status = 0;
    for (uint64_t done = 0; !status && done < wanted && exfat_cluster_exists(exfat, cluster);
         done++) {
        if (thread_interrupted())
            status = -EINTR;
        if (!status)
            status = runs_add(runs, exfat_cluster_address(exfat, cluster),
                              exfat->geometry.cluster_bytes);
        if (!status)
            status = exfat_table_read(exfat, cluster, &cluster);
    }
    *last = cluster;
    return status;
}

status_t exfat_chain_read(struct exfat *exfat, const struct exfat_attributes *attributes,
                          bool root, struct runs *runs)
{
    /* Rounded up without an overflow: a file's size may be any 63-bit number. */
    const struct exfat_geometry *geometry = &exfat->geometry;
    uint64_t bytes = root ? EXFAT_DIRECTORY_BYTES_MAX : attributes->size_bytes;
    uint64_t wanted = bytes / geometry->cluster_bytes + (bytes % geometry->cluster_bytes != 0);
    uint32_t last = attributes->cluster;
    status_t status = 0;
    *runs = (struct runs){ 0 };

    /* No file has more clusters than the volume. */
    bool too_long = wanted > geometry->clusters;
    wanted = min(wanted, geometry->clusters);
    if (!wanted)
        return 0;

    if (!attributes->consecutive) {
        status = follow(exfat, attributes->cluster, wanted, runs, &last);
    } else if (exfat_cluster_exists(exfat, attributes->cluster)) {
        /* As many as there are up to the end of the heap. */
        uint64_t there = geometry->clusters - (attributes->cluster - EXFAT_FIRST_CLUSTER);
        status = runs_add(runs, exfat_cluster_address(exfat, attributes->cluster),
                          min(wanted, there) * geometry->cluster_bytes);
    }

    /* Only errors of reading get here. A chain that is wrong is counted below and serves what it
     * has. */
    if (status) {
        runs_free(runs);
        return status;
    }

    /* The root's chain ends where the table says so; others have the length of their size. */
    if (root && last != EXFAT_TABLE_END)
        exfat_count(exfat, exfat_cluster_exists(exfat, last) ? EXFAT_ANOMALY_DIRECTORY
                                                             : EXFAT_ANOMALY_CHAIN);
    else if (!root && (too_long || runs->length_bytes < wanted * geometry->cluster_bytes))
        exfat_count(exfat, EXFAT_ANOMALY_CHAIN);
    return 0;
}

struct exfat_attributes exfat_node_attributes(struct exfat *exfat, const struct exfat_node *node)
{
    spin_lock(&exfat->lock);
    struct exfat_attributes attributes = node->attributes;
    spin_unlock(&exfat->lock);
    return attributes;
}

status_t exfat_node_read_chain(struct exfat *exfat, struct exfat_node *node)
{
    struct runs runs;

    /* The fast path: has_runs is set after the runs. From then on operations keep them right. */
    if (atomic_load(&node->has_runs))
        return 0;
    struct exfat_attributes attributes = exfat_node_attributes(exfat, node);
    status_t status = exfat_chain_read(exfat, &attributes, node->root, &runs);
    if (status)
        return status;

    /* The first thread's result is kept, since others may use it by now. */
    spin_lock(&exfat->lock);
    bool first = !node->has_runs;
    if (first) {
        node->runs = runs;
        node->damaged = runs.length_bytes < attributes.size_bytes;
    }
    atomic_store(&node->has_runs, true);
    spin_unlock(&exfat->lock);
    if (!first)
        runs_free(&runs);
    return 0;
}

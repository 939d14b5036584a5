/*
 * table.c - the file allocation table: follows chains of clusters, and counts free ones.
 *
 * An entry of FAT12 has 12 bits, so two entries share three bytes; one of FAT32 has 28 bits, the
 * rest is reserved. The first copy of the table is used.
 */
#include "fs/fat/fat.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    COUNT_BYTES = 4092, /* whole entries of each kind: divisible by 3 and by 4 */
};

/* Values of entries, as those of FAT32. */
#define ENTRY_FREE 0u
#define ENTRY_MASK 0x0fffffffu
#define ENTRY_BAD 0x0ffffff7u /* the cluster is damaged */
#define ENTRY_END 0x0ffffff8u /* and above: the last cluster of its file */

/* Returns entry number n of a piece of the table that begins with a whole pair of entries. */
static uint32_t entry_decode(struct bytes table, unsigned bits, size_t n)
{
    if (bits == 32)
        return bytes_le32(table, n * 4) & ENTRY_MASK;

    /* The highest values have the same meanings in each width. */
    uint32_t value = bytes_le16(table, n * 2), high = 0xfff0;
    if (bits == 12) {
        value = bytes_le16(table, n * 3 / 2);
        value = n % 2 ? value >> 4 : value & 0xfff;
        high = 0xff0;
    }
    return value >= high ? value | (ENTRY_MASK & ~(high | 0xf)) : value;
}

static status_t entry_read(struct fat *fat, uint32_t cluster, uint32_t *entry)
{
    unsigned bits = fat->geometry.bits;
    uint64_t address = fat->geometry.table_address;
    uint8_t raw[4];

    /* The pair of FAT12's entries, or the entry itself. */
    uint64_t at = bits == 12 ? (uint64_t)(cluster / 2) * 3 : (uint64_t)cluster * (bits / 8);
    size_t bytes = bits == 12 ? 3 : bits / 8;
    if (at + bytes > fat->geometry.table_bytes)
        return -EUCLEAN;
    status_t status = fat_read(fat, address + at, raw, bytes);
    struct bytes piece = { raw, bytes };
    *entry = status ? 0 : entry_decode(piece, bits, bits == 12 ? cluster % 2 : 0);
    return status;
}

/* ---- chains ------------------------------------------------------------------------------- */

/* Counts how a chain ended: `entry` is what follows its last cluster. */
static void chain_judge(struct fat *fat, uint32_t entry, bool whole, bool directory)
{
    if (directory && whole)
        fat_count(fat, FAT_ANOMALY_DIRECTORY); /* it reached the limit: a loop, or too long */
    else if (entry < ENTRY_END && !fat_cluster_exists(fat, entry))
        fat_count(fat, FAT_ANOMALY_CHAIN_BAD);
    else if (whole && entry < ENTRY_END)
        fat_count(fat, FAT_ANOMALY_CHAIN_LONG);
    else if (!whole && !directory)
        fat_count(fat, FAT_ANOMALY_CHAIN_SHORT);
}

status_t fat_chain_read(struct fat *fat, uint32_t first, uint64_t bytes, bool directory,
                        struct runs *runs)
{
    uint32_t cluster_bytes = fat->geometry.cluster_bytes, cluster = first;
    uint64_t wanted = (bytes + cluster_bytes - 1) / cluster_bytes, done = 0;
    status_t status = 0;
    *runs = (struct runs){ 0 };

    /* No chain is longer than the volume has clusters, whatever the table contains. */
    wanted = min(wanted, fat->geometry.clusters);
    while (!status && done < wanted && fat_cluster_exists(fat, cluster)) {
        if (thread_interrupted())
            status = -EINTR;
        if (!status)
            status = runs_add(runs, fat_cluster_address(fat, cluster), cluster_bytes);
        if (!status)
            status = entry_read(fat, cluster, &cluster);
        done++;
    }
    if (status)
        runs_free(runs);
    else if (wanted)
        chain_judge(fat, cluster, done == wanted, directory);
    return status;
}

/* The root directory of FAT12 and FAT16 has a place of its own. */
static status_t root_runs(struct fat *fat, struct runs *runs)
{
    *runs = (struct runs){ 0 };
    return runs_add(runs, fat->geometry.root_address, fat->geometry.root_bytes);
}

status_t fat_node_read_chain(struct fat *fat, struct fat_node *node)
{
    bool directory = node->attributes.attributes & FAT_DIRECTORY;
    uint64_t bytes = directory ? FAT_DIRECTORY_BYTES_MAX : node->attributes.size_bytes;
    struct runs runs;
    if (atomic_load(&node->has_runs))
        return 0;

    status_t status = node->root && fat->geometry.bits != 32
                          ? root_runs(fat, &runs)
                          : fat_chain_read(fat, node->attributes.cluster, bytes, directory, &runs);
    if (status)
        return status;

    /* The first thread's result is kept, since others may use it by now. */
    spin_lock(&fat->lock);
    bool first = !node->has_runs;
    if (first)
        node->runs = runs;
    atomic_store(&node->has_runs, true);
    spin_unlock(&fat->lock);
    if (!first)
        runs_free(&runs);
    return 0;
}

/* ---- free clusters ------------------------------------------------------------------------ */

/* Counts the free entries among the next ones, and advances *cluster past them. */
static status_t count_piece(struct fat *fat, uint8_t *piece, uint32_t *cluster, uint64_t *free)
{
    unsigned bits = fat->geometry.bits;
    uint64_t at = (uint64_t)*cluster * bits / 8;
    uint64_t end = (uint64_t)fat->geometry.clusters + FAT_FIRST_CLUSTER;
    if (at >= fat->geometry.table_bytes)
        return -EUCLEAN;
    uint64_t bytes = min(fat->geometry.table_bytes - at, (uint64_t)COUNT_BYTES);
    uint64_t entries = min(bytes * 8 / bits, end - *cluster);
    status_t status = fat_read(fat, fat->geometry.table_address + at, piece, bytes);

    for (uint64_t n = 0; !status && n < entries; n++)
        if (*cluster + n >= FAT_FIRST_CLUSTER &&
            entry_decode((struct bytes){ piece, bytes }, bits, n) == ENTRY_FREE)
            ++*free;
    *cluster += (uint32_t)entries;
    return status;
}

status_t fat_count_free(struct fat *fat, uint64_t *clusters)
{
    *clusters = atomic_load(&fat->free_clusters);
    if (*clusters != UINT64_MAX)
        return 0;

    uint8_t *piece = page_alloc();
    status_t status = piece ? 0 : -ENOMEM;
    uint64_t free = 0, end = (uint64_t)fat->geometry.clusters + FAT_FIRST_CLUSTER;
    for (uint32_t cluster = 0; !status && cluster < end;)
        status = thread_interrupted() ? -EINTR : count_piece(fat, piece, &cluster, &free);
    if (piece)
        page_free(piece);
    if (status)
        return status;
    atomic_store(&fat->free_clusters, free);
    *clusters = free;
    return 0;
}

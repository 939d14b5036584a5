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
    RUNS_MIN = 8,
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

/* A chain while it is read. */
struct chain {
    struct fat_runs *runs;
    size_t room;
};

static status_t chain_make_room(struct chain *chain)
{
    if (chain->runs && chain->runs->count < chain->room)
        return 0;
    size_t room = chain->room ? chain->room * 2 : RUNS_MIN;
    struct fat_runs *runs = mem_alloc(sizeof(*runs) + room * sizeof(runs->runs[0]));
    if (!runs)
        return -ENOMEM;

    *runs = (struct fat_runs){ 0 };
    if (chain->runs)
        memcpy(runs, chain->runs,
               sizeof(*runs) + chain->runs->count * sizeof(runs->runs[0]));
    mem_free(chain->runs);
    chain->runs = runs;
    chain->room = room;
    return 0;
}

/* Appends bytes to the last run, if they follow it on the volume, or as a new run. */
static status_t chain_add(struct chain *chain, uint64_t address, uint64_t bytes)
{
    struct fat_runs *runs = chain->runs;
    struct fat_run *last = runs && runs->count ? &runs->runs[runs->count - 1] : NULL;
    if (last && last->address + last->length_bytes == address) {
        last->length_bytes += bytes;
        runs->length_bytes += bytes;
        return 0;
    }

    status_t status = chain_make_room(chain);
    if (status)
        return status;
    runs = chain->runs;
    runs->runs[runs->count++] = (struct fat_run){
        .offset_bytes = runs->length_bytes, .address = address, .length_bytes = bytes
    };
    runs->length_bytes += bytes;
    return 0;
}

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
                        struct fat_runs **result)
{
    uint32_t cluster_bytes = fat->geometry.cluster_bytes, cluster = first;
    uint64_t wanted = (bytes + cluster_bytes - 1) / cluster_bytes, done = 0;
    struct chain chain = { 0 };
    status_t status = chain_make_room(&chain);

    /* No chain is longer than the volume has clusters, whatever the table contains. */
    wanted = min(wanted, fat->geometry.clusters);
    while (!status && done < wanted && fat_cluster_exists(fat, cluster)) {
        if (thread_interrupted())
            status = -EINTR;
        if (!status)
            status = chain_add(&chain, fat_cluster_address(fat, cluster), cluster_bytes);
        if (!status)
            status = entry_read(fat, cluster, &cluster);
        done++;
    }
    if (status) {
        mem_free(chain.runs);
        return status;
    }

    if (wanted)
        chain_judge(fat, cluster, done == wanted, directory);
    *result = chain.runs;
    return 0;
}

/* The root directory of FAT12 and FAT16 has a place of its own. */
static status_t root_runs(struct fat *fat, struct fat_runs **result)
{
    struct chain chain = { 0 };
    status_t status = chain_make_room(&chain);
    if (!status)
        status = chain_add(&chain, fat->geometry.root_address, fat->geometry.root_bytes);
    *result = chain.runs;
    return status;
}

status_t fat_node_read_chain(struct fat *fat, struct fat_node *node)
{
    bool directory = node->attributes.attributes & FAT_DIRECTORY;
    struct fat_runs *runs, *extra = NULL;
    spin_lock(&fat->lock);
    bool known = node->runs;
    spin_unlock(&fat->lock);
    if (known)
        return 0;

    uint64_t bytes = directory ? FAT_DIRECTORY_BYTES_MAX : node->attributes.size_bytes;
    status_t status = node->root && fat->geometry.bits != 32
                          ? root_runs(fat, &runs)
                          : fat_chain_read(fat, node->attributes.cluster, bytes, directory, &runs);
    if (status)
        return status;

    /* The first thread's result is kept, since others may use it by now. */
    spin_lock(&fat->lock);
    if (node->runs)
        extra = runs;
    else
        node->runs = runs;
    spin_unlock(&fat->lock);
    mem_free(extra);
    return 0;
}

const struct fat_run *fat_run_find(const struct fat_runs *runs, uint64_t offset_bytes)
{
    size_t low = 0, high = runs->count;
    if (offset_bytes >= runs->length_bytes)
        return NULL;

    /* runs[low] begins at or before the offset; those from `high` on begin after it. */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (runs->runs[middle].offset_bytes <= offset_bytes)
            low = middle;
        else
            high = middle;
    }
    return &runs->runs[low];
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

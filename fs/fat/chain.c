/*
 * chain.c - follows chains of clusters, and judges how they end.
 */
#include "fs/fat/fat.h"
#include "fs/fat/table.h"
#include "lib/macros.h"

/* A chain while it is followed. It loops if it returns to `mark`, which moves to the current
 * cluster whenever the number of steps since has doubled (Brent's algorithm). */
struct walk {
    struct fat *fat;
    struct fat_chain *chain;
    uint32_t cluster; /* next; or what the last entry contained */
    uint64_t steps;
    uint32_t mark;
    uint64_t mark_step, mark_limit;
    bool loops;
};

static uint64_t chain_cluster_at(const struct fat *fat, const struct runs *runs, uint64_t index)
{
    const struct run *run = runs_find(runs, index * fat->geometry.cluster_bytes);
    return run ? run->address + index * fat->geometry.cluster_bytes - run->offset_bytes : 0;
}

/* Cuts a chain that loops where it returns to one of its clusters. */
static void cut_loop(struct walk *walk)
{
    const struct runs *runs = &walk->chain->runs;
    uint64_t period = walk->steps - walk->mark_step, at = 0;

    /* The clusters that are followed `period` steps later by themselves are those of the loop. */
    while (at + period < walk->steps && chain_cluster_at(walk->fat, runs, at) !=
                                            chain_cluster_at(walk->fat, runs, at + period))
        at++;
    runs_cut(&walk->chain->runs, (at + period) * walk->fat->geometry.cluster_bytes);
}

static status_t walk_step(struct walk *walk)
{
    const struct fat_geometry *geometry = &walk->fat->geometry;
    if (thread_interrupted())
        return -EINTR;
    status_t status = runs_add(&walk->chain->runs, fat_cluster_address(walk->fat, walk->cluster),
                               geometry->cluster_bytes);
    if (!status)
        status = fat_entry_read(walk->fat, walk->cluster, &walk->cluster);
    walk->steps++;

    walk->loops = walk->cluster == walk->mark;
    if (!walk->loops && walk->steps == walk->mark_limit) {
        walk->mark = walk->cluster;
        walk->mark_step = walk->steps;
        walk->mark_limit *= 2;
    }
    return status;
}

/* Counts how a chain ended, and decides whether the file may be changed. */
static void chain_judge(struct walk *walk, uint64_t wanted, bool directory)
{
    struct fat *fat = walk->fat;
    bool ended = walk->cluster >= ENTRY_END || (!walk->steps && !walk->cluster && !directory);
    walk->chain->sound = ended && (directory || walk->steps >= wanted);
    if (walk->loops && !directory)
        fat_count(fat, FAT_ANOMALY_CHAIN_LOOP);
    else if (directory && fat_cluster_exists(fat, walk->cluster))
        fat_count(fat, FAT_ANOMALY_DIRECTORY); /* a loop, or too long */
    else if (walk->cluster < ENTRY_END && !ended)
        fat_count(fat, FAT_ANOMALY_CHAIN_BAD);
    else if (!directory && walk->steps > wanted)
        fat_count(fat, FAT_ANOMALY_CHAIN_LONG);
    else if (!directory && walk->steps < wanted)
        fat_count(fat, FAT_ANOMALY_CHAIN_SHORT);
}

status_t fat_chain_read(struct fat *fat, uint32_t first, uint64_t bytes, bool directory,
                        struct fat_chain *chain)
{
    uint32_t cluster_bytes = fat->geometry.cluster_bytes;
    uint64_t wanted = (bytes + cluster_bytes - 1) / cluster_bytes;
    struct walk walk = { .fat = fat, .chain = chain, .cluster = first, .mark = first,
                         .mark_limit = 1 };
    *chain = (struct fat_chain){ 0 };

    /* A chain is followed past the end of its file too, which costs nothing where the table is in
     * order: otherwise a file could not be told from one whose chain loops. No chain has more
     * clusters than the volume; one that loops is found within three times its length. */
    uint64_t limit = directory ? FAT_DIRECTORY_BYTES_MAX / cluster_bytes + 1
                               : 3 * (uint64_t)fat->geometry.clusters;
    status_t status = 0;
    while (!status && !walk.loops && walk.steps < limit && fat_cluster_exists(fat, walk.cluster))
        status = walk_step(&walk);
    if (status) {
        runs_free(&chain->runs);
        return status;
    }
    if (walk.loops)
        cut_loop(&walk);
    chain_judge(&walk, wanted, directory);
    return 0;
}

/* The root directory of FAT12 and FAT16 has a place of its own. */
static status_t root_chain(struct fat *fat, struct fat_chain *chain)
{
    *chain = (struct fat_chain){ .sound = true };
    return runs_add(&chain->runs, fat->geometry.root_address, fat->geometry.root_bytes);
}

status_t fat_node_read_chain(struct fat *fat, struct fat_node *node)
{
    struct fat_chain chain;
    if (atomic_load(&node->has_runs))
        return 0;

    /* Once another thread has read it, writers change the attributes. */
    spin_lock(&fat->lock);
    struct fat_attributes attributes = node->attributes;
    spin_unlock(&fat->lock);
    bool fixed = node->root && fat->geometry.bits != 32;
    status_t status = fixed ? root_chain(fat, &chain)
                            : fat_chain_read(fat, attributes.cluster, attributes.size_bytes,
                                             attributes.attributes & FAT_DIRECTORY, &chain);
    if (status)
        return status;

    /* The first thread's result is kept, since others may use it by now. */
    spin_lock(&fat->lock);
    bool first = !node->has_runs;
    if (first) {
        node->runs = chain.runs;
        node->sound = chain.sound;
        node->linked = fixed ? 0
                             : (uint32_t)(chain.runs.length_bytes / fat->geometry.cluster_bytes);
    }
    atomic_store(&node->has_runs, true);
    spin_unlock(&fat->lock);
    if (!first)
        runs_free(&chain.runs);
    return 0;
}

/*
 * bad_blocks.c - counts the blocks of a medium that could not be read, and logs them.
 *
 * Every later reader requests a failed block again, so one line per failure would flood the log.
 * Each block is named once per medium, then at its 10th, 100th, ... failure; when the medium
 * leaves, one line counts them all.
 */
#include "kernel/dev/internal.h"
#include "kernel/log.h"
#include "lib/text.h"

enum { BAD_BLOCKS_MAX = 32 };

struct bad_blocks {
    unsigned count;
    uint64_t failures; /* of all blocks, with or without an entry */
    struct {
        uint64_t block, failures;
    } entries[BAD_BLOCKS_MAX];
};

/* Returns the number of failures of this block, including this one; 0 if there is no entry left for
 * the block. Caller holds queue_lock. */
static uint64_t bad_blocks_count(struct bad_blocks *bad, uint64_t block)
{
    bad->failures++;
    for (unsigned i = 0; i < bad->count; i++)
        if (bad->entries[i].block == block)
            return ++bad->entries[i].failures;

    /* A medium with more bad blocks than this is damaged all over; naming more would not help. */
    if (bad->count == BAD_BLOCKS_MAX)
        return 0;
    bad->entries[bad->count].block = block;
    return bad->entries[bad->count++].failures = 1;
}

static bool is_power_of_ten(uint64_t count)
{
    while (count && count % 10 == 0)
        count /= 10;
    return count == 1;
}

void device_note_bad_block(struct device *device, uint32_t generation, uint64_t block,
                           const char *why)
{
    struct bad_blocks *fresh = NULL;
    uint64_t failures = 1; /* without memory for the list, every failure is logged */

    /* The list is allocated without the lock, since allocating may reclaim memory. */
    spin_lock(&device->queue_lock);
    bool first = !device->bad_blocks;
    spin_unlock(&device->queue_lock);
    if (first)
        fresh = mem_zalloc(sizeof(*fresh));

    /* Meanwhile the medium may have changed, or another thread may have made the list. */
    spin_lock(&device->queue_lock);
    bool current = device->generation == generation;
    if (current && !device->bad_blocks && fresh) {
        device->bad_blocks = fresh;
        fresh = NULL;
    }
    if (current && device->bad_blocks)
        failures = bad_blocks_count(device->bad_blocks, block);
    spin_unlock(&device->queue_lock);
    mem_free(fresh);

    /* Log without the lock: before start-up is settled, the line goes to a slow console. */
    if (!current || !is_power_of_ten(failures))
        return;
    if (failures == 1)
        log_info(device->alias, "block %llu: %s", (unsigned long long)block, why);
    else
        log_info(device->alias, "block %llu: %s; failed %llu times", (unsigned long long)block,
                 why, (unsigned long long)failures);
}

struct bad_blocks *bad_blocks_take(struct device *device)
{
    struct bad_blocks *bad = device->bad_blocks;
    device->bad_blocks = NULL;
    return bad;
}

void bad_blocks_sum_up(const struct device *device, struct bad_blocks *bad)
{
    if (bad)
        log_info(device->alias, "%s%u block%s of the medium could not be read, %llu failure%s",
                 bad->count == BAD_BLOCKS_MAX ? "at least " : "", bad->count,
                 text_plural(bad->count), (unsigned long long)bad->failures,
                 text_plural(bad->failures));
    mem_free(bad);
}

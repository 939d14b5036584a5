/*
 * ram.c - a store in memory: pages that are taken when they are first written.
 */
#include "drivers/virtual/store.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

struct ram_store {
    struct store store;
    struct spin lock; /* rank QUEUE: the page array */
    uint8_t *pages[];
};

static struct ram_store *ram_of(struct store *store)
{
    return (struct ram_store *)(void *)store;
}

/* An eighth of memory is left to everybody else, but for what can be had again at any time. */
static bool ram_memory_is_short(void)
{
    size_t needed = page_total_count() / 8, free = page_free_count();
    return free < needed && (vfs_reclaim(needed - free), page_free_count() < needed);
}

/* The page for writing; NULL when memory is short. */
static uint8_t *ram_make_page(struct ram_store *ram, size_t index)
{
    uint8_t *fresh = NULL;
    if (!ram->pages[index] && !ram_memory_is_short())
        fresh = page_alloc();
    if (fresh)
        memset(fresh, 0, PAGE_BYTES);
    spin_lock(&ram->lock);
    if (!ram->pages[index]) {
        ram->pages[index] = fresh;
        fresh = NULL;
    }
    uint8_t *page = ram->pages[index];
    spin_unlock(&ram->lock);
    if (fresh)
        page_free(fresh);
    return page;
}

static status_t ram_move(struct ram_store *ram, bool write, uint64_t offset, uint8_t *memory,
                         uint32_t bytes, uint32_t *done_bytes)
{
    while (bytes) {
        size_t index = (size_t)(offset / PAGE_BYTES), at = (size_t)(offset % PAGE_BYTES);
        uint32_t count = bytes < PAGE_BYTES - at ? bytes : (uint32_t)(PAGE_BYTES - at);
        uint8_t *page = write ? ram_make_page(ram, index) : ram->pages[index];
        if (write && !page)
            return -ENOSPC;
        if (write)
            memcpy(page + at, memory, count);
        else if (page)
            memcpy(memory, page + at, count);
        else
            memset(memory, 0, count);
        memory += count;
        offset += count;
        bytes -= count;
        *done_bytes += count;
    }
    return 0;
}

static status_t ram_transfer(struct store *store, bool write, uint64_t offset_bytes,
                             const struct io_segment *segments, uint32_t length_bytes,
                             uint32_t *done_bytes)
{
    status_t status = 0;
    *done_bytes = 0;
    for (unsigned i = 0; !status && *done_bytes < length_bytes; i++) {
        uint32_t count = segments[i].length_bytes;
        if (count > length_bytes - *done_bytes)
            count = length_bytes - *done_bytes;
        status = ram_move(ram_of(store), write, offset_bytes + *done_bytes, segments[i].address,
                          count, done_bytes);
    }
    return status;
}

static status_t ram_read(struct store *store, uint64_t offset_bytes,
                         const struct io_segment *segments, unsigned segment_count,
                         uint32_t length_bytes, uint32_t *done_bytes)
{
    (void)segment_count;
    return ram_transfer(store, false, offset_bytes, segments, length_bytes, done_bytes);
}

static status_t ram_write(struct store *store, uint64_t offset_bytes,
                          const struct io_segment *segments, unsigned segment_count,
                          uint32_t length_bytes, uint32_t *done_bytes)
{
    (void)segment_count;
    return ram_transfer(store, true, offset_bytes, segments, length_bytes, done_bytes);
}

static void ram_close(struct store *store)
{
    struct ram_store *ram = ram_of(store);
    for (size_t i = 0; i < (store->size_bytes + PAGE_BYTES - 1) / PAGE_BYTES; i++)
        if (ram->pages[i])
            page_free(ram->pages[i]);
    mem_free(ram);
}

static const struct store_ops ram_ops = {
    .read = ram_read,
    .write = ram_write,
    .close = ram_close,
};

status_t store_ram_create(uint64_t size_bytes, struct store **store)
{
    uint64_t pages = size_bytes / PAGE_BYTES + (size_bytes % PAGE_BYTES != 0);
    if (!size_bytes || pages > UINT32_MAX)
        return -EINVAL;
    struct ram_store *ram = mem_zalloc(sizeof(*ram) + (size_t)pages * sizeof(uint8_t *));
    if (!ram)
        return -ENOMEM;
    spin_init(&ram->lock, RANK_QUEUE);
    ram->store = (struct store){ .ops = &ram_ops, .size_bytes = size_bytes };
    *store = &ram->store;
    return 0;
}

/*
 * ram.c - a store in memory: blank, or a copy of another.
 */
#include "drivers/storage/virtual/store/store.h"
#include "kernel/vfs/cache/pages.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

enum { LOAD_PAGES = 64 }; /* read at once */

struct ram_store {
    struct store store;
    struct pages pages;
};

static struct ram_store *ram_of(struct store *store)
{
    return (struct ram_store *)(void *)store;
}

/* Returns how many of the bytes from `offset` on are in its page. */
static uint32_t within_page(uint64_t offset, uint32_t bytes)
{
    uint32_t room = (uint32_t)(PAGE_BYTES - offset % PAGE_BYTES);
    return bytes < room ? bytes : room;
}

static status_t ram_read_piece(struct store *store, uint64_t offset, uint8_t *memory,
                               uint32_t bytes, uint32_t *done_bytes)
{
    struct ram_store *ram = ram_of(store);
    for (uint32_t count; bytes; bytes -= count, memory += count, offset += count) {
        count = within_page(offset, bytes);

        /* A page that was never written is not allocated, and reads as zeroes. */
        const uint8_t *page = pages_get(&ram->pages, offset / PAGE_BYTES);
        if (page)
            memcpy(memory, page + offset % PAGE_BYTES, count);
        else
            memset(memory, 0, count);

        *done_bytes += count;
    }
    return 0;
}

static status_t ram_write_piece(struct store *store, uint64_t offset, const uint8_t *memory,
                                uint32_t bytes, uint32_t *done_bytes)
{
    struct ram_store *ram = ram_of(store);
    for (uint32_t count; bytes; bytes -= count, memory += count, offset += count) {
        count = within_page(offset, bytes);
        uint8_t *page = pages_make(&ram->pages, offset / PAGE_BYTES, NULL);
        if (!page)
            return -ENOSPC;

        memcpy(page + offset % PAGE_BYTES, memory, count);
        *done_bytes += count;
    }
    return 0;
}

/* Clears the part of a page that exists; frees the page if that is all of it. */
static void trim_page(struct pages *pages, uint64_t offset, uint32_t bytes)
{
    uint64_t index = offset / PAGE_BYTES;
    uint8_t *page = pages_get(pages, index);
    if (page && bytes < PAGE_BYTES)
        memset(page + offset % PAGE_BYTES, 0, bytes);
    else
        pages_drop(pages, index);
}

/* Both operations: a page that is absent reads as zeroes. */
static status_t ram_trim(struct store *store, enum io_op op, uint64_t offset, uint64_t bytes)
{
    struct pages *pages = &ram_of(store)->pages;
    uint64_t end = offset + bytes;
    (void)op;

    while (offset < end) {
        uint64_t rest = end - offset;
        uint32_t count = within_page(offset, rest < PAGE_BYTES ? (uint32_t)rest : PAGE_BYTES);
        trim_page(pages, offset, count);

        /* Most pages of a large drive are absent. */
        uint64_t next = pages_next(pages, offset / PAGE_BYTES + 1);
        if (next > (end - 1) / PAGE_BYTES)
            break;
        offset = next * PAGE_BYTES;
    }
    return 0;
}

static uint64_t ram_memory(struct store *store)
{
    return pages_count(&ram_of(store)->pages) * (uint64_t)PAGE_BYTES;
}

static void ram_close(struct store *store)
{
    pages_cut(&ram_of(store)->pages, 0);
    mem_free(store);
}

static const struct store_ops ram_ops = {
    .read_piece = ram_read_piece,
    .write_piece = ram_write_piece,
    .trim = ram_trim,
    .memory = ram_memory,
    .close = ram_close,
};

status_t store_ram_create(uint64_t size_bytes, struct store **store)
{
    /* The drive is also a file, whose offsets have 63 bits. */
    if (size_bytes > INT64_MAX)
        return -EINVAL;

    struct ram_store *ram = mem_zalloc(sizeof(*ram));
    if (!ram)
        return -ENOMEM;
    ram->store = (struct store){ .ops = &ram_ops, .size_bytes = size_bytes, .writable = true };
    *store = &ram->store;
    return 0;
}

/* ---- loading ------------------------------------------------------------------------------ */

static bool page_is_blank(const uint8_t *page)
{
    return !page[0] && memcmp(page, page + 1, PAGE_BYTES - 1) == 0;
}

/* Allocates pages for the store's next bytes; returns how many. */
static unsigned load_alloc(struct io_segment *segments, uint64_t bytes)
{
    unsigned count = 0;
    for (; count < LOAD_PAGES && bytes; count++) {
        uint32_t length = bytes < PAGE_BYTES ? (uint32_t)bytes : PAGE_BYTES;

        /* Two pages must be left: the next one, and a table that points to it. */
        uint8_t *page = vfs_memory_is_short(2) ? NULL : page_alloc();
        if (!page)
            break;

        /* The rest of the last page is never shown, but compared when pages of
         * zeroes are dropped. */
        memset(page + length, 0, PAGE_BYTES - length);
        segments[count] = (struct io_segment){ .address = page, .length_bytes = length };
        bytes -= length;
    }
    return count;
}

/* Takes over a page that was read. A page of zeroes is freed: an absent page reads as zeroes. */
static status_t load_keep(struct ram_store *ram, uint64_t index, void *page)
{
    status_t status = -ENOENT;
    if (!page_is_blank(page))
        status = pages_put(&ram->pages, index, page);
    if (status)
        page_free(page);
    return status == -ENOENT ? 0 : status;
}

/* Loads the next pages from `offset` on; returns how many bytes, or an errno. */
static ssize_t load_some(struct ram_store *ram, struct store *from, uint64_t offset,
                         struct io_segment *segments)
{
    struct span span = { .offset_bytes = offset, .segments = segments, .interruptible = true };
    uint32_t done;

    /* As many pages as there is memory for, but at least one: the next call
     * continues after them. */
    span.segment_count = load_alloc(segments, from->size_bytes - offset);
    for (unsigned i = 0; i < span.segment_count; i++)
        span.length_bytes += segments[i].length_bytes;

    status_t status = span.segment_count ? store_move(from, IO_READ, &span, &done) : -ENOMEM;

    /* After a failure all pages that were not taken over are freed. */
    for (unsigned i = 0; i < span.segment_count; i++)
        if (status)
            page_free(segments[i].address);
        else
            status = load_keep(ram, offset / PAGE_BYTES + i, segments[i].address);
    return status ? status : (ssize_t)span.length_bytes;
}

static status_t load_all(struct ram_store *ram, struct store *from,
                         struct virtual_progress *progress)
{
    struct io_segment *segments = mem_alloc(LOAD_PAGES * sizeof(*segments));
    ssize_t got = segments ? 0 : -ENOMEM;

    /* In pieces, between which ^C is noticed and the progress is reported. */
    for (uint64_t done = 0; got >= 0 && done < from->size_bytes; done += (uint64_t)got) {
        if (progress)
            progress->report(progress, done, from->size_bytes);

        got = thread_interrupted() ? -EINTR : load_some(ram, from, done, segments);
    }

    if (progress && got >= 0)
        progress->report(progress, from->size_bytes, from->size_bytes);
    mem_free(segments);
    return got < 0 ? (status_t)got : 0;
}

status_t store_ram_load(struct store *from, struct virtual_progress *progress,
                        struct store **store)
{
    struct store *loaded;
    status_t status = store_ram_create(from->size_bytes, &loaded);
    if (!status) {
        status = load_all(ram_of(loaded), from, progress);
        if (status)
            store_close(loaded);
        else
            *store = loaded;
    }

    /* Closed in any case: the copy does not need it, and after a failure nothing does. */
    store_close(from);
    return status;
}

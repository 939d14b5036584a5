/*
 * disc.c - reads runs of sectors from the files of a disc, verifies each one, and copies its data
 * to the caller's segments; disc.h.
 */
#include "drivers/storage/virtual/disc/disc.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { RUN_SECTORS = 16, STRIDE_MAX = 2448 };

struct disc_store {
    struct store store;
    struct ledger *ledger;
    struct cd_check check;
    uint8_t *sectors[RUN_SECTORS]; /* that are read at once: each piece fits a page */
    unsigned extent_count, file_count;
    struct store **files;
    struct disc_extent extents[];
};

static struct disc_store *disc_of(struct store *store)
{
    return (struct disc_store *)(void *)store;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Copies into the segments at `at` bytes. */
static void scatter(const struct io_segment *segments, uint64_t at, const uint8_t *data,
                    size_t bytes)
{
    /* Find the segment that holds the first byte. Callers never exceed the span,
     * so there is one. */
    unsigned i = 0;
    while (at >= segments[i].length_bytes)
        at -= segments[i++].length_bytes;

    /* Copy on, across segments: a block may end in the middle of one. */
    for (size_t done = 0; done < bytes; i++, at = 0) {
        size_t count = (size_t)(segments[i].length_bytes - at);
        count = min(count, bytes - done);
        memcpy((uint8_t *)segments[i].address + at, data + done, count);
        done += count;
    }
}

/* Returns the extent that contains the block; NULL: none. */
static const struct disc_extent *extent_find(const struct disc_store *disc, uint32_t block)
{
    /* A binary search: extents are in the order of their blocks and do not overlap. */
    unsigned low = 0, high = disc->extent_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        const struct disc_extent *extent = &disc->extents[middle];
        if (block >= extent->first_block && block - extent->first_block < extent->blocks)
            return extent;

        if (block < extent->first_block)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Returns the data of a sector that was read; NULL, and noted, if it is refused. */
static const uint8_t *sector_data(struct disc_store *disc, const struct disc_extent *extent,
                                  uint32_t block, uint8_t *sector)
{
    const uint8_t *data = sector;
    enum cd_verdict verdict = CD_GOOD;

    /* The address and mode that the sector should have. Cooked data cannot be verified. */
    disc->check.frame = extent->frame + (block - extent->first_block);
    disc->check.mode = extent->mode;
    if (extent->format == DISC_RAW)
        verdict = cd_sector_verify(&disc->check, sector, &data);
    else if (extent->format == DISC_BARE)
        verdict = cd_sector_verify_bare(&disc->check, sector, &data);

    /* Good sectors are not counted; the ledger ignores them. */
    ledger_note(disc->ledger, block, verdict);
    return verdict == CD_GOOD || verdict == CD_CORRECTED ? data : NULL;
}

/* Reads the sectors of a run of blocks at once. If that fails, reads them one by one; *count: how
 * many could be read. */
static status_t run_fetch(struct disc_store *disc, const struct disc_extent *extent,
                          uint32_t block, bool interruptible, uint32_t *count)
{
    struct store *file = disc->files[extent->file];
    uint32_t stride = extent->stride_bytes, wanted = *count;
    struct io_segment segments[RUN_SECTORS];
    struct span span = {
        .offset_bytes = extent->offset_bytes + (uint64_t)(block - extent->first_block) * stride,
        .segments = segments,
        .segment_count = wanted,
        .length_bytes = wanted * stride,
        .interruptible = interruptible,
    };

    uint32_t done;
    for (uint32_t i = 0; i < wanted; i++)
        segments[i] = (struct io_segment){ .address = disc->sectors[i], .length_bytes = stride };

    status_t status = store_move(file, IO_READ, &span, &done);
    if (!status || wanted == 1)
        return status;

    /* One of the sectors is bad. The good ones before it are returned, and the next run begins with
     * the bad one. */
    for (*count = 0; *count < wanted; ++*count) {
        uint64_t at = span.offset_bytes + (uint64_t)*count * stride;
        status = store_read(file, at, disc->sectors[*count], stride, interruptible);
        if (status)
            return *count ? 0 : status;
    }
    return 0;
}

/* Reads. It is never asked to write, since a disc is not writable. */
static status_t disc_move(struct store *store, enum io_op op, const struct span *span,
                          uint32_t *done_bytes)
{
    struct disc_store *disc = disc_of(store);
    (void)op;
    *done_bytes = 0;

    /* The drive's blocks are whole sectors of data, so offset and length are multiples of them. */
    while (*done_bytes < span->length_bytes) {
        uint32_t block = (uint32_t)((span->offset_bytes + *done_bytes) / CD_DATA_BYTES);
        uint32_t count = (span->length_bytes - *done_bytes) / CD_DATA_BYTES;

        /* A gap between extents, or audio, has no data that could be read. */
        const struct disc_extent *extent = extent_find(disc, block);
        if (!extent || extent->format == DISC_NO_DATA)
            return -EIO;

        /* A run ends with its extent: the next sectors are elsewhere. */
        uint32_t left = extent->blocks - (block - extent->first_block);
        count = count > RUN_SECTORS ? RUN_SECTORS : count;
        count = count > left ? left : count;

        status_t status = run_fetch(disc, extent, block, span->interruptible, &count);
        for (uint32_t i = 0; !status && i < count; i++) {
            const uint8_t *data = sector_data(disc, extent, block + i, disc->sectors[i]);

            /* The blocks before it were delivered: *done_bytes shows where it is. */
            if (!data)
                return -EIO;
            scatter(span->segments, *done_bytes, data, CD_DATA_BYTES);
            *done_bytes += CD_DATA_BYTES;
        }

        if (status)
            return status;
    }
    return 0;
}

/* ---- the store ---------------------------------------------------------------------------- */

static status_t disc_check(struct store *store)
{
    struct disc_store *disc = disc_of(store);
    status_t status = 0;
    for (unsigned i = 0; !status && i < disc->file_count; i++)
        status = store_check(disc->files[i]);
    return status;
}

static uint64_t disc_memory(struct store *store)
{
    struct disc_store *disc = disc_of(store);
    uint64_t bytes = 0;
    for (unsigned i = 0; i < disc->file_count; i++)
        bytes += store_memory(disc->files[i]);
    return bytes;
}

static void disc_free(struct disc_store *disc)
{
    for (unsigned i = 0; i < RUN_SECTORS; i++)
        mem_free(disc->sectors[i]);
    mem_free(disc->files);
    mem_free(disc);
}

static void disc_close(struct store *store)
{
    struct disc_store *disc = disc_of(store);
    for (unsigned i = 0; i < disc->file_count; i++)
        store_close(disc->files[i]);
    disc_free(disc);
}

static const struct store_ops disc_ops = {
    .move = disc_move,
    .check = disc_check,
    .memory = disc_memory,
    .close = disc_close,
};

status_t store_disc_create(const struct disc_extent *extents, unsigned extent_count,
                           struct store *const *files, unsigned file_count, uint32_t blocks,
                           struct ledger *ledger, struct store **store)
{
    struct disc_store *disc = mem_zalloc(sizeof(*disc) + extent_count * sizeof(*extents));
    if (!disc)
        return -ENOMEM;

    /* An array of no elements is allocated as one of one, since NULL means failure. */
    disc->files = mem_alloc((file_count ? file_count : 1) * sizeof(struct store *));
    bool made = disc->files;
    for (unsigned i = 0; i < RUN_SECTORS && made; i++)
        made = (disc->sectors[i] = mem_alloc(STRIDE_MAX)) != NULL;

    if (!made) {
        disc_free(disc);
        return -ENOMEM;
    }

    /* The files belong to the disc from here on. It waits if any of them does, and is on the
     * highest of their levels. */
    disc->store = (struct store){ .ops = &disc_ops,
                                  .size_bytes = (uint64_t)blocks * CD_DATA_BYTES };
    for (unsigned i = 0; i < file_count; i++) {
        disc->files[i] = files[i];
        disc->store.waits |= files[i]->waits;
        if (files[i]->level > disc->store.level)
            disc->store.level = files[i]->level;
    }

    memcpy(disc->extents, extents, extent_count * sizeof(*extents));
    disc->extent_count = extent_count;
    disc->file_count = file_count;
    disc->ledger = ledger;
    *store = &disc->store;
    return 0;
}

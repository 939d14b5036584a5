/*
 * raw.c - a store of 2048-byte blocks over an image of whole CD sectors.
 *
 * Dumps of CDs keep 2352 bytes a sector (sync, header, data, error correction) or 2336 (without
 * sync and header). The data of mode 1 begins after 16 bytes; that of mode 2, form 1 after 24, or
 * after 8 where sync and header are left out. Error correction is not looked at.
 *
 * References  ECMA-130 14 (sectors); CD-ROM XA (mode 2 form 1).
 */
#include "drivers/virtual/store.h"
#include "lib/string.h"

enum {
    DATA_BYTES = 2048,
    SECTOR_BYTES = 2352,
    SECTOR_BYTES_BARE = 2336,
    DESCRIPTOR_SECTOR = 16,
    CHUNK_SECTORS = 14, /* read at once: fits nine pages */
};

struct raw_store {
    struct store store;
    uint32_t stride, skip;
    uint8_t *chunk; /* CHUNK_SECTORS whole sectors */
};

/* Copies into the segments at `at` bytes; returns where to go on. */
static uint64_t scatter(const struct io_segment *segments, uint64_t at, const uint8_t *data,
                        size_t bytes)
{
    uint64_t offset = at;
    unsigned i = 0;
    while (offset >= segments[i].length_bytes)
        offset -= segments[i++].length_bytes;
    for (size_t done = 0; done < bytes; i++, offset = 0) {
        size_t count = (size_t)(segments[i].length_bytes - offset);
        if (count > bytes - done)
            count = bytes - done;
        memcpy((uint8_t *)segments[i].address + offset, data + done, count);
        done += count;
    }
    return at + bytes;
}

static status_t raw_read(struct store *store, const struct span *span, uint32_t *done_bytes)
{
    struct raw_store *raw = (struct raw_store *)(void *)store;
    *done_bytes = 0;
    while (*done_bytes < span->length_bytes) { /* the drive's blocks are whole sectors of data */
        uint64_t sector = (span->offset_bytes + *done_bytes) / DATA_BYTES;
        uint32_t count = (span->length_bytes - *done_bytes) / DATA_BYTES;
        if (count > CHUNK_SECTORS)
            count = CHUNK_SECTORS;
        status_t status = store_read(store->beneath, sector * raw->stride, raw->chunk,
                                     count * raw->stride);
        if (status)
            return status;
        for (uint32_t i = 0; i < count; i++)
            *done_bytes = (uint32_t)scatter(span->segments, *done_bytes,
                                            raw->chunk + i * raw->stride + raw->skip, DATA_BYTES);
    }
    return 0;
}

static void raw_close(struct store *store)
{
    mem_free(((struct raw_store *)(void *)store)->chunk);
    mem_free(store);
}

static const struct store_ops raw_ops = {
    .read = raw_read,
    .close = raw_close,
};

/* Where the data of a whole sector begins; 0 when this is none. */
static uint32_t sector_skip(const uint8_t *sector)
{
    static const uint8_t sync[12] = { 0,    0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0 };
    if (memcmp(sector, sync, sizeof(sync)) != 0)
        return 0;
    return sector[15] == 1 ? 16 : sector[15] == 2 ? 24 : 0;
}

static bool is_descriptor(const uint8_t *data)
{
    return memcmp(data + 1, "CD001", 5) == 0 || memcmp(data + 9, "CDROM", 5) == 0;
}

/* Looks at the first volume descriptor, as it would stand in either kind of image. */
static bool raw_recognise(struct store *inner, uint8_t *sector, uint32_t *stride, uint32_t *skip)
{
    if (inner->size_bytes < (uint64_t)(DESCRIPTOR_SECTOR + 1) * SECTOR_BYTES)
        return false;
    if (!store_read(inner, DESCRIPTOR_SECTOR * SECTOR_BYTES, sector, SECTOR_BYTES)) {
        *stride = SECTOR_BYTES;
        *skip = sector_skip(sector);
        if (*skip && is_descriptor(sector + *skip))
            return true;
    }
    *stride = SECTOR_BYTES_BARE;
    *skip = 8;
    return !store_read(inner, DESCRIPTOR_SECTOR * SECTOR_BYTES_BARE, sector, SECTOR_BYTES_BARE) &&
           is_descriptor(sector + *skip);
}

status_t store_raw_detect(struct store **store, uint32_t *sector_bytes)
{
    struct raw_store *raw = mem_zalloc(sizeof(*raw));
    *sector_bytes = 0;
    if (raw)
        raw->chunk = mem_alloc(CHUNK_SECTORS * SECTOR_BYTES);
    if (!raw || !raw->chunk) {
        mem_free(raw);
        return -ENOMEM;
    }
    if (!raw_recognise(*store, raw->chunk, &raw->stride, &raw->skip)) {
        mem_free(raw->chunk);
        mem_free(raw);
        return 0;
    }
    raw->store = (struct store){
        .ops = &raw_ops,
        .beneath = *store,
        .size_bytes = (*store)->size_bytes / raw->stride * DATA_BYTES,
        .level = (*store)->level,
        .waits = (*store)->waits,
    };
    *store = &raw->store;
    *sector_bytes = raw->stride;
    return 0;
}

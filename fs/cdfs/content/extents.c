/*
 * extents.c - where a file's bytes are on the device, and copying them through the metadata cache.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"

bool cdfs_extents_are_plain(const struct cdfs *cdfs, const struct cdfs_node *node)
{
    uint32_t sector = cdfs->fsd.cache_block_bytes;

    for (unsigned i = 0; i < node->extent_count; i++) {
        const struct cdfs_extent *extent = &node->extents[i];
        bool last = i + 1 == node->extent_count;

        /* After a section that ends within a sector, the next one would begin within a page. */
        if (extent->unit_bytes || extent->address % sector ||
            (!last && extent->length_bytes % sector))
            return false;
    }
    return true;
}

const struct cdfs_extent *cdfs_extent_find(const struct cdfs_node *node, uint64_t offset)
{
    unsigned low = 0, high = node->extent_count;

    /* Binary search: a file may have thousands of sections. */
    while (low < high) {
        unsigned middle = (low + high) / 2;
        const struct cdfs_extent *extent = &node->extents[middle];
        if (offset - extent->file_offset < extent->length_bytes && offset >= extent->file_offset)
            return extent;
        if (offset < extent->file_offset)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Stores the address of the byte at `within` the extent. Returns how many bytes follow it without
 * a gap. */
static uint64_t extent_run(const struct cdfs_extent *extent, uint64_t within, uint64_t *address)
{
    uint64_t left = extent->length_bytes - within;
    if (!extent->unit_bytes) {
        *address = extent->address + within;
        return left;
    }

    /* 6.4.3: file units with gaps between them */
    uint64_t unit = within / extent->unit_bytes, in_unit = within % extent->unit_bytes;
    uint64_t rest = extent->unit_bytes - in_unit;
    *address = extent->address + unit * (extent->unit_bytes + (uint64_t)extent->gap_bytes) +
               in_unit;
    return min(rest, left);
}

status_t cdfs_copy(struct cdfs *cdfs, const struct cdfs_node *node, uint64_t offset, void *buffer,
                   size_t bytes, size_t *done)
{
    for (*done = 0; *done < bytes;) {
        uint64_t address, at = offset + *done;
        const struct cdfs_extent *extent = cdfs_extent_find(node, at);
        if (!extent)
            return -EIO;

        /* A run ends with its extent, or with a unit of an interleaved one. */
        uint64_t run = extent_run(extent, at - extent->file_offset, &address);
        run = min(run, bytes - *done);
        ssize_t got = cache_read(&cdfs->meta, address, (char *)buffer + *done, (size_t)run);
        if (got <= 0)
            return got ? (status_t)got : -EIO; /* past the end of the device */
        *done += (size_t)got;
    }
    return 0;
}

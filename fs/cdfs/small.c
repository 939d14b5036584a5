/*
 * small.c - small files that lie side by side are fetched together.
 *
 * A drive takes as long for a command as for a hundred sectors. Who reads one small file and then
 * the one behind it on the disc will want more of them: so the sectors behind are read ahead, in
 * windows that double, into the metadata cache, and the files' own pages are copied from there.
 * A file that is not there in time is read by a command of its own; a jump ends it all.
 */
#include "fs/cdfs/cdfs.h"

enum {
    SMALL_BYTES_MAX = 64 * 1024,
    GAP_BYTES_MAX = 64 * 1024, /* what lies between neighbours */
    WINDOW_BYTES_MIN = 32 * 1024,
    WINDOW_BYTES_MAX = 256 * 1024,
};

/* Is the io the whole of a small file in one piece? */
static bool io_is_small_file(const struct vfs_io *io)
{
    const struct cdfs_node *node = io->vnode->private_data;
    return node->extent_count == 1 && node->size_bytes <= SMALL_BYTES_MAX && !io->offset_bytes &&
           io->length_bytes >= node->size_bytes;
}

/* A small file in [start, end) of the device is read now. Returns how many bytes to fetch from
 * *ahead on, for those to come. */
static uint64_t small_plan(struct cdfs *cdfs, uint64_t start, uint64_t end, uint64_t *ahead)
{
    struct cdfs_small *small = &cdfs->small;
    uint64_t bytes = 0;
    spin_lock(&cdfs->index_lock);
    if (start < small->next || start - small->next > GAP_BYTES_MAX)
        *small = (struct cdfs_small){ 0 };
    else if (small->ahead_end < end + small->window_bytes / 2)
        bytes = small->window_bytes ? small->window_bytes * 2 : WINDOW_BYTES_MIN;
    if (bytes > WINDOW_BYTES_MAX)
        bytes = WINDOW_BYTES_MAX;
    small->next = end;
    *ahead = small->ahead_end > end ? small->ahead_end : end;
    if (bytes) {
        small->window_bytes = (uint32_t)bytes;
        small->ahead_end = *ahead + bytes;
    }
    spin_unlock(&cdfs->index_lock);
    return bytes;
}

bool cdfs_small_read(struct cdfs *cdfs, struct vfs_io *io, uint64_t *ahead, uint64_t *ahead_bytes)
{
    const struct cdfs_node *node = io->vnode->private_data;
    *ahead_bytes = 0;
    if (!io_is_small_file(io))
        return false;
    uint64_t start = node->extents[0].address;
    *ahead_bytes = small_plan(cdfs, start, start + io->length_bytes, ahead);
    if (!cache_copy_present(&cdfs->meta, start, io->segments, 0, io->length_bytes))
        return false;
    io->done_bytes = io->length_bytes;
    return true;
}

/*
 * small.c - small files that lie side by side are fetched together, and kept together.
 *
 * A drive takes as long for a command as for a hundred sectors. Who opens one small file and then
 * the one behind it on the disc will want more of them: so the sectors behind are read ahead, in
 * windows that double; after a jump as far as the last row of files went. All small files lie in
 * one cache over the device; a file is a part of it, and needs no pages and no command of its own.
 */
#include "fs/cdfs/cdfs.h"

enum {
    SMALL_BYTES_MAX = 64 * 1024,
    GAP_BYTES_MAX = 64 * 1024, /* what lies between neighbours */
    WINDOW_BYTES_MIN = 32 * 1024,
    WINDOW_BYTES_MAX = 256 * 1024,
};

void cdfs_small_init(struct cdfs *cdfs)
{
    device_cache_init(&cdfs->small.cache, &cdfs->fsd, cdfs->fsd.cache_block_bytes);
}

void cdfs_small_destroy(struct cdfs *cdfs)
{
    cache_destroy(&cdfs->small.cache);
}

void cdfs_small_hold(struct cdfs *cdfs, const struct cdfs_node *node, struct vnode *vnode)
{
    uint64_t address = node->first.address;
    if (node->extent_count != 1 || node->needs_work || node->size_bytes > SMALL_BYTES_MAX ||
        address > cdfs->device_bytes || node->size_bytes > cdfs->device_bytes - address)
        return;
    vnode->held_in = &cdfs->small.cache;
    vnode->held_at = address;
}

/* A jump to `start`: how far to read ahead there. Who read files in a row before he jumped, a
 * directory perhaps, is expected to read as many again. */
static uint64_t small_jump(struct cdfs_small *small, uint64_t start)
{
    uint64_t expected = small->files > 1 ? small->next - small->first : 0;
    small->first = start;
    small->files = 0;
    small->window_bytes = 0;
    return start + (expected < WINDOW_BYTES_MAX ? expected : WINDOW_BYTES_MAX);
}

/* The reader has come to `end`: how far to read ahead now. */
static uint64_t small_go_on(struct cdfs_small *small, uint64_t end)
{
    uint64_t ahead = small->ahead_end > end ? small->ahead_end : end;
    if (ahead > end + small->window_bytes / 2)
        return ahead;
    uint32_t window = small->window_bytes ? small->window_bytes * 2 : WINDOW_BYTES_MIN;
    small->window_bytes = window < WINDOW_BYTES_MAX ? window : WINDOW_BYTES_MAX;
    return ahead + small->window_bytes;
}

/* A file in [start, end) of the device will be read; `here`: it is in memory. Returns how many
 * bytes to fetch from *from on, for it and for those to come. */
static uint64_t small_plan(struct cdfs *cdfs, uint64_t start, uint64_t end, bool here,
                           uint64_t *from)
{
    struct cdfs_small *small = &cdfs->small;
    spin_lock(&cdfs->index_lock);
    bool jump = start < small->next || start - small->next > GAP_BYTES_MAX;
    uint64_t fetched = jump ? 0 : small->ahead_end;
    uint64_t to = jump ? small_jump(small, start) : small_go_on(small, end);
    small->ahead_end = to > end ? to : end;
    small->next = end;
    small->files++;
    *from = !here ? start : fetched > end ? fetched : end;
    uint64_t bytes = small->ahead_end > *from ? small->ahead_end - *from : 0;
    spin_unlock(&cdfs->index_lock);
    return bytes;
}

status_t cdfs_open(struct fsd *fsd, struct vnode *vnode, bool write)
{
    (void)write;
    struct cdfs *cdfs = cdfs_of(fsd);
    if (vnode->held_in && vnode->size_bytes) {
        uint64_t start = vnode->held_at, end = start + vnode->size_bytes, from;
        uint64_t bytes = small_plan(cdfs, start, end, cache_has(vnode->held_in, start), &from);
        if (bytes && !cache_has(vnode->held_in, from))
            cache_prefetch(vnode->held_in, from, bytes);
    }
    return 0;
}

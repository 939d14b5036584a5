/*
 * small.c - small files next to each other are fetched together, and kept together.
 *
 * For a drive, one command takes as long as a hundred sectors. A reader that opens one small file
 * and then the next one on the disc probably wants more of them, so the sectors that follow are
 * read ahead, in windows that double; after a jump, as far as the previous run of files went. All
 * small files are kept in one cache over the device: a file is a range of it, and needs neither
 * pages nor a command of its own.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"

enum {
    SMALL_BYTES_MAX = 64 * 1024,
    GAP_BYTES_MAX = 64 * 1024, /* between files that count as neighbours */
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

    /* A range of the device can only hold a file that is contiguous and not packed. */
    if (node->extent_count != 1 || node->needs_work || node->size_bytes > SMALL_BYTES_MAX ||
        address > cdfs->device_bytes || node->size_bytes > cdfs->device_bytes - address)
        return;
    vnode->held_in = &cdfs->small.cache;
    vnode->held_at = address;
}

/* Begins a run at `start`, after a jump. Returns how far to read ahead: the previous run, perhaps a
 * directory's files, is a guess of the length of this one. */
static uint64_t begin_run(struct cdfs_small *small, uint64_t start)
{
    uint64_t expected = small->files > 1 ? small->next - small->first : 0;

    small->first = start;
    small->files = 0;
    small->window_bytes = 0;
    return start + min(expected, WINDOW_BYTES_MAX);
}

/* Extends the run to `end`. Returns how far to read ahead: further, once the reader is past the
 * middle of the last window. */
static uint64_t extend_run(struct cdfs_small *small, uint64_t end)
{
    uint64_t ahead = max(small->ahead_end, end);
    if (ahead > end + small->window_bytes / 2)
        return ahead;

    /* Each window has twice the size of the last one, up to the maximum. */
    uint32_t window = max(small->window_bytes * 2, (uint32_t)WINDOW_BYTES_MIN);
    small->window_bytes = min(window, (uint32_t)WINDOW_BYTES_MAX);
    return ahead + small->window_bytes;
}

/* Plans for a file in [start, end) of the device that is about to be read; `cached` if it is in
 * memory. Returns how many bytes to fetch at *from, for it and for the next ones. */
static uint64_t plan(struct cdfs *cdfs, uint64_t start, uint64_t end, bool cached, uint64_t *from)
{
    struct cdfs_small *small = &cdfs->small;

    spin_lock(&cdfs->index_lock);

    /* A file far ahead, or before the last one, begins a new run. */
    bool jump = start < small->next || start - small->next > GAP_BYTES_MAX;
    uint64_t fetched = jump ? 0 : small->ahead_end;
    uint64_t to = jump ? begin_run(small, start) : extend_run(small, end);
    small->ahead_end = max(to, end);
    small->next = end;
    small->files++;

    /* If the file is in memory, fetch only what is past the last window. */
    *from = cached ? max(fetched, end) : start;
    uint64_t bytes = small->ahead_end > *from ? small->ahead_end - *from : 0;
    spin_unlock(&cdfs->index_lock);
    return bytes;
}

status_t cdfs_open(struct fsd *fsd, struct vnode *vnode, bool write)
{
    struct cdfs *cdfs = cdfs_of(fsd);
    struct cache *cache = vnode->held_in;
    uint64_t start = vnode->held_at, end = start + vnode->size_bytes, from;

    (void)write;
    if (cache && vnode->size_bytes) {
        /* The plan may begin with bytes that another reader has fetched. */
        uint64_t bytes = plan(cdfs, start, end, cache_has(cache, start), &from);
        if (bytes && !cache_has(cache, from))
            cache_prefetch(cache, from, bytes);
    }
    return 0;
}

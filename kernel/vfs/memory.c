/*
 * memory.c - frees memory of the VFS when it is short: clean pages, unused vnodes, and data that
 * vnodes in use can make again.
 */
#include "kernel/vfs/internal.h"

size_t vfs_reclaim(size_t wanted)
{
    enum { VNODES_A_PAGE = 64 }; /* many small allocations must go before a page becomes free */
    size_t before = page_free_count();

    /* Pages can be read again at the cost of one transfer; vnodes cost several, and only free pages
     * together. */
    cache_reclaim(wanted);
    if (page_free_count() < before + wanted)
        vnodes_reclaim(VNODES_A_PAGE * wanted);
    vnodes_trim(before + wanted);

    /* other threads may have allocated meanwhile */
    size_t now = page_free_count();
    return now > before ? now - before : 0;
}

bool vfs_memory_is_short(size_t pages)
{
    size_t needed = page_total_count() / 8 + pages, free = page_free_count();
    if (free >= needed)
        return false;
    vfs_reclaim(needed - free);
    return page_free_count() < needed;
}

struct vfs_counts vfs_counts(void)
{
    struct vfs_counts counts = { .pages = cache_page_count(),
                                 .dirty_pages = cache_dirty_pages() };
    vnodes_count(&counts);
    return counts;
}

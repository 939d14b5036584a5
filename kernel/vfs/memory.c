/*
 * memory.c - what the VFS gives back when memory is short: cached pages, unused vnodes, and what
 * vnodes in use can do without.
 */
#include "kernel/vfs/internal.h"

size_t vfs_reclaim(size_t wanted)
{
    size_t before = page_free_count();
    cache_reclaim(wanted);
    if (page_free_count() < before + wanted)
        vnodes_reclaim(64 * wanted);
    vnodes_trim(before + wanted);
    size_t now = page_free_count();
    return now > before ? now - before : 0;
}

bool vfs_memory_is_short(size_t pages)
{
    size_t needed = page_total_count() / 8 + pages, free = page_free_count();
    return free < needed && (vfs_reclaim(needed - free), page_free_count() < needed);
}

struct vfs_counts vfs_counts(void)
{
    struct vfs_counts counts = { .pages = cache_page_count() };
    vnodes_count(&counts);
    return counts;
}

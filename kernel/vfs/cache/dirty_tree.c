/*
 * dirty_tree.c - the dirty pages of a cache, in the order of the file.
 *
 * They are a binary search tree by index. It is also a heap by a hash of the index (a treap), which
 * makes it as balanced as a tree that was built in random order, whatever the order of the writes.
 * The links are in the pages, so that dirtying a page needs no memory.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/hash.h"

/* Returns a page's place in the heap: the highest one of a subtree is at its top. */
static uint64_t dirty_priority(const struct cache_page *page)
{
    return hash_u64(page->index);
}

void cache_dirty_insert(struct cache_page *page)
{
    struct cache_page **at = &page->cache->dirty;
    uint64_t priority = dirty_priority(page);
    while (*at && dirty_priority(*at) >= priority)
        at = page->index < (*at)->index ? &(*at)->lower : &(*at)->higher;

    /* The page takes the place of a subtree, which is split into what is lower and what is
     * higher. */
    struct cache_page *rest = *at, **lower = &page->lower, **higher = &page->higher;
    *at = page;
    while (rest) {
        if (rest->index < page->index) {
            *lower = rest;
            lower = &rest->higher;
            rest = rest->higher;
        } else {
            *higher = rest;
            higher = &rest->lower;
            rest = rest->lower;
        }
    }
    *lower = *higher = NULL;
}

void cache_dirty_remove(struct cache_page *page)
{
    struct cache_page **at = &page->cache->dirty;
    while (*at != page)
        at = page->index < (*at)->index ? &(*at)->lower : &(*at)->higher;

    /* Its subtrees are joined in its place: the higher priority is always on top. */
    struct cache_page *lower = page->lower, *higher = page->higher;
    while (lower && higher) {
        if (dirty_priority(lower) >= dirty_priority(higher)) {
            *at = lower;
            at = &lower->higher;
            lower = lower->higher;
        } else {
            *at = higher;
            at = &higher->lower;
            higher = higher->lower;
        }
    }
    *at = lower ? lower : higher;
}

struct cache_page *cache_dirty_next(const struct cache *cache, uint64_t index)
{
    struct cache_page *next = NULL;
    for (struct cache_page *page = cache->dirty; page;) {
        if (page->index >= index)
            next = page;
        page = page->index >= index ? page->lower : page->higher;
    }
    return next;
}

/*
 * pages.c - a tree of pages by number: finding, inserting, freeing.
 */
#include "kernel/vfs/cache/pages.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

enum {
    TABLE_SHIFT = 9, /* slots of a table, as a power of two */
    TABLE_SLOTS = 1 << TABLE_SHIFT,
    HEIGHT_MAX = 6,
};

_Static_assert(TABLE_SLOTS * sizeof(void *) == PAGE_BYTES, "a table is a page");
_Static_assert(PAGES_INDEX_MAX >> (HEIGHT_MAX * TABLE_SHIFT) == 0, "the tree reaches every page");

/* ---- finding ------------------------------------------------------------------------------ */

/* Returns whether a tree of this height has a place for the page. */
static bool reaches(unsigned height, uint64_t index)
{
    return index >> (height * TABLE_SHIFT) == 0;
}

/* Returns the slot that leads to the page, in a table whose subtrees have `level` levels of
 * tables. */
static void **slot_of(void *table, unsigned level, uint64_t index)
{
    return (void **)table + (index >> (level * TABLE_SHIFT) & (TABLE_SLOTS - 1));
}

/* Returns the place of the page; NULL if a table on the way is absent. */
static void **place_of(struct pages *pages, uint64_t index)
{
    void **place = &pages->top;
    if (!reaches(pages->height, index))
        return NULL;

    /* Each level of tables consumes TABLE_SHIFT bits of the index, the highest first. */
    for (unsigned level = pages->height; level; level--) {
        if (!*place)
            return NULL;
        place = slot_of(*place, level - 1, index);
    }
    return place;
}

uint8_t *pages_get(const struct pages *pages, uint64_t index)
{
    void *at = reaches(pages->height, index) ? pages->top : NULL;
    for (unsigned level = pages->height; at && level; level--)
        at = *slot_of(at, level - 1, index);
    return at;
}

uint64_t pages_next(const struct pages *pages, uint64_t index)
{
    while (reaches(pages->height, index)) {
        /* Descend as far as the tables reach; `level` is then the height of the absent subtree. */
        void *at = pages->top;
        unsigned level = pages->height;
        for (; at && level; level--)
            at = *slot_of(at, level - 1, index);
        if (at)
            return index;

        /* the whole subtree is absent: continue after it */
        unsigned shift = level * TABLE_SHIFT;
        index = ((index >> shift) + 1) << shift;
    }
    return UINT64_MAX;
}

size_t pages_count(const struct pages *pages)
{
    return atomic_load_explicit(&pages->count, memory_order_relaxed);
}

/* ---- inserting ---------------------------------------------------------------------------- */

static void *table_create(void)
{
    void *table = vfs_memory_is_short(1) ? NULL : page_alloc();
    if (table)
        memset(table, 0, PAGE_BYTES);
    return table;
}

/* Adds tables above the top until the tree reaches the page. */
static status_t grow(struct pages *pages, uint64_t index)
{
    while (!reaches(pages->height, index)) {
        void **table = pages->top ? table_create() : NULL;
        if (pages->top && !table)
            return -ENOMEM;

        /* The old tree becomes the first subtree: all its indexes begin with a zero in the new
         * digit. */
        if (table)
            table[0] = pages->top;
        pages->top = table;
        pages->height++;
    }
    return 0;
}

status_t pages_put(struct pages *pages, uint64_t index, uint8_t *page)
{
    status_t status = grow(pages, index);
    if (status)
        return status;

    /* on failure, the tables above remain for the next page */
    void **place = &pages->top;
    for (unsigned level = pages->height; level; level--) {
        if (!*place && !(*place = table_create()))
            return -ENOMEM;
        place = slot_of(*place, level - 1, index);
    }

    kassert(!*place);
    *place = page;
    atomic_fetch_add_explicit(&pages->count, 1, memory_order_relaxed);
    return 0;
}

uint8_t *pages_make(struct pages *pages, uint64_t index, const uint8_t *template)
{
    uint8_t *page = pages_get(pages, index);
    if (page || vfs_memory_is_short(1) || !(page = page_alloc()))
        return page;

    if (template)
        memcpy(page, template, PAGE_BYTES);
    else
        memset(page, 0, PAGE_BYTES);

    if (pages_put(pages, index, page)) {
        page_free(page);
        return NULL;
    }
    return page;
}

/* ---- freeing ------------------------------------------------------------------------------ */

void pages_drop(struct pages *pages, uint64_t index)
{
    void **place = place_of(pages, index);
    if (!place || !*place)
        return;
    page_free(*place);
    *place = NULL;
    atomic_fetch_sub_explicit(&pages->count, 1, memory_order_relaxed);
}

/* Frees the subtree at *place from its page `index` on: a page, or a table with `level` levels of
 * tables. Recursion is at most HEIGHT_MAX deep. */
static void cut(struct pages *pages, void **place, unsigned level, uint64_t index)
{
    if (!*place)
        return;

    /* Only the first subtree may be cut in its middle; those after it are freed whole. */
    if (level) {
        unsigned shift = (level - 1) * TABLE_SHIFT;
        uint64_t within = index & (((uint64_t)1 << shift) - 1);
        for (uint64_t i = index >> shift; i < TABLE_SLOTS; i++, within = 0)
            cut(pages, (void **)*place + i, level - 1, within);
    }

    /* pages before the index still need the table */
    if (index)
        return;
    page_free(*place);
    *place = NULL;
    if (!level)
        atomic_fetch_sub_explicit(&pages->count, 1, memory_order_relaxed);
}

void pages_cut(struct pages *pages, uint64_t index)
{
    if (reaches(pages->height, index))
        cut(pages, &pages->top, pages->height, index);
    if (!pages->top)
        pages->height = 0;
}

/* pages.c - see pages.h. */
#include "drivers/virtual/pages.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

enum { LEAF_PAGES = PAGE_BYTES / sizeof(uint8_t *) };

status_t pages_init(struct pages *pages, uint64_t bytes)
{
    uint64_t leaves = bytes / PAGE_BYTES / LEAF_PAGES + 1;
    if (leaves > UINT32_MAX)
        return -EINVAL;
    *pages = (struct pages){ .leaves = (size_t)leaves };
    pages->leaf = mem_zalloc((size_t)leaves * sizeof(*pages->leaf));
    return pages->leaf ? 0 : -ENOMEM;
}

void pages_free(struct pages *pages)
{
    for (size_t i = 0; i < pages->leaves; i++) {
        for (unsigned j = 0; pages->leaf[i] && j < LEAF_PAGES; j++)
            if (pages->leaf[i][j])
                page_free(pages->leaf[i][j]);
        if (pages->leaf[i])
            page_free(pages->leaf[i]);
    }
    mem_free(pages->leaf);
}

static uint8_t **page_at(const struct pages *pages, uint64_t index)
{
    uint8_t **leaf = pages->leaf[index / LEAF_PAGES];
    return leaf ? &leaf[index % LEAF_PAGES] : NULL;
}

uint8_t *pages_get(struct pages *pages, uint64_t index)
{
    uint8_t **at = page_at(pages, index);
    return at ? *at : NULL;
}

status_t pages_put(struct pages *pages, uint64_t index, uint8_t *page)
{
    uint8_t ***leaf = &pages->leaf[index / LEAF_PAGES];
    if (!*leaf) {
        if (!(*leaf = page_alloc()))
            return -ENOMEM;
        memset(*leaf, 0, PAGE_BYTES);
    }
    *page_at(pages, index) = page;
    atomic_fetch_add(&pages->count, 1);
    return 0;
}

uint8_t *pages_make(struct pages *pages, uint64_t index, const uint8_t *template)
{
    uint8_t *page = pages_get(pages, index);
    if (page || vfs_memory_is_short(2) || !(page = page_alloc()))
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

void pages_drop(struct pages *pages, uint64_t index)
{
    uint8_t **at = page_at(pages, index);
    if (!at || !*at)
        return;
    page_free(*at);
    *at = NULL;
    atomic_fetch_sub(&pages->count, 1);
}

uint64_t pages_next(struct pages *pages, uint64_t index)
{
    for (size_t i = (size_t)(index / LEAF_PAGES); i < pages->leaves; i++, index = 0) {
        uint8_t **leaf = pages->leaf[i];
        for (unsigned j = (unsigned)(index % LEAF_PAGES); leaf && j < LEAF_PAGES; j++)
            if (leaf[j])
                return (uint64_t)i * LEAF_PAGES + j;
    }
    return UINT64_MAX;
}

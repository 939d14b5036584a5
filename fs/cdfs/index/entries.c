/*
 * entries.c - the memory of an index: entries and names, in pages.
 */
#include "fs/cdfs/index/entries.h"
#include "lib/string.h"
#include "lib/utf8.h"

enum { ALIGNMENT = 8, PAGE_HEADER_BYTES = 16 };

struct index_page {
    struct index_page *next;
};

void *index_allocate(struct cdfs_index *index, size_t bytes)
{
    /* Objects follow each other, each aligned. What is left of a full page is wasted. */
    bytes = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (!index->pages || index->page_used + bytes > PAGE_BYTES) {
        struct index_page *page = page_alloc();
        if (!page)
            return NULL;
        page->next = index->pages;
        index->pages = page;
        index->page_used = PAGE_HEADER_BYTES;
    }

    void *memory = (char *)index->pages + index->page_used;
    index->page_used += bytes;
    return memory;
}

void index_free_entries(struct cdfs_index *index)
{
    while (index->pages) {
        struct index_page *page = index->pages;
        index->pages = page->next;
        page_free(page);
    }
}

uint32_t index_hash(const struct cdfs_index *index, const char *name, size_t length)
{
    return (uint32_t)utf8_hash_folded(name, length, index->seed);
}

struct cdfs_index_entry *index_entry_create(struct cdfs_index *index, const char *name,
                                            size_t length)
{
    struct cdfs_index_entry *entry = index_allocate(index, sizeof(*entry) + length);
    if (!entry)
        return NULL;

    /* The hash is of the folded name: names that differ only in case share a bucket. */
    *entry = (struct cdfs_index_entry){ .length = (uint16_t)length };
    memcpy(entry->name, name, length);
    entry->hash = index_hash(index, name, length);
    return entry;
}

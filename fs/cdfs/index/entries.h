/*
 * entries.h - the inside of an index, for the files of fs/cdfs/index.
 *
 * Entries and their names are allocated from pages, one after another, and freed all at once.
 */
#ifndef FS_CDFS_INDEX_ENTRIES_H
#define FS_CDFS_INDEX_ENTRIES_H

#include "fs/cdfs/cdfs.h"

struct index_page;

struct cdfs_index {
    _Atomic int references;
    bool versions;      /* names have `;n`; not in Rock Ridge */
    status_t status;    /* 0 if the listing is complete */
    uint64_t built_us;
    uint64_t seed;      /* of the hashes, so that a disc cannot choose names that collide */
    bool exact_case;          /* mount -o case=exact: names that differ in case are not found */
    struct index_page *pages;
    size_t page_used;
    struct cdfs_index_entry *first, *last;
    unsigned skipped;   /* invalid records */
    size_t count, bucket_count;
    struct cdfs_index_entry **buckets;
    const struct cdfs_index_entry *_Atomic expected; /* after the entry that was found last */
};

/* ---- entries.c ---------------------------------------------------------------------------- */

/* Returns memory that lives as long as the index, NULL if there is none. At most a page. */
void *index_allocate(struct cdfs_index *index, size_t bytes);
/* Frees all of it. */
void index_free_entries(struct cdfs_index *index);
/* Returns a new entry of this name that is in no list, NULL if memory is exhausted. */
struct cdfs_index_entry *index_entry_create(struct cdfs_index *index, const char *name,
                                            size_t length);
uint32_t index_hash(const struct cdfs_index *index, const char *name, size_t length);

/* ---- collect.c ---------------------------------------------------------------------------- */

/* Reads the directory's records into the index's list. -ENOMEM; another error means that the list
 * ends early. */
status_t index_collect(struct cdfs *cdfs, const struct cdfs_node *directory,
                       struct cdfs_index *index) MUST_CHECK;

/* ---- table.c ------------------------------------------------------------------------------ */

/* Makes the hash table over the list, and the names unique. -ENOMEM. */
status_t index_build_table(struct cdfs *cdfs, struct cdfs_index *index) MUST_CHECK;
/* Returns the entry with this name, in the order of cdfs_index_entry(), or NULL. */
const struct cdfs_index_entry *index_search(const struct cdfs_index *index, const char *name,
                                            size_t length);

#endif

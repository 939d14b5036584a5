/*
 * index.h - a directory's entries in memory.
 *
 *   entries.c  the memory of entries and names (entries.h is the inside of an index)
 *   collect.c  one pass over the records: entries in the order of the directory
 *   table.c    unique names, and the hash table over the folded names
 *   index.c    built, shared, freed
 *
 * Model       One pass over the records makes the index. Names in it are unique, so whatever is
 *             listed can be looked up, and visiting each of n entries costs O(n) in total.
 *             Of records with equal names, the one with the highest version has the name, and the
 *             others are found as NAME;n. Where versions are equal or absent, later records get
 *             `~2`, `~3`.
 *             An index of a directory that could not be read completely is kept for
 *             CDFS_PARTIAL_INDEX_US, so that looking at each entry of a damaged directory does not
 *             read the damage each time.
 * Locking     An index is immutable, except for its reference count and a hint, both atomic.
 * Ownership   Users hold references; the node holds one, which reclaim drops.
 */
#ifndef FS_CDFS_INDEX_INDEX_H
#define FS_CDFS_INDEX_INDEX_H

#include "kernel/vfs/fsd.h"

struct cdfs;
struct cdfs_attributes;
struct cdfs_index;
struct cdfs_node;

struct cdfs_index_entry {
    vnode_id_t id;
    struct cdfs_index_entry *next;      /* in the order of the directory */
    struct cdfs_index_entry *bucket_next;
    struct cdfs_index_entry *older;     /* lower versions: hidden, in no bucket */
    uint32_t hash;                      /* of the folded name */
    uint32_t renamed;                   /* the last number given to an equal name */
    uint16_t length;
    int16_t version;
    bool hidden;                        /* a lower version: found as NAME;n only */
    uint8_t type;                       /* enum node_type; NODE_NONE: read the node */
    const struct cdfs_attributes *attributes; /* NULL: read the node */
    char name[];
};

/* Returns a reference to the directory's index, built if there is none. -ENOMEM, -EINTR. */
status_t cdfs_index_get(struct cdfs *cdfs, struct cdfs_node *directory,
                        struct cdfs_index **index) MUST_CHECK;
/* Drops a reference. NULL does nothing. */
void cdfs_index_put(struct cdfs_index *index);
/* Frees the directory's index unless it is in use. Never waits: it only tries the lock. */
void cdfs_index_trim(struct cdfs *cdfs, struct cdfs_node *directory);

/* Returns the entry of exactly this name, else one that differs only in case, else that of NAME;n;
 * NULL if there is none. */
const struct cdfs_index_entry *cdfs_index_entry(struct cdfs_index *index, const char *name,
                                                size_t length);
/* Returns the visible entry after `entry` (NULL for the first), NULL at the end. */
const struct cdfs_index_entry *cdfs_index_next(const struct cdfs_index *index,
                                               const struct cdfs_index_entry *entry);
/* Returns why the listing is incomplete, or 0. */
status_t cdfs_index_status(const struct cdfs_index *index);
/* Returns the number of invalid records that were skipped. */
unsigned cdfs_index_skipped(const struct cdfs_index *index);

#endif

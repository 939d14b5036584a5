/*
 * table.h - a hash table whose links are inside the elements, which grows and shrinks with their
 * number.
 *
 * Model       Linear hashing: when the elements become too many for the buckets, one bucket is
 *             split, so that no insertion moves more than one bucket's elements. Buckets are kept
 *             in pages (kernel/vfs/cache/pages.h): no allocation is larger than a page, and if one
 *             fails, the table only becomes slower. Up to TABLE_SMALL elements need no buckets.
 * Locking     The owner's.
 */
#ifndef KERNEL_VFS_LAYOUT_TABLE_H
#define KERNEL_VFS_LAYOUT_TABLE_H

#include "kernel/vfs/cache/pages.h"

enum { TABLE_SMALL = 16 };

struct table_link {
    struct table_link *next;
    uint64_t hash;
};

/* Zero: empty. */
struct table {
    struct table_link *single; /* all elements, until there are buckets */
    struct pages buckets;      /* of struct table_link * */
    size_t bucket_count, count;
};

/* Inserts a link; its hash must be set. Never fails. */
void table_insert(struct table *table, struct table_link *link);
/* Removes a link that is in the table. */
void table_remove(struct table *table, struct table_link *link);
/* Return the first link with this hash, and the next one after `link` with the same hash; NULL if
 * there is none. */
struct table_link *table_first(struct table *table, uint64_t hash);
struct table_link *table_next(const struct table_link *link);
/* Empties the table, frees its buckets, and returns the elements as a chain, by `next`. */
struct table_link *table_take_all(struct table *table);

#endif

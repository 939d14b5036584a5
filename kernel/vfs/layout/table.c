/*
 * table.c - a hash table by linear hashing.
 *
 * With n buckets, and f the largest power of two not above n, buckets f to n - 1 were split off
 * buckets 0 to n - f - 1: an element whose hash modulo 2f is not below n is still in the bucket f
 * before it.
 */
#include "kernel/vfs/layout/table.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

enum {
    PAGE_BUCKETS = PAGE_BYTES / sizeof(struct table_link *),
    LOAD = 2, /* average number of elements in a bucket at which one is split */
};

/* ---- buckets ------------------------------------------------------------------------------ */

static struct table_link **bucket_at(struct table *table, size_t index)
{
    if (!table->bucket_count)
        return &table->single;

    /* Buckets are in a tree of pages, so that growing never moves or copies them. */
    void *page = pages_get(&table->buckets, index / PAGE_BUCKETS);
    return (struct table_link **)page + index % PAGE_BUCKETS;
}

/* Returns the largest power of two that is not above the number of buckets. */
static size_t table_floor(const struct table *table)
{
    return (size_t)1 << (63 - __builtin_clzll(table->bucket_count));
}

static struct table_link **bucket_of(struct table *table, uint64_t hash)
{
    if (!table->bucket_count)
        return &table->single;

    /* The bit that decides whether the element is in the upper half: that half may not be
     * complete. */
    size_t floor = table_floor(table), index = hash & (2 * floor - 1);
    return bucket_at(table, index < table->bucket_count ? index : index - floor);
}

static void push(struct table_link **bucket, struct table_link *link)
{
    link->next = *bucket;
    *bucket = link;
}

/* Moves every link of a chain to its bucket. */
static void distribute(struct table *table, struct table_link *chain)
{
    while (chain) {
        struct table_link *link = chain;
        chain = chain->next;
        push(bucket_of(table, link->hash), link);
    }
}

/* ---- growing and shrinking ---------------------------------------------------------------- */

static void first_buckets(struct table *table)
{
    if (!pages_make(&table->buckets, 0, NULL))
        return;

    /* Without memory the single chain stays, and becomes longer. */
    struct table_link *chain = table->single;
    table->single = NULL;
    table->bucket_count = PAGE_BUCKETS;
    distribute(table, chain);
}

static void no_buckets(struct table *table)
{
    struct table_link *all = NULL;

    /* Every link moves to the single chain, so that no memory is needed. */
    for (size_t i = 0; i < table->bucket_count; i++)
        for (struct table_link *link; (link = *bucket_at(table, i));) {
            *bucket_at(table, i) = link->next;
            push(&all, link);
        }

    table->bucket_count = 0;
    table->single = all;
    pages_cut(&table->buckets, 0);
}

/* Appends a bucket, and splits the one that its elements are in. Without memory for it, chains
 * become longer. */
static void split(struct table *table)
{
    size_t last = table->bucket_count;
    if (last % PAGE_BUCKETS == 0 && !pages_make(&table->buckets, last / PAGE_BUCKETS, NULL))
        return;

    struct table_link **from = bucket_at(table, last - table_floor(table)), *chain = *from;

    *from = NULL;
    *bucket_at(table, last) = NULL;
    table->bucket_count++;
    distribute(table, chain);
}

/* Removes the last bucket: its elements return to the bucket that it was split off. */
static void merge(struct table *table)
{
    size_t last = table->bucket_count - 1;
    struct table_link *chain = *bucket_at(table, last);

    table->bucket_count--;
    distribute(table, chain);

    if (last % PAGE_BUCKETS == 0)
        pages_cut(&table->buckets, last / PAGE_BUCKETS);
}

/* ---- interface ---------------------------------------------------------------------------- */

void table_insert(struct table *table, struct table_link *link)
{
    push(bucket_of(table, link->hash), link);
    table->count++;

    /* One split for each insertion beyond the load: no insertion has to move all links. */
    if (!table->bucket_count && table->count > TABLE_SMALL)
        first_buckets(table);
    else if (table->bucket_count && table->count > LOAD * table->bucket_count)
        split(table);
}

void table_remove(struct table *table, struct table_link *link)
{
    struct table_link **at = bucket_of(table, link->hash);
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    table->count--;

    /* shrinks later than it grows, so that a single element does not split and merge again */
    while (table->bucket_count > PAGE_BUCKETS && table->count < table->bucket_count / LOAD)
        merge(table);
    if (table->bucket_count == PAGE_BUCKETS && table->count < TABLE_SMALL / 2)
        no_buckets(table);
}

static struct table_link *with_hash(struct table_link *link, uint64_t hash)
{
    while (link && link->hash != hash)
        link = link->next;
    return link;
}

struct table_link *table_first(struct table *table, uint64_t hash)
{
    return with_hash(*bucket_of(table, hash), hash);
}

struct table_link *table_next(const struct table_link *link)
{
    return with_hash(link->next, link->hash);
}

struct table_link *table_take_all(struct table *table)
{
    if (table->bucket_count)
        no_buckets(table);
    struct table_link *all = table->single;
    *table = (struct table){ 0 };
    return all;
}

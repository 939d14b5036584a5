/*
 * name_index.c - the names of one directory in memory. See name_index.h.
 *
 * Entries are in two hash tables: by name, and by alias. Both hash the folded name.
 */
#include "kernel/vfs/layout/name_index.h"
#include "lib/format.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/utf8.h"

enum {
    BUCKETS_MIN = 32,
    BUCKETS_MAX = 8192,
    NUMBER_BYTES = 12, /* "~" and a number */
};

struct name_index {
    const struct name_format *format;
    _Atomic unsigned references;
    struct name_entry *first, **last;
    struct name_entry **by_name, **by_alias; /* buckets */
    size_t count, buckets;
    uint64_t seed; /* of the hashes, so that a volume cannot choose names that collide */
    status_t status;
    unsigned skipped;
};

struct name_index *name_index_create(const struct name_format *format)
{
    struct name_index *index = mem_zalloc(sizeof(*index));
    if (!index)
        return NULL;

    /* The seed need not be secret, only unknown when the volume was written. */
    index->format = format;
    atomic_init(&index->references, 1);
    index->last = &index->first;
    index->seed = hash_u64(time_now_us() ^ (uint64_t)(uintptr_t)index);
    return index;
}

void name_index_put(struct name_index *index)
{
    if (!index || atomic_fetch_sub(&index->references, 1) != 1)
        return;
    for (struct name_entry *entry = index->first, *next; entry; entry = next) {
        next = entry->next;
        mem_free(entry);
    }
    mem_free(index->by_name);
    mem_free(index->by_alias);
    mem_free(index);
}

/* ---- finding ------------------------------------------------------------------------------ */

static size_t bucket_of(const struct name_index *index, const char *name, size_t length)
{
    return utf8_hash_folded(name, length, index->seed) & (index->buckets - 1);
}

static struct name_entry *find_name(const struct name_index *index, const char *name,
                                    size_t length)
{
    struct name_entry *entry = index->by_name[bucket_of(index, name, length)];
    while (entry && !utf8_equal_folded(entry->name, entry->name_bytes, name, length))
        entry = entry->by_name;
    return entry;
}

static struct name_entry *find_alias(const struct name_index *index, const char *name,
                                     size_t length)
{
    struct name_entry *entry = index->by_alias[bucket_of(index, name, length)];
    while (entry && !utf8_equal_folded(entry->alias, entry->alias_bytes, name, length))
        entry = entry->by_alias;
    return entry;
}

const struct name_entry *name_index_find(const struct name_index *index, const char *name,
                                         size_t length)
{
    /* Names precede aliases: the alias of one file may be the name of another. */
    const struct name_entry *entry = find_name(index, name, length);
    return entry ? entry : find_alias(index, name, length);
}

const struct name_format *name_index_format(const struct name_index *index)
{
    return index->format;
}

const struct name_entry *name_index_first(const struct name_index *index)
{
    return index->first;
}

status_t name_index_status(const struct name_index *index)
{
    return index->status;
}

unsigned name_index_skipped(const struct name_index *index)
{
    return index->skipped;
}

/* ---- making ------------------------------------------------------------------------------- */

status_t name_index_add(struct name_index *index, const struct name_entry *entry,
                        size_t details_bytes)
{
    /* One block: the entry, the details, the name with room for a number, the alias. */
    size_t names = entry->name_bytes + NUMBER_BYTES + entry->alias_bytes + 1u;
    size_t details_room = (details_bytes + 7) & ~(size_t)7;
    struct name_entry *copy = mem_alloc(sizeof(*copy) + details_room + names);
    if (!copy)
        return -ENOMEM;

    /* The caller's texts are copied, since they are in buffers that the next record overwrites. */
    uint8_t *details = (uint8_t *)(copy + 1);
    char *name = (char *)details + details_room, *alias = name + entry->name_bytes + NUMBER_BYTES;
    *copy = *entry;
    copy->next = NULL;
    memcpy(details, entry->details, details_bytes);
    memcpy(name, entry->name, entry->name_bytes);
    name[entry->name_bytes] = '\0';
    copy->details = details;
    copy->name = name;

    if (entry->alias) {
        memcpy(alias, entry->alias, entry->alias_bytes);
        alias[entry->alias_bytes] = '\0';
        copy->alias = alias;
    }

    /* At the end, so that a listing has the order of the directory. */
    *index->last = copy;
    index->last = &copy->next;
    index->count++;
    return 0;
}

/* Makes an entry's name unique by a number. Returns whether that was necessary. */
static bool make_unique(struct name_index *index, struct name_entry *entry)
{
    size_t stem = entry->name_bytes;
    char *end = (char *)(uintptr_t)entry->name + stem; /* the copy's own memory */
    struct name_entry *first = find_name(index, entry->name, stem);
    if (!first)
        return false;

    /* The first entry of the name keeps the last number that was tried. A damaged directory may
     * contain a name half a million times, and counting from 2 each time would take hours. */
    unsigned number = max(first->last_number, 1u);
    do
        entry->name_bytes =
            (uint16_t)(stem + (size_t)format_text(end, NUMBER_BYTES, "~%u", ++number));
    while (find_name(index, entry->name, entry->name_bytes));
    first->last_number = number;
    return true;
}

status_t name_index_complete(struct name_index *index, status_t status, unsigned skipped,
                             unsigned *renamed)
{
    /* The tables are made now that the number of entries is known, so they never grow. The limit
     * bounds the allocation for a hostile directory; chains become longer instead. */
    index->status = status;
    index->skipped = skipped;
    index->buckets = BUCKETS_MIN;
    while (index->buckets < index->count && index->buckets < BUCKETS_MAX)
        index->buckets *= 2;
    index->by_name = mem_zalloc(index->buckets * sizeof(*index->by_name));
    index->by_alias = mem_zalloc(index->buckets * sizeof(*index->by_alias));
    if (!index->by_name || !index->by_alias)
        return -ENOMEM;

    for (struct name_entry *entry = index->first; entry; entry = entry->next) {
        /* In the order of the directory: of two equal names the first one keeps its name. */
        *renamed += make_unique(index, entry);
        size_t bucket = bucket_of(index, entry->name, entry->name_bytes);
        entry->by_name = index->by_name[bucket];
        index->by_name[bucket] = entry;

        /* Aliases are not made unique. They are not listed, and a look-up takes whichever it
         * meets. */
        if (!entry->alias)
            continue;
        bucket = bucket_of(index, entry->alias, entry->alias_bytes);
        entry->by_alias = index->by_alias[bucket];
        index->by_alias[bucket] = entry;
    }
    return 0;
}

/* ---- slots -------------------------------------------------------------------------------- */

struct name_index *name_index_get(struct spin *lock, struct name_index **slot)
{
    spin_lock(lock);

    /* The reference is taken under the lock. Otherwise name_index_trim() could free the index in
     * between. */
    struct name_index *index = *slot;
    if (index)
        atomic_fetch_add(&index->references, 1);
    spin_unlock(lock);
    return index;
}

struct name_index *name_index_keep(struct spin *lock, struct name_index **slot,
                                   struct name_index *index)
{
    struct name_index *extra = NULL;
    spin_lock(lock);

    /* Another thread was faster. Its index is used, so that all threads share one. */
    if (*slot) {
        extra = index;
        index = *slot;
    } else {
        *slot = index;
    }

    /* One reference for the slot, one for the caller. The extra index is freed without the lock,
     * since it may have thousands of entries. */
    atomic_fetch_add(&index->references, 1);
    spin_unlock(lock);
    name_index_put(extra);
    return index;
}

void name_index_trim(struct spin *lock, struct name_index **slot)
{
    struct name_index *idle = NULL;

    /* The thread that reclaims memory may hold this lock already: it must not wait for it. */
    if (!spin_try_lock(lock))
        return;

    /* A new reference can only come from the slot, whose lock is held: an index with one
     * reference is idle. */
    if (*slot && atomic_load(&(*slot)->references) == 1) {
        idle = *slot;
        *slot = NULL;
    }
    spin_unlock(lock);
    name_index_put(idle);
}

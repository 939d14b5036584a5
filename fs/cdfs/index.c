/*
 * index.c - a directory's entries in memory.
 *
 * One pass over the records leaves entries in the order of the directory, with names that are
 * unique, and a hash table over the folded names; so looking at each of n entries costs O(n) in
 * all, and what is listed is found. Entries and their names lie in pages, one after another.
 *
 * Of records with equal names the one of the highest version keeps the name and the others are
 * found as NAME;n; where versions do not tell them apart, later ones get `~2`, `~3`.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/cdfs.h"
#include "lib/format.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"

enum {
    BUCKETS_MAX = 1 << 18,
    MEMORY_PARTS = 16, /* of a directory larger than one of them only the names are kept */
    NEIGHBOURS_BYTES = 64 * 1024, /* what is fetched with a directory that has neighbours */
    AHEAD_BYTES = 128 * 1024,     /* at a time, of a large one */
};

struct arena_page {
    struct arena_page *next;
};

struct cdfs_index {
    _Atomic int references;
    bool versions;      /* do names have `;n`? Not in Rock Ridge */
    status_t status;    /* 0: the listing is whole */
    uint64_t built_us;
    uint64_t seed;      /* of the hashes: a disc cannot know which names meet in a bucket */
    struct arena_page *pages;
    size_t page_used;
    struct cdfs_index_entry *first, *last;
    unsigned skipped;   /* records that are invalid */
    size_t count, bucket_count;
    struct cdfs_index_entry **buckets;
    const struct cdfs_index_entry *_Atomic expected; /* behind the one that was found last */
};

/* ---- entries ------------------------------------------------------------------------------ */

static void *arena_take(struct cdfs_index *index, size_t bytes)
{
    bytes = (bytes + 7) & ~(size_t)7;
    if (!index->pages || index->page_used + bytes > PAGE_BYTES) {
        struct arena_page *page = page_alloc();
        if (!page)
            return NULL;
        page->next = index->pages;
        index->pages = page;
        index->page_used = 16;
    }
    void *memory = (char *)index->pages + index->page_used;
    index->page_used += bytes;
    return memory;
}

static uint32_t hash_folded(const struct cdfs_index *index, const char *name, size_t length)
{
    return (uint32_t)utf8_hash_folded(name, length, index->seed);
}

static struct cdfs_index_entry *entry_create(struct cdfs_index *index, const char *name,
                                             size_t length)
{
    struct cdfs_index_entry *entry = arena_take(index, sizeof(*entry) + length);
    if (!entry)
        return NULL;
    *entry = (struct cdfs_index_entry){ .length = (uint16_t)length };
    memcpy(entry->name, name, length);
    entry->hash = hash_folded(index, name, length);
    return entry;
}

/* ---- collecting --------------------------------------------------------------------------- */

struct collector {
    struct cdfs *cdfs;
    struct cdfs_index *index;
    uint64_t start, end; /* of the directory */
    uint64_t ahead;      /* it was asked for up to here */
    bool with_facts;     /* memory has room for them */
    uint64_t parent;     /* the address that ".." has */
    bool other;          /* it holds something else than directories */
    struct cdfs_record record;
    struct cdfs_rock rock;
    struct cdfs_name name;
    uint8_t before_id[255]; /* of the record before this one */
    size_t before_length;   /* 0: there is none */
    unsigned before_flags;
};

/* The flags of the record right before this one when both have one identifier, else 0. With bit 7
 * (9.1.6) this is a later section of that file; with bit 2 that is a file associated with this. */
static unsigned record_follows(struct collector *c)
{
    const struct bytes *id = &c->record.identifier;
    bool same = c->before_length == id->length && memcmp(c->before_id, id->data, id->length) == 0;
    unsigned flags = same ? c->before_flags : 0;
    if (!same && c->before_flags & DR_FLAG_MULTI_EXTENT)
        cdfs_anomaly(c->cdfs, ANOMALY_SECTIONS);
    memcpy(c->before_id, id->data, id->length);
    c->before_length = id->length;
    c->before_flags = c->record.flags;
    return flags;
}

/* Does another directory begin here? Each begins with a "." that points at itself. */
static bool record_begins_directory(const struct collector *c)
{
    const struct cdfs_record *record = &c->record;
    return cdfs_record_is_dot(record) && record->identifier.data[0] == 0 &&
           record->address == record->data_address && record->address != c->start;
}

/* What the record says of the node, for those who ask for no more. */
static status_t collect_facts(struct collector *c, struct cdfs_index_entry *entry,
                              bool associated)
{
    if (!cdfs_facts_are_whole(&c->record, &c->rock))
        return 0;
    struct cdfs_facts facts;
    cdfs_facts_make(c->cdfs, &c->record, &c->rock, &facts);
    facts.associated = associated && facts.type == NODE_FILE;
    entry->type = facts.type;
    if (!c->with_facts)
        return 0;
    struct cdfs_facts *kept = arena_take(c->index, sizeof(*kept));
    if (!kept)
        return -ENOMEM;
    *kept = facts;
    entry->facts = kept;
    return 0;
}

static status_t collect_record(struct collector *c)
{
    struct cdfs_index *index = c->index;
    unsigned before = record_follows(c);
    if (cdfs_record_is_dot(&c->record) && c->record.identifier.data[0] == 1)
        c->parent = c->record.data_address;
    if (before & DR_FLAG_MULTI_EXTENT || cdfs_record_is_dot(&c->record) ||
        c->record.flags & DR_FLAG_ASSOCIATED)
        return 0;

    c->other |= !(c->record.flags & DR_FLAG_DIRECTORY);
    status_t status = cdfs_rock_read(c->cdfs, &c->record, &c->rock);
    if (status == -ENOMEM)
        return status;
    if (status) { /* listed by its plain name, and the listing reports the error */
        c->rock.has_name = false;
        index->status = status;
    }
    if (c->rock.relocated)
        return 0; /* shown where its CL entry is */

    cdfs_name_make(c->cdfs, &c->record, &c->rock, &c->name);
    struct cdfs_index_entry *entry = entry_create(index, c->name.text, c->name.length);
    if (!entry)
        return -ENOMEM;
    entry->id = c->record.address | (vnode_id_t)c->cdfs->tree << 62;
    entry->version = (int16_t)(c->name.version > INT16_MAX ? INT16_MAX : c->name.version);
    if (!status && collect_facts(c, entry, before & DR_FLAG_ASSOCIATED))
        return -ENOMEM;

    if (index->last)
        index->last->next = entry;
    else
        index->first = entry;
    index->last = entry;
    if (++index->count < CDFS_ENTRIES_MAX)
        return 0;
    cdfs_anomaly(c->cdfs, ANOMALY_BUDGET);
    return -EUCLEAN;
}

/* Was the directory that was fetched last one of this one's neighbours? */
static bool has_neighbours(struct collector *c)
{
    uint64_t last = atomic_exchange(&c->cdfs->last_directory, c->start);
    return (last < c->start ? c->start - last : last - c->start) <= NEIGHBOURS_BYTES;
}

/* A directory is fetched in runs, the next before the scan has come to the end of the last. On most
 * discs directories lie side by side: then the first run takes in what is around it. */
static void read_ahead(struct collector *c, uint64_t address)
{
    struct cache *meta = &c->cdfs->meta;
    if (c->ahead >= c->end || c->ahead > address + AHEAD_BYTES / 2)
        return;
    uint64_t from = c->ahead;
    uint64_t to = c->end < from + AHEAD_BYTES ? c->end : from + AHEAD_BYTES;
    if (!cache_has(meta, from)) {
        if (from == c->start && has_neighbours(c)) {
            from = from / NEIGHBOURS_BYTES * NEIGHBOURS_BYTES;
            to = (to + NEIGHBOURS_BYTES - 1) / NEIGHBOURS_BYTES * NEIGHBOURS_BYTES;
        }
        cache_prefetch(meta, from, to - from);
    }
    c->ahead = to;
}

static status_t collect_records(struct collector *c, struct cdfs_scan *scan)
{
    status_t status = 0;
    int got;
    while (!status) {
        read_ahead(c, scan->address);
        if ((got = cdfs_scan_next(scan, &c->record)) <= 0)
            return got;
        if (record_begins_directory(c)) {
            cdfs_anomaly(c->cdfs, ANOMALY_OVERLAP);
            return 0;
        }
        status = thread_interrupted() ? -EINTR : collect_record(c);
    }
    return status;
}

/* Takes out the directories that were moved here and have no RE (NetBSD's makefs writes none): each
 * is shown where its CL is. Writers move them into one directory in the root, or into the root, so
 * only those are looked at, and only where they hold nothing but directories. */
static status_t drop_relocated(struct collector *c)
{
    struct cdfs_index *index = c->index;
    struct cdfs_index_entry *kept = NULL;
    status_t status = 0;
    for (struct cdfs_index_entry *entry = index->first; entry && !status; entry = entry->next) {
        bool relocated = false;
        if (entry->type == NODE_DIRECTORY && entry->facts)
            status = cdfs_is_relocated(c->cdfs, entry->facts->address, &c->record, &c->rock,
                                       &relocated);
        if (!status && thread_interrupted())
            status = -EINTR;
        if (relocated && kept)
            kept->next = entry->next;
        else if (relocated)
            index->first = entry->next;
        else
            kept = entry;
        index->count -= relocated;
    }
    index->last = kept;
    return status;
}

/* 0, -ENOMEM, or - with what could be read in the index - why the rest could not. */
static status_t collect(struct cdfs *cdfs, const struct cdfs_node *directory,
                        struct cdfs_index *index)
{
    struct collector *c = mem_alloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->cdfs = cdfs;
    c->index = index;
    c->start = c->ahead = directory->facts.address;
    c->end = c->start + directory->size_bytes;
    c->with_facts = directory->size_bytes <= page_total_count() * PAGE_BYTES / MEMORY_PARTS;
    c->before_length = c->before_flags = 0;
    c->parent = 0;
    c->other = false;
    struct cdfs_scan scan;
    cdfs_scan_begin(&scan, cdfs, c->start, c->end);
    status_t status = collect_records(c, &scan);
    index->skipped = scan.skipped;
    cdfs_scan_end(&scan);
    bool near_root = c->start == cdfs->root_address || c->parent == cdfs->root_address ||
                     c->parent == c->start; /* some writers' ".." are wrong */
    if (!status && near_root && !c->other && cdfs->tree == TREE_ROCK_RIDGE)
        status = drop_relocated(c);
    mem_free(c);
    return status;
}

/* ---- unique names ------------------------------------------------------------------------- */

static struct cdfs_index_entry **index_bucket(const struct cdfs_index *index, uint32_t hash)
{
    return &index->buckets[hash & (index->bucket_count - 1)];
}

static void index_insert(struct cdfs_index *index, struct cdfs_index_entry *entry)
{
    struct cdfs_index_entry **bucket = index_bucket(index, entry->hash);
    entry->bucket_next = *bucket;
    *bucket = entry;
}

static bool entry_is(const struct cdfs_index_entry *entry, const char *name, size_t length)
{
    return text_equal_n(entry->name, entry->length, name, length);
}

/* The entry that is shown under exactly this name. */
static struct cdfs_index_entry *index_exact(const struct cdfs_index *index, uint32_t hash,
                                            const char *name, size_t length)
{
    struct cdfs_index_entry *entry = *index_bucket(index, hash);
    while (entry && (entry->hash != hash || !entry_is(entry, name, length)))
        entry = entry->bucket_next;
    return entry;
}

/* Puts a higher version in the place of the one that was shown so far. */
static void index_replace(struct cdfs_index *index, struct cdfs_index_entry *shown,
                          struct cdfs_index_entry *higher)
{
    struct cdfs_index_entry **link = index_bucket(index, shown->hash);
    while (*link != shown)
        link = &(*link)->bucket_next;
    higher->bucket_next = shown->bucket_next;
    *link = higher;
    higher->older = shown;
    shown->hidden = true;
}

/* Gives `entry`, whose name is taken, one with a number; returns what takes its place. `number` is
 * where to go on counting. */
static struct cdfs_index_entry *entry_renamed(struct cdfs_index *index,
                                              const struct cdfs_index_entry *entry,
                                              uint32_t *number)
{
    struct cdfs_name *name = mem_alloc(sizeof(*name));
    struct cdfs_index_entry *fresh = NULL;
    while (name) {
        char suffix[12];
        *number = *number ? *number + 1 : 2;
        size_t digits = (size_t)format_text(suffix, sizeof(suffix), "~%u", *number);
        size_t stem = entry->length + digits > NAME_BYTES_MAX ? NAME_BYTES_MAX - digits
                                                              : entry->length;
        memcpy(name->text, entry->name, stem);
        memcpy(name->text + stem, suffix, digits);
        name->length = stem + digits;
        uint32_t hash = hash_folded(index, name->text, name->length);
        if (!index_exact(index, hash, name->text, name->length)) {
            fresh = entry_create(index, name->text, name->length);
            break;
        }
    }
    mem_free(name);
    if (fresh) {
        fresh->id = entry->id;
        fresh->type = entry->type;
        fresh->facts = entry->facts;
        fresh->version = entry->version;
        fresh->next = entry->next;
    }
    return fresh;
}

/* Enters an entry into the table. False when its name is taken and versions do not tell the two
 * apart. */
static bool index_enter(struct cdfs_index *index, struct cdfs_index_entry *entry)
{
    struct cdfs_index_entry *same = index_exact(index, entry->hash, entry->name, entry->length);
    if (!same) {
        index_insert(index, entry);
        return true;
    }
    if (same->version < 0 || entry->version < 0 || same->version == entry->version)
        return false;
    if (same->version < entry->version) {
        index_replace(index, same, entry);
    } else {
        entry->hidden = true;
        entry->older = same->older;
        same->older = entry;
    }
    return true;
}

/* Enters all; those that found their name taken are left out, `version` INT16_MIN marks them. */
static bool index_fill(struct cdfs_index *index)
{
    bool duplicates = false;
    for (struct cdfs_index_entry *entry = index->first; entry; entry = entry->next)
        if (!index_enter(index, entry)) {
            entry->version = INT16_MIN;
            duplicates = true;
        }
    return duplicates;
}

/* Renames what index_fill left out. The entry that keeps a name also keeps count of its numbers,
 * so that a thousand equal names cost a thousand steps. */
static status_t index_rename(struct cdfs *cdfs, struct cdfs_index *index)
{
    struct cdfs_index_entry *before = NULL;
    for (struct cdfs_index_entry *entry = index->first; entry; entry = entry->next) {
        if (entry->version == INT16_MIN) {
            struct cdfs_index_entry *owner =
                index_exact(index, entry->hash, entry->name, entry->length);
            struct cdfs_index_entry *fresh = entry_renamed(index, entry, &owner->renamed);
            if (!fresh)
                return -ENOMEM;
            fresh->version = -1;
            if (before)
                before->next = fresh;
            else
                index->first = fresh;
            index_insert(index, fresh);
            cdfs_anomaly(cdfs, ANOMALY_NAME);
            entry = fresh;
        }
        before = entry;
    }
    return 0;
}

static status_t index_build_table(struct cdfs *cdfs, struct cdfs_index *index)
{
    index->bucket_count = 16;
    while (index->bucket_count < index->count && index->bucket_count < BUCKETS_MAX)
        index->bucket_count *= 2;
    index->buckets = mem_zalloc(index->bucket_count * sizeof(*index->buckets));
    if (!index->buckets)
        return -ENOMEM;
    return index_fill(index) ? index_rename(cdfs, index) : 0;
}

/* ---- life --------------------------------------------------------------------------------- */

void cdfs_index_put(struct cdfs_index *index)
{
    if (!index || atomic_fetch_sub(&index->references, 1) != 1)
        return;
    while (index->pages) {
        struct arena_page *page = index->pages;
        index->pages = page->next;
        page_free(page);
    }
    mem_free(index->buckets);
    mem_free(index);
}

static status_t index_create(struct cdfs *cdfs, const struct cdfs_node *directory,
                             struct cdfs_index **result)
{
    struct cdfs_index *index = mem_zalloc(sizeof(*index));
    if (!index)
        return -ENOMEM;
    atomic_init(&index->references, 1);
    index->versions = cdfs->tree != TREE_ROCK_RIDGE;
    index->built_us = time_now_us();
    index->seed = hash_u64(index->built_us ^ (uint64_t)(uintptr_t)index);
    status_t status = collect(cdfs, directory, index);
    if (status)
        index->status = status;
    if (status != -ENOMEM && status != -EINTR)
        status = index_build_table(cdfs, index);
    if (status) {
        cdfs_index_put(index);
        return status;
    }
    *result = index;
    return 0;
}

/* An index that is not whole serves for a while, so that looking at each entry of a damaged
 * directory does not read the damage each time; then the disc may have become readable. */
static bool index_is_current(const struct cdfs_index *index)
{
    return index && (!index->status || time_now_us() - index->built_us < CDFS_PARTIAL_INDEX_US);
}

/* The node's index with a reference; `fresh` takes its place where it is not current. */
static struct cdfs_index *index_install(struct cdfs *cdfs, struct cdfs_node *directory,
                                        struct cdfs_index *fresh)
{
    struct cdfs_index *old = NULL;
    spin_lock(&cdfs->index_lock);
    if (fresh && !index_is_current(directory->index)) {
        old = directory->index;
        directory->index = fresh;
    }
    struct cdfs_index *index = directory->index;
    if (index && (fresh || index_is_current(index)))
        atomic_fetch_add(&index->references, 1);
    else
        index = NULL;
    spin_unlock(&cdfs->index_lock);
    cdfs_index_put(old);
    return index;
}

status_t cdfs_index_get(struct cdfs *cdfs, struct cdfs_node *directory,
                        struct cdfs_index **index)
{
    *index = index_install(cdfs, directory, NULL);
    if (*index)
        return 0;
    struct cdfs_index *fresh;
    status_t status = index_create(cdfs, directory, &fresh);
    if (status)
        return status;
    *index = index_install(cdfs, directory, fresh);
    if (*index != fresh)
        cdfs_index_put(fresh); /* another thread was first */
    return 0;
}

void cdfs_index_trim(struct cdfs *cdfs, struct cdfs_node *directory)
{
    struct cdfs_index *idle = NULL;
    if (!spin_try_lock(&cdfs->index_lock))
        return;
    if (directory->index && atomic_load(&directory->index->references) == 1) {
        idle = directory->index; /* the node's reference is the only one */
        directory->index = NULL;
    }
    spin_unlock(&cdfs->index_lock);
    cdfs_index_put(idle);
}

status_t cdfs_index_status(const struct cdfs_index *index)
{
    return index->status;
}

unsigned cdfs_index_skipped(const struct cdfs_index *index)
{
    return index->skipped;
}

const struct cdfs_index_entry *cdfs_index_next(const struct cdfs_index *index,
                                               const struct cdfs_index_entry *entry)
{
    entry = entry ? entry->next : index->first;
    while (entry && entry->hidden)
        entry = entry->next;
    return entry;
}

/* ---- finding ------------------------------------------------------------------------------ */

static const struct cdfs_index_entry *index_folded(const struct cdfs_index *index, uint32_t hash,
                                                   const char *name, size_t length)
{
    const struct cdfs_index_entry *entry = *index_bucket(index, hash);
    while (entry && (entry->hash != hash ||
                     !utf8_equal_folded(entry->name, entry->length, name, length)))
        entry = entry->bucket_next;
    return entry;
}

/* `NAME;n`: the entry of that version; `NAME.` and `NAME;1` of a name without one, too. */
static const struct cdfs_index_entry *index_version(const struct cdfs_index *index,
                                                    const char *name, size_t length)
{
    int version;
    size_t stem = cdfs_name_split(name, length, &version);
    if (!stem || stem == length)
        return NULL;
    const struct cdfs_index_entry *entry =
        index_folded(index, hash_folded(index, name, stem), name, stem);
    if (version < 0 || (entry && entry->version < 0 && version == 1))
        return entry;
    while (entry && entry->version != version)
        entry = entry->older;
    return entry;
}

/* Names are mostly looked up in the order in which the directory has them. */
static const struct cdfs_index_entry *index_expected(struct cdfs_index *index, const char *name,
                                                     size_t length)
{
    const struct cdfs_index_entry *entry =
        atomic_load_explicit(&index->expected, memory_order_relaxed);
    return entry && entry_is(entry, name, length) ? entry : NULL;
}

static const struct cdfs_index_entry *index_search(const struct cdfs_index *index,
                                                   const char *name, size_t length)
{
    uint32_t hash = hash_folded(index, name, length);
    const struct cdfs_index_entry *entry = index_exact(index, hash, name, length);
    if (!entry)
        entry = index_folded(index, hash, name, length);
    if (!entry && index->versions)
        entry = index_version(index, name, length);
    return entry;
}

const struct cdfs_index_entry *cdfs_index_entry(struct cdfs_index *index, const char *name,
                                                size_t length)
{
    const struct cdfs_index_entry *entry = index_expected(index, name, length);
    if (!entry)
        entry = index_search(index, name, length);
    if (entry)
        atomic_store_explicit(&index->expected, cdfs_index_next(index, entry),
                              memory_order_relaxed);
    return entry;
}

/*
 * collect.c - one pass over a directory's records makes its entries, in the directory's order.
 *
 * A record makes an entry unless it is "." or "..", a later section of a file, an associated file,
 * or a relocated directory, which is shown where its CL entry is. The records are decoded while
 * the next part of the directory is being read.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/index/entries.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    MEMORY_PARTS = 16,            /* larger directories than 1/16 of memory keep no attributes */
    NEIGHBOURS_BYTES = 64 * 1024, /* fetched with a directory that is near the previous one */
    AHEAD_BYTES = 128 * 1024,     /* of a large directory, fetched at a time */
};

struct collector {
    struct cdfs *cdfs;
    struct cdfs_index *index;
    uint64_t start, end;    /* of the directory */
    uint64_t ahead;         /* fetched or requested up to here */
    bool with_attributes;   /* memory has room for them */
    uint64_t parent;        /* the address in "..", 0 without one */
    bool holds_files;       /* or anything else that is not a directory */
    struct cdfs_record record;
    struct cdfs_rock rock;
    struct cdfs_name name;
    uint8_t before_id[255]; /* identifier of the previous record */
    size_t before_length;   /* 0 if there is none */
    unsigned before_flags;
};

/* ---- reading ahead ------------------------------------------------------------------------ */

/* Returns whether the directory that was fetched last is close to this one on the disc. */
static bool has_neighbours(struct collector *c)
{
    /* Two threads may interleave here: a wrong guess costs a few sectors. */
    uint64_t last = atomic_exchange(&c->cdfs->last_directory, c->start);
    return (last < c->start ? c->start - last : last - c->start) <= NEIGHBOURS_BYTES;
}

/* Fetches the directory in runs, each before the scan reaches the end of the previous one. */
static void read_ahead(struct collector *c, uint64_t address)
{
    struct cache *meta = &c->cdfs->meta;

    /* Nothing to do before half of the last run is used up. */
    if (c->ahead >= c->end || c->ahead > address + AHEAD_BYTES / 2)
        return;
    uint64_t from = c->ahead, to = min(c->end, from + AHEAD_BYTES);

    if (!cache_has(meta, from)) {
        /* On most discs all directories are together: the first run then includes those around. */
        if (from == c->start && has_neighbours(c)) {
            from = from / NEIGHBOURS_BYTES * NEIGHBOURS_BYTES;
            to = (to + NEIGHBOURS_BYTES - 1) / NEIGHBOURS_BYTES * NEIGHBOURS_BYTES;
        }
        cache_prefetch(meta, from, to - from);
    }
    c->ahead = to;
}

/* ---- one record --------------------------------------------------------------------------- */

/* Returns the flags of the previous record if it has the same identifier, else 0. With
 * DR_FLAG_MULTI_EXTENT this record is a later section of that file (9.1.6 bit 7); with
 * DR_FLAG_ASSOCIATED that file is associated with this one (bit 2). */
static unsigned flags_of_same_name(struct collector *c)
{
    const struct bytes *id = &c->record.identifier;
    bool same = c->before_length == id->length && memcmp(c->before_id, id->data, id->length) == 0;
    unsigned flags = same ? c->before_flags : 0;

    /* The previous record announced a section that is missing. */
    if (!same && c->before_flags & DR_FLAG_MULTI_EXTENT)
        cdfs_anomaly(c->cdfs, ANOMALY_SECTIONS);

    /* Remember this record for the next one. */
    memcpy(c->before_id, id->data, id->length);
    c->before_length = id->length;
    c->before_flags = c->record.flags;
    return flags;
}

/* Keeps the attributes with the entry, for callers that need nothing else of the node. */
static status_t collect_attributes(struct collector *c, struct cdfs_index_entry *entry,
                                   bool associated)
{
    struct cdfs_attributes attributes;

    /* Other records belong to the node, so only making it collects all attributes. */
    if (!cdfs_attributes_are_complete(&c->record, &c->rock))
        return 0;
    cdfs_attributes_make(c->cdfs, &c->record, &c->rock, &attributes);
    attributes.associated = associated && attributes.type == NODE_FILE;
    entry->type = attributes.type;
    if (!c->with_attributes)
        return 0;

    /* They are freed with the index. */
    struct cdfs_attributes *kept = index_allocate(c->index, sizeof(*kept));
    if (!kept)
        return -ENOMEM;
    *kept = attributes;
    entry->attributes = kept;
    return 0;
}

static status_t collect_record(struct collector *c)
{
    struct cdfs_index *index = c->index;
    unsigned before = flags_of_same_name(c);

    /* index_collect() needs the parent's address to recognise children of the root. */
    if (cdfs_record_is_parent(&c->record))
        c->parent = c->record.data_address;

    /* Parts of another entry, and the two that every directory has. */
    if (before & DR_FLAG_MULTI_EXTENT || cdfs_record_is_dot(&c->record) ||
        c->record.flags & DR_FLAG_ASSOCIATED)
        return 0;
    c->holds_files |= !(c->record.flags & DR_FLAG_DIRECTORY);

    /* A record whose continuation is unreadable is listed by its plain name, and the listing
     * reports the error. */
    status_t status = cdfs_rock_read(c->cdfs, &c->record, &c->rock);
    if (status == -ENOMEM)
        return status;
    if (status) {
        c->rock.has_name = false;
        index->status = status;
    }

    /* RE: the directory is shown where its CL entry is. */
    if (c->rock.relocated)
        return 0;

    cdfs_name_make(c->cdfs, &c->record, &c->rock, &c->name);
    struct cdfs_index_entry *entry = index_entry_create(index, c->name.text, c->name.length);
    if (!entry)
        return -ENOMEM;

    /* The record's address identifies the node, until the disc is written again. */
    entry->id = c->record.address | (vnode_id_t)c->cdfs->tree << CDFS_ID_TREE_SHIFT;
    entry->version = (int16_t)min(c->name.version, INT16_MAX);
    if (!status && collect_attributes(c, entry, before & DR_FLAG_ASSOCIATED))
        return -ENOMEM;

    /* Entries keep the order of the disc, so visiting their nodes reads it forwards. */
    if (index->last)
        index->last->next = entry;
    else
        index->first = entry;
    index->last = entry;

    /* The budget ends the listing, which then reports -EUCLEAN. */
    if (++index->count < CDFS_ENTRIES_MAX)
        return 0;
    cdfs_anomaly(c->cdfs, ANOMALY_BUDGET);
    return -EUCLEAN;
}

/* ---- all records -------------------------------------------------------------------------- */

static status_t collect_records(struct collector *c, struct cdfs_scan *scan)
{
    for (;;) {
        read_ahead(c, scan->address);
        int got = cdfs_scan_next(scan, &c->record);
        if (got <= 0)
            return got;

        /* A "." that points to itself begins another directory: this one's size is wrong. */
        if (cdfs_record_is_self(&c->record) && c->record.address == c->record.data_address &&
            c->record.address != c->start) {
            cdfs_anomaly(c->cdfs, ANOMALY_OVERLAP);
            return 0;
        }

        /* A large directory takes seconds to read, which Ctrl+C must be able to end. */
        status_t status = thread_interrupted() ? -EINTR : collect_record(c);
        if (status)
            return status;
    }
}

/* Removes the directories that were relocated here without an RE entry (NetBSD's makefs writes
 * none): each is shown where its CL entry is. */
static status_t drop_relocated(struct collector *c)
{
    struct cdfs_index *index = c->index;
    struct cdfs_index_entry *kept = NULL;
    status_t status = 0;

    for (struct cdfs_index_entry *entry = index->first; entry && !status; entry = entry->next) {
        bool relocated = false;

        /* Each directory costs a read of its first sector, so an interrupt is looked for, too. */
        if (entry->type == NODE_DIRECTORY && entry->attributes)
            status = cdfs_is_relocated(c->cdfs, entry->attributes->address, &c->record, &c->rock,
                                       &relocated);
        if (!status && thread_interrupted())
            status = -EINTR;

        /* Unlink the entry. Its memory is freed with the index. */
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

status_t index_collect(struct cdfs *cdfs, const struct cdfs_node *directory,
                       struct cdfs_index *index)
{
    struct collector *c = mem_alloc(sizeof(*c));
    if (!c)
        return -ENOMEM;

    /* The members for one record are scratch and are not set. */
    c->cdfs = cdfs;
    c->index = index;
    c->start = c->ahead = directory->attributes.address;
    c->end = c->start + directory->size_bytes;
    c->with_attributes = directory->size_bytes <= page_total_count() * PAGE_BYTES / MEMORY_PARTS;
    c->before_length = c->before_flags = 0;
    c->parent = 0;
    c->holds_files = false;

    /* After an error, the entries before it remain. */
    struct cdfs_scan scan;
    cdfs_scan_begin(&scan, cdfs, c->start, c->end);
    status_t status = collect_records(c, &scan);
    index->skipped = scan.skipped;
    cdfs_scan_end(&scan);

    /* Writers relocate into one directory in the root, or into the root itself, so only those are
     * searched, and only if they hold nothing but directories. Some writers' ".." is wrong and
     * points to the directory itself. */
    bool near_root = c->start == cdfs->root_address || c->parent == cdfs->root_address ||
                     c->parent == c->start;
    if (!status && near_root && !c->holds_files && cdfs->tree == TREE_ROCK_RIDGE)
        status = drop_relocated(c);
    mem_free(c);
    return status;
}

/*
 * table.c - the hash table over an index's folded names, whose names it makes unique.
 *
 * Each visible entry is in the bucket of its hash. Lower versions of a name are chained to the
 * entry of the highest (`older`), in no particular order.
 */
#include "fs/cdfs/index/entries.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"

enum {
    BUCKETS_MIN = 16,
    BUCKETS_MAX = 1 << 18,
    VERSION_TAKEN = INT16_MIN, /* marks an entry whose name is taken, until it is renamed */
};

static struct cdfs_index_entry **bucket_of(const struct cdfs_index *index, uint32_t hash)
{
    return &index->buckets[hash & (index->bucket_count - 1)];
}

/* Returns the visible entry of exactly this name, or NULL. */
static struct cdfs_index_entry *find_exact(const struct cdfs_index *index, uint32_t hash,
                                           const char *name, size_t length)
{
    struct cdfs_index_entry *entry = *bucket_of(index, hash);
    while (entry &&
           (entry->hash != hash || !text_equal_n(entry->name, entry->length, name, length)))
        entry = entry->bucket_next;
    return entry;
}

/* ---- unique names ------------------------------------------------------------------------- */

static void insert(struct cdfs_index *index, struct cdfs_index_entry *entry)
{
    struct cdfs_index_entry **bucket = bucket_of(index, entry->hash);
    entry->bucket_next = *bucket;
    *bucket = entry;
}

/* Puts a higher version in the place of the one that was visible so far. */
static void replace(struct cdfs_index *index, struct cdfs_index_entry *shown,
                    struct cdfs_index_entry *higher)
{
    /* Buckets are singly linked, so search for the link that leads to the entry. */
    struct cdfs_index_entry **link = bucket_of(index, shown->hash);
    while (*link != shown)
        link = &(*link)->bucket_next;
    higher->bucket_next = shown->bucket_next;
    *link = higher;
    higher->older = shown;
    shown->hidden = true;
}

/* Inserts an entry. Returns false if its name is taken by an entry without another version. */
static bool insert_unless_taken(struct cdfs_index *index, struct cdfs_index_entry *entry)
{
    struct cdfs_index_entry *same = find_exact(index, entry->hash, entry->name, entry->length);
    if (!same) {
        insert(index, entry);
        return true;
    }

    /* Two names without versions, or with equal ones, are not versions of one file. */
    if (same->version < 0 || entry->version < 0 || same->version == entry->version)
        return false;

    /* The highest version is visible, and the others hang on it. */
    if (same->version < entry->version) {
        replace(index, same, entry);
    } else {
        entry->hidden = true;
        entry->older = same->older;
        same->older = entry;
    }
    return true;
}

/* Returns a copy of `entry` named with the next free number after *number, which it updates. NULL
 * if memory is exhausted. */
static struct cdfs_index_entry *copy_renamed(struct cdfs_index *index,
                                             const struct cdfs_index_entry *entry,
                                             uint32_t *number)
{
    struct cdfs_name *name = mem_alloc(sizeof(*name));
    struct cdfs_index_entry *copy = NULL;

    while (name) {
        /* The first duplicate is number 2. A long name is cut to make room for the suffix. */
        char suffix[12];
        *number = *number ? *number + 1 : 2;
        size_t digits = (size_t)format_text(suffix, sizeof(suffix), "~%u", *number);
        size_t stem = min(entry->length, NAME_BYTES_MAX - digits);
        memcpy(name->text, entry->name, stem);
        memcpy(name->text + stem, suffix, digits);
        name->length = stem + digits;

        /* The disc may hold a name that ends in ~2 itself. */
        uint32_t hash = index_hash(index, name->text, name->length);
        if (!find_exact(index, hash, name->text, name->length)) {
            copy = index_entry_create(index, name->text, name->length);
            break;
        }
    }
    mem_free(name);

    /* The copy takes the place of `entry`, whose memory is freed with the index. */
    if (copy) {
        copy->id = entry->id;
        copy->type = entry->type;
        copy->attributes = entry->attributes;
        copy->version = -1;
        copy->next = entry->next;
    }
    return copy;
}

/* Replaces each entry that is marked VERSION_TAKEN by a renamed copy. The entry that keeps a name
 * also keeps the number given last, so that a thousand equal names take a thousand steps. */
static status_t rename_taken(struct cdfs *cdfs, struct cdfs_index *index)
{
    struct cdfs_index_entry *before = NULL;

    for (struct cdfs_index_entry *entry = index->first; entry; entry = entry->next) {
        if (entry->version == VERSION_TAKEN) {
            /* The owner exists: this entry was marked because it was found. */
            struct cdfs_index_entry *owner =
                find_exact(index, entry->hash, entry->name, entry->length);
            struct cdfs_index_entry *copy = copy_renamed(index, entry, &owner->renamed);
            if (!copy)
                return -ENOMEM;

            /* In the list, the copy takes the entry's place. */
            if (before)
                before->next = copy;
            else
                index->first = copy;
            insert(index, copy);
            cdfs_anomaly(cdfs, ANOMALY_NAME);
            entry = copy;
        }
        before = entry;
    }
    return 0;
}

status_t index_build_table(struct cdfs *cdfs, struct cdfs_index *index)
{
    /* A power of two, as bucket_of() needs it, with about one entry in each bucket. */
    index->bucket_count = BUCKETS_MIN;
    while (index->bucket_count < index->count && index->bucket_count < BUCKETS_MAX)
        index->bucket_count *= 2;
    index->buckets = mem_zalloc(index->bucket_count * sizeof(*index->buckets));
    if (!index->buckets)
        return -ENOMEM;

    /* All names of the disc are inserted before any is invented, so that a record named A~2 keeps
     * its name. */
    bool duplicates = false;
    for (struct cdfs_index_entry *entry = index->first; entry; entry = entry->next)
        if (!insert_unless_taken(index, entry)) {
            entry->version = VERSION_TAKEN;
            duplicates = true;
        }
    return duplicates ? rename_taken(cdfs, index) : 0;
}

/* ---- finding ------------------------------------------------------------------------------ */

static const struct cdfs_index_entry *find_folded(const struct cdfs_index *index, uint32_t hash,
                                                  const char *name, size_t length)
{
    const struct cdfs_index_entry *entry = *bucket_of(index, hash);
    while (entry && (entry->hash != hash ||
                     !utf8_equal_folded(entry->name, entry->length, name, length)))
        entry = entry->bucket_next;
    return entry;
}

/* Returns the entry of exactly this name, else one that differs only in case, if the mount allows
 * that. */
static const struct cdfs_index_entry *find_any_case(const struct cdfs_index *index, uint32_t hash,
                                                    const char *name, size_t length)
{
    const struct cdfs_index_entry *entry = find_exact(index, hash, name, length);
    return entry || index->exact_case ? entry : find_folded(index, hash, name, length);
}

/* Returns the entry of `NAME;n`; also of `NAME.`, and of `NAME;1` if the name has no version. */
static const struct cdfs_index_entry *find_version(const struct cdfs_index *index,
                                                   const char *name, size_t length)
{
    int version;
    size_t stem = cdfs_name_split(name, length, &version);

    /* There is neither `;n` nor a trailing dot, so the search for the whole name was enough. */
    if (!stem || stem == length)
        return NULL;

    const struct cdfs_index_entry *entry =
        find_any_case(index, index_hash(index, name, stem), name, stem);

    /* `NAME.` is the visible entry; so is `NAME;1` if the name has no version. Other versions hang
     * on the visible one. */
    if (version < 0 || (entry && entry->version < 0 && version == 1))
        return entry;
    while (entry && entry->version != version)
        entry = entry->older;
    return entry;
}

const struct cdfs_index_entry *index_search(const struct cdfs_index *index, const char *name,
                                            size_t length)
{
    const struct cdfs_index_entry *entry =
        find_any_case(index, index_hash(index, name, length), name, length);

    /* Names come before versions. */
    if (!entry && index->versions)
        entry = find_version(index, name, length);
    return entry;
}

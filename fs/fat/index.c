/*
 * index.c - a directory's records by name: read once, then found by a hash of the folded name.
 *
 * An entry is in two tables: by its name, and by its short name where that differs. Names are found
 * in any case, because no two names of a FAT directory differ in case only. If they do on a damaged
 * volume, the later one gets a number: NAME~2.
 */
#include "fs/fat/fat.h"
#include "lib/format.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/utf8.h"

enum {
    BUCKETS_MIN = 32,
    BUCKETS_MAX = 8192,
    PIECE_BYTES = 512,
    NUMBER_BYTES = 12, /* "~" and a number */
};

struct fat_index {
    _Atomic unsigned references;
    struct fat_entry *first, **last;
    struct fat_entry **by_name, **by_short;
    size_t count, buckets;
    uint64_t seed;      /* of the hashes, so that a volume cannot choose names that collide */
    status_t status;    /* why the rest is missing */
    unsigned skipped;
};

static void index_free(struct fat_index *index)
{
    for (struct fat_entry *entry = index->first, *next; entry; entry = next) {
        next = entry->next;
        mem_free(entry);
    }
    mem_free(index->by_name);
    mem_free(index->by_short);
    mem_free(index);
}

/* ---- names -------------------------------------------------------------------------------- */

static size_t bucket_of(const struct fat_index *index, const char *name, size_t length)
{
    return utf8_hash_folded(name, length, index->seed) & (index->buckets - 1);
}

static struct fat_entry *find_name(const struct fat_index *index, const char *name, size_t length)
{
    struct fat_entry *entry = index->by_name[bucket_of(index, name, length)];
    while (entry && !utf8_equal_folded(entry->name, entry->length, name, length))
        entry = entry->by_name;
    return entry;
}

static struct fat_entry *find_short(const struct fat_index *index, const char *name,
                                    size_t length)
{
    struct fat_entry *entry = index->by_short[bucket_of(index, name, length)];
    while (entry && !utf8_equal_folded(entry->short_name, entry->short_length, name, length))
        entry = entry->by_short;
    return entry;
}

const struct fat_entry *fat_index_find(const struct fat_index *index, const char *name,
                                       size_t length)
{
    const struct fat_entry *entry = find_name(index, name, length);
    return entry ? entry : find_short(index, name, length);
}

/* Makes an entry's name unique by a number. There is room for it. */
static void make_unique(struct fat *fat, struct fat_index *index, struct fat_entry *entry)
{
    size_t stem = entry->length;
    for (unsigned number = 2; find_name(index, entry->name, entry->length); number++)
        entry->length = (uint16_t)(stem + (size_t)format_text(entry->name + stem, NUMBER_BYTES,
                                                              "~%u", number));
    if (entry->length != stem)
        fat_count(fat, FAT_ANOMALY_NAME);
}

/* Enters all entries into the tables, in the order of the directory. */
static status_t index_hash(struct fat *fat, struct fat_index *index)
{
    index->buckets = BUCKETS_MIN;
    while (index->buckets < index->count && index->buckets < BUCKETS_MAX)
        index->buckets *= 2;
    index->by_name = mem_zalloc(index->buckets * sizeof(*index->by_name));
    index->by_short = mem_zalloc(index->buckets * sizeof(*index->by_short));
    if (!index->by_name || !index->by_short)
        return -ENOMEM;

    for (struct fat_entry *entry = index->first; entry; entry = entry->next) {
        make_unique(fat, index, entry);
        size_t bucket = bucket_of(index, entry->name, entry->length);
        entry->by_name = index->by_name[bucket];
        index->by_name[bucket] = entry;
        if (!entry->short_length)
            continue;
        bucket = bucket_of(index, entry->short_name, entry->short_length);
        entry->by_short = index->by_short[bucket];
        index->by_short[bucket] = entry;
    }
    return 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* A directory while it is read. */
struct reading {
    struct fat *fat;
    struct fat_index *index;
    struct fat_long_name long_name;
    char text[FAT_NAME_BYTES_MAX + 1], short_text[FAT_SHORT_BYTES * 3 * 2];
    bool ended;
};

static status_t take_node(struct reading *r, struct bytes record, uint64_t address)
{
    size_t short_length = fat_record_name(r->fat, record, r->short_text);
    size_t length = fat_long_name_end(r->fat, &r->long_name, record, r->text);
    bool has_long = length != 0;
    if (!has_long) {
        length = short_length;
        memcpy(r->text, r->short_text, length + 1);
    }

    struct fat_entry *entry = mem_alloc(sizeof(*entry) + length + NUMBER_BYTES);
    if (!entry)
        return -ENOMEM;
    *entry = (struct fat_entry){ .id = address, .length = (uint16_t)length };
    fat_record_attributes(r->fat, record, &entry->attributes);
    memcpy(entry->name, r->text, length + 1);

    /* The alias of a long name. It is left out where it says the same. */
    if (has_long && short_length < sizeof(entry->short_name) &&
        !utf8_equal_folded(r->text, length, r->short_text, short_length)) {
        entry->short_length = (uint8_t)short_length;
        memcpy(entry->short_name, r->short_text, short_length + 1);
    }
    *r->index->last = entry;
    r->index->last = &entry->next;
    r->index->count++;
    return 0;
}

static status_t take_record(struct reading *r, struct bytes record, uint64_t address)
{
    enum fat_record_kind kind = fat_record_kind(record);
    switch (kind) {
    case FAT_RECORD_END:
        r->ended = true;
        return 0;
    case FAT_RECORD_LONG:
        if (!fat_long_name_take(&r->long_name, record))
            fat_count(r->fat, FAT_ANOMALY_LONG_NAME);
        return 0;
    case FAT_RECORD_NODE:
        return take_node(r, record, address);
    case FAT_RECORD_INVALID:
        fat_count(r->fat, FAT_ANOMALY_RECORD);
        r->index->skipped++;
        break;
    default: break;
    }

    /* A long name belongs to the record right after it. */
    if (r->long_name.parts)
        fat_count(r->fat, FAT_ANOMALY_LONG_NAME);
    r->long_name.parts = 0;
    return 0;
}

static status_t read_run(struct reading *r, const struct fat_run *run)
{
    uint8_t piece[PIECE_BYTES];
    status_t status = 0;
    for (uint64_t at = 0; !status && !r->ended && at < run->length_bytes;) {
        size_t bytes = (size_t)min(run->length_bytes - at, (uint64_t)sizeof(piece));
        status = thread_interrupted() ? -EINTR : fat_read(r->fat, run->address + at, piece, bytes);
        struct bytes records = { piece, bytes };
        for (size_t i = 0; !status && !r->ended && i + FAT_RECORD_BYTES <= bytes;
             i += FAT_RECORD_BYTES)
            status = take_record(r, bytes_slice(records, i, FAT_RECORD_BYTES),
                                 run->address + at + i);
        at += bytes;
    }
    return status;
}

static status_t index_read(struct fat *fat, const struct fat_runs *runs, struct fat_index *index)
{
    struct reading *r = mem_zalloc(sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->fat = fat;
    r->index = index;

    status_t status = 0;
    for (size_t i = 0; !status && !r->ended && i < runs->count; i++)
        status = read_run(r, &runs->runs[i]);
    mem_free(r);

    /* After an error of the medium the index serves what could be read. Without memory, or after an
     * interrupt, nothing is kept: the next look-up tries again. */
    if (status == -ENOMEM || status == -EINTR)
        return status;
    index->status = status;
    return index_hash(fat, index);
}

static status_t index_create(struct fat *fat, struct fat_node *directory,
                             struct fat_index **result)
{
    status_t status = fat_node_read_chain(fat, directory);
    struct fat_index *index = status ? NULL : mem_zalloc(sizeof(*index));
    if (!index)
        return status ? status : -ENOMEM;

    atomic_init(&index->references, 1);
    index->last = &index->first;
    index->seed = hash_u64(time_now_us() ^ (uint64_t)(uintptr_t)index);
    status = index_read(fat, directory->runs, index);
    if (status)
        index_free(index);
    else
        *result = index;
    return status;
}

/* ---- references --------------------------------------------------------------------------- */

void fat_index_put(struct fat *fat, struct fat_index *index)
{
    (void)fat;
    if (index && atomic_fetch_sub(&index->references, 1) == 1)
        index_free(index);
}

/* Returns a reference to the index that the directory has, or NULL. */
static struct fat_index *index_of(struct fat *fat, struct fat_node *directory)
{
    spin_lock(&fat->lock);
    struct fat_index *index = directory->index;
    if (index)
        atomic_fetch_add(&index->references, 1);
    spin_unlock(&fat->lock);
    return index;
}

status_t fat_index_get(struct fat *fat, struct fat_node *directory, struct fat_index **index)
{
    *index = index_of(fat, directory);
    if (*index)
        return 0;

    struct fat_index *made, *extra = NULL;
    status_t status = index_create(fat, directory, &made);
    if (status)
        return status;

    /* Another thread may have been faster: the directory keeps one index, with a reference. */
    spin_lock(&fat->lock);
    if (directory->index) {
        extra = made;
        made = directory->index;
    } else {
        directory->index = made;
    }
    atomic_fetch_add(&made->references, 1);
    spin_unlock(&fat->lock);
    fat_index_put(fat, extra);
    *index = made;
    return 0;
}

void fat_index_trim(struct fat *fat, struct fat_node *directory)
{
    struct fat_index *idle = NULL;
    if (!spin_try_lock(&fat->lock))
        return;
    if (directory->index && atomic_load(&directory->index->references) == 1) {
        idle = directory->index;
        directory->index = NULL;
    }
    spin_unlock(&fat->lock);
    fat_index_put(fat, idle);
}

const struct fat_entry *fat_index_first(const struct fat_index *index)
{
    return index->first;
}

status_t fat_index_status(const struct fat_index *index)
{
    return index->status;
}

unsigned fat_index_skipped(const struct fat_index *index)
{
    return index->skipped;
}

/*
 * index.c - reads a directory's records into an index of names.
 */
#include "fs/fat/fat.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/utf8.h"

enum { PIECE_BYTES = 512 };

/* A directory while it is read. */
struct reading {
    struct fat *fat;
    struct name_index *index; /* NULL: the names of one set are wanted */
    struct fat_set set;
    struct fat_long_name long_name;
    uint32_t slot, first_long; /* records so far; where the long name began */
    unsigned skipped;
    bool ended;
};

/* Decodes the names of a node. The short name is the alias of a long one, unless it says the
 * same. */
static void set_decode(struct reading *r, struct bytes record, uint64_t address)
{
    struct fat_set *set = &r->set;
    bool has_long = r->long_name.parts && !r->long_name.missing;
    fat_record_attributes(r->fat, record, &set->details.attributes);
    size_t short_length = fat_record_name(r->fat, record, set->short_text);
    size_t length = fat_long_name_end(r->fat, &r->long_name, record, set->text);

    set->entry = (struct name_entry){ .id = address, .details = &set->details };
    set->entry.name = length ? set->text : set->short_text;
    set->entry.name_bytes = (uint16_t)(length ? length : short_length);
    if (length && !utf8_equal_folded(set->text, length, set->short_text, short_length)) {
        set->entry.alias = set->short_text;
        set->entry.alias_bytes = (uint16_t)short_length;
    }

    /* The parts of a long name are removed with the record that they belong to. */
    set->details.slot = has_long && length ? r->first_long : r->slot;
    set->details.count = r->slot - set->details.slot + 1;
}

static status_t take_record(struct reading *r, struct bytes record, uint64_t address)
{
    bool had_long = r->long_name.parts;
    switch (fat_record_kind(record)) {
    case FAT_RECORD_END:
        r->ended = true;
        return 0;
    case FAT_RECORD_LONG:
        if (!fat_long_name_take(&r->long_name, record))
            fat_count(r->fat, FAT_ANOMALY_LONG_NAME);
        if (r->long_name.parts == r->long_name.missing + 1)
            r->first_long = r->slot;
        return 0;
    case FAT_RECORD_NODE:
        set_decode(r, record, address);
        return r->index ? name_index_add(r->index, &r->set.entry) : 0;
    case FAT_RECORD_INVALID:
        fat_count(r->fat, FAT_ANOMALY_RECORD);
        r->skipped++;
        break;
    default: break;
    }

    /* A long name belongs to the record right after it. */
    if (had_long)
        fat_count(r->fat, FAT_ANOMALY_LONG_NAME);
    r->long_name.parts = 0;
    return 0;
}

static status_t read_run(struct reading *r, const struct run *run)
{
    uint8_t piece[PIECE_BYTES];
    status_t status = 0;
    for (uint64_t at = 0; !status && !r->ended && at < run->length_bytes;) {
        size_t bytes = (size_t)min(run->length_bytes - at, (uint64_t)sizeof(piece));
        status = thread_interrupted() ? -EINTR : fat_read(r->fat, run->address + at, piece, bytes);
        struct bytes records = { piece, bytes };
        for (size_t i = 0; !status && !r->ended && i + FAT_RECORD_BYTES <= bytes;
             i += FAT_RECORD_BYTES, r->slot++)
            status = take_record(r, bytes_slice(records, i, FAT_RECORD_BYTES),
                                 run->address + at + i);
        at += bytes;
    }
    return status;
}

/* Copies the n-th run of a node; false past the last. The list may be replaced meanwhile. */
bool fat_node_run(struct fat *fat, const struct fat_node *node, size_t n, struct run *run)
{
    spin_lock(&fat->lock);
    bool exists = n < node->runs.count;
    if (exists)
        *run = node->runs.list[n];
    spin_unlock(&fat->lock);
    return exists;
}

static status_t index_read(struct fsd *fsd, void *directory, struct name_index *index)
{
    struct fat *fat = fat_of(fsd);
    struct run run;
    status_t status = fat_node_read_chain(fat, directory);
    if (status)
        return status;

    /* On the heap: names and records together are too large for a stack. */
    struct reading *r = mem_zalloc(sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->fat = fat;
    r->index = index;

    for (size_t i = 0; !status && !r->ended && fat_node_run(fat, directory, i, &run); i++)
        status = read_run(r, &run);
    unsigned skipped = r->skipped;
    mem_free(r);

    /* After an error of the medium the index serves what could be read. Without memory, or after an
     * interrupt, nothing is kept: the next look-up tries again. */
    if (status == -ENOMEM || status == -EINTR)
        return status;
    for (unsigned renamed = name_index_complete(index, status, skipped); renamed; renamed--)
        fat_count(fat, FAT_ANOMALY_NAME);
    return 0;
}

status_t fat_set_read(struct fat *fat, const struct fat_node *directory, uint32_t slot,
                      uint32_t count, struct fat_set *set)
{
    uint8_t record[FAT_RECORD_BYTES];
    struct reading *r = mem_zalloc(sizeof(*r));
    status_t status = r ? 0 : -ENOMEM;
    for (uint32_t i = 0; !status && i < count; i++) {
        uint64_t address = fat_slot_address(directory, slot + i);
        r->fat = fat;
        r->slot = slot + i;
        status = fat_read(fat, address, record, sizeof(record));
        if (!status)
            status = take_record(r, (struct bytes){ record, sizeof(record) }, address);
    }
    if (!status && !r->set.entry.name)
        status = -EUCLEAN;

    /* The texts are inside, so the pointers to them move with it. */
    if (!status) {
        *set = r->set;
        set->entry.details = &set->details;
        set->entry.name = r->set.entry.name == r->set.text ? set->text : set->short_text;
        set->entry.alias = r->set.entry.alias ? set->short_text : NULL;
    }
    mem_free(r);
    return status;
}

/* Windows ignores dots and blanks at the end of a name. */
static const struct name_format fat_names = {
    .details_bytes = sizeof(struct fat_details),
    .read = index_read,
    .info = fat_entry_info,
    .trims = true,
};

status_t fat_index_get(struct fat *fat, struct fat_node *directory, struct name_index **index)
{
    return name_index_get(&fat_names, &fat->fsd, &fat->lock, &directory->index, directory, index);
}

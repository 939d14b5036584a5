/*
 * index.c - reads a directory's records into an index of names.
 */
#include "fs/fat/fat.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/utf8.h"

enum { PIECE_BYTES = 512 };

static status_t entry_info(struct fsd *fsd, vnode_id_t id, const void *details, unsigned levels,
                           struct node_info *info)
{
    (void)fsd, (void)levels;
    fat_attributes_info(details, id, info);
    return 0;
}

/* A directory while it is read. */
struct reading {
    struct fat *fat;
    struct name_index *index;
    struct fat_long_name long_name;
    char text[FAT_NAME_BYTES_MAX + 1], short_text[FAT_SHORT_BYTES * 3 * 2];
    unsigned skipped;
    bool ended;
};

static status_t take_node(struct reading *r, struct bytes record, uint64_t address)
{
    struct fat_attributes attributes;
    fat_record_attributes(r->fat, record, &attributes);
    size_t short_length = fat_record_name(r->fat, record, r->short_text);
    size_t length = fat_long_name_end(r->fat, &r->long_name, record, r->text);
    struct name_entry entry = { .id = address, .details = &attributes };

    /* The short name is the alias of a long one, unless it says the same. */
    entry.name = length ? r->text : r->short_text;
    entry.name_bytes = (uint16_t)(length ? length : short_length);
    if (length && !utf8_equal_folded(r->text, length, r->short_text, short_length)) {
        entry.alias = r->short_text;
        entry.alias_bytes = (uint16_t)short_length;
    }
    return name_index_add(r->index, &entry);
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
        r->skipped++;
        break;
    default: break;
    }

    /* A long name belongs to the record right after it. */
    if (r->long_name.parts)
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
             i += FAT_RECORD_BYTES)
            status = take_record(r, bytes_slice(records, i, FAT_RECORD_BYTES),
                                 run->address + at + i);
        at += bytes;
    }
    return status;
}

static status_t index_read(struct fsd *fsd, void *directory, struct name_index *index)
{
    struct fat *fat = fat_of(fsd);
    struct fat_node *node = directory;
    status_t status = fat_node_read_chain(fat, node);
    if (status)
        return status;

    struct reading *r = mem_zalloc(sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->fat = fat;
    r->index = index;

    for (size_t i = 0; !status && !r->ended && i < node->runs.count; i++)
        status = read_run(r, &node->runs.list[i]);
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

/* Windows ignores dots and blanks at the end of a name. */
static const struct name_format fat_names = {
    .details_bytes = sizeof(struct fat_attributes),
    .read = index_read,
    .info = entry_info,
    .trims = true,
};

status_t fat_index_get(struct fat *fat, struct fat_node *directory, struct name_index **index)
{
    return name_index_get(&fat_names, &fat->fsd, &fat->lock, &directory->index, directory, index);
}

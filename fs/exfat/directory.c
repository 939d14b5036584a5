/*
 * directory.c - reads a directory's sets into an index of names; look-up and listing through it.
 */
#include "fs/exfat/exfat.h"
#include "kernel/vfs/layout/attributes.h"
#include "lib/macros.h"
#include "lib/string.h"

void exfat_attributes_info(const struct exfat_attributes *attributes, vnode_id_t id,
                           struct node_info *info)
{
    /* A directory's size is that of its clusters, which users do not expect: 0. */
    bool directory = attributes->attributes & EXFAT_DIRECTORY;
    *info = (struct node_info){
        .known = INFO_DIRENT | INFO_STANDARD | INFO_TIMES | INFO_ALIAS,
        .id = id,
        .size_bytes = directory ? 0 : attributes->size_bytes,
        .has_modified = attributes->has_modified,
        .modified_s = attributes->modified_s,
        .has_created = attributes->has_created,
        .created_s = attributes->created_s,
        .has_accessed = attributes->has_accessed,
        .accessed_s = attributes->accessed_s,
        /* Two directories that begin in one cluster have the same content. */
        .alias = directory && attributes->cluster ? attributes->cluster : id,
    };
    layout_attributes_info(attributes->attributes, info);
}

static status_t entry_info(struct fsd *fsd, vnode_id_t id, const void *details, unsigned levels,
                           struct node_info *info)
{
    struct exfat *exfat = exfat_of(fsd);
    struct exfat_attributes attributes;
    struct exfat_place place;
    exfat_attributes_info(details, id, info);

    /* Files change their sets without their directory, and themselves before their sets. After an
     * error, and for a directory, the details are as good: its type and cluster do not change. */
    if (!(levels & ~(unsigned)INFO_DIRENT) || !atomic_load(&exfat->changes) ||
        vnode_loaded_info(fsd, id, levels, info))
        return 0;
    status_t status = exfat_set_load(exfat, id, &attributes, &place);
    if (!status)
        exfat_attributes_info(&attributes, id, info);
    return status == -ENOENT ? status : 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

enum { PIECE_BYTES = 512 };

/* A directory while it is read. A set may begin in one cluster and end in another. */
struct reading {
    struct exfat *exfat;
    struct name_index *index;
    bool root; /* and what only it contains is not known yet */
    uint8_t set[EXFAT_SET_ENTRIES_MAX * EXFAT_ENTRY_BYTES];
    unsigned entries, missing; /* of the set; missing: entries that still have to come */
    uint64_t address;          /* of the set's first entry */
    char name[EXFAT_NAME_BYTES_MAX + 1];
    unsigned skipped;
    bool ended;
};

static void drop_set(struct reading *r)
{
    exfat_count(r->exfat, EXFAT_ANOMALY_SET);
    r->skipped++;
    r->missing = 0;
}

static status_t take_set(struct reading *r)
{
    struct bytes set = { r->set, r->entries * (size_t)EXFAT_ENTRY_BYTES };
    struct exfat_attributes attributes;
    size_t length;

    /* One invalid set costs one file, not the directory: the entries after it are read on. */
    if (!exfat_set_decode(r->exfat, set, &attributes, r->name, &length)) {
        drop_set(r);
        return 0;
    }

    /* The address of the set is its id: it identifies the file without its directory. */
    struct name_entry entry = {
        .id = r->address,
        .details = &attributes,
        .name = r->name,
        .name_bytes = (uint16_t)length,
    };
    return name_index_add(r->index, &entry);
}

/* Begins a set with its file entry. */
static void begin_set(struct reading *r, struct bytes entry, uint64_t address)
{
    unsigned secondaries = exfat_set_secondaries(entry);
    memcpy(r->set, entry.data, EXFAT_ENTRY_BYTES);
    r->entries = 1;
    r->missing = secondaries;
    r->address = address;

    /* At least a stream extension and one part of the name, and no more than the buffer has room
     * for. The entries of a set that is dropped here are skipped as strays. */
    if (secondaries < 2 || secondaries >= EXFAT_SET_ENTRIES_MAX)
        drop_set(r);
}

/* What only the root directory contains. */
static void take_primary(struct reading *r, struct bytes entry)
{
    uint8_t type = bytes_u8(entry, 0);

    /* Elsewhere they are ignored, so that a subdirectory cannot replace the bitmap or the label. */
    if (r->root && type == EXFAT_ENTRY_BITMAP)
        exfat_bitmap_decode(entry, &r->exfat->bitmap);
    else if (r->root && type == EXFAT_ENTRY_UPCASE)
        exfat_upcase_decode(entry, &r->exfat->upcase_place, &r->exfat->upcase_checksum);
    else if (r->root && type == EXFAT_ENTRY_LABEL)
        exfat_label_decode(r->exfat, entry);
}

static status_t take_entry(struct reading *r, struct bytes entry, uint64_t address)
{
    uint8_t type = bytes_u8(entry, 0);
    bool secondary = type & EXFAT_ENTRY_USED && type & EXFAT_ENTRY_SECONDARY;

    /* A set that still misses entries ends at any other kind of entry. */
    if (r->missing && !secondary)
        drop_set(r);
    if (type == EXFAT_ENTRY_END) {
        r->ended = true;
    } else if (type == EXFAT_ENTRY_FILE) {
        begin_set(r, entry, address);
    } else if (secondary && r->missing) {
        /* begin_set() has bounded how many are missing, so the buffer has room. */
        memcpy(r->set + r->entries++ * (size_t)EXFAT_ENTRY_BYTES, entry.data, EXFAT_ENTRY_BYTES);
        return --r->missing ? 0 : take_set(r);
    } else if (type & EXFAT_ENTRY_USED && !secondary) {
        take_primary(r, entry);
    }
    return 0;
}

static status_t read_run(struct reading *r, const struct run *run)
{
    /* Read in pieces that fit a kernel stack. Clusters are multiples of 512 bytes, so a piece
     * never ends in the middle of an entry. */
    uint8_t piece[PIECE_BYTES];
    status_t status = 0;
    for (uint64_t at = 0; !status && !r->ended && at < run->length_bytes; at += sizeof(piece)) {
        status = thread_interrupted() ? -EINTR
                                      : exfat_read(r->exfat, run->address + at, piece,
                                                   sizeof(piece));
        struct bytes entries = { piece, sizeof(piece) };
        for (size_t i = 0; !status && !r->ended && i < sizeof(piece); i += EXFAT_ENTRY_BYTES)
            status = take_entry(r, bytes_slice(entries, i, EXFAT_ENTRY_BYTES),
                                run->address + at + i);
    }
    return status;
}

static status_t index_read(struct fsd *fsd, void *directory, struct name_index *index)
{
    struct exfat *exfat = exfat_of(fsd);
    struct exfat_node *node = directory;
    status_t status = exfat_node_read_chain(exfat, node);
    if (status)
        return status;

    /* On the heap: a set and a name together are too large for a stack. */
    struct reading *r = mem_zalloc(sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->exfat = exfat;
    r->index = index;
    r->root = node->root && !exfat->located;

    for (size_t i = 0; !status && !r->ended && i < node->runs.count; i++)
        status = read_run(r, &node->runs.list[i]);

    /* The directory ended, or could not be read further, within a set. */
    if (r->missing)
        drop_set(r);
    unsigned skipped = r->skipped;
    mem_free(r);

    /* After an error of the medium the index serves what could be read. Without memory, or after an
     * interrupt, nothing is kept: the next look-up tries again. */
    if (status == -ENOMEM || status == -EINTR)
        return status;
    for (unsigned renamed = name_index_complete(index, status, skipped); renamed; renamed--)
        exfat_count(exfat, EXFAT_ANOMALY_NAME);
    return 0;
}

static const struct name_format exfat_names = {
    .details_bytes = sizeof(struct exfat_attributes),
    .read = index_read,
    .info = entry_info,
};

status_t exfat_index_get(struct exfat *exfat, struct exfat_node *directory,
                         struct name_index **index)
{
    return name_index_get(&exfat_names, &exfat->fsd, &exfat->lock, &directory->index, directory,
                          index);
}

/* ---- slots -------------------------------------------------------------------------------- */

status_t exfat_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id)
{
    struct name_index *index;
    status_t status = exfat_index_get(exfat_of(fsd), directory->private_data, &index);
    return status ? status : name_index_lookup(index, element, id);
}

status_t exfat_get_child_info(struct fsd *fsd, struct vnode *directory, struct element element,
                              unsigned levels, struct node_info *info)
{
    struct name_index *index;
    status_t status = exfat_index_get(exfat_of(fsd), directory->private_data, &index);
    return status ? status : name_index_child_info(index, element, levels, info);
}

size_t exfat_actual_name(struct fsd *fsd, struct vnode *directory, struct element element,
                         char *name)
{
    struct name_index *index;
    if (exfat_index_get(exfat_of(fsd), directory->private_data, &index))
        return 0;
    return name_index_actual_name(index, element, name);
}

status_t exfat_open_dir(struct fsd *fsd, struct vnode *directory, void **cursor)
{
    struct name_index *index;
    status_t status = exfat_index_get(exfat_of(fsd), directory->private_data, &index);
    return status ? status : name_index_open_dir(index, cursor);
}

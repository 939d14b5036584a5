/*
 * attributes.c - what a directory record says about its node, without reading another record.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/string.h"

/* POSIX's file types, which RRIP 4.1.1 stores in the mode. */
enum {
    MODE_TYPE = 0170000,
    MODE_REGULAR = 0100000,
    MODE_DIRECTORY = 0040000,
    MODE_LINK = 0120000,
};

/* The record's directory flag decides; for all others SL, then the mode. */
static enum node_type type_of(const struct cdfs_record *record, const struct cdfs_rock *rock)
{
    uint32_t mode = rock->has_mode ? rock->mode & MODE_TYPE : 0;

    /* POSIX's types that are neither files, directories nor links have no content to read. A mode
     * of a directory without the flag belongs to a record with CL. */
    if (record->flags & DR_FLAG_DIRECTORY)
        return NODE_DIRECTORY;
    if (rock->has_link || mode == MODE_LINK)
        return NODE_LINK;
    return !mode || mode == MODE_REGULAR || mode == MODE_DIRECTORY ? NODE_FILE : NODE_OTHER;
}

static uint64_t size_of(enum node_type type, const struct cdfs_record *record,
                        const struct cdfs_rock *rock)
{
    if (type == NODE_LINK)
        return rock->target_length;
    return rock->zisofs.version ? rock->zisofs.size_bytes : record->data_bytes;
}

bool cdfs_attributes_are_complete(const struct cdfs_record *record, const struct cdfs_rock *rock)
{
    return !rock->has_child && !(record->flags & DR_FLAG_MULTI_EXTENT);
}

/* Returns whether it is a directory, or a file whose bytes are contiguous and unpacked on this
 * disc. */
static bool is_simple(const struct cdfs *cdfs, const struct cdfs_record *record,
                      const struct cdfs_rock *rock, enum node_type type)
{
    if (!cdfs_attributes_are_complete(record, rock))
        return false;

    /* A directory has one section. A file must also be contiguous, unpacked, and on this disc. */
    return type == NODE_DIRECTORY ||
           (type == NODE_FILE && !rock->zisofs.version && !rock->sparse && !record->unit_blocks &&
            record->sequence_number == cdfs->sequence_number);
}

void cdfs_attributes_make(const struct cdfs *cdfs, const struct cdfs_record *record,
                          const struct cdfs_rock *rock, struct cdfs_attributes *attributes)
{
    enum node_type type = type_of(record, rock);

    *attributes = (struct cdfs_attributes){
        .type = (uint8_t)type,
        .hidden = record->flags & DR_FLAG_HIDDEN,
        .simple = is_simple(cdfs, record, rock, type),
        .has_mode = rock->has_mode,
        .mode = rock->mode,
        .links = rock->links,
        .uid = rock->uid,
        .gid = rock->gid,
        .device_number = rock->device_number,
        .address = record->data_address,
        .size_bytes = size_of(type, record, rock),
        .created = rock->created,
        .modified = rock->modified,
        .accessed = rock->accessed,
        .changed = rock->changed,
    };

    /* Without a TF entry the record's own date is the time of modification. High Sierra has the
     * flags in place of the zone. */
    if (attributes->modified.kind == STAMP_NONE) {
        attributes->modified.kind = STAMP_SHORT;
        memcpy(attributes->modified.date, record->raw + DR_DATE,
               sizeof(attributes->modified.date));
        if (cdfs->high_sierra)
            attributes->modified.date[SHORT_ZONE] = 0;
    }
}

void cdfs_attributes_report(const struct cdfs_attributes *attributes, unsigned levels,
                            struct node_info *info)
{
    bool sized = attributes->type == NODE_FILE || attributes->type == NODE_LINK;

    info->type = (enum node_type)attributes->type;
    info->known |= INFO_DIRENT | INFO_STANDARD | INFO_ALIAS;
    info->size_bytes = sized ? attributes->size_bytes : 0;
    info->attributes = ATTRIBUTE_READ_ONLY | (attributes->hidden ? ATTRIBUTE_HIDDEN : 0) |
                       (attributes->associated ? ATTRIBUTE_ASSOCIATED : 0);
    info->alias = attributes->address;

    /* Converting dates takes time, so only if they are asked for. */
    if (levels & INFO_TIMES) {
        info->known |= INFO_TIMES;
        info->has_modified = cdfs_stamp_seconds(&attributes->modified, &info->modified_s);
        info->has_created = cdfs_stamp_seconds(&attributes->created, &info->created_s);
        info->has_accessed = cdfs_stamp_seconds(&attributes->accessed, &info->accessed_s);
        info->has_changed = cdfs_stamp_seconds(&attributes->changed, &info->changed_s);
    }

    /* Only PX records a mode and an owner. */
    if (attributes->has_mode) {
        info->known |= INFO_MODE;
        info->mode = attributes->mode;
        info->links = attributes->links;
        info->uid = attributes->uid;
        info->gid = attributes->gid;
        info->device_number = attributes->device_number;
    }
}

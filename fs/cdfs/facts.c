/*
 * facts.c - what a directory record says of its node, without another one being read.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/string.h"

enum {
    MODE_TYPE = 0170000,
    MODE_REGULAR = 0100000,
    MODE_DIRECTORY = 0040000,
    MODE_LINK = 0120000,
};

/* The record's directory bit decides; among the rest SL, then the mode. */
static enum node_type type_of(const struct cdfs_record *record, const struct cdfs_rock *rock)
{
    uint32_t mode = rock->has_mode ? rock->mode & MODE_TYPE : 0;
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

/* A directory, or a file whose bytes lie on this disc in one piece and as they are? */
static bool is_plain(const struct cdfs *cdfs, const struct cdfs_record *record,
                     const struct cdfs_rock *rock, enum node_type type)
{
    if (!cdfs_facts_are_whole(record, rock))
        return false;
    return type == NODE_DIRECTORY ||
           (type == NODE_FILE && !rock->zisofs.version && !rock->sparse && !record->unit_blocks &&
            record->sequence_number == cdfs->sequence_number);
}

void cdfs_facts_make(const struct cdfs *cdfs, const struct cdfs_record *record,
                     const struct cdfs_rock *rock, struct cdfs_facts *facts)
{
    enum node_type type = type_of(record, rock);
    *facts = (struct cdfs_facts){
        .type = (uint8_t)type,
        .hidden = record->flags & DR_FLAG_HIDDEN,
        .plain = is_plain(cdfs, record, rock, type),
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
    if (facts->modified.kind == STAMP_NONE) {
        facts->modified.kind = STAMP_SHORT;
        memcpy(facts->modified.date, record->raw + DR_DATE, sizeof(facts->modified.date));
        if (cdfs->high_sierra)
            facts->modified.date[6] = 0; /* no zone there, but the flags */
    }
}

bool cdfs_facts_are_whole(const struct cdfs_record *record, const struct cdfs_rock *rock)
{
    return !rock->has_child && !(record->flags & DR_FLAG_MULTI_EXTENT);
}

static void tell_times(const struct cdfs_facts *facts, struct node_info *info)
{
    info->known |= INFO_TIMES;
    info->has_modified = cdfs_stamp_seconds(&facts->modified, &info->modified_s);
    info->has_created = cdfs_stamp_seconds(&facts->created, &info->created_s);
    info->has_accessed = cdfs_stamp_seconds(&facts->accessed, &info->accessed_s);
    info->has_changed = cdfs_stamp_seconds(&facts->changed, &info->changed_s);
}

void cdfs_facts_tell(const struct cdfs_facts *facts, unsigned levels, struct node_info *info)
{
    info->type = (enum node_type)facts->type;
    info->known |= INFO_DIRENT | INFO_STANDARD | INFO_ALIAS;
    bool sized = facts->type == NODE_FILE || facts->type == NODE_LINK;
    info->size_bytes = sized ? facts->size_bytes : 0;
    info->attributes = ATTRIBUTE_READ_ONLY | (facts->hidden ? ATTRIBUTE_HIDDEN : 0) |
                       (facts->associated ? ATTRIBUTE_ASSOCIATED : 0);
    info->alias = facts->address;
    if (levels & INFO_TIMES)
        tell_times(facts, info);
    if (!facts->has_mode)
        return;
    info->known |= INFO_MODE;
    info->mode = facts->mode;
    info->links = facts->links;
    info->uid = facts->uid;
    info->gid = facts->gid;
    info->device_number = facts->device_number;
}

/*
 * directory.c - the slots that look up and list names, all through the directory's index.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- by name ------------------------------------------------------------------------------ */

/* Returns the entry of this name, with a reference to the index that holds it. -ENOENT if it does
 * not exist; the error, if the directory could not be read completely. */
static status_t entry_find(struct fsd *fsd, struct vnode *directory, struct element element,
                           struct cdfs_index **index, const struct cdfs_index_entry **entry)
{
    status_t status = cdfs_index_get(cdfs_of(fsd), directory->private_data, index);
    if (status)
        return status;

    /* In an incomplete index a missing name may exist on the disc: -ENOENT would be wrong. */
    *entry = cdfs_index_entry(*index, element.name, element.length);
    if (*entry)
        return 0;
    status = cdfs_index_status(*index);
    cdfs_index_put(*index);
    return status ? status : -ENOENT;
}

status_t cdfs_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                     vnode_id_t *id)
{
    struct cdfs *cdfs = cdfs_of(fsd);
    struct cdfs_index *index;
    const struct cdfs_index_entry *entry;
    status_t status = entry_find(fsd, directory, element, &index, &entry);
    if (status)
        return status;
    *id = entry->id;

    /* Remembered for cdfs_get_vnode(), which then need not read the record again. */
    if (entry->attributes && entry->attributes->simple) {
        spin_lock(&cdfs->index_lock);
        cdfs->found.id = entry->id;
        cdfs->found.attributes = *entry->attributes;
        spin_unlock(&cdfs->index_lock);
    }
    cdfs_index_put(index);
    return 0;
}

status_t cdfs_get_child_info(struct fsd *fsd, struct vnode *directory, struct element element,
                             unsigned levels, struct node_info *info)
{
    struct cdfs_index *index;
    const struct cdfs_index_entry *entry;
    status_t status = entry_find(fsd, directory, element, &index, &entry);
    if (status)
        return status;

    /* A node of several sections has its attributes only in the vnode, and so has every node of a
     * very large directory. */
    info->id = entry->id;
    if (!entry->attributes)
        status = -EAGAIN;
    else
        cdfs_attributes_report(entry->attributes, levels, info);
    cdfs_index_put(index);
    return status;
}

size_t cdfs_actual_name(struct fsd *fsd, struct vnode *directory, struct element element,
                        char *name)
{
    struct cdfs_index *index;
    const struct cdfs_index_entry *entry;
    if (entry_find(fsd, directory, element, &index, &entry))
        return 0;

    /* 0 means that the name is spelled as on the disc. A lower version keeps the spelling NAME;n:
     * its entry's name would lead to the highest one. */
    size_t length = 0;
    if (!entry->hidden &&
        !text_equal_n(entry->name, entry->length, element.name, element.length)) {
        length = entry->length;
        memcpy(name, entry->name, length);
    }
    cdfs_index_put(index);
    return length;
}

/* ---- listing ------------------------------------------------------------------------------ */

struct cdfs_cursor {
    struct cdfs_index *index;
    const struct cdfs_index_entry *entry; /* returned last; NULL before the first */
    bool ended;
};

status_t cdfs_open_dir(struct fsd *fsd, struct vnode *directory, void **result)
{
    struct cdfs_cursor *cursor = mem_zalloc(sizeof(*cursor));
    if (!cursor)
        return -ENOMEM;

    /* The reference keeps the list alive, even if reclaim drops the directory's own. */
    status_t status = cdfs_index_get(cdfs_of(fsd), directory->private_data, &cursor->index);
    if (status) {
        mem_free(cursor);
        return status;
    }
    *result = cursor;
    return 0;
}

int cdfs_read_dir(struct fsd *fsd, struct vnode *directory, void *opaque, uint64_t *position,
                  unsigned levels, struct dir_entry *entry)
{
    (void)fsd, (void)directory, (void)position;
    struct cdfs_cursor *cursor = opaque;
    const struct cdfs_index_entry *next =
        cursor->ended ? NULL : cdfs_index_next(cursor->index, cursor->entry);

    /* All readable entries come first; then the error, if the listing is incomplete. */
    if (!next) {
        cursor->ended = true;
        entry->skipped = cdfs_index_skipped(cursor->index);
        return cdfs_index_status(cursor->index);
    }

    /* Type and id are known for every entry. More is reported only if it costs nothing to read. */
    cursor->entry = next;
    entry->info.id = next->id;
    entry->info.type = (enum node_type)next->type;
    if (levels && next->attributes)
        cdfs_attributes_report(next->attributes, levels, &entry->info);
    memcpy(entry->name, next->name, next->length);
    entry->name[next->length] = '\0';
    return 1;
}

void cdfs_close_dir(struct fsd *fsd, struct vnode *directory, void *opaque)
{
    (void)fsd, (void)directory;
    struct cdfs_cursor *cursor = opaque;
    cdfs_index_put(cursor->index);
    mem_free(cursor);
}

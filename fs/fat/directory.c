/*
 * directory.c - the slots that look up and list names, all through the directory's index.
 */
#include "fs/fat/fat.h"
#include "lib/string.h"
#include "lib/text.h"

static struct fat_node *node_of(const struct vnode *vnode)
{
    return vnode->private_data;
}

/* ---- by name ------------------------------------------------------------------------------ */

/* Returns the entry of this name, with a reference to the index that holds it. -ENOENT, or the
 * error if the directory could not be read completely: the name may exist. */
static status_t entry_find(struct fsd *fsd, struct vnode *directory, struct element element,
                           struct name_index **index, const struct name_entry **entry)
{
    struct fat *fat = fat_of(fsd);
    status_t status = fat_index_get(fat, node_of(directory), index);
    if (status)
        return status;

    /* Windows ignores dots and blanks at the end of a name. */
    size_t length = element.length;
    *entry = name_index_find(*index, element.name, length);
    while (!*entry && length > 1 && (element.name[length - 1] == '.' ||
                                     element.name[length - 1] == ' '))
        *entry = name_index_find(*index, element.name, --length);
    if (*entry)
        return 0;
    status = name_index_status(*index);
    name_index_put(*index);
    return status ? status : -ENOENT;
}

status_t fat_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                    vnode_id_t *id)
{
    struct name_index *index;
    const struct name_entry *entry;
    status_t status = entry_find(fsd, directory, element, &index, &entry);
    if (status)
        return status;
    *id = entry->id;
    name_index_put(index);
    return 0;
}

status_t fat_get_child_info(struct fsd *fsd, struct vnode *directory, struct element element,
                            unsigned levels, struct node_info *info)
{
    struct name_index *index;
    const struct name_entry *entry;
    (void)levels;
    status_t status = entry_find(fsd, directory, element, &index, &entry);
    if (status)
        return status;
    fat_attributes_info(entry->details, entry->id, info);
    name_index_put(index);
    return 0;
}

size_t fat_actual_name(struct fsd *fsd, struct vnode *directory, struct element element,
                       char *name)
{
    struct name_index *index;
    const struct name_entry *entry;
    size_t length = 0;
    if (entry_find(fsd, directory, element, &index, &entry))
        return 0;
    if (!text_equal_n(entry->name, entry->name_bytes, element.name, element.length)) {
        length = entry->name_bytes;
        memcpy(name, entry->name, length + 1);
    }
    name_index_put(index);
    return length;
}

/* ---- in order ----------------------------------------------------------------------------- */

struct listing {
    struct name_index *index; /* a reference */
    const struct name_entry *next;
};

status_t fat_open_dir(struct fsd *fsd, struct vnode *directory, void **cursor)
{
    struct listing *listing = mem_alloc(sizeof(*listing));
    if (!listing)
        return -ENOMEM;
    status_t status = fat_index_get(fat_of(fsd), node_of(directory), &listing->index);
    if (status) {
        mem_free(listing);
        return status;
    }
    listing->next = name_index_first(listing->index);
    *cursor = listing;
    return 0;
}

int fat_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor, uint64_t *position,
                 unsigned levels, struct dir_entry *entry)
{
    struct listing *listing = cursor;
    const struct name_entry *found = listing->next;
    (void)fsd, (void)directory, (void)levels;
    if (!found) {
        entry->skipped = name_index_skipped(listing->index);
        return name_index_status(listing->index);
    }

    listing->next = found->next;
    ++*position;
    fat_attributes_info(found->details, found->id, &entry->info);
    memcpy(entry->name, found->name, found->name_bytes + 1u);
    return 1;
}

void fat_close_dir(struct fsd *fsd, struct vnode *directory, void *cursor)
{
    struct listing *listing = cursor;
    (void)fsd, (void)directory;
    name_index_put(listing->index);
    mem_free(listing);
}

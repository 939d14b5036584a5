/*
 * name_slots.c - the slots of fsd_ops that look up and list names, over an index of names.
 */
#include "kernel/vfs/layout/name_index.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- by name ------------------------------------------------------------------------------ */

static const struct name_entry *find(const struct name_index *index, struct element element)
{
    size_t length = element.length;
    const struct name_entry *entry = name_index_find(index, element.name, length);
    if (!name_index_format(index)->trims)
        return entry;

    while (!entry && length > 1 &&
           (element.name[length - 1] == '.' || element.name[length - 1] == ' '))
        entry = name_index_find(index, element.name, --length);
    return entry;
}

/* Returns why there is no entry. The index has only the names before the damage: returning -ENOENT
 * for the rest would make programs act as if they did not exist. */
static status_t missing(const struct name_index *index)
{
    status_t status = name_index_status(index);
    return status ? status : -ENOENT;
}

status_t name_index_lookup(struct name_index *index, struct element element, vnode_id_t *id)
{
    const struct name_entry *entry = find(index, element);
    status_t status = entry ? 0 : missing(index);
    if (entry)
        *id = entry->id;
    name_index_put(index);
    return status;
}

status_t name_index_child_info(struct name_index *index, struct element element,
                               struct node_info *info)
{
    const struct name_entry *entry = find(index, element);
    status_t status = entry ? 0 : missing(index);
    if (entry)
        name_index_format(index)->info(entry, info);
    name_index_put(index);
    return status;
}

size_t name_index_actual_name(struct name_index *index, struct element element, char *name)
{
    const struct name_entry *entry = find(index, element);
    size_t length = 0;

    /* 0 means that the caller's spelling is the volume's. */
    if (entry && !text_equal_n(entry->name, entry->name_bytes, element.name, element.length)) {
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

status_t name_index_open_dir(struct name_index *index, void **cursor)
{
    struct listing *listing = mem_alloc(sizeof(*listing));
    if (!listing) {
        name_index_put(index);
        return -ENOMEM;
    }

    /* The index is constant: the entries stay valid even if the directory's index is trimmed and
     * made again meanwhile. */
    *listing = (struct listing){ .index = index, .next = name_index_first(index) };
    *cursor = listing;
    return 0;
}

int name_index_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor, uint64_t *position,
                        unsigned levels, struct dir_entry *entry)
{
    struct listing *listing = cursor;
    const struct name_entry *found = listing->next;
    (void)fsd, (void)directory, (void)levels;

    /* Records that were skipped, or an error that cut the index, are reported once, here, after all
     * names that could be read. */
    if (!found) {
        entry->skipped = name_index_skipped(listing->index);
        return name_index_status(listing->index);
    }

    listing->next = found->next;
    ++*position;
    name_index_format(listing->index)->info(found, &entry->info);
    memcpy(entry->name, found->name, found->name_bytes + 1u);
    return 1;
}

void name_index_close_dir(struct fsd *fsd, struct vnode *directory, void *cursor)
{
    struct listing *listing = cursor;
    (void)fsd, (void)directory;
    name_index_put(listing->index);
    mem_free(listing);
}

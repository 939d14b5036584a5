/*
 * name_slots.c - the slots of fsd_ops that look up and list names, over an index of names.
 */
#include "kernel/vfs/layout/name_list.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- by name ------------------------------------------------------------------------------ */

/* The caller holds the lock. */
static struct name_node *find(struct name_index *index, struct element element)
{
    size_t length = element.length;
    struct name_node *node = name_node_find(index, element.name, length);
    if (!index->format->trims)
        return node;

    while (!node && length > 1 &&
           (element.name[length - 1] == '.' || element.name[length - 1] == ' '))
        node = name_node_find(index, element.name, --length);
    return node;
}

/* Copies what was found. Returns why there is no entry, or 0. */
static status_t find_copy(struct name_index *index, struct element element,
                          struct name_found *found)
{
    mutex_lock(&index->lock);
    const struct name_node *node = find(index, element);
    if (node) {
        found->id = node->entry.id;
        memcpy(found->details, node->entry.details, index->format->details_bytes);
    }
    mutex_unlock(&index->lock);

    /* The index has only the names before the damage: returning -ENOENT for the rest would make
     * programs act as if they did not exist. */
    status_t missing = index->status ? index->status : -ENOENT;
    return node ? 0 : missing;
}

status_t name_index_lookup(struct name_index *index, struct element element, vnode_id_t *id)
{
    struct name_found found;
    status_t status = find_copy(index, element, &found);
    if (!status)
        *id = found.id;
    name_index_put(index);
    return status;
}

status_t name_index_child_info(struct name_index *index, struct element element, unsigned levels,
                               struct node_info *info)
{
    struct name_found found;
    status_t status = find_copy(index, element, &found);
    if (!status)
        status = index->format->info(index->fsd, found.id, found.details, levels, info);
    name_index_put(index);
    return status;
}

size_t name_index_actual_name(struct name_index *index, struct element element, char *name)
{
    mutex_lock(&index->lock);
    const struct name_node *node = find(index, element);
    const struct name_entry *entry = node ? &node->entry : NULL;
    size_t length = 0;

    /* 0 means that the caller's spelling is the volume's. */
    if (entry && !text_equal_n(entry->name, entry->name_bytes, element.name, element.length)) {
        length = entry->name_bytes;
        memcpy(name, entry->name, length + 1);
    }
    mutex_unlock(&index->lock);
    name_index_put(index);
    return length;
}

/* ---- in order ----------------------------------------------------------------------------- */

struct listing {
    struct name_index *index; /* a reference */
    struct name_place place;
};

status_t name_index_open_dir(struct name_index *index, void **cursor)
{
    struct listing *listing = mem_zalloc(sizeof(*listing));
    if (!listing) {
        name_index_put(index);
        return -ENOMEM;
    }

    /* The reader is an element of the list that it reads, so that no removal can leave it
     * dangling. */
    listing->index = index;
    listing->place.is_reader = true;
    mutex_lock(&index->lock);
    listing->place.sequence = index->last_sequence;
    list_push_front(&index->places, &listing->place.link);
    mutex_unlock(&index->lock);
    *cursor = listing;
    return 0;
}

/* Returns the next node after the reader's place; NULL at the end, or when all nodes that follow
 * are newer than the reader. */
static struct name_node *reader_next(const struct name_index *index,
                                     const struct name_place *reader)
{
    for (struct list *link = reader->link.next; link != &index->places; link = link->next) {
        struct name_place *place = container_of(link, struct name_place, link);
        if (!place->is_reader)
            return place->sequence <= reader->sequence
                       ? container_of(place, struct name_node, place)
                       : NULL;
    }
    return NULL;
}

/* Copies the next entry, and moves the reader after it. Returns false at the end. */
static bool take_next(struct listing *listing, struct dir_entry *entry, struct name_found *found)
{
    struct name_index *index = listing->index;
    mutex_lock(&index->lock);
    struct name_node *node = reader_next(index, &listing->place);
    if (node) {
        found->id = node->entry.id;
        memcpy(found->details, node->entry.details, index->format->details_bytes);
        memcpy(entry->name, node->entry.name, node->entry.name_bytes + 1u);
        list_remove(&listing->place.link);
        list_insert_after(&node->place.link, &listing->place.link);
    }
    mutex_unlock(&index->lock);
    return node != NULL;
}

int name_index_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor, uint64_t *position,
                        unsigned levels, struct dir_entry *entry)
{
    struct listing *listing = cursor;
    struct name_found found;
    (void)directory;

    while (take_next(listing, entry, &found)) {
        /* -ENOENT: the file was removed after it was taken from the list. */
        status_t status = listing->index->format->info(fsd, found.id, found.details, levels,
                                                       &entry->info);
        if (status == -ENOENT)
            continue;
        ++*position;
        return status ? status : 1;
    }

    /* Records that were skipped, or an error that cut the index, are reported once, here, after all
     * names that could be read. */
    entry->skipped = listing->index->skipped;
    return listing->index->status;
}

void name_index_close_dir(struct fsd *fsd, struct vnode *directory, void *cursor)
{
    struct listing *listing = cursor;
    (void)fsd, (void)directory;
    mutex_lock(&listing->index->lock);
    list_remove(&listing->place.link);
    mutex_unlock(&listing->index->lock);
    name_index_put(listing->index);
    mem_free(listing);
}

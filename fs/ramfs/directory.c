/*
 * directory.c - the entries of ramfs directories: finding, creating, removing, renaming and listing
 * them.
 */
#include "fs/ramfs/ramfs.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

static struct ramfs *ramfs_of(struct fsd *fsd)
{
    return fsd->private_data;
}

static struct ramfs_node *node_of(const struct vnode *vnode)
{
    return vnode->private_data;
}

/* ---- entries, under the directory's lock -------------------------------------------------- */

static struct ramfs_node *entry_find(struct ramfs_node *directory, struct element element)
{
    uint64_t hash = hash_bytes(element.name, element.length, 0);
    struct table_link *link = table_first(&directory->directory->names, hash);
    for (; link; link = table_next(link)) {
        struct ramfs_node *node = container_of(link, struct ramfs_node, name_link);
        if (text_equal_n(node->name, node->name_length, element.name, element.length))
            return node;
    }
    return NULL;
}

/* Adds a node, which has its name already and was counted by directory_admit(). */
static void entry_insert(struct ramfs_node *directory, struct ramfs_node *node)
{
    struct ramfs_directory *entries = directory->directory;
    node->name_link.hash = hash_bytes(node->name, node->name_length, 0);
    table_insert(&entries->names, &node->name_link);

    /* A listing in progress does not return entries with a later number than it began with. */
    node->place.sequence = ++entries->last_sequence;
    list_push_back(&entries->places, &node->place.link);

    node->parent = directory;
    ramfs_node_touch(directory);
}

static void entry_remove(struct ramfs_node *directory, struct ramfs_node *node)
{
    table_remove(&directory->directory->names, &node->name_link);
    list_remove(&node->place.link);
    atomic_fetch_sub(&directory->directory->entries, 1);
    ramfs_node_touch(directory);
}

/* ---- removed or not ----------------------------------------------------------------------- */

/* Counts an entry that is about to be added. -ENOENT if the directory was removed. */
static status_t directory_admit(struct ramfs_node *directory)
{
    _Atomic uint64_t *entries = &directory->directory->entries;
    uint64_t count = atomic_load(entries);

    /* Count and mark are one word: either the entry is counted, and the directory not empty, or it
     * is marked, and nothing is added. */
    while (!(count & RAMFS_REMOVED))
        if (atomic_compare_exchange_weak(entries, &count, count + 1))
            return 0;
    return -ENOENT;
}

/* Takes back directory_admit(): the entry was not added. */
static void directory_dismiss(struct ramfs_node *directory)
{
    atomic_fetch_sub(&directory->directory->entries, 1);
}

/* Marks the node as removed, if it is the vnode's and has no entries: from then on nothing can be
 * added to it. -ENOENT, -ENOTEMPTY. */
static status_t node_condemn(struct ramfs_node *node, const struct vnode *vnode)
{
    uint64_t none = 0;

    /* The caller looked the vnode up earlier. Another thread may have replaced the name since. */
    if (!node || node != node_of(vnode))
        return -ENOENT;
    if (node->type != NODE_DIRECTORY)
        return 0;

    /* Only a count of exactly 0 becomes the mark. */
    return atomic_compare_exchange_strong(&node->directory->entries, &none, RAMFS_REMOVED)
               ? 0
               : -ENOTEMPTY;
}

/* ---- finding ------------------------------------------------------------------------------ */

status_t ramfs_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id)
{
    struct ramfs_node *parent = node_of(directory);
    (void)fsd;
    mutex_lock(&parent->lock);
    const struct ramfs_node *node = entry_find(parent, element);
    if (node)
        *id = node->id;
    mutex_unlock(&parent->lock);
    return node ? 0 : -ENOENT;
}

status_t ramfs_get_child_info(struct fsd *fsd, struct vnode *directory, struct element element,
                              unsigned levels, struct node_info *info)
{
    struct ramfs_node *parent = node_of(directory);
    (void)fsd, (void)levels;

    /* Without a vnode: `ls -l` of a large directory creates none. */
    mutex_lock(&parent->lock);
    struct ramfs_node *node = entry_find(parent, element);
    if (node)
        ramfs_node_info(node, info);
    mutex_unlock(&parent->lock);
    return node ? 0 : -ENOENT;
}

/* ---- creating and removing ---------------------------------------------------------------- */

static status_t make(struct fsd *fsd, struct vnode *directory, struct element element,
                     enum node_type type, const char *target, vnode_id_t *id)
{
    struct ramfs_node *parent = node_of(directory), *node = NULL;
    status_t status = directory_admit(parent);
    if (status)
        return status;

    /* The entry is counted already, so the directory cannot be removed from here on. */
    mutex_lock(&parent->lock);

    status = entry_find(parent, element)
                 ? -EEXIST
                 : ramfs_node_create(ramfs_of(fsd), type, element, target, &node);
    if (!status) {
        entry_insert(parent, node);
        *id = node->id;
    }

    mutex_unlock(&parent->lock);
    if (status)
        directory_dismiss(parent);
    return status;
}

status_t ramfs_create(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id)
{
    return make(fsd, directory, element, NODE_FILE, NULL, id);
}

status_t ramfs_mkdir(struct fsd *fsd, struct vnode *directory, struct element element,
                     vnode_id_t *id)
{
    return make(fsd, directory, element, NODE_DIRECTORY, NULL, id);
}

status_t ramfs_symlink(struct fsd *fsd, struct vnode *directory, struct element element,
                       const char *target, vnode_id_t *id)
{
    return make(fsd, directory, element, NODE_LINK, target, id);
}

ssize_t ramfs_read_link(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes)
{
    (void)fsd;
    return (ssize_t)text_copy(target, bytes, node_of(vnode)->target);
}

status_t ramfs_unlink(struct fsd *fsd, struct vnode *directory, struct element element,
                      struct vnode *vnode)
{
    struct ramfs_node *parent = node_of(directory);
    mutex_lock(&parent->lock);
    struct ramfs_node *node = entry_find(parent, element);

    /* from here on nothing can be added to a directory that is removed */
    status_t status = node_condemn(node, vnode);
    if (!status)
        entry_remove(parent, node);

    /* The name is gone. Open files keep the node (ramfs_node_forget). */
    mutex_unlock(&parent->lock);
    if (!status)
        ramfs_node_forget(ramfs_of(fsd), node);
    return status;
}

/* ---- renaming ----------------------------------------------------------------------------- */

/* Locks both directories. The second lock is taken by a try, since both have the same rank; then
 * the other one is waited for first. Only the holder of `renames` holds two such locks, so each of
 * them is released soon. */
static void lock_both(struct ramfs_node *a, struct ramfs_node *b)
{
    mutex_lock(&a->lock);
    while (a != b && !mutex_try_lock(&b->lock)) {
        struct ramfs_node *wanted = b;
        mutex_unlock(&a->lock);
        mutex_lock(&wanted->lock);
        b = a;
        a = wanted;
    }
}

static void unlock_both(struct ramfs_node *a, struct ramfs_node *b)
{
    mutex_unlock(&a->lock);
    if (a != b)
        mutex_unlock(&b->lock);
}

/* Returns whether `node` is `below`, or contains it. The caller holds `renames`, so that no parent
 * changes. */
static bool node_is_above(const struct ramfs_node *node, const struct ramfs_node *below)
{
    while (below && below != node)
        below = below->parent;
    return below != NULL;
}

struct rename {
    struct ramfs_node *from, *to; /* directories, locked */
    struct element old_name, new_name;
    struct vnode *moved, *replaced;
    struct ramfs_node *node; /* to be moved */
    struct ramfs_node *old;  /* to be replaced, or NULL */
};

/* Finds both nodes and checks that they are those that the caller saw. */
static status_t rename_check(struct rename *r)
{
    r->node = entry_find(r->from, r->old_name);
    r->old = entry_find(r->to, r->new_name);

    /* another thread may have renamed or replaced either */
    if (!r->node || r->node != node_of(r->moved))
        return -ENOENT;
    if (r->old == r->node)
        return -EEXIST;
    if (r->old && (!r->replaced || r->old != node_of(r->replaced)))
        return -EEXIST;

    /* A directory that was moved into itself could not be reached any more. */
    if (r->from != r->to && node_is_above(r->node, r->to))
        return -EINVAL;
    return r->old ? node_condemn(r->old, r->replaced) : 0;
}

/* Gives the node its new name and place. *name is the new name, and the old one on return. */
static void rename_move(struct rename *r, char **name)
{
    struct ramfs_node *node = r->node;
    char *old_text = node->name;

    if (r->old)
        entry_remove(r->to, r->old);

    /* within one directory the entry keeps its place, so that a reader lists it once */
    bool moves = r->from != r->to;
    if (moves)
        entry_remove(r->from, node);
    else
        table_remove(&r->from->directory->names, &node->name_link);

    /* The old text is freed by the caller, without the locks. */
    node->name = *name;
    node->name_length = r->new_name.length;
    *name = old_text;

    if (moves) {
        entry_insert(r->to, node);
    } else {
        node->name_link.hash = hash_bytes(node->name, node->name_length, 0);
        table_insert(&r->to->directory->names, &node->name_link);
        ramfs_node_touch(r->to);
    }
}

static status_t rename_locked(struct rename *r, char **name)
{
    lock_both(r->from, r->to);
    status_t status = rename_check(r);
    if (!status)
        rename_move(r, name);
    unlock_both(r->from, r->to);
    return status;
}

/* Renames between two directories. The node is counted in the new one first, so that the new
 * directory cannot be removed meanwhile. */
static status_t rename_across(struct ramfs *ramfs, struct rename *r, char **name)
{
    status_t status = directory_admit(r->to);
    if (status)
        return status;

    /* One at a time: while parents change, node_is_above() would be wrong. */
    mutex_lock(&ramfs->renames);
    status = rename_locked(r, name);
    mutex_unlock(&ramfs->renames);
    if (status)
        directory_dismiss(r->to);
    return status;
}

status_t ramfs_rename(struct fsd *fsd, struct vnode *from, struct element old_name,
                      struct vnode *moved, struct vnode *to, struct element new_name,
                      struct vnode *replaced)
{
    struct rename r = {
        .from = node_of(from),
        .to = node_of(to),
        .old_name = old_name,
        .new_name = new_name,
        .moved = moved,
        .replaced = replaced,
    };

    /* allocated before anything changes */
    char *name = ramfs_name_copy(new_name);
    if (!name)
        return -ENOMEM;

    status_t status = r.from == r.to ? rename_locked(&r, &name)
                                     : rename_across(ramfs_of(fsd), &r, &name);

    /* The replaced node lives on while it is open, without a name. */
    if (!status && r.old)
        ramfs_node_forget(ramfs_of(fsd), r.old);
    mem_free(name);
    return status;
}

/* ---- listing ------------------------------------------------------------------------------ */

status_t ramfs_open_dir(struct fsd *fsd, struct vnode *directory, void **cursor)
{
    struct ramfs_node *parent = node_of(directory);
    struct ramfs_place *reader = mem_zalloc(sizeof(*reader));
    (void)fsd;
    if (!reader)
        return -ENOMEM;
    reader->is_reader = true;

    mutex_lock(&parent->lock);

    /* The reader is an element of the list that it reads, so that no removal can leave it
     * dangling. */
    reader->sequence = parent->directory->last_sequence;
    list_push_front(&parent->directory->places, &reader->link);
    mutex_unlock(&parent->lock);
    *cursor = reader;
    return 0;
}

/* Returns the next entry after the reader's place; NULL at the end, or when all entries that follow
 * are newer than the reader. */
static struct ramfs_node *reader_next(const struct ramfs_directory *directory,
                                      struct ramfs_place *reader)
{
    for (struct list *link = reader->link.next; link != &directory->places; link = link->next) {
        struct ramfs_place *place = container_of(link, struct ramfs_place, link);
        if (place->is_reader)
            continue;
        return place->sequence <= reader->sequence ? container_of(place, struct ramfs_node, place)
                                                   : NULL;
    }
    return NULL;
}

int ramfs_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor, uint64_t *position,
                   unsigned levels, struct dir_entry *entry)
{
    struct ramfs_node *parent = node_of(directory);
    struct ramfs_place *reader = cursor;
    (void)fsd, (void)position, (void)levels;
    mutex_lock(&parent->lock);
    struct ramfs_node *node = reader_next(parent->directory, reader);

    /* The cursor is the place in the list. The position of the VFS is not used. */
    if (node) {
        ramfs_node_info(node, &entry->info);
        memcpy(entry->name, node->name, node->name_length + 1);
        /* the reader's place is after this entry, even if the entry is removed */
        list_remove(&reader->link);
        list_insert_after(&node->place.link, &reader->link);
    }
    mutex_unlock(&parent->lock);
    return node != NULL;
}

void ramfs_close_dir(struct fsd *fsd, struct vnode *directory, void *cursor)
{
    struct ramfs_node *parent = node_of(directory);
    struct ramfs_place *reader = cursor;
    (void)fsd;
    mutex_lock(&parent->lock);
    list_remove(&reader->link);
    mutex_unlock(&parent->lock);
    mem_free(reader);
}

/*
 * change.c - changes of directories and nodes: create, remove, rename, set.
 *
 * Every change of a name passes change_check(), which refuses it in this order: the device is gone;
 * the name is too long or not UTF-8; the directory was removed; the name exists, or does not exist,
 * contrary to what the change needs; the file system is read-only. So an error in the names is
 * reported before -EROFS.
 */
#include "kernel/vfs/internal.h"
#include "lib/string.h"
#include "lib/utf8.h"

/* ---- checking ----------------------------------------------------------------------------- */

enum change {
    CHANGE_ADDS,     /* the name must be free: -EEXIST */
    CHANGE_REMOVES,  /* it must exist: -ENOENT; not a mount: -EBUSY */
    CHANGE_REPLACES, /* it may exist, and is replaced; not a mount: -EBUSY */
};

static status_t name_check(struct element name, enum change change)
{
    if (name.length > NAME_BYTES_MAX)
        return -ENAMETOOLONG;
    return change == CHANGE_REMOVES || utf8_valid(name.name, name.length) ? 0 : -EILSEQ;
}

/* Sets *child to the node of the name, or NULL. Only -ENOENT means that it does not exist. */
static status_t child_for_change(const struct place *place, enum change change,
                                 struct path **child)
{
    status_t status = path_child_element(place->parent, place->name, true, child);
    if (status == -ENOENT)
        return change == CHANGE_REMOVES ? -ENOENT : 0;

    if (status)
        return status;
    if (change == CHANGE_ADDS)
        return -EEXIST;
    return path_is_mount_point(*child) ? -EBUSY : 0;
}

/* Checks a change of the name at `place`, and finds its node: *child is a reference or NULL, even
 * on failure. `supported`: the FSD has the operation. */
static status_t change_check(const struct place *place, enum change change, bool supported,
                             struct path **child)
{
    struct fsd *fsd = place->parent->mount->fsd;
    *child = NULL;

    status_t status = fsd_check(fsd);
    if (!status)
        status = name_check(place->name, change);
    if (!status && place->parent->vnode->unlinked)
        status = -ENOENT;
    if (!status)
        status = child_for_change(place, change, child);
    if (!status && (fsd->read_only || !supported))
        status = -EROFS;
    return status;
}

/* ---- adding ------------------------------------------------------------------------------- */

/* Returns the status of a change; or that of making it durable at once (mount -o sync): then it was
 * made, whatever is returned. */
static status_t change_sync(struct fsd *fsd, status_t status)
{
    return !status && fsd->synchronous ? fsd_sync(fsd) : status;
}

/* Ends a change that fsd_change_begin() admitted, and all that follows from it. */
static status_t change_end(struct fsd *fsd, status_t status)
{
    fsd_change_end(fsd);
    return change_sync(fsd, status);
}

typedef status_t (*fsd_add)(struct fsd *fsd, struct vnode *directory, struct element element,
                            vnode_id_t *id);

static status_t place_add(const struct place *place, fsd_add add)
{
    struct fsd *fsd = place->parent->mount->fsd;
    struct path *child;
    vnode_id_t id;
    if (place->dots)
        return -EEXIST;

    status_t status = change_check(place, CHANGE_ADDS, add != NULL, &child);
    if (!status)
        status = fsd_change_begin(fsd);
    if (!status)
        status = change_end(fsd, add(fsd, place->parent->vnode, place->name, &id));
    path_put(child);
    return status;
}

status_t place_create(const struct place *place)
{
    return place->slash ? -EISDIR : place_add(place, place->parent->mount->fsd->ops->create);
}

status_t vfs_mkdir(struct path *start, const char *text)
{
    struct place place;
    status_t status = place_find(start, text, false, &place);
    if (status)
        return status;
    status = place_add(&place, place.parent->mount->fsd->ops->mkdir);
    place_put(&place);
    return status;
}

/* Creates a link at a place that has no node. */
static status_t place_symlink(const struct place *place, const char *target)
{
    struct fsd *fsd = place->parent->mount->fsd;
    struct path *child;
    vnode_id_t id;
    if (place->dots)
        return -EEXIST;

    /* An FSD that creates files can be written, even if it has no links: -EROFS would be wrong. */
    status_t status = change_check(place, CHANGE_ADDS, fsd->ops->create != NULL, &child);
    if (!status && place->slash)
        status = -ENOENT; /* only a directory could have this name (POSIX 4.13) */
    if (!status && !fsd->ops->symlink)
        status = -EOPNOTSUPP;
    if (!status)
        status = fsd_change_begin(fsd);
    if (!status)
        status = change_end(fsd, fsd->ops->symlink(fsd, place->parent->vnode, place->name, target,
                                                   &id));
    path_put(child);
    return status;
}

status_t vfs_symlink(struct path *start, const char *target, const char *text)
{
    struct place place;
    if (!*target)
        return -ENOENT;
    if (strlen(target) > PATH_BYTES_MAX)
        return -ENAMETOOLONG;

    status_t status = place_find(start, text, false, &place);
    if (status)
        return status;
    status = place_symlink(&place, target);
    place_put(&place);
    return status;
}

/* ---- removing ----------------------------------------------------------------------------- */

/* Returns whether something is mounted at this path or below it; also if memory is too short to
 * find out. */
static bool mounts_touch(struct path *path)
{
    if (path_is_mount_point(path))
        return true;
    char *text = mem_alloc(PATH_BYTES_MAX + 1);
    if (!text)
        return true;

    path_text(path, text, PATH_BYTES_MAX + 1);
    bool found = mounts_below(text);
    mem_free(text);
    return found;
}

/* The node cannot be found any more. Bytes that were not written back yet need not be. */
static void node_lost_name(struct path *node)
{
    vnode_unlinked(node->vnode);
    vnode_drop_if_gone(node->vnode);
}

status_t place_remove(const struct place *place)
{
    struct fsd *fsd = place->parent->mount->fsd;
    struct path *child;
    if (place->dots)
        return place->name.length ? -EINVAL : -EBUSY; /* `.` and `..`; the root */

    /* The rules for slashes and mounts are checked after the name, so that a missing one is
     * -ENOENT. */
    status_t status = change_check(place, CHANGE_REMOVES, fsd->ops->unlink != NULL, &child);
    if (!status && place->slash && !path_is_directory(child))
        status = -ENOTDIR;
    else if (!status && path_is_directory(child) && mounts_touch(child))
        status = -EBUSY; /* even if it is empty: mount points need no directory of their own */

    /* The FSD checks again, under its lock, that the name still belongs to this vnode. */
    if (!status)
        status = fsd_change_begin(fsd);
    if (!status) {
        status = fsd->ops->unlink(fsd, place->parent->vnode, place->name, child->vnode);
        if (!status)
            node_lost_name(child);
        status = change_end(fsd, status);
    }
    path_put(child);
    return status;
}

status_t vfs_unlink(struct path *start, const char *text)
{
    struct place place;
    status_t status = place_find(start, text, false, &place);
    if (status)
        return status;
    status = place_remove(&place);
    place_put(&place);
    return status;
}

/* ---- renaming ----------------------------------------------------------------------------- */

struct rename {
    const struct place *from, *to;
    struct path *node; /* to be moved */
    struct path *old;  /* to be replaced; NULL: the new name is free */
};

/* Checks whether r->node may replace r->old: POSIX rename(). */
static status_t rename_check(const struct rename *r)
{
    bool directory = path_is_directory(r->node);

    /* A slash requires a directory (POSIX 4.13). A directory cannot be moved into itself. */
    if (!directory && (r->from->slash || r->to->slash))
        return -ENOTDIR;
    if (directory && path_is_inside(r->to->parent, r->node))
        return -EINVAL;

    if (!r->old)
        return 0;
    if (path_is_inside(r->from->parent, r->old))
        return -ENOTEMPTY;
    if (directory != path_is_directory(r->old))
        return directory ? -ENOTDIR : -EISDIR;
    return directory && mounts_touch(r->old) ? -EBUSY : 0;
}

/* Messages about bytes that are lost name the new path. */
static void rename_note(const struct rename *r)
{
    struct vnode *node = r->node->vnode;
    bool directory = path_is_directory(r->node);

    /* Of the files in the list, which may be thousands, only the renamed one has its path. */
    if (!directory && !vnode_is_listed(node))
        return;

    /* without memory they name the old one */
    char *from = path_text_copy(r->from->parent, &r->from->name);
    char *to = path_text_copy(r->to->parent, &r->to->name);
    if (from && to && directory)
        fsd_note_rename(node->fsd, from, to);
    else if (from && to)
        vnode_note_rename(node, from, to);
    mem_free(from);
    mem_free(to);
}

/* Does not make the new name durable: first all that leads to the node must follow it. */
static status_t rename_node(const struct rename *r)
{
    struct fsd *fsd = r->node->mount->fsd;
    struct vnode *node = r->node->vnode, *old = r->old ? r->old->vnode : NULL;
    status_t status = fsd_change_begin(fsd);
    if (status)
        return status;

    status = fsd->ops->rename(fsd, r->from->parent->vnode, r->from->name, node,
                              r->to->parent->vnode, r->to->name, old);
    if (!status)
        rename_note(r);
    fsd_change_end(fsd);
    return status;
}

/* Stores the name that a node got, as the directory spells it, in name[NAME_BYTES_MAX + 1]. */
static void new_name(const struct place *place, char *name)
{
    struct fsd *fsd = place->parent->mount->fsd;
    size_t length = 0;
    if (fsd->ops->actual_name)
        length = fsd->ops->actual_name(fsd, place->parent->vnode, place->name, name);
    if (!length) {
        length = place->name.length;
        memcpy(name, place->name.name, length);
    }
    name[length] = '\0';
}

/* Renames a directory: its path follows. */
static status_t rename_directory(const struct rename *r)
{
    /* The mount table contains texts. And another move may have put the new place into it. */
    if (mounts_touch(r->node))
        return -EBUSY;
    if (path_is_inside(r->to->parent, r->node))
        return -EINVAL;
    char *name = mem_alloc(NAME_BYTES_MAX + 1);
    if (!name)
        return -ENOMEM;

    status_t status = rename_node(r);
    if (status) {
        mem_free(name);
        return status;
    }
    new_name(r->to, name);
    path_moved(r->node, r->to->parent, name);
    return 0;
}

/* Renames while walks wait and nothing else moves: a directory, or a node whose id may change. */
static status_t rename_alone(const struct rename *r)
{
    struct fsd *fsd = r->node->mount->fsd;
    status_t status = vnode_move_begin(fsd);
    if (status)
        return status;
    status = path_is_directory(r->node) ? rename_directory(r) : rename_node(r);
    vnode_move_end(fsd);
    return status;
}

status_t place_rename(const struct place *from, const struct place *to)
{
    struct rename r = { .from = from, .to = to };
    struct fsd *fsd = from->parent->mount->fsd;
    bool supported = fsd->ops->rename != NULL;
    if (from->parent->mount != to->parent->mount)
        return -EXDEV;
    if (from->dots || to->dots)
        return -EBUSY;

    /* The old name must exist; the new one may, but must not be a mount point either. */
    status_t status = change_check(from, CHANGE_REMOVES, supported, &r.node);
    if (!status)
        status = change_check(to, CHANGE_REPLACES, supported, &r.old);

    /* a name in another spelling, on a file system that ignores case, is free */
    if (!status && r.old && fsd->fold_case && path_is_same(r.old, r.node)) {
        path_put(r.old);
        r.old = NULL;
    }
    bool alone = !status && (path_is_directory(r.node) || fsd->reuses_ids);

    /* POSIX rename(): two names of the same node remain */
    bool same = !status && r.old && path_is_same(r.old, r.node);
    if (!status && same && !path_is_directory(r.node) && (from->slash || to->slash))
        status = -ENOTDIR;
    if (!status && !same)
        status = rename_check(&r);

    /* A content that replaces another must be on the medium before its name is, or a power failure
     * would leave neither. Walks do not wait for that. */
    if (!status && !same && r.old && vnode_is_written_back(r.node->vnode))
        status = vnode_flush(r.node->vnode);
    if (!status && !same)
        status = alone ? rename_alone(&r) : rename_node(&r);
    if (!status && !same && r.old)
        node_lost_name(r.old);
    if (!same)
        status = change_sync(fsd, status);

    path_put(r.old);
    path_put(r.node);
    return status;
}

status_t path_rename(struct path *from, const char *old_name, struct path *to,
                     const char *new_name)
{
    const struct place a = { .parent = from, .name = { old_name, strlen(old_name) } };
    const struct place b = { .parent = to, .name = { new_name, strlen(new_name) } };
    return place_rename(&a, &b);
}

status_t vfs_rename(struct path *start, const char *from, const char *to)
{
    struct place a, b;

    status_t status = place_find(start, from, false, &a);
    if (status)
        return status;
    status = place_find(start, to, false, &b);
    if (!status) {
        status = place_rename(&a, &b);
        place_put(&b);
    }
    place_put(&a);
    return status;
}

/* ---- setting ------------------------------------------------------------------------------ */

status_t vnode_set_info(struct vnode *vnode, unsigned levels, const struct node_info *info)
{
    struct fsd *fsd = vnode->fsd;
    status_t status = fsd_check(fsd);
    if (!status && !fsd->ops->set_info)
        status = -EROFS;
    if (!status)
        status = fsd_change_begin(fsd);
    return status ? status
                  : change_end(fsd, fsd->ops->set_info(fsd, vnode, levels, info));
}

status_t path_set_times(struct path *path, const struct node_info *times)
{
    const struct node_info info = {
        .known = INFO_TIMES,
        .has_modified = times->has_modified,
        .modified_s = times->modified_s,
        .modified_ns = times->modified_ns,
        .has_accessed = times->has_accessed,
        .accessed_s = times->accessed_s,
        .accessed_ns = times->accessed_ns,
    };
    return vnode_set_info(path->vnode, INFO_TIMES, &info);
}

status_t path_set_attributes(struct path *path, unsigned set, unsigned clear)
{
    struct node_info info;
    status_t status = path_info(path, INFO_STANDARD, &info);
    if (status)
        return status;
    info.attributes = (info.attributes & ATTRIBUTES_SETTABLE & ~clear) | set;
    return vnode_set_info(path->vnode, INFO_ATTRIBUTES, &info);
}

status_t path_set_modified(struct path *path, int64_t modified_s)
{
    const struct node_info info = {
        .known = INFO_TIMES, .has_modified = true, .modified_s = modified_s
    };
    return vnode_set_info(path->vnode, INFO_TIMES, &info);
}

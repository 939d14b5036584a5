/*
 * path.c - path objects: places reached by a walk, each with its parent and its name there.
 *
 * Moves       A directory may be moved while paths lead to it or through it: a current directory,
 *             an open file. So on a file system that can rename, a directory has one path at a
 *             time, which its vnode refers to. A move changes the parent and the name of that path,
 *             and all paths below follow, since they refer to it. The path of a file keeps the name
 *             by which the file was found.
 */
#include "kernel/vfs/internal.h"
#include "lib/string.h"

static struct path *root;

/* ---- path objects ------------------------------------------------------------------------- */

struct path *path_create(struct path *parent, struct mount *mount, struct vnode *vnode,
                         struct element name)
{
    struct path *path = mem_alloc(sizeof(*path) + name.length + 1);
    if (!path) {
        vnode_put(vnode);
        mount_put(mount);
        return NULL;
    }

    /* A path keeps its parent, so that `..` and the text follow the way that was walked. */
    atomic_init(&path->references, 1);
    path->parent = parent ? path_get(parent) : NULL;
    path->mount = mount;
    path->mount_point = !parent || parent->mount != mount;
    path->movable = false;
    path->vnode = vnode;
    path->name = path->room;
    path->length = name.length;
    memcpy(path->room, name.name, name.length);
    path->room[name.length] = '\0';
    return path;
}

/* ---- directories that may be moved -------------------------------------------------------- */

/* Returns a reference to the path of the vnode, unless that is about to be freed. Caller holds the
 * lock. */
static struct path *get_of_vnode(const struct vnode *vnode)
{
    struct path *path = vnode->path;
    int references = path ? atomic_load(&path->references) : 0;
    while (references && !atomic_compare_exchange_weak(&path->references, &references,
                                                       references + 1))
        ;
    return references ? path : NULL;
}

static bool is_movable(const struct vnode *vnode)
{
    return vnode->type == NODE_DIRECTORY && vnode->fsd->ops->rename;
}

struct path *path_of_vnode(struct vnode *vnode)
{
    if (!is_movable(vnode))
        return NULL;
    paths_lock();
    struct path *path = get_of_vnode(vnode);
    paths_unlock();
    return path;
}

struct path *path_enter(struct path *path, unsigned moves)
{
    struct vnode *vnode = path->vnode;
    if (!is_movable(vnode))
        return path;

    paths_lock();
    struct path *entered = get_of_vnode(vnode);
    if (!entered && !vnode_moved_since(vnode->fsd, moves)) {
        path->movable = true;
        vnode->path = entered = path;
    }
    paths_unlock();
    if (entered != path)
        path_put(path);
    return entered;
}

/* The last reference is gone. Another path may have been entered since. */
static void path_leave(struct path *path)
{
    paths_lock();
    if (path->vnode->path == path)
        path->vnode->path = NULL;
    paths_unlock();
    if (path->name != path->room)
        mem_free(path->name);
}

void path_moved(struct path *path, struct path *parent, char *name)
{
    kassert(path->movable);
    path_get(parent);
    paths_lock();
    struct path *old_parent = path->parent;
    char *old_name = path->name;
    path->parent = parent;
    path->name = name;
    path->length = strlen(name);
    paths_unlock();

    path_put(old_parent);
    if (old_name != path->room)
        mem_free(old_name);
}

/* ---- paths -------------------------------------------------------------------------------- */

void path_set_root(struct path *path)
{
    root = path;
}

struct path *path_root(void)
{
    return path_get(root);
}

struct path *path_get(struct path *path)
{
    atomic_fetch_add_explicit(&path->references, 1, memory_order_relaxed);
    return path;
}

void path_put(struct path *path)
{
    while (path && atomic_fetch_sub(&path->references, 1) == 1) {
        /* A loop instead of recursion: the stack must not depend on the depth of a tree. */
        struct path *parent = path->parent;
        if (path->movable)
            path_leave(path);
        vnode_put(path->vnode);
        mount_put(path->mount);
        mem_free(path);
        path = parent;
    }
}

struct path *path_parent(struct path *path)
{
    paths_lock();
    struct path *parent = path_get(path->parent ? path->parent : path);
    paths_unlock();
    return parent;
}

struct vnode *path_vnode(struct path *path)
{
    return path->vnode;
}

struct fsd *path_fsd(struct path *path)
{
    return path->mount->fsd;
}

bool path_is_directory(struct path *path)
{
    return path->vnode->type == NODE_DIRECTORY;
}

bool path_is_mount_point(struct path *path)
{
    return path->mount_point;
}

bool path_is_unlinked(struct path *path)
{
    return path->vnode->unlinked;
}

bool path_is_live(struct path *path)
{
    return !path_is_unlinked(path) && !path->mount->left;
}

bool path_is_same(struct path *a, struct path *b)
{
    return a->vnode == b->vnode; /* a node has only one vnode while it is referenced */
}

bool path_is_inside(struct path *path, struct path *directory)
{
    paths_lock();
    while (path && !path_is_same(path, directory))
        path = path->parent;
    paths_unlock();
    return path != NULL;
}

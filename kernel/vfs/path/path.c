/*
 * path.c - path objects: places reached by a walk, each with its parent and its name there.
 */
#include "kernel/vfs/internal.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "lib/text.h"

static struct path *root;

/* ---- path objects ------------------------------------------------------------------------- */

uint64_t path_hash(uint64_t parent_hash, const char *name, size_t length)
{
    return hash_bytes(name, length, parent_hash + 1);
}

struct path *path_create(struct path *parent, struct mount *mount, struct vnode *vnode,
                         const char *name, size_t length)
{
    struct path *path = mem_alloc(sizeof(*path) + length + 1);
    if (!path) {
        vnode_put(vnode);
        mount_put(mount);
        return NULL;
    }

    /* A path keeps its parent, so that `..` and the text follow the way that was walked. */
    atomic_init(&path->references, 1);
    path->parent = parent ? path_get(parent) : NULL;
    path->mount = mount;
    path->vnode = vnode;
    path->hash = parent ? path_hash(parent->hash, name, length) : 0;
    path->length = length;
    memcpy(path->name, name, length);
    path->name[length] = '\0';
    return path;
}

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
        vnode_put(path->vnode);
        mount_put(path->mount);
        mem_free(path);
        path = parent;
    }
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
    return !path->parent || path->mount != path->parent->mount;
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
    while (path && !path_is_same(path, directory))
        path = path->parent;
    return path != NULL;
}

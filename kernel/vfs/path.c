/*
 * path.c - walking paths.
 */
#include "kernel/vfs/internal.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "lib/text.h"

enum { LINKS_MAX = 16 };

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
    return a->vnode == b->vnode; /* there is one vnode a node while it is referenced */
}

bool path_is_inside(struct path *path, struct path *directory)
{
    while (path && !path_is_same(path, directory))
        path = path->parent;
    return path != NULL;
}

size_t path_text(struct path *path, char *text, size_t bytes)
{
    size_t length = path->parent ? 0 : 1;
    for (struct path *at = path; at->parent; at = at->parent)
        length += 1 + at->length;
    if (!bytes)
        return length;
    text_copy(text, bytes, path->parent ? "" : "/");
    size_t end = length;
    for (struct path *at = path; at->parent; at = at->parent) {
        end -= 1 + at->length;
        for (size_t i = 0; i <= at->length && end + i < bytes - 1; i++)
            text[end + i] = i ? at->name[i - 1] : '/';
    }
    text[length < bytes ? length : bytes - 1] = '\0';
    return length;
}

/* ---- a walk ------------------------------------------------------------------------------- */

struct walk {
    struct path *at;   /* a reference */
    const char *rest;  /* what is still to be walked */
    char *expanded;    /* owned text that `rest` points into once a link was met */
    unsigned links;
    bool slash;        /* the element taken last was followed by a slash */
};

/* From `start`, or from `/`. -ENOENT for an empty text (POSIX 4.13), -ENAMETOOLONG. */
static status_t walk_begin(struct walk *walk, struct path *start, const char *text)
{
    size_t length = strlen(text);
    if (!length)
        return -ENOENT;
    if (length > PATH_BYTES_MAX)
        return -ENAMETOOLONG;
    *walk = (struct walk){ .at = text[0] == '/' ? path_root() : path_get(start), .rest = text };
    return 0;
}

/* Takes the next element off the rest; false when there is none. */
static bool walk_next(struct walk *walk, struct element *element)
{
    while (*walk->rest == '/')
        walk->rest++;
    element->name = walk->rest;
    while (*walk->rest && *walk->rest != '/')
        walk->rest++;
    element->length = (size_t)(walk->rest - element->name);
    if (element->length)
        walk->slash = *walk->rest == '/';
    return element->length > 0;
}

/* Was the element taken last the last one? Slashes may follow it. */
static bool walk_is_at_last(const struct walk *walk)
{
    const char *rest = walk->rest;
    while (*rest == '/')
        rest++;
    return !*rest;
}

static bool element_is(struct element element, const char *text)
{
    return text_equal_n(element.name, element.length, text, strlen(text));
}

static void walk_move(struct walk *walk, struct path *to)
{
    path_put(walk->at);
    walk->at = to;
}

/* What is mounted there: a reference, or NULL. */
static struct mount *mount_at(struct path *parent, struct element element)
{
    uint64_t hash = path_hash(parent->hash, element.name, element.length);
    return mount_find(parent, element.name, element.length, hash);
}

/* The child through the mount table, or NULL when nothing is mounted there. The table knows paths
 * as text: a directory that was removed, or whose mount is gone, is not what its text leads to. */
static status_t child_mounted(struct path *parent, struct element element, struct path **result)
{
    struct mount *mount = path_is_live(parent) ? mount_at(parent, element) : NULL;
    *result = NULL;
    if (!mount)
        return 0;
    *result = path_create(parent, mount, vnode_ref(mount->root), element.name, element.length);
    return *result ? 0 : -ENOMEM;
}

/* Looks the element up and references its vnode. A directory may be moved between the two: then its
 * name was the old one, and it is looked up again. Once it is referenced it cannot be moved. */
static status_t vnode_of_element(struct path *parent, struct element element,
                                 struct vnode **vnode)
{
    struct fsd *fsd = parent->mount->fsd;
    for (;;) {
        vnode_id_t id;
        unsigned moves;
        status_t status = vnode_moves_wait(&moves);
        if (!status)
            status = name_lookup(fsd, parent->vnode, element, &id);
        if (!status)
            status = vnode_get(fsd, id, vnode);
        if (status || (*vnode)->type != NODE_DIRECTORY || !vnode_moved_since(moves))
            return status;
        vnode_put(*vnode);
    }
}

status_t path_lookup(struct path *parent, struct element element, struct path **result)
{
    struct vnode *vnode;
    *result = NULL;
    status_t status = vnode_of_element(parent, element, &vnode);
    if (status)
        return status;
    *result = path_create(parent, mount_get(parent->mount), vnode, element.name, element.length);
    return *result ? 0 : -ENOMEM;
}

status_t path_lookup_mounted(struct path *parent, struct element element, struct path **result)
{
    status_t status = child_mounted(parent, element, result);
    return status || *result ? status : path_lookup(parent, element, result);
}

/* The element as the directory spells it, so that one node has one path: what is mounted there is
 * found however the name was typed. `room` is for the spelling. */
static status_t element_spell(struct path *parent, struct element *element, char **room)
{
    struct fsd *fsd = parent->mount->fsd;
    *room = NULL;
    status_t status = fsd_check(fsd);
    if (status || !fsd->ops->actual_name)
        return status;
    *room = mem_alloc(NAME_BYTES_MAX + 1);
    if (!*room)
        return -ENOMEM;
    size_t length = fsd->ops->actual_name(fsd, parent->vnode, *element, *room);
    if (length)
        *element = (struct element){ *room, length };
    return 0;
}

/* Without `cross` the name is known to be the directory's own spelling. */
static status_t child_get(struct path *parent, struct element element, bool cross,
                          struct path **result)
{
    *result = NULL;
    if (!path_is_directory(parent))
        return -ENOTDIR;
    if (element.length > NAME_BYTES_MAX)
        return -ENAMETOOLONG;
    char *room = NULL;
    status_t status = cross ? child_mounted(parent, element, result) : 0;
    if (!status && !*result)
        status = cross ? element_spell(parent, &element, &room) : fsd_check(parent->mount->fsd);
    if (!status && !*result && cross && room && element.name == room)
        status = child_mounted(parent, element, result);
    if (!status && !*result)
        status = path_lookup(parent, element, result);
    mem_free(room);
    return status;
}

status_t path_child(struct path *parent, const char *name, bool cross, struct path **result)
{
    struct element element = { name, strlen(name) };
    return child_get(parent, element, cross, result);
}

/* Puts the link's target in front of the rest. The walk stands at the link's directory. */
static status_t walk_expand(struct walk *walk, struct path *link)
{
    struct fsd *fsd = link->mount->fsd;
    if (++walk->links > LINKS_MAX)
        return -ELOOP;
    if (!fsd->ops->read_link)
        return -EOPNOTSUPP;
    char *text = mem_alloc(PATH_BYTES_MAX + 1);
    if (!text)
        return -ENOMEM;
    ssize_t length = fsd->ops->read_link(fsd, link->vnode, text, PATH_BYTES_MAX + 1);
    size_t rest = strlen(walk->rest);
    if (length >= 0 && (size_t)length + rest > PATH_BYTES_MAX)
        length = -ENAMETOOLONG;
    if (length <= 0) {
        mem_free(text);
        return length ? (status_t)length : -ENOENT;
    }
    memcpy(text + length, walk->rest, rest + 1);
    mem_free(walk->expanded);
    walk->rest = walk->expanded = text;
    if (text[0] == '/')
        walk_move(walk, path_root());
    return 0;
}

static status_t walk_step(struct walk *walk, struct element element, unsigned flags)
{
    if (!path_is_directory(walk->at))
        return -ENOTDIR;
    if (element_is(element, "."))
        return 0;
    if (element_is(element, "..")) {
        if (walk->at->parent)
            walk_move(walk, path_get(walk->at->parent));
        return 0;
    }
    struct path *child;
    status_t status = child_get(walk->at, element, true, &child);
    if (status)
        return status;
    bool stay = flags & WALK_NO_FOLLOW && !walk->slash && walk_is_at_last(walk);
    if (child->vnode->type != NODE_LINK || stay) {
        walk_move(walk, child);
        return 0;
    }
    status = walk_expand(walk, child);
    path_put(child);
    return status;
}

/* POSIX 4.13: what a slash follows must be a directory. Also where a link's target ends so. */
static status_t walk_end(struct walk *walk, status_t status, struct path **result)
{
    if (!status && walk->slash && !path_is_directory(walk->at))
        status = -ENOTDIR;
    if (status)
        path_put(walk->at);
    else
        *result = walk->at;
    return status;
}

status_t path_walk(struct path *start, const char *text, unsigned flags, struct path **result)
{
    struct walk walk;
    struct element element;
    *result = NULL;
    status_t status = walk_begin(&walk, start, text);
    if (status)
        return status;
    while (!status && walk_next(&walk, &element))
        status = walk_step(&walk, element, flags);
    mem_free(walk.expanded);
    return walk_end(&walk, status, result);
}

/* ---- a place ------------------------------------------------------------------------------ */

/* Follows a link that is the last element, to the place where a file would be created. *done: the
 * place is found. */
static status_t place_follow(struct walk *walk, struct element element, struct path **node,
                             bool *done)
{
    struct path *child;
    status_t status = child_get(walk->at, element, true, &child);
    *done = status == -ENOENT || (!status && child->vnode->type != NODE_LINK);
    if (*done) {
        *node = child;
        return 0;
    }
    if (!status)
        status = walk_expand(walk, child);
    path_put(child);
    return status;
}

static status_t place_walk(struct walk *walk, bool follow, struct place *place)
{
    struct element element;
    status_t status = 0;
    bool done = false;
    place->dots = true; /* unless there is a name */
    while (!status && !done && walk_next(walk, &element)) {
        bool dots = element_is(element, ".") || element_is(element, "..");
        if (!walk_is_at_last(walk) || (dots && follow)) {
            status = walk_step(walk, element, 0);
            continue;
        }
        done = true;
        place->name = element;
        if (!path_is_directory(walk->at))
            status = -ENOTDIR;
        else if (follow)
            status = place_follow(walk, element, &place->node, &done);
        place->dots = dots || !done;
    }
    return status;
}

status_t place_find(struct path *start, const char *text, bool follow, struct place *place)
{
    struct walk walk;
    *place = (struct place){ .parent = NULL };
    status_t status = walk_begin(&walk, start, text);
    if (status)
        return status;
    status = place_walk(&walk, follow, place);
    place->parent = walk.at;
    place->slash = walk.slash;
    place->text = walk.expanded;
    if (status)
        place_put(place);
    return status;
}

void place_put(struct place *place)
{
    path_put(place->node);
    path_put(place->parent);
    mem_free(place->text);
}

/* ---- about nodes -------------------------------------------------------------------------- */

status_t path_info(struct path *path, unsigned levels, struct node_info *info)
{
    struct fsd *fsd = path->mount->fsd;
    *info = (struct node_info){
        .known = INFO_DIRENT,
        .id = path->vnode->id,
        .type = path->vnode->type,
        .alias = path->vnode->id,
    };
    status_t status = fsd_check(fsd);
    if (!status)
        status = fsd->ops->get_info(fsd, path->vnode, levels, info);
    if (!status && levels & INFO_MIME && info->type == NODE_FILE && !info->mime)
        info->mime = mime_type(path->name);
    return status;
}

static bool is_mount_point(struct path *parent, struct element element)
{
    struct mount *mount = mount_at(parent, element);
    if (mount)
        mount_put(mount);
    return mount != NULL;
}

/* -EAGAIN when the directory alone cannot tell. */
static status_t child_info(struct path *parent, struct element element, bool cross,
                           unsigned levels, struct node_info *info)
{
    struct fsd *fsd = parent->mount->fsd;
    if (!fsd->ops->get_child_info || !path_is_directory(parent) ||
        (cross && is_mount_point(parent, element)))
        return -EAGAIN;
    *info = (struct node_info){ 0 };
    status_t status = fsd_check(fsd);
    if (!status)
        status = fsd->ops->get_child_info(fsd, parent->vnode, element, levels, info);
    return status == -ENOENT && fsd->changes_names ? -EAGAIN : status;
}

status_t path_child_info(struct path *parent, const char *name, bool cross, unsigned levels,
                         struct node_info *info)
{
    struct path *child;
    struct element element = { name, strlen(name) };
    status_t status = child_info(parent, element, cross, levels, info);
    if (status != -EAGAIN)
        return status;
    status = child_get(parent, element, cross, &child);
    if (status)
        return status;
    status = path_info(child, levels, info);
    path_put(child);
    return status;
}

ssize_t path_read_link(struct path *path, char *target, size_t bytes)
{
    struct fsd *fsd = path->mount->fsd;
    status_t status = fsd_check(fsd);
    if (status)
        return status;
    if (path->vnode->type != NODE_LINK)
        return -EINVAL;
    return fsd->ops->read_link ? fsd->ops->read_link(fsd, path->vnode, target, bytes)
                               : -EOPNOTSUPP;
}

status_t path_describe(struct path *path, bool node, struct text_sink *sink)
{
    struct fsd *fsd = path->mount->fsd;
    status_t status = fsd_check(fsd);
    if (status)
        return status;
    if (!fsd->ops->ioctl)
        return -EOPNOTSUPP;
    return fsd->ops->ioctl(fsd, path->vnode, node ? FSD_DESCRIBE_NODE : FSD_DESCRIBE_VOLUME, sink,
                           sizeof(*sink));
}

status_t path_control(struct path *path, unsigned operation, void *argument, size_t bytes)
{
    struct fsd *fsd = path->mount->fsd;
    return fsd->ops->passthrough
               ? fsd->ops->passthrough(fsd, path->vnode, operation, argument, bytes)
               : -EOPNOTSUPP;
}

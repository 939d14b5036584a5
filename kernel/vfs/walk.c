/*
 * walk.c - walks a path's text from element to element, through mounts and links, to a node or to
 * the place of a name.
 *
 * At each element, a file system mounted there takes precedence over the directory. A name is first
 * looked up in the mount table as typed, then as the directory spells it: so one node has one path,
 * and a mount is found however its name was typed.
 */
#include "kernel/vfs/internal.h"
#include "lib/string.h"
#include "lib/text.h"

enum { LINKS_MAX = 16 };

/* ---- a walk ------------------------------------------------------------------------------- */

struct walk {
    struct path *at;   /* a reference */
    const char *rest;  /* the text that is still to be walked */
    char *expanded;    /* owned; `rest` points into it once a link was followed */
    unsigned links;
    bool slash;        /* a slash follows the last element taken */
};

/* Begins at `start`, or at `/`. -ENOENT for an empty text (POSIX 4.13), -ENAMETOOLONG. */
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

/* Takes the next element off the rest; returns false if there is none. */
static bool walk_take_element(struct walk *walk, struct element *element)
{
    /* Several slashes count as one (POSIX 4.13). */
    while (*walk->rest == '/')
        walk->rest++;

    element->name = walk->rest;
    while (*walk->rest && *walk->rest != '/')
        walk->rest++;
    element->length = (size_t)(walk->rest - element->name);

    /* At the end of the text, the element taken before keeps its slash. */
    if (element->length)
        walk->slash = *walk->rest == '/';
    return element->length > 0;
}

/* Returns whether only slashes follow the element taken last. */
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

/* Finds the child in the mount table; NULL if nothing is mounted there. The table contains texts,
 * and the text of a directory that was removed, or whose mount is gone, leads elsewhere. */
static status_t child_mounted(struct path *parent, struct element element, struct path **result)
{
    struct mount *mount = path_is_live(parent) ? mount_find(parent, element) : NULL;
    *result = NULL;

    if (!mount)
        return 0;
    *result = path_create(parent, mount, vnode_ref(mount->root), element);
    return *result ? 0 : -ENOMEM;
}

/* Looks the element up and references its vnode; *moves: the count before. Where ids are reused, a
 * node may have been moved or removed between the two: it is looked up again, also if its id was
 * not valid any more. */
static status_t vnode_of_element(struct path *parent, struct element element,
                                 struct vnode **vnode, unsigned *moves)
{
    struct fsd *fsd = parent->mount->fsd;
    for (;;) {
        vnode_id_t id;

        /* See vnode_moves_wait(): an equal count before and after means that nothing moved. */
        status_t status = vnode_moves_wait(fsd, moves);
        if (!status)
            status = name_lookup(fsd, parent->vnode, element, &id);
        if (status)
            return status;

        status = vnode_get(fsd, id, vnode);
        if (!fsd->reuses_ids || !vnode_moved_since(fsd, *moves))
            return status;
        if (!status)
            vnode_put(*vnode);
    }
}

status_t path_lookup(struct path *parent, struct element element, struct path **result)
{
    struct vnode *vnode;
    unsigned moves;
    status_t status;
    *result = NULL;

    while (!*result) {
        status = vnode_of_element(parent, element, &vnode, &moves);
        if (status)
            return status;
        *result = path_of_vnode(vnode);
        if (*result) {
            vnode_put(vnode);
            return 0;
        }

        /* path_create() takes over both references. If the directory was moved meanwhile, the name
         * may be its old one: it is looked up again. */
        *result = path_create(parent, mount_get(parent->mount), vnode, element);
        if (!*result)
            return -ENOMEM;
        *result = path_enter(*result, moves);
    }
    return 0;
}

/* Replaces the element by the directory's own spelling, if that differs. *room: memory for it, to
 * be freed by the caller. */
static status_t element_spell(struct path *parent, struct element *element, char **room)
{
    struct fsd *fsd = parent->mount->fsd;
    *room = NULL;
    status_t status = fsd_check(fsd);
    if (status || !fsd->ops->actual_name)
        return status;

    /* Only an FSD that ignores case, or shortens names, has another spelling. */
    *room = mem_alloc(NAME_BYTES_MAX + 1);
    if (!*room)
        return -ENOMEM;
    size_t length = fsd->ops->actual_name(fsd, parent->vnode, *element, *room);
    if (length)
        *element = (struct element){ *room, length };
    return 0;
}

status_t path_child_element(struct path *parent, struct element element, bool cross,
                            struct path **result)
{
    *result = NULL;
    if (!path_is_directory(parent))
        return -ENOTDIR;
    if (element.length > NAME_BYTES_MAX)
        return -ENAMETOOLONG;

    /* without `cross`, the name comes from the directory itself and is spelled as there */
    if (!cross) {
        status_t checked = fsd_check(parent->mount->fsd);
        return checked ? checked : path_lookup(parent, element, result);
    }

    /* First as typed, then as spelled, then in the directory: the order that the head describes. */
    char *room = NULL;
    status_t status = child_mounted(parent, element, result);
    if (!status && !*result)
        status = element_spell(parent, &element, &room);
    if (!status && !*result && room && element.name == room)
        status = child_mounted(parent, element, result);
    if (!status && !*result)
        status = path_lookup(parent, element, result);
    mem_free(room);
    return status;
}

status_t path_child(struct path *parent, const char *name, bool cross, struct path **result)
{
    struct element element = { name, strlen(name) };
    return path_child_element(parent, element, cross, result);
}

/* Inserts the link's target before the rest. The walk is at the link's directory. */
static status_t walk_expand(struct walk *walk, struct path *link)
{
    struct fsd *fsd = link->mount->fsd;
    if (++walk->links > LINKS_MAX)
        return -ELOOP;
    if (!fsd->ops->read_link)
        return -EOPNOTSUPP;

    /* Counting links is enough to end a cycle. The text cannot grow past PATH_BYTES_MAX either. */
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

    /* a relative target continues at the link's directory */
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
        /* by the way that was walked, out of a mount too; `/` is its own parent */
        walk_move(walk, path_parent(walk->at));
        return 0;
    }

    struct path *child;
    status_t status = path_child_element(walk->at, element, true, &child);
    if (status)
        return status;

    /* POSIX lstat(): a link at the end is not followed, unless a slash requires the directory it
     * leads to. */
    bool stay = flags & WALK_NO_FOLLOW && !walk->slash && walk_is_at_last(walk);
    if (child->vnode->type != NODE_LINK || stay) {
        walk_move(walk, child);
        return 0;
    }
    status = walk_expand(walk, child);
    path_put(child);
    return status;
}

/* POSIX 4.13: a trailing slash requires a directory, also at the end of a link's target. */
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

    while (!status && walk_take_element(&walk, &element))
        status = walk_step(&walk, element, flags);
    mem_free(walk.expanded);
    return walk_end(&walk, status, result);
}

/* ---- a place ------------------------------------------------------------------------------ */

/* Follows a link that is the last element, to the place where a file would be created. *done is
 * false if the walk continues with the link's target. */
static status_t place_follow(struct walk *walk, struct element element, struct path **node,
                             bool *done)
{
    struct path *child;
    status_t status = path_child_element(walk->at, element, true, &child);
    *done = status == -ENOENT || (!status && child->vnode->type != NODE_LINK);
    if (*done) {
        *node = child;
        return 0;
    }

    /* A link: the file may be created where it leads. */
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
    place->dots = true; /* `/`, unless a name follows */

    while (!status && !done && walk_take_element(walk, &element)) {
        bool dots = element_is(element, ".") || element_is(element, "..");

        /* with `follow`, dots are walked; else they are a name, and refused later */
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

        /* A link that leads to a directory by dots or to `/` has no name that could be changed. */
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

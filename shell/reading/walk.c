/*
 * walk.c - a walk through a tree with a heap of the nodes to visit; see walk.h.
 */
#include "shell/reading/walk.h"
#include "lib/string.h"
#include "shell/reading/id_set.h"
#include "shell/words.h"

struct pending {
    struct path *parent; /* a reference */
    unsigned depth;
    size_t name_at;      /* where in text the name begins */
    char text[];         /* relative to the start */
};

struct walk {
    struct path *single;      /* a start that is not a directory, until it was visited */
    struct pending **heap;    /* heap[0] has the least text */
    size_t count, room;
    size_t unchecked;         /* for list_may_grow() */
    struct id_set entered;    /* the aliases of directories */
    unsigned flags, skipped;
    status_t listing;         /* why the start itself could not be listed completely */
    struct path *current;     /* the item's path, once walk_path() was called */
    struct pending *visited;  /* the item's text */
    struct dir_entry entry;
};

/* ---- the heap ----------------------------------------------------------------------------- */

/* Returns a byte's place in the order: in a nested walk, the slash comes before all others. */
static unsigned order(const struct walk *walk, char c)
{
    return c == '/' && walk->flags & WALK_NESTED ? 1 : c ? (unsigned char)c + 1u : 0;
}

static bool heap_less(const struct walk *walk, size_t a, size_t b)
{
    const char *one = walk->heap[a]->text, *two = walk->heap[b]->text;

    while (*one && *one == *two)
        one++, two++;

    return order(walk, *one) < order(walk, *two);
}

static void heap_swap(struct walk *walk, size_t a, size_t b)
{
    struct pending *kept = walk->heap[a];
    walk->heap[a] = walk->heap[b];
    walk->heap[b] = kept;
}

static status_t heap_push(struct walk *walk, struct pending *pending)
{
    if (walk->count == walk->room) {
        size_t room = walk->room ? walk->room * 2 : 64;
        size_t bytes = room * sizeof(*walk->heap);
        struct pending **grown = list_may_grow(&walk->unchecked, bytes) ? mem_alloc(bytes) : NULL;
        if (!grown)
            return -ENOMEM;
        if (walk->count)
            memcpy(grown, walk->heap, walk->count * sizeof(*grown));
        mem_free(walk->heap);
        walk->heap = grown;
        walk->room = room;
    }

    /* Add it at the end, and let it rise until its parent is less. */
    size_t at = walk->count++;
    walk->heap[at] = pending;
    for (; at && heap_less(walk, at, (at - 1) / 2); at = (at - 1) / 2)
        heap_swap(walk, at, (at - 1) / 2);
    return 0;
}

static struct pending *heap_pop(struct walk *walk)
{
    struct pending *top = walk->heap[0];

    /* The last item takes the place of the first, and sinks below the lesser of its children. */
    walk->heap[0] = walk->heap[--walk->count];

    for (size_t at = 0;;) {
        size_t least = at, left = 2 * at + 1, right = left + 1;
        if (left < walk->count && heap_less(walk, left, least))
            least = left;
        if (right < walk->count && heap_less(walk, right, least))
            least = right;

        if (least == at)
            return top;

        heap_swap(walk, at, least);
        at = least;
    }
}

static void pending_free(struct pending *pending)
{
    if (pending)
        path_put(pending->parent);
    mem_free(pending);
}

/* ---- visiting ----------------------------------------------------------------------------- */

static status_t push_entry(struct walk *walk, struct path *directory, const char *prefix,
                           unsigned depth)
{
    /* The text is the path relative to the start, in one allocation with the node. */
    size_t head = strlen(prefix), length = strlen(walk->entry.name);
    size_t slash = head ? 1 : 0;
    size_t bytes = sizeof(struct pending) + head + slash + length + 1;
    struct pending *pending = list_may_grow(&walk->unchecked, bytes) ? mem_alloc(bytes) : NULL;
    if (!pending)
        return -ENOMEM;

    /* Hold the directory: it may be removed before this entry is visited. */
    pending->parent = path_get(directory);
    pending->depth = depth;
    pending->name_at = head + slash;
    memcpy(pending->text, prefix, head);
    if (slash)
        pending->text[head] = '/';
    memcpy(pending->text + head + slash, walk->entry.name, length + 1);

    status_t status = heap_push(walk, pending);
    if (status)
        pending_free(pending);
    return status;
}

/* Adds a directory's entries to the heap. *status: why the listing is incomplete. */
static status_t push_entries(struct walk *walk, struct path *directory, const char *prefix,
                             unsigned depth, status_t *status)
{
    /* A directory that cannot be listed is an item with an error. Only -ENOMEM ends the walk. */
    struct file *file;
    *status = file_open_path(directory, OPEN_DIRECTORY | OPEN_READ, &file);
    if (*status)
        return *status == -ENOMEM ? -ENOMEM : 0;

    status_t failed = 0;
    int got = 0;
    while (!failed && (got = dir_read(file, INFO_NONE, &walk->entry)) > 0)
        failed = thread_interrupted() ? -EINTR : push_entry(walk, directory, prefix, depth);

    file_close(file);

    /* The entries before an error are visited. */
    if (got < 0)
        *status = got;
    if (!got && !failed)
        walk->skipped += walk->entry.skipped;
    return failed;
}

unsigned walk_skipped(const struct walk *walk)
{
    return walk->skipped;
}

status_t walk_path(const struct walk_item *item, struct path **path)
{
    struct walk *walk = item->walk;

    /* The vnode is created at most once for each item, and only if it is asked for. */
    status_t status = walk->current ? 0
                                    : path_child(item->parent, item->name, false, &walk->current);
    *path = walk->current;
    return status;
}

static status_t enter(struct walk *walk, struct walk_item *item, unsigned depth)
{
    struct path *path;

    /* A hostile disc can contain a directory that contains itself. Its alias is the same each
     * time. */
    item->status = depth >= WALK_DEPTH_MAX ? -ELOOP : id_set_add(&walk->entered, item->info.alias);
    if (!item->status)
        item->status = walk_path(item, &path);

    if (item->status)
        return item->status == -ENOMEM ? -ENOMEM : 0;

    return push_entries(walk, path, item->text, depth + 1, &item->status);
}

/* Releases what belongs to the last item. */
static void walk_let_go(struct walk *walk)
{
    path_put(walk->current);
    pending_free(walk->visited);
    walk->current = NULL;
    walk->visited = NULL;
}

/* Visits the least path of the heap. */
static void take_pending(struct walk *walk, struct walk_item *item)
{
    struct pending *pending = walk->visited = heap_pop(walk);
    item->text = pending->text;
    item->name = pending->text + pending->name_at;
    item->parent = pending->parent;
    item->depth = pending->depth + 1;
    item->status = path_child_info(pending->parent, item->name, false, INFO_ALL, &item->info);
}

int walk_next(struct walk *walk, struct walk_item *item)
{
    walk_let_go(walk);
    *item = (struct walk_item){ .walk = walk, .text = "", .name = "" };

    if (thread_interrupted())
        return -EINTR;

    if (walk->single) {
        /* The start is not a directory: it is the only item. */
        walk->current = walk->single;
        walk->single = NULL;
        item->status = path_info(walk->current, INFO_ALL, &item->info);
    } else if (walk->count) {
        take_pending(walk, item);
    } else {
        /* The start is not an item, so its error is returned. */
        status_t listing = walk->listing;
        walk->listing = 0;
        return listing;
    }

    if (item->status)
        return item->status == -ENOMEM ? -ENOMEM : 1;

    item->found = true;
    if (item->info.type != NODE_DIRECTORY)
        return 1;

    /* A directory's entries are read now: the caller may remove the directory after its
     * contents. */
    status_t status = enter(walk, item, walk->visited->depth);
    return status ? status : 1;
}

status_t walk_begin(struct path *start, unsigned flags, struct walk **result)
{
    struct node_info info;
    status_t status = path_info(start, INFO_ALIAS, &info);
    if (status)
        return status;

    struct walk *walk = mem_zalloc(sizeof(*walk));
    if (!walk)
        return -ENOMEM;

    walk->flags = flags;

    /* The entries of the start are the first items. The start counts as entered, and is not an
     * item. */
    if (info.type != NODE_DIRECTORY) {
        walk->single = path_get(start);
    } else {
        status = id_set_add(&walk->entered, info.alias);
        if (!status)
            status = push_entries(walk, start, "", 0, &walk->listing);
    }

    if (status) {
        walk_end(walk);
        return status;
    }
    *result = walk;
    return 0;
}

void walk_end(struct walk *walk)
{
    if (!walk)
        return;
    walk_let_go(walk);
    path_put(walk->single);

    /* The walk may end early, after an error or ^C, with nodes that were not visited. */
    while (walk->count)
        pending_free(walk->heap[--walk->count]);
    mem_free(walk->heap);
    id_set_destroy(&walk->entered);
    mem_free(walk);
}

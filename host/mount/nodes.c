/*
 * nodes.c - the nodes that the host's kernel knows. See mount.h.
 *
 * A node is found by its inode number in a hash table of chains. It counts how often the kernel was
 * told of it, since the kernel forgets in counts.
 *
 * The kernel may know millions of nodes, and a path keeps a vnode in memory. So only the nodes used
 * last hold their path; the others have their parent and their name, from which the path is walked
 * again. A parent stays in memory for its children: the kernel forgets both, but its messages are
 * read by several threads, in any order.
 *
 * Writing     On a file system that is written, an id belongs to another node after a file was
 *             removed, and changes with a rename. So inode numbers are this file's own there: a
 *             second table finds a node by its id, and the node of a removed file keeps its path,
 *             by which open files are still served.
 * Locking     `lock` guards the nodes. It is held for a few instructions, never while the VFS is
 *             called. `names` makes one step of a look-up in the VFS and the note of its result, or
 *             of a change and its note: see names_lock().
 */
#include "host/mount/mount.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/list.h"
#include "lib/macros.h"

struct node {
    struct node *next; /* in its chain */
    struct node *next_by_id;
    fuse_ino_t inode;
    vnode_id_t id;       /* VNODE_NONE: it was removed */
    struct node *parent; /* NULL: not known, or the root: the node keeps its path */
    size_t children;     /* nodes that have it as their parent */
    uint64_t count;
    struct path *path;   /* a reference, or NULL */
    struct list recent; /* with a path and a parent: in the order of use */
    char *name;        /* in the parent */
};

enum {
    CHAINS_MIN = 1024,
    NODES_PER_CHAIN = 2,
    HELD_MIN = 16,        /* paths */
    PAGES_PER_HELD = 8,   /* of Spindle's memory: the paths and their vnodes take a part of it */
    DEPTH_MAX = PATH_BYTES_MAX / 2,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t names = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static struct node **chains, **id_chains; /* the second: only if the file system is written */
static size_t chain_count, node_count;
static fuse_ino_t last_inode = FUSE_ROOT_ID;
static struct list held = LIST_INIT(held); /* nodes with a path; front: unused for longest */
static size_t held_count, held_max;

static size_t chain_of(fuse_ino_t inode, size_t count)
{
    return hash_u64(inode) & (count - 1);
}

/* Returns where the chain refers to the node, or its end. Caller holds the lock. */
static struct node **find(fuse_ino_t inode)
{
    struct node **at = &chains[chain_of(inode, chain_count)];
    while (*at && (*at)->inode != inode)
        at = &(*at)->next;
    return at;
}

/* Returns where the chain of the id refers to the node with this id, or its end. Caller holds the
 * lock. */
static struct node **find_id(vnode_id_t id)
{
    struct node **at = &id_chains[chain_of(id, chain_count)];
    while (*at && (*at)->id != id)
        at = &(*at)->next_by_id;
    return at;
}

/* Enters a node into the table of ids, or takes it out. Caller holds the lock. */
static void set_id(struct node *node, vnode_id_t id)
{
    if (id_chains && node->id) {
        struct node **at = find_id(node->id);
        if (*at == node)
            *at = node->next_by_id;
    }
    node->id = id;
    if (id_chains && id) {
        struct node **at = &id_chains[chain_of(id, chain_count)];
        node->next_by_id = *at;
        *at = node;
    }
}

/* Doubles the tables when their chains become long. If there is no memory, they stay long. */
static void grow(void)
{
    size_t larger = chain_count * 2;
    if (node_count < chain_count * NODES_PER_CHAIN)
        return;
    struct node **fresh = calloc(larger, sizeof(*fresh));
    struct node **fresh_ids = id_chains ? calloc(larger, sizeof(*fresh)) : NULL;
    if (!fresh || (id_chains && !fresh_ids)) {
        free(fresh);
        free(fresh_ids);
        return;
    }

    for (size_t i = 0; i < chain_count; i++)
        for (struct node *node = chains[i], *next; node; node = next) {
            next = node->next;
            struct node **to = &fresh[chain_of(node->inode, larger)];
            node->next = *to;
            *to = node;
            if (!fresh_ids || !node->id)
                continue;
            to = &fresh_ids[chain_of(node->id, larger)];
            node->next_by_id = *to;
            *to = node;
        }
    free(chains);
    free(id_chains);
    chains = fresh;
    id_chains = fresh_ids;
    chain_count = larger;
}


/* ---- names ---------------------------------------------------------------------------------- */

void names_lock(bool exclusive)
{
    /* names that cannot change need no lock */
    if (!id_chains)
        return;
    if (exclusive)
        pthread_rwlock_wrlock(&names);
    else
        pthread_rwlock_rdlock(&names);
}

void names_unlock(void)
{
    if (id_chains)
        pthread_rwlock_unlock(&names);
}

/* ---- paths ---------------------------------------------------------------------------------- */

/* Makes the node the one used last, or removes it from that order. Caller holds the lock. */
static void use(struct node *node)
{
    held_count += list_empty(&node->recent);
    list_remove(&node->recent);
    list_push_back(&held, &node->recent);
}

static void unuse(struct node *node)
{
    held_count -= !list_empty(&node->recent);
    list_remove(&node->recent);
}

/* Gives a node its path, unless another thread did, and takes that of the node unused for longest
 * if too many are held. Takes over the reference to `path`. Returns a path to be put, or NULL.
 * Caller holds the lock. */
static struct path *hold(struct node *node, struct path *path)
{
    if (node->path)
        return path;
    node->path = path;
    if (!node->parent)
        return NULL;
    use(node);
    if (held_count <= held_max)
        return NULL;

    struct node *oldest = container_of(held.next, struct node, recent);
    struct path *given_up = oldest->path;
    oldest->path = NULL;
    unuse(oldest);
    return given_up;
}

/* A node without a path, below one that has a path. */
struct step {
    fuse_ino_t inode;
    vnode_id_t id;
    struct path *above; /* a reference */
    char name[NAME_BYTES_MAX + 1];
};

/* Finds the path of a node (*path), or the step to be walked next on the way to it (*path NULL).
 * -ESTALE if the kernel does not know it. */
static status_t find_step(fuse_ino_t inode, struct path **path, struct step *step)
{
    status_t status = -ESTALE;
    *path = NULL;
    pthread_mutex_lock(&lock);
    struct node *node = *find(inode);
    if (node && node->path) {
        *path = path_get(node->path);
        if (node->parent)
            use(node);
        status = 0;
    }

    /* Climb until the parent has a path: the root has. */
    if (node && status) {
        while (!node->parent->path)
            node = node->parent;
        step->inode = node->inode;
        step->id = node->id;
        step->above = path_get(node->parent->path);
        strcpy(step->name, node->name);
        status = 0;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

/* Walks one step, and gives its node the path. */
static status_t walk_step(const struct step *step)
{
    struct path *path;
    status_t status = path_child(step->above, step->name, false, &path);
    if (!status && path_vnode(path)->id != step->id) {
        path_put(path);
        status = -ESTALE;
    }
    if (status)
        return status;

    pthread_mutex_lock(&lock);
    struct node *node = *find(step->inode);
    struct path *surplus = node ? hold(node, path) : path;
    pthread_mutex_unlock(&lock);
    path_put(surplus);
    return 0;
}

status_t node_path(fuse_ino_t inode, struct path **path)
{
    struct step step;
    status_t status = 0;

    /* Each round gives a path to one more node on the way down. Other threads may take it again,
     * hence the bound. Between the two steps no name may change. */
    names_lock(false);
    *path = NULL;
    for (unsigned round = 0; !*path && !status; round++) {
        status = round < DEPTH_MAX ? find_step(inode, path, &step) : -ENOMEM;
        if (status || *path)
            break;
        status = walk_step(&step);
        path_put(step.above);
    }
    names_unlock();
    return status;
}

/* ---- remembering ---------------------------------------------------------------------------- */

static void node_free(struct node *node)
{
    if (node)
        free(node->name);
    free(node);
}

static struct node *node_create(const char *name)
{
    struct node *node = calloc(1, sizeof(*node));
    if (node)
        node->name = strdup(name);
    if (!node || !node->name) {
        node_free(node);
        return NULL;
    }
    node->count = 1;
    list_init(&node->recent);
    return node;
}

/* Enters a node into the tables. Caller holds the lock. */
static void insert(struct node *node, fuse_ino_t inode, vnode_id_t id)
{
    node->inode = inode;
    struct node **at = &chains[chain_of(inode, chain_count)];
    node->next = *at;
    *at = node;
    set_id(node, id);
    node_count++;
    grow();
}

/* Takes a node that neither the kernel nor a child needs out of the tables, and its parents if they
 * stayed for it alone. Returns them, linked by `next`. Caller holds the lock. */
static struct node *remove_unused(struct node *node)
{
    struct node *gone = NULL;
    while (node && !node->count && !node->children) {
        struct node *parent = node->parent;
        if (parent)
            parent->children--;
        *find(node->inode) = node->next;
        unuse(node);
        set_id(node, VNODE_NONE);
        node_count--;
        node->next = gone;
        gone = node;
        node = parent;
    }
    return gone;
}

/* Gives a node another parent, or none. Returns what remove_unused() does. Caller holds the
 * lock. */
static struct node *set_parent(struct node *node, struct node *parent)
{
    struct node *old = node->parent;
    if (parent)
        parent->children++;
    node->parent = parent;
    if (old)
        old->children--;
    return remove_unused(old);
}

/* Putting a path may free vnodes, so it happens without the lock. */
static void nodes_free(struct node *gone)
{
    while (gone) {
        struct node *next = gone->next;
        path_put(gone->path);
        node_free(gone);
        gone = next;
    }
}

status_t nodes_start(struct path *root, bool writable)
{
    held_max = max(page_total_count() / PAGES_PER_HELD, (size_t)HELD_MIN);
    chain_count = CHAINS_MIN;
    chains = calloc(chain_count, sizeof(*chains));
    if (writable)
        id_chains = calloc(chain_count, sizeof(*id_chains));
    struct node *node = node_create("");
    if (!chains || (writable && !id_chains) || !node) {
        node_free(node);
        path_put(root);
        return -ENOMEM;
    }

    /* The kernel knows it from the beginning, and until the end. */
    node->path = root;
    insert(node, last_inode, VNODE_ROOT);
    return 0;
}

status_t node_remember(fuse_ino_t parent, const char *name, struct path *path, fuse_ino_t *inode)
{
    vnode_id_t id = path_vnode(path)->id;
    struct path *surplus = NULL;
    *inode = FUSE_ROOT_ID;
    if (id == VNODE_ROOT)
        return 0;
    struct node *fresh = node_create(name);
    if (!fresh)
        return -ENOMEM;

    /* A node that was reached by another path before keeps that one: both lead to it. */
    pthread_mutex_lock(&lock);
    struct node *node = id_chains ? *find_id(id) : *find(id);
    if (node) {
        node->count++;
    } else {
        node = fresh;
        fresh = NULL;
        insert(node, id_chains ? ++last_inode : id, id);
        if (parent)
            node->parent = *find(parent);
        if (node->parent)
            node->parent->children++;
        surplus = hold(node, path_get(path));
    }
    *inode = node->inode;
    pthread_mutex_unlock(&lock);
    path_put(surplus);
    node_free(fresh);
    return 0;
}

void node_removed(vnode_id_t id, struct path *path)
{
    struct node *gone = NULL;
    pthread_mutex_lock(&lock);
    struct node *node = *find_id(id);
    struct path *surplus = path_get(path);
    if (node) {
        /* it keeps the path, since no walk leads to it any more */
        unuse(node);
        set_id(node, VNODE_NONE);
        gone = set_parent(node, NULL);
        if (!node->path) {
            node->path = surplus;
            surplus = NULL;
        }
    }
    pthread_mutex_unlock(&lock);
    path_put(surplus);
    nodes_free(gone);
}

void node_renamed(vnode_id_t old_id, vnode_id_t id, fuse_ino_t parent, char *name)
{
    struct path *old = NULL;
    struct node *gone = NULL;
    pthread_mutex_lock(&lock);
    struct node *node = *find_id(old_id), *above = *find(parent);
    if (node && above) {
        char *former = node->name;
        node->name = name;
        name = former;
        gone = set_parent(node, above);
        set_id(node, id);

        /* a file's path has the old name: it is walked again */
        old = node->path;
        node->path = NULL;
        unuse(node);
    }
    pthread_mutex_unlock(&lock);
    path_put(old);
    free(name);
    nodes_free(gone);
}

void node_forget(fuse_ino_t inode, uint64_t count)
{
    struct node *gone = NULL;
    if (inode == FUSE_ROOT_ID)
        return;

    pthread_mutex_lock(&lock);
    struct node *node = *find(inode);
    if (node) {
        node->count -= min(node->count, count);
        gone = remove_unused(node);
    }
    pthread_mutex_unlock(&lock);
    nodes_free(gone);
}

void nodes_stop(void)
{
    for (size_t i = 0; i < chain_count; i++)
        for (struct node *node = chains[i], *next; node; node = next) {
            next = node->next;
            path_put(node->path);
            node_free(node);
        }
    free(chains);
    free(id_chains);
    chain_count = node_count = held_count = 0;
}

/*
 * nodes.c - the nodes that the host's kernel knows. See mount.h.
 *
 * A node is found by its inode number in a hash table of chains. It counts how often the kernel was
 * told of it, since the kernel forgets in counts. The lock is held for a few instructions, never
 * while the VFS is called.
 */
#include "host/mount/mount.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/hash.h"

struct node {
    struct node *next; /* in its chain */
    fuse_ino_t inode;
    uint64_t count;
    struct path *path; /* a reference */
};

enum { CHAINS_MIN = 1024, NODES_PER_CHAIN = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct node **chains;
static size_t chain_count, node_count;
static struct path *root;

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

/* Doubles the table when its chains become long. If there is no memory, they stay long. */
static void grow(void)
{
    size_t larger = chain_count * 2;
    if (node_count < chain_count * NODES_PER_CHAIN)
        return;
    struct node **fresh = calloc(larger, sizeof(*fresh));
    if (!fresh)
        return;

    for (size_t i = 0; i < chain_count; i++)
        for (struct node *node = chains[i], *next; node; node = next) {
            next = node->next;
            struct node **to = &fresh[chain_of(node->inode, larger)];
            node->next = *to;
            *to = node;
        }
    free(chains);
    chains = fresh;
    chain_count = larger;
}

status_t nodes_start(struct path *the_root)
{
    root = the_root;
    chain_count = CHAINS_MIN;
    chains = calloc(chain_count, sizeof(*chains));
    return chains ? 0 : -ENOMEM;
}

struct path *node_path(fuse_ino_t inode)
{
    if (inode == FUSE_ROOT_ID)
        return path_get(root);
    pthread_mutex_lock(&lock);
    struct node *node = *find(inode);
    struct path *path = node ? path_get(node->path) : NULL;
    pthread_mutex_unlock(&lock);
    return path;
}

status_t node_remember(fuse_ino_t inode, struct path *path)
{
    struct node *fresh = malloc(sizeof(*fresh));
    if (!fresh)
        return -ENOMEM;
    if (inode == FUSE_ROOT_ID) {
        free(fresh);
        return 0;
    }

    /* A node that was reached by another path before keeps that one: both lead to it. */
    pthread_mutex_lock(&lock);
    struct node **at = find(inode);
    if (*at) {
        (*at)->count++;
    } else {
        *fresh = (struct node){ .inode = inode, .count = 1, .path = path_get(path) };
        *at = fresh;
        fresh = NULL;
        node_count++;
        grow();
    }
    pthread_mutex_unlock(&lock);
    free(fresh);
    return 0;
}

void node_forget(fuse_ino_t inode, uint64_t count)
{
    struct node *gone = NULL;
    if (inode == FUSE_ROOT_ID)
        return;

    pthread_mutex_lock(&lock);
    struct node **at = find(inode);
    if (*at && (*at)->count > count) {
        (*at)->count -= count;
    } else if (*at) {
        gone = *at;
        *at = gone->next;
        node_count--;
    }
    pthread_mutex_unlock(&lock);

    /* Putting the path may free vnodes, so it happens without the lock. */
    if (gone)
        path_put(gone->path);
    free(gone);
}

void nodes_stop(void)
{
    for (size_t i = 0; i < chain_count; i++)
        for (struct node *node = chains[i], *next; node; node = next) {
            next = node->next;
            path_put(node->path);
            free(node);
        }
    free(chains);
    path_put(root);
    chain_count = node_count = 0;
}

/*
 * node.c - the nodes of ramfs: creating and freeing them, and finding them by id.
 */
#include "fs/ramfs/ramfs.h"
#include "kernel/vfs/vfs.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"

/* ---- one node ----------------------------------------------------------------------------- */

char *ramfs_name_copy(struct element element)
{
    char *name = mem_alloc(element.length + 1);
    if (name) {
        memcpy(name, element.name, element.length);
        name[element.length] = '\0';
    }
    return name;
}

static struct ramfs_node *node_alloc(enum node_type type, struct element element,
                                     const char *target)
{
    struct ramfs_node *node = mem_zalloc(sizeof(*node));
    char *name = ramfs_name_copy(element), *link = NULL;
    struct ramfs_directory *directory = NULL;
    if (type == NODE_DIRECTORY)
        directory = mem_zalloc(sizeof(*directory));
    if (target)
        link = ramfs_name_copy((struct element){ target, strlen(target) });

    if (!node || !name || (type == NODE_DIRECTORY && !directory) || (target && !link)) {
        mem_free(directory);
        mem_free(link);
        mem_free(name);
        mem_free(node);
        return NULL;
    }

    node->type = type;
    node->name = name;
    node->name_length = element.length;
    if (directory) {
        list_init(&directory->places);
        node->directory = directory;
    }
    if (link) {
        node->target = link;
        node->size_bytes = strlen(link);
    }
    return node;
}

static void node_free(struct ramfs_node *node)
{
    if (node->type == NODE_DIRECTORY) {
        /* not table_take_all(): at dismount its entries may be freed already */
        pages_cut(&node->directory->names.buckets, 0);
        mem_free(node->directory);
    } else if (node->type == NODE_LINK) {
        mem_free(node->target);
    } else {
        pages_cut(&node->pages, 0);
    }
    mem_free(node->name);
    mem_free(node);
}

void ramfs_node_put(struct ramfs_node *node)
{
    if (atomic_fetch_sub(&node->users, 1) == 1)
        node_free(node);
}

void ramfs_node_touch(struct ramfs_node *node)
{
    atomic_store_explicit(&node->modified_s, time_wall_s(), memory_order_relaxed);
    atomic_store_explicit(&node->modified_ns, 0, memory_order_relaxed);
}

void ramfs_node_info(struct ramfs_node *node, struct node_info *info)
{
    int64_t modified_s = atomic_load_explicit(&node->modified_s, memory_order_relaxed);
    info->known = INFO_DIRENT | INFO_STANDARD | INFO_TIMES | INFO_ALIAS;
    info->id = info->alias = node->id;
    info->type = node->type;
    info->size_bytes = atomic_load_explicit(&node->size_bytes, memory_order_relaxed);
    info->has_modified = modified_s != INT64_MIN;
    info->modified_s = modified_s;
    info->modified_ns = atomic_load_explicit(&node->modified_ns, memory_order_relaxed);
    info->accessed_s = atomic_load_explicit(&node->accessed_s, memory_order_relaxed);
    info->accessed_ns = atomic_load_explicit(&node->accessed_ns, memory_order_relaxed);
    info->has_accessed = info->accessed_s != INT64_MIN;
}

/* ---- by id -------------------------------------------------------------------------------- */

static struct ramfs_shard *shard_of(struct ramfs *ramfs, vnode_id_t id)
{
    return &ramfs->shards[id % RAMFS_SHARDS];
}

static struct ramfs_node *node_of_link(struct table_link *link)
{
    return container_of(link, struct ramfs_node, id_link);
}

status_t ramfs_node_create(struct ramfs *ramfs, enum node_type type, struct element element,
                           const char *target, struct ramfs_node **result)
{
    if (vfs_memory_is_short(1))
        return -ENOSPC;

    struct ramfs_node *node = node_alloc(type, element, target);
    if (!node)
        return -ENOMEM;

    /* One user: the name. Each vnode is another. */
    atomic_init(&node->users, 1);
    mutex_init(&node->lock, RANK_FSD);
    node->id = atomic_fetch_add(&ramfs->last_id, 1) + 1;
    node->id_link.hash = hash_u64(node->id);
    ramfs_node_touch(node);
    atomic_init(&node->accessed_s, INT64_MIN);

    /* By id, the node is found once it is in its shard. */
    struct ramfs_shard *shard = shard_of(ramfs, node->id);
    mutex_lock(&shard->lock);
    table_insert(&shard->nodes, &node->id_link);
    mutex_unlock(&shard->lock);
    *result = node;
    return 0;
}

void ramfs_node_forget(struct ramfs *ramfs, struct ramfs_node *node)
{
    struct ramfs_shard *shard = shard_of(ramfs, node->id);
    mutex_lock(&shard->lock);
    table_remove(&shard->nodes, &node->id_link);
    mutex_unlock(&shard->lock);

    /* An open file keeps the node; otherwise it is freed here. */
    ramfs_node_put(node);
}

struct ramfs_node *ramfs_node_get(struct ramfs *ramfs, vnode_id_t id)
{
    struct ramfs_shard *shard = shard_of(ramfs, id);
    mutex_lock(&shard->lock);
    struct table_link *link = table_first(&shard->nodes, hash_u64(id)); /* one id, one hash */
    struct ramfs_node *node = link ? node_of_link(link) : NULL;

    /* Counted under the shard's lock, so that ramfs_node_forget() cannot free it before. */
    if (node)
        atomic_fetch_add(&node->users, 1);
    mutex_unlock(&shard->lock);
    return node;
}

void ramfs_nodes_free(struct ramfs *ramfs)
{
    for (unsigned i = 0; i < RAMFS_SHARDS; i++) {
        struct table_link *link = table_take_all(&ramfs->shards[i].nodes);

        while (link) {
            struct ramfs_node *node = node_of_link(link);
            link = link->next;
            node_free(node);
        }
    }
}

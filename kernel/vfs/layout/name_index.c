/*
 * name_index.c - the names of one directory in memory. See name_index.h.
 *
 * Nodes are in a list, in the order of the directory, and in two hash tables: by name, and by
 * alias. Both hash the folded name.
 */
#include "kernel/vfs/layout/name_list.h"
#include "lib/format.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/utf8.h"

enum { NUMBER_BYTES = 12 }; /* "~" and a number */

/* Returns an empty index with one reference, or NULL. */
static struct name_index *index_create(const struct name_format *format, struct fsd *fsd)
{
    struct name_index *index = mem_zalloc(sizeof(*index));
    kassert(format->details_bytes <= NAME_DETAILS_BYTES_MAX);
    if (!index)
        return NULL;

    /* The seed need not be secret, only unknown when the volume was written. */
    index->format = format;
    index->fsd = fsd;
    atomic_init(&index->references, 1);
    mutex_init(&index->lock, RANK_FSD);
    list_init(&index->places);
    index->seed = hash_u64(time_now_us() ^ (uint64_t)(uintptr_t)index);
    return index;
}

void name_index_put(struct name_index *index)
{
    if (!index || atomic_fetch_sub(&index->references, 1) != 1)
        return;

    /* A reader has a reference, so only nodes are left in the list. */
    list_each_safe(link, &index->places)
        mem_free(container_of(link, struct name_node, place.link));
    pages_cut(&index->by_name.buckets, 0);
    pages_cut(&index->by_alias.buckets, 0);
    mem_free(index);
}

/* ---- finding; the caller holds the index's lock ---------------------------------------------- */

static struct name_node *find_name(struct name_index *index, const char *name, size_t length)
{
    struct table_link *link =
        table_first(&index->by_name, utf8_hash_folded(name, length, index->seed));
    for (; link; link = table_next(link)) {
        struct name_node *node = container_of(link, struct name_node, name_link);
        if (utf8_equal_folded(node->entry.name, node->entry.name_bytes, name, length))
            return node;
    }
    return NULL;
}

static struct name_node *find_alias(struct name_index *index, const char *name, size_t length)
{
    struct table_link *link =
        table_first(&index->by_alias, utf8_hash_folded(name, length, index->seed));
    for (; link; link = table_next(link)) {
        struct name_node *node = container_of(link, struct name_node, alias_link);
        if (utf8_equal_folded(node->entry.alias, node->entry.alias_bytes, name, length))
            return node;
    }
    return NULL;
}

struct name_node *name_node_find(struct name_index *index, const char *name, size_t length)
{
    /* Names precede aliases: the alias of one file may be the name of another. */
    struct name_node *node = find_name(index, name, length);
    return node ? node : find_alias(index, name, length);
}

bool name_index_find(struct name_index *index, const char *name, size_t length,
                     struct name_found *found)
{
    mutex_lock(&index->lock);
    const struct name_node *node = name_node_find(index, name, length);
    if (node) {
        found->id = node->entry.id;
        memcpy(found->details, node->entry.details, index->format->details_bytes);
    }
    mutex_unlock(&index->lock);
    return node != NULL;
}

size_t name_index_count(struct name_index *index)
{
    mutex_lock(&index->lock);
    size_t count = index->by_name.count;
    mutex_unlock(&index->lock);
    return count;
}

status_t name_index_status(const struct name_index *index)
{
    return index->status;
}

/* ---- nodes -------------------------------------------------------------------------------- */

/* Returns a node with copies of all that the entry refers to, or NULL. */
static struct name_node *node_create(const struct name_index *index,
                                     const struct name_entry *entry)
{
    /* One block: the node, the details, the name with room for a number, the alias. */
    size_t names = entry->name_bytes + NUMBER_BYTES + entry->alias_bytes + 1u;
    size_t details_room = (index->format->details_bytes + 7) & ~(size_t)7;
    struct name_node *node = mem_alloc(sizeof(*node) + details_room + names);
    if (!node)
        return NULL;

    /* The caller's texts are copied, since they are in buffers that the next record overwrites. */
    uint8_t *details = (uint8_t *)(node + 1);
    char *name = (char *)details + details_room, *alias = name + entry->name_bytes + NUMBER_BYTES;
    *node = (struct name_node){ .entry = *entry };
    memcpy(details, entry->details, index->format->details_bytes);
    memcpy(name, entry->name, entry->name_bytes);
    name[entry->name_bytes] = '\0';
    node->entry.details = details;
    node->entry.name = name;

    if (entry->alias) {
        memcpy(alias, entry->alias, entry->alias_bytes);
        alias[entry->alias_bytes] = '\0';
        node->entry.alias = alias;
    }
    return node;
}

/* Inserts a node into the list, after the link, and into the tables. */
static void node_insert(struct name_index *index, struct name_node *node, struct list *after)
{
    struct name_entry *entry = &node->entry;
    list_insert_after(after, &node->place.link);
    node->name_link.hash = utf8_hash_folded(entry->name, entry->name_bytes, index->seed);
    table_insert(&index->by_name, &node->name_link);

    /* Aliases are not made unique. They are not listed, and a look-up takes whichever it meets. */
    if (!entry->alias)
        return;
    node->alias_link.hash = utf8_hash_folded(entry->alias, entry->alias_bytes, index->seed);
    table_insert(&index->by_alias, &node->alias_link);
}

static void node_append(struct name_index *index, struct name_node *node)
{
    /* At the end, so that a listing has the order of the directory, and a reader knows by the
     * number that a node is newer than itself. */
    node->place.sequence = ++index->last_sequence;
    node_insert(index, node, index->places.prev);
}

static void node_remove(struct name_index *index, struct name_node *node)
{
    list_remove(&node->place.link);
    table_remove(&index->by_name, &node->name_link);
    if (node->entry.alias)
        table_remove(&index->by_alias, &node->alias_link);
}

/* ---- making ------------------------------------------------------------------------------- */

/* Makes a node's name unique by a number. Returns whether that was necessary. */
static bool make_unique(struct name_index *index, struct name_node *node)
{
    struct name_entry *entry = &node->entry;
    size_t stem = entry->name_bytes;
    char *end = (char *)(uintptr_t)entry->name + stem; /* the node's own memory */
    struct name_node *first = find_name(index, entry->name, stem);
    if (!first)
        return false;

    /* The first node of the name keeps the last number that was tried. A damaged directory may
     * contain a name half a million times, and counting from 2 each time would take hours. */
    unsigned number = max(first->last_number, 1u);
    do
        entry->name_bytes =
            (uint16_t)(stem + (size_t)format_text(end, NUMBER_BYTES, "~%u", ++number));
    while (find_name(index, entry->name, entry->name_bytes));
    first->last_number = number;
    return true;
}

status_t name_index_add(struct name_index *index, const struct name_entry *entry)
{
    struct name_node *node = node_create(index, entry);
    if (!node)
        return -ENOMEM;

    /* In the order of the directory: of two equal names the first one keeps its name. */
    mutex_lock(&index->lock);
    index->renamed += make_unique(index, node);
    node_append(index, node);
    mutex_unlock(&index->lock);
    return 0;
}

unsigned name_index_complete(struct name_index *index, status_t status, unsigned skipped)
{
    index->status = status;
    index->skipped = skipped;
    return index->renamed;
}

/* ---- changing ----------------------------------------------------------------------------- */

status_t name_index_insert(struct name_index *index, const struct name_entry *entry)
{
    struct name_node *node = node_create(index, entry);
    if (!node)
        return -ENOMEM;

    mutex_lock(&index->lock);
    bool taken = name_node_find(index, entry->name, entry->name_bytes) != NULL;
    if (!taken)
        node_append(index, node);
    mutex_unlock(&index->lock);
    if (taken)
        mem_free(node);
    return taken ? -EEXIST : 0;
}

/* Returns the node that has this name itself, not as its alias, if its id is this one. */
static struct name_node *find_id(struct name_index *index, const char *name, size_t length,
                                 vnode_id_t id)
{
    /* By the alias too: a path may have named the node so. */
    struct name_node *node = name_node_find(index, name, length);
    return node && node->entry.id == id ? node : NULL;
}

bool name_index_remove(struct name_index *index, const char *name, size_t length, vnode_id_t id)
{
    mutex_lock(&index->lock);
    struct name_node *node = find_id(index, name, length, id);
    if (node)
        node_remove(index, node);
    mutex_unlock(&index->lock);
    mem_free(node);
    return node != NULL;
}

status_t name_index_replace(struct name_index *index, const char *name, size_t length,
                            vnode_id_t id, const struct name_entry *entry, vnode_id_t replaced)
{
    struct name_node *node = node_create(index, entry);
    if (!node)
        return -ENOMEM;

    /* The new name may be the old one in another case, or its alias. */
    mutex_lock(&index->lock);
    struct name_node *old = find_id(index, name, length, id);
    struct name_node *target = name_node_find(index, entry->name, entry->name_bytes);
    if (target == old)
        target = NULL;
    status_t status = !old ? -ENOENT : target && target->entry.id != replaced ? -EEXIST : 0;

    /* In the place of the old node, so that a reader meets one of the two, and once. */
    if (!status) {
        node->place.sequence = old->place.sequence;
        node_insert(index, node, &old->place.link);
        node_remove(index, old);
        if (target)
            node_remove(index, target);
    }
    mutex_unlock(&index->lock);

    mem_free(status ? node : old);
    mem_free(status ? NULL : target);
    return status;
}

/* ---- slots -------------------------------------------------------------------------------- */

/* Returns a reference to the index in the slot, or NULL. */
static struct name_index *slot_get(struct spin *lock, const struct name_slot *slot,
                                   unsigned *trims)
{
    spin_lock(lock);

    /* The reference is taken under the lock. Otherwise name_index_trim() could free the index in
     * between. */
    struct name_index *index = slot->index;
    if (index)
        atomic_fetch_add(&index->references, 1);
    *trims = slot->trims;
    spin_unlock(lock);
    return index;
}

/* Puts an index into the slot, which was empty after this number of trims; takes the reference
 * over. Returns a reference to the slot's index, or NULL. */
static struct name_index *slot_keep(struct spin *lock, struct name_slot *slot,
                                    struct name_index *index, unsigned trims)
{
    struct name_index *kept = NULL;
    spin_lock(lock);

    /* Another thread was faster. Its index is used, so that all threads share one. If that index
     * is gone again, the directory was perhaps changed through it, and this one is outdated. */
    if (slot->index)
        kept = slot->index;
    else if (slot->trims == trims)
        kept = slot->index = index;

    /* One reference for the slot, one for the caller. An extra index is freed without the lock,
     * since it may have thousands of entries. */
    if (kept)
        atomic_fetch_add(&kept->references, 1);
    spin_unlock(lock);
    if (kept != index)
        name_index_put(index);
    return kept;
}

status_t name_index_get(const struct name_format *format, struct fsd *fsd, struct spin *lock,
                        struct name_slot *slot, void *directory, struct name_index **index)
{
    unsigned trims;
    while (!(*index = slot_get(lock, slot, &trims))) {
        struct name_index *made = index_create(format, fsd);
        if (!made)
            return -ENOMEM;

        /* No lock is held while the medium is read. Two threads may both make an index; the first
         * to finish is kept. */
        status_t status = format->read(fsd, directory, made);
        if (status) {
            name_index_put(made);
            return status;
        }
        *index = slot_keep(lock, slot, made, trims);
        if (*index)
            break;
    }
    return 0;
}

void name_index_trim(struct spin *lock, struct name_slot *slot)
{
    struct name_index *idle = NULL;

    /* The thread that reclaims memory may hold this lock already: it must not wait for it. */
    if (!spin_try_lock(lock))
        return;

    /* A new reference can only come from the slot, whose lock is held: an index with one
     * reference is idle. */
    if (slot->index && atomic_load(&slot->index->references) == 1) {
        idle = slot->index;
        slot->index = NULL;
        slot->trims++;
    }
    spin_unlock(lock);
    name_index_put(idle);
}

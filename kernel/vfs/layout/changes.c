/*
 * changes.c - operations on the structures of a volume, and reading them: see changes.h.
 *
 * The changes of the operation in progress are in four stages of their own. When it ends, they move
 * to the stages of the last group, or of a new one; or they are dropped, and the blocks are made
 * again from the layers that remain.
 */
#include "kernel/vfs/layout/changes_private.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { MEMORY_SHARE = 64 }; /* more than 1/64 of memory is too much to be pending */

struct changes *changes_create(struct fsd *fsd, struct cache *cache, uint32_t block_bytes)
{
    struct changes *changes = mem_zalloc(sizeof(*changes));
    if (!changes)
        return NULL;
    kassert(block_bytes >= CACHE_PIECE_BYTES && block_bytes <= CHANGE_BLOCK_MAX);
    changes->fsd = fsd;
    changes->cache = cache;
    changes->block_bytes = block_bytes;
    changes->since_us = TIME_NEVER;
    spin_init(&changes->lock, RANK_FSD);
    wait_queue_init(&changes->changed);
    for (unsigned i = 0; i < ARRAY_LENGTH(changes->stages); i++)
        list_init(&changes->stages[i]);
    for (unsigned i = 0; i < CHANGE_REQUESTS; i++)
        changes->requests[i].changes = changes;
    return changes;
}

void changes_destroy(struct changes *changes)
{
    if (!changes)
        return;

    /* an interrupted commit may have left requests in flight */
    spin_lock(&changes->lock);
    while (changes->busy)
        IGNORE(wait_queue_wait(&changes->changed, &changes->lock, TIME_NEVER));
    spin_unlock(&changes->lock);

    for (unsigned i = 0; i < CHANGE_BUCKETS; i++)
        while (changes->buckets[i]) {
            struct change_block *block = changes->buckets[i];
            while (block->layers)
                change_layer_free(changes, block->layers);
            change_block_free(changes, block);
        }
    mem_free(changes);
}

/* ---- changing ----------------------------------------------------------------------------- */

/* A range of bytes inside one block. */
struct part {
    struct change_block *block;
    uint64_t number;
    uint32_t from, to;
};

/* Returns the part of [address, address + bytes) in the first block that it touches. */
static struct part first_part(const struct changes *changes, uint64_t address, size_t bytes)
{
    struct part part = { .number = address / changes->block_bytes,
                         .from = (uint32_t)(address % changes->block_bytes) };
    uint32_t room = changes->block_bytes - part.from;
    part.to = part.from + (uint32_t)min(bytes, room);
    return part;
}

/* Makes the block and the layer that a change of the part needs. */
static status_t part_prepare(struct changes *changes, struct part *part, unsigned stage)
{
    bool whole = part->to - part->from == changes->block_bytes;
    status_t status = change_block_get(changes, part->number, whole, &part->block);
    if (status)
        return status;
    if (change_layer_get(changes, part->block, stage))
        return 0;
    if (!part->block->layers)
        change_block_free(changes, part->block);
    return -ENOMEM;
}

/* Sets bytes of a block; data NULL: to zeroes. */
static void part_copy_in(const struct part *part, uint8_t *bytes, const uint8_t *data)
{
    if (data)
        memcpy(bytes + part->from, data, part->to - part->from);
    else
        memset(bytes + part->from, 0, part->to - part->from);
}

/* Copies the bytes of the part that a later layer has changed already to that layer, which is
 * applied last. */
static void part_defer(const struct part *part, struct change_layer *layer,
                       struct change_layer *later)
{
    for (uint32_t at = part->from; at < part->to; at++) {
        uint64_t bit = (uint64_t)1 << at % 64;
        if (layer->mask[at / 64] & later->mask[at / 64] & bit)
            later->data[at] = layer->data[at];
    }
}

/* Changes the part to `data`, in the operation's layer of the stage. */
static void part_change(struct changes *changes, const struct part *part, unsigned stage,
                        const uint8_t *data)
{
    struct change_layer *layer = change_layer_find(part->block, stage);
    for (uint32_t at = part->from; at < part->to; at++)
        layer->mask[at / 64] |= (uint64_t)1 << at % 64;
    part_copy_in(part, layer->data, data);
    for (struct change_layer *later = layer->next; later; later = later->next)
        part_defer(part, layer, later);

    spin_lock(&changes->lock);
    part_copy_in(part, part->block->current, data);
    spin_unlock(&changes->lock);
}

status_t changes_write(struct changes *changes, enum change_epoch epoch, uint64_t address,
                       const void *data, size_t bytes)
{
    unsigned stage = CHANGE_OPERATION + epoch;
    kassert(changes->busy);
    if (address > changes->cache->size_bytes || bytes > changes->cache->size_bytes - address)
        return -EIO;

    /* First all that can fail. */
    struct part part;
    for (size_t done = 0; done < bytes; done += part.to - part.from) {
        part = first_part(changes, address + done, bytes - done);
        status_t status = part_prepare(changes, &part, stage);
        if (status)
            return status;
    }
    for (size_t done = 0; done < bytes; done += part.to - part.from) {
        part = first_part(changes, address + done, bytes - done);
        part.block = change_block_find(changes, part.number);
        part_change(changes, &part, stage, data ? (const uint8_t *)data + done : NULL);
    }
    return 0;
}

/* ---- names -------------------------------------------------------------------------------- */

/* Returns the place of a name in removed[]. Letters of either case, and all characters beyond
 * ASCII, are the same. */
static uint8_t *name_place(struct changes *changes, uint64_t directory, const char *name,
                           size_t bytes)
{
    uint64_t hash = (directory + 1) * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < bytes; i++)
        if (!(name[i] & 0x80))
            hash = (hash ^ (name[i] | 0x20)) * 0x100000001b3u;
    return &changes->removed[(hash ^ hash >> 32) % CHANGE_NAMES];
}

void changes_remove_name(struct changes *changes, uint64_t directory, const char *name,
                         size_t bytes)
{
    /* the operation may yet begin a new group */
    *name_place(changes, directory, name, bytes) = (uint8_t)(changes->group + 2);
}

bool changes_name_waits(struct changes *changes, uint64_t directory, const char *name, size_t bytes)
{
    return *name_place(changes, directory, name, bytes) > changes->group;
}

void changes_add_name(struct changes *changes, uint64_t directory, const char *name, size_t bytes)
{
    if (changes_name_waits(changes, directory, name, bytes))
        changes->begins_group = true;
}

/* ---- the end of an operation -------------------------------------------------------------- */

/* Returns whether a layer of the operation changes bytes that have a pending change in a later
 * epoch of the last group. */
static bool layer_contradicts(const struct changes *changes, const struct change_layer *layer)
{
    unsigned stage = changes->group * CHANGE_EPOCHS + layer->stage - CHANGE_OPERATION;
    for (const struct change_layer *other = layer->block->layers;
         other->stage < CHANGE_OPERATION; other = other->next)
        if (other->stage > stage && change_layers_meet(changes, layer, other))
            return true;
    return false;
}

static bool operation_contradicts(const struct changes *changes)
{
    for (unsigned epoch = CHANGE_NEW; epoch < CHANGE_EPOCHS; epoch++)
        list_each(link, &changes->stages[CHANGE_OPERATION + epoch])
            if (layer_contradicts(changes, container_of(link, struct change_layer, link)))
                return true;
    return false;
}

static void operation_keep(struct changes *changes)
{
    if (changes->begins_group || operation_contradicts(changes))
        changes->group++;
    for (unsigned epoch = 0; epoch < CHANGE_EPOCHS; epoch++) {
        struct list *layers = &changes->stages[CHANGE_OPERATION + epoch];
        unsigned group = epoch == CHANGE_MARK ? 0 : changes->group;
        while (!list_empty(layers)) {
            change_layer_move(changes, container_of(layers->next, struct change_layer, link),
                              group * CHANGE_EPOCHS + epoch);
            if (changes->since_us == TIME_NEVER)
                changes->since_us = time_now_us();
        }
    }
}

/* Drops the layers of the operation from a block, and makes its bytes again from the others. */
static void block_restore(struct changes *changes, struct change_block *block)
{
    for (unsigned epoch = 0; epoch < CHANGE_EPOCHS; epoch++) {
        struct change_layer *layer = change_layer_find(block, CHANGE_OPERATION + epoch);
        if (layer)
            change_layer_free(changes, layer);
    }
    spin_lock(&changes->lock);
    if (block->known)
        memcpy(block->current, block->issued, changes->block_bytes);
    for (const struct change_layer *layer = block->layers; layer; layer = layer->next)
        change_layer_apply(changes, layer, block->current);
    spin_unlock(&changes->lock);
    if (!block->layers)
        change_block_free(changes, block);
}

static void operation_end(struct changes *changes, bool keep)
{
    kassert(changes->busy);
    if (keep)
        operation_keep(changes);
    changes->begins_group = false;
    for (unsigned epoch = 0; epoch < CHANGE_EPOCHS; epoch++) {
        struct list *layers = &changes->stages[CHANGE_OPERATION + epoch];
        while (!list_empty(layers))
            block_restore(changes, container_of(layers->next, struct change_layer, link)->block);
    }
}

void changes_end(struct changes *changes, bool keep)
{
    operation_end(changes, keep);
    changes_release(changes);
}

/* ---- beginning an operation, and committing ------------------------------------------------ */

/* Puts the former mark, if another one is pending that must not be written. The caller holds
 * `busy`. */
static status_t restore_mark(struct changes *changes)
{
    if (!changes->put_mark)
        return 0;
    status_t status = changes->put_mark(changes->fsd, true);
    operation_end(changes, !status);
    if (!status)
        changes->put_mark = NULL;
    return status;
}

/* Returns whether a commit must precede the next operation, which may begin another group. */
static bool is_too_much(const struct changes *changes)
{
    return changes->bytes > page_total_count() * PAGE_BYTES / MEMORY_SHARE ||
           changes->group + 1 >= CHANGE_GROUPS;
}

status_t changes_begin(struct changes *changes)
{
    status_t status = changes_hold(changes);
    if (status)
        return status;
    status = restore_mark(changes);
    if (!status && is_too_much(changes))
        status = changes_commit_held(changes);
    if (status)
        changes_release(changes);
    return status;
}

status_t changes_commit(struct changes *changes)
{
    status_t status = changes_hold(changes);
    if (status)
        return status;
    status = restore_mark(changes);
    if (!status)
        status = changes_commit_held(changes);
    changes_release(changes);
    return status;
}

status_t changes_commit_mark(struct changes *changes, status_t (*put)(struct fsd *fsd, bool former))
{
    status_t status = changes_begin(changes);
    if (status)
        return status;
    status = put(changes->fsd, false);
    operation_end(changes, !status);

    /* The new mark is pending, or on the medium already: the former one follows in either case. If
     * memory is exhausted now, nothing is changed or written until the former one is. */
    if (!status && (status = changes_commit_held(changes))) {
        changes->put_mark = put;
        IGNORE(restore_mark(changes));
    }
    changes_release(changes);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Copies a part from its block, if the block has changes. */
static bool part_copy(struct changes *changes, const struct part *part, bool medium,
                      uint8_t *memory)
{
    spin_lock(&changes->lock);
    struct change_block *block = change_block_find(changes, part->number);
    bool found = block && (!medium || block->known);
    if (found)
        memcpy(memory, (medium ? block->issued : block->current) + part->from,
               part->to - part->from);
    spin_unlock(&changes->lock);
    return found;
}

static status_t read_from(struct changes *changes, uint64_t address, uint8_t *memory, size_t bytes,
                          bool medium)
{
    struct part part;
    for (size_t done = 0; done < bytes; done += part.to - part.from) {
        part = first_part(changes, address + done, bytes - done);
        if (part_copy(changes, &part, medium, memory + done))
            continue;
        size_t length = part.to - part.from;
        ssize_t got = cache_read(changes->cache, address + done, memory + done, length);
        if (got != (ssize_t)length)
            return got < 0 ? (status_t)got : -EIO;
    }
    return 0;
}

status_t changes_read(struct changes *changes, uint64_t address, void *memory, size_t bytes)
{
    return read_from(changes, address, memory, bytes, false);
}

status_t changes_read_medium(struct changes *changes, uint64_t address, void *memory, size_t bytes)
{
    return read_from(changes, address, memory, bytes, true);
}

bool changes_pending(struct changes *changes)
{
    return changes_since_us(changes) != TIME_NEVER;
}

uint64_t changes_since_us(struct changes *changes)
{
    return changes->since_us;
}

unsigned changes_commits(struct changes *changes)
{
    return changes->commits;
}

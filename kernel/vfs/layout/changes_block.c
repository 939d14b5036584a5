/*
 * changes_block.c - the blocks that have changes, and the layers of bytes that their stages change:
 * see changes_private.h.
 */
#include "kernel/vfs/layout/changes_private.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { WORD_BITS = 64 };

/* ---- blocks ------------------------------------------------------------------------------- */

static struct change_block **bucket_of(struct changes *changes, uint64_t number)
{
    return &changes->buckets[number % CHANGE_BUCKETS];
}

static size_t block_memory(const struct changes *changes)
{
    return sizeof(struct change_block) + 2 * changes->block_bytes;
}

struct change_block *change_block_find(struct changes *changes, uint64_t number)
{
    struct change_block *block = *bucket_of(changes, number);
    while (block && block->number != number)
        block = block->bucket_next;
    return block;
}

/* Reads a block, which has no changes, from the device. */
static status_t block_load(struct changes *changes, struct change_block *block)
{
    uint32_t bytes = changes->block_bytes;
    ssize_t got = cache_read(changes->cache, block->number * bytes, block->issued, bytes);
    if (got != (ssize_t)bytes)
        return got < 0 ? (status_t)got : -EIO;
    memcpy(block->current, block->issued, bytes);
    block->known = true;
    return 0;
}

status_t change_block_get(struct changes *changes, uint64_t number, bool whole,
                          struct change_block **block)
{
    *block = change_block_find(changes, number);
    if (*block)
        return 0;
    struct change_block *new = mem_alloc(block_memory(changes));
    if (!new)
        return -ENOMEM;
    *new = (struct change_block){ .number = number };
    new->issued = (uint8_t *)(new + 1);
    new->current = new->issued + changes->block_bytes;

    status_t status = whole ? 0 : block_load(changes, new);
    if (status) {
        mem_free(new);
        return status;
    }

    /* A block that is not known is of no use to readers until its bytes are written. They are
     * zero until then; the operation has not ended. */
    if (whole)
        memset(new->current, 0, changes->block_bytes);
    changes->bytes += block_memory(changes);
    spin_lock(&changes->lock);
    new->bucket_next = *bucket_of(changes, number);
    *bucket_of(changes, number) = new;
    spin_unlock(&changes->lock);
    *block = new;
    return 0;
}

void change_block_free(struct changes *changes, struct change_block *block)
{
    kassert(!block->layers);
    struct change_block **at = bucket_of(changes, block->number);
    spin_lock(&changes->lock);
    while (*at != block)
        at = &(*at)->bucket_next;
    *at = block->bucket_next;
    spin_unlock(&changes->lock);
    changes->bytes -= block_memory(changes);
    mem_free(block);
}

/* ---- layers ------------------------------------------------------------------------------- */

static size_t mask_bytes(const struct changes *changes)
{
    return changes->block_bytes / WORD_BITS * sizeof(uint64_t);
}

static size_t layer_memory(const struct changes *changes)
{
    return sizeof(struct change_layer) + mask_bytes(changes) + changes->block_bytes;
}

struct change_layer *change_layer_find(const struct change_block *block, unsigned stage)
{
    struct change_layer *layer = block->layers;
    while (layer && layer->stage != stage)
        layer = layer->next;
    return layer;
}

/* Returns the link of the block's layers after which none is of an earlier stage. */
static struct change_layer **place_of(struct change_block *block, unsigned stage)
{
    struct change_layer **at = &block->layers;
    while (*at && (*at)->stage < stage)
        at = &(*at)->next;
    return at;
}

static void layer_insert(struct changes *changes, struct change_layer *layer, unsigned stage)
{
    struct change_layer **at = place_of(layer->block, stage);
    layer->stage = stage;
    layer->next = *at;
    *at = layer;
    list_push_back(&changes->stages[stage], &layer->link);
}

static void layer_remove(struct change_layer *layer)
{
    struct change_layer **at = place_of(layer->block, layer->stage);
    *at = layer->next;
    list_remove(&layer->link);
}

struct change_layer *change_layer_get(struct changes *changes, struct change_block *block,
                                      unsigned stage)
{
    struct change_layer *layer = change_layer_find(block, stage);
    if (layer)
        return layer;
    layer = mem_alloc(layer_memory(changes));
    if (!layer)
        return NULL;
    layer->block = block;
    layer->mask = (uint64_t *)(layer + 1);
    layer->data = (uint8_t *)layer->mask + mask_bytes(changes);
    memset(layer->mask, 0, mask_bytes(changes));
    layer_insert(changes, layer, stage);
    changes->bytes += layer_memory(changes);
    return layer;
}

void change_layer_free(struct changes *changes, struct change_layer *layer)
{
    layer_remove(layer);
    changes->bytes -= layer_memory(changes);
    mem_free(layer);
}

bool change_layers_meet(const struct changes *changes, const struct change_layer *a,
                        const struct change_layer *b)
{
    for (unsigned i = 0; i < changes->block_bytes / WORD_BITS; i++)
        if (a->mask[i] & b->mask[i])
            return true;
    return false;
}

void change_layer_apply(const struct changes *changes, const struct change_layer *layer,
                        uint8_t *bytes)
{
    for (unsigned i = 0; i < changes->block_bytes / WORD_BITS; i++) {
        unsigned at = i * WORD_BITS;
        if (layer->mask[i] == UINT64_MAX)
            memcpy(bytes + at, layer->data + at, WORD_BITS);
        else
            for (uint64_t left = layer->mask[i]; left; left &= left - 1) {
                unsigned bit = (unsigned)__builtin_ctzll(left);
                bytes[at + bit] = layer->data[at + bit];
            }
    }
}

void change_layer_move(struct changes *changes, struct change_layer *layer, unsigned stage)
{
    struct change_layer *there = change_layer_find(layer->block, stage);
    if (!there) {
        layer_remove(layer);
        layer_insert(changes, layer, stage);
        return;
    }
    change_layer_apply(changes, layer, there->data);
    for (unsigned i = 0; i < changes->block_bytes / WORD_BITS; i++)
        there->mask[i] |= layer->mask[i];
    change_layer_free(changes, layer);
}

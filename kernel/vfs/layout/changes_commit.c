/*
 * changes_commit.c - writes the stages of pending changes in order: see changes.h.
 *
 * A layer is freed when the flush after it has succeeded. Until then it can be written again: its
 * block's `issued` bytes contain it already, and applying it twice is the same. Nothing here
 * allocates memory.
 */
#include "kernel/vfs/layout/changes_private.h"
#include "lib/macros.h"
#include "lib/string.h"

/* ---- one at a time ------------------------------------------------------------------------ */

status_t changes_hold(struct changes *changes)
{
    status_t status = 0;
    spin_lock(&changes->lock);
    while (changes->busy && !status)
        status = wait_queue_wait_interruptible(&changes->changed, &changes->lock, TIME_NEVER);
    if (!status)
        changes->busy = true;
    spin_unlock(&changes->lock);
    return status;
}

void changes_release(struct changes *changes)
{
    spin_lock(&changes->lock);
    changes->abandoned = changes->in_flight > 0;
    changes->busy = changes->abandoned;
    wait_queue_wake_all(&changes->changed);
    spin_unlock(&changes->lock);
}

/* ---- the order of blocks ------------------------------------------------------------------ */

/* Merges two lists of layers, linked by link.next up to NULL, in the order of their blocks. */
static struct list *layers_merge(struct list *a, struct list *b)
{
    struct list *merged = NULL, **end = &merged;
    while (a && b) {
        struct list **first = container_of(a, struct change_layer, link)->block->number <
                              container_of(b, struct change_layer, link)->block->number ? &a : &b;
        *end = *first;
        end = &(*first)->next;
        *first = *end;
    }
    *end = a ? a : b;
    return merged;
}

/* Sorts the layers of a stage by their blocks, without memory: bins[n] has 2^n layers. */
static void layers_sort(struct list *layers)
{
    struct list *bins[32] = { 0 }, *sorted = NULL, *link;
    while ((link = list_pop_front(layers))) {
        unsigned bin = 0;
        link->next = NULL;
        for (; bins[bin]; bins[bin++] = NULL)
            link = layers_merge(bins[bin], link);
        bins[bin] = link;
    }
    for (unsigned bin = 0; bin < ARRAY_LENGTH(bins); bin++)
        sorted = layers_merge(sorted, bins[bin]);
    while (sorted) {
        link = sorted;
        sorted = sorted->next;
        list_push_back(layers, link);
    }
}

/* ---- requests ----------------------------------------------------------------------------- */

static void request_ended(struct io_request *io)
{
    struct change_request *request = container_of(io, struct change_request, request);
    struct changes *changes = request->changes;
    fsd_request_ended(changes->fsd);

    spin_lock(&changes->lock);
    request->in_flight = false;
    changes->in_flight--;
    if (io->status && !changes->failed)
        changes->failed = io->status;
    if (!changes->in_flight && changes->abandoned)
        changes->abandoned = changes->busy = false;
    wait_queue_wake_all(&changes->changed);
    spin_unlock(&changes->lock);
}

/* Waits until at most `count` requests are in flight. -EINTR, or the first failure. The caller
 * holds the lock. */
static status_t requests_wait_locked(struct changes *changes, unsigned count)
{
    status_t status = 0;
    while (changes->in_flight > count && !status)
        status = wait_queue_wait_interruptible(&changes->changed, &changes->lock, TIME_NEVER);
    return status ? status : changes->failed;
}

static status_t requests_wait(struct changes *changes)
{
    spin_lock(&changes->lock);
    status_t status = requests_wait_locked(changes, 0);
    spin_unlock(&changes->lock);
    return status;
}

/* Waits for a request that is not in flight. */
static status_t request_get(struct changes *changes, struct change_request **request)
{
    spin_lock(&changes->lock);
    status_t status = requests_wait_locked(changes, CHANGE_REQUESTS - 1);
    *request = changes->requests;
    if (!status)
        while ((*request)->in_flight)
            ++*request;
    spin_unlock(&changes->lock);
    return status;
}

static void request_submit(struct change_request *request, enum io_op op, uint64_t address,
                           unsigned segments)
{
    struct changes *changes = request->changes;
    request->request = (struct io_request){
        .op = op,
        .offset_bytes = address,
        .length_bytes = (uint64_t)segments * changes->block_bytes,
        .segments = request->segments,
        .segment_count = segments,
        .complete = request_ended,
    };
    spin_lock(&changes->lock);
    request->in_flight = true;
    changes->in_flight++;
    spin_unlock(&changes->lock);
    fsd_submit(changes->fsd, &request->request);
}

static status_t flush(struct changes *changes)
{
    struct change_request *request;
    status_t status = request_get(changes, &request);
    if (status)
        return status;
    request_submit(request, IO_FLUSH, 0, 0);
    return requests_wait(changes);
}

/* ---- stages ------------------------------------------------------------------------------- */

/* Puts the layers from `link` on into a request, as long as their blocks follow each other. Returns
 * the link after them. */
static struct list *request_fill(struct changes *changes, struct change_request *request,
                                 struct list *link, struct list *end)
{
    unsigned most = min((unsigned)IO_SEGMENTS_MAX, CHANGE_REQUEST_BYTES / changes->block_bytes);
    uint64_t first = container_of(link, struct change_layer, link)->block->number;
    unsigned count = 0;
    while (link != end && count < most) {
        struct change_layer *layer = container_of(link, struct change_layer, link);
        struct change_block *block = layer->block;
        if (block->number != first + count)
            break;
        spin_lock(&changes->lock);
        change_layer_apply(changes, layer, block->issued);
        spin_unlock(&changes->lock);
        request->segments[count++] = (struct io_segment){ block->issued, changes->block_bytes };
        link = link->next;
    }
    request_submit(request, IO_WRITE, first * changes->block_bytes, count);
    return link;
}

static status_t stage_write(struct changes *changes, struct list *layers)
{
    layers_sort(layers);
    for (struct list *link = layers->next; link != layers;) {
        struct change_request *request;
        status_t status = request_get(changes, &request);
        if (status)
            return status;
        link = request_fill(changes, request, link, layers);
    }
    return requests_wait(changes);
}

/* Frees a block whose last change is durable. From then on it is read from the cache, which still
 * has its former bytes. */
static void block_settle(struct changes *changes, struct change_block *block)
{
    cache_update(changes->cache, block->number * changes->block_bytes, changes->block_bytes,
                 block->issued);
    change_block_free(changes, block);
}

/* The stage is durable: frees its layers, and the blocks without others. */
static void stage_settle(struct changes *changes, struct list *layers)
{
    while (!list_empty(layers)) {
        struct change_layer *layer = container_of(layers->next, struct change_layer, link);
        struct change_block *block = layer->block;
        change_layer_free(changes, layer);
        spin_lock(&changes->lock);
        block->known = true;
        spin_unlock(&changes->lock);
        if (!block->layers)
            block_settle(changes, block);
    }
}

/* Writes all stages. The first flush also covers the bytes of files, to which the names of LINK
 * lead: it precedes every stage except NEW. */
static status_t stages_commit(struct changes *changes)
{
    bool flushed = false;
    status_t status = 0;
    for (unsigned stage = 0; stage < CHANGE_STAGES && !status; stage++) {
        struct list *layers = &changes->stages[stage];
        if (list_empty(layers))
            continue;
        if (!flushed && stage % CHANGE_EPOCHS != CHANGE_NEW)
            status = flush(changes);
        if (!status)
            status = stage_write(changes, layers);
        if (!status)
            status = flush(changes);
        if (!status)
            stage_settle(changes, layers);
        flushed = true;
    }
    return status || flushed ? status : flush(changes);
}

status_t changes_commit_held(struct changes *changes)
{
    changes->failed = 0;
    status_t status = stages_commit(changes);
    if (status)
        return status;
    changes->group = 0;
    memset(changes->removed, 0, sizeof(changes->removed));
    changes->since_us = TIME_NEVER;
    changes->commits++;
    return 0;
}

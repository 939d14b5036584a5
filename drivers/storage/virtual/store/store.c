/*
 * store.c - what all stores have in common.
 */
#include "drivers/storage/virtual/store/store.h"
#include "lib/macros.h"

status_t store_check(struct store *store)
{
    for (; store; store = store->below) {
        status_t status = store->ops->check ? store->ops->check(store) : 0;
        if (status)
            return status;
    }
    return 0;
}

status_t store_flush(struct store *store)
{
    for (; store; store = store->below) {
        status_t status = store->ops->flush ? store->ops->flush(store) : 0;
        if (status)
            return status;
    }
    return 0;
}

uint64_t store_memory(struct store *store)
{
    uint64_t bytes = 0;
    for (; store; store = store->below)
        bytes += store->ops->memory ? store->ops->memory(store) : 0;
    return bytes;
}

void store_close(struct store *store)
{
    while (store) {
        struct store *below = store->below;
        store->ops->close(store);
        store = below;
    }
}

status_t store_read(struct store *store, uint64_t offset_bytes, void *memory, uint32_t bytes,
                    bool interruptible)
{
    struct io_segment segment = { .address = memory, .length_bytes = bytes };
    struct span span = { offset_bytes, &segment, 1, bytes, interruptible };
    uint32_t done;
    return store->ops->read(store, &span, &done);
}

status_t store_write(struct store *store, uint64_t offset_bytes, const void *memory,
                     uint32_t bytes, bool interruptible)
{
    struct io_segment segment = { .address = (void *)(uintptr_t)memory, .length_bytes = bytes };
    struct span span = { offset_bytes, &segment, 1, bytes, interruptible };
    uint32_t done;
    return store->ops->write ? store->ops->write(store, &span, &done) : -EROFS;
}

status_t span_each(const struct span *span, uint32_t *done_bytes,
                   status_t (*move)(void *context, uint64_t offset_bytes, uint8_t *memory,
                                    uint32_t bytes, uint32_t *done_bytes),
                   void *context)
{
    status_t status = 0;
    *done_bytes = 0;
    for (unsigned i = 0; !status && *done_bytes < span->length_bytes; i++) {
        uint32_t count = span->segments[i].length_bytes;
        count = min(count, span->length_bytes - *done_bytes);
        status = move(context, span->offset_bytes + *done_bytes, span->segments[i].address, count,
                      done_bytes);
    }
    return status;
}

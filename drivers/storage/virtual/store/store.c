/*
 * store.c - moves bytes of any store, and applies an operation to a whole stack of stores.
 */
#include "drivers/storage/virtual/store/store.h"
#include "lib/macros.h"

status_t store_check(struct store *store)
{
    /* The whole stack, from the top down: an overlay is of no use on a file that has changed. */
    for (; store; store = store->below) {
        status_t status = store->ops->check ? store->ops->check(store) : 0;
        if (status)
            return status;
    }
    return 0;
}

status_t store_flush(struct store *store)
{
    /* Every store of the stack: usually the one that has work is the file at the bottom. */
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
    /* From the top down: a store may use the one below while it closes. */
    while (store) {
        struct store *below = store->below;
        store->ops->close(store);
        store = below;
    }
}

status_t store_move_pieces(struct store *store, enum io_op op, const struct span *span,
                           uint32_t *done_bytes)
{
    const struct store_ops *ops = store->ops;
    status_t status = 0;
    *done_bytes = 0;

    /* A segment at a time. The piece functions add to *done_bytes, so it is exact after a
     * failure, too. */
    for (unsigned i = 0; !status && *done_bytes < span->length_bytes; i++) {
        uint64_t offset = span->offset_bytes + *done_bytes;
        uint8_t *memory = span->segments[i].address;
        uint32_t bytes = min(span->segments[i].length_bytes, span->length_bytes - *done_bytes);
        status = op == IO_READ ? ops->read_piece(store, offset, memory, bytes, done_bytes)
                               : ops->write_piece(store, offset, memory, bytes, done_bytes);
    }
    return status;
}

status_t store_move(struct store *store, enum io_op op, const struct span *span,
                    uint32_t *done_bytes)
{
    *done_bytes = 0;

    /* One check for all kinds: write functions of stores below are never reached. */
    if (op == IO_WRITE && !store->writable)
        return -EROFS;
    return (store->ops->move ? store->ops->move : store_move_pieces)(store, op, span, done_bytes);
}

status_t store_read(struct store *store, uint64_t offset_bytes, void *memory, uint32_t bytes,
                    bool interruptible)
{
    struct io_segment segment = { .address = memory, .length_bytes = bytes };
    struct span span = {
        .offset_bytes = offset_bytes,
        .segments = &segment,
        .segment_count = 1,
        .length_bytes = bytes,
        .interruptible = interruptible,
    };
    uint32_t done;
    return store_move(store, IO_READ, &span, &done);
}

status_t store_write(struct store *store, uint64_t offset_bytes, const void *memory,
                     uint32_t bytes, bool interruptible)
{
    struct io_segment segment = { .address = (void *)(uintptr_t)memory, .length_bytes = bytes };
    struct span span = {
        .offset_bytes = offset_bytes,
        .segments = &segment,
        .segment_count = 1,
        .length_bytes = bytes,
        .interruptible = interruptible,
    };
    uint32_t done;
    return store_move(store, IO_WRITE, &span, &done);
}

status_t store_trim(struct store *store, enum io_op op, uint64_t offset_bytes, uint64_t bytes)
{
    if (!store->writable)
        return -EROFS;
    status_t status =
        store->ops->trim ? store->ops->trim(store, op, offset_bytes, bytes) : -EOPNOTSUPP;
    return op == IO_DISCARD && status == -EOPNOTSUPP ? 0 : status;
}

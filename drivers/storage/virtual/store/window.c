/*
 * window.c - a part of another store, as a store of its own.
 */
#include "drivers/storage/virtual/store/store.h"

struct window_store {
    struct store store;
    uint64_t offset_bytes;
};

static status_t window_move(struct store *store, enum io_op op, const struct span *span,
                            uint32_t *done_bytes)
{
    struct span inner = *span;
    inner.offset_bytes += ((struct window_store *)(void *)store)->offset_bytes;
    return store_move(store->below, op, &inner, done_bytes);
}

static void window_close(struct store *store)
{
    mem_free(store);
}

static const struct store_ops window_ops = {
    .move = window_move,
    .close = window_close,
};

status_t store_window_create(struct store *inner, uint64_t offset_bytes, uint64_t size_bytes,
                             struct store **store)
{
    struct window_store *window = mem_zalloc(sizeof(*window));
    if (!window)
        return -ENOMEM;

    /* A window is as its store is, except for the size. */
    window->store = (struct store){
        .ops = &window_ops,
        .below = inner,
        .size_bytes = size_bytes,
        .level = inner->level,
        .waits = inner->waits,
        .tries = inner->tries,
        .writable = inner->writable,
    };

    window->offset_bytes = offset_bytes;
    *store = &window->store;
    return 0;
}

/*
 * window.c - a part of another store, as a store of its own.
 */
#include "drivers/storage/virtual/store/store.h"

struct window_store {
    struct store store;
    uint64_t offset_bytes;
};

static struct span window_span(struct store *store, const struct span *span)
{
    struct span inner = *span;
    inner.offset_bytes += ((struct window_store *)(void *)store)->offset_bytes;
    return inner;
}

static status_t window_read(struct store *store, const struct span *span, uint32_t *done_bytes)
{
    struct span inner = window_span(store, span);
    return store->below->ops->read(store->below, &inner, done_bytes);
}

static status_t window_write(struct store *store, const struct span *span, uint32_t *done_bytes)
{
    struct span inner = window_span(store, span);
    return store->below->ops->write(store->below, &inner, done_bytes);
}

static void window_close(struct store *store)
{
    mem_free(store);
}

static const struct store_ops window_read_only_ops = {
    .read = window_read,
    .close = window_close,
};

static const struct store_ops window_ops = {
    .read = window_read,
    .write = window_write,
    .close = window_close,
};

status_t store_window_create(struct store *inner, uint64_t offset_bytes, uint64_t size_bytes,
                             struct store **store)
{
    struct window_store *window = mem_zalloc(sizeof(*window));
    if (!window)
        return -ENOMEM;
    window->store = (struct store){
        .ops = inner->ops->write ? &window_ops : &window_read_only_ops,
        .below = inner,
        .size_bytes = size_bytes,
        .level = inner->level,
        .waits = inner->waits,
    };
    window->offset_bytes = offset_bytes;
    *store = &window->store;
    return 0;
}

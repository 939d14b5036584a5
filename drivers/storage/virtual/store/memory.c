/*
 * memory.c - a store in memory that somebody else owns, in one piece: an image that the boot loader
 * brought.
 */
#include "drivers/storage/virtual/store/store.h"
#include "lib/string.h"

struct memory_store {
    struct store store;
    uint8_t *bytes;
};

static status_t memory_read_piece(void *context, uint64_t offset, uint8_t *memory, uint32_t bytes,
                                  uint32_t *done_bytes)
{
    memcpy(memory, ((struct memory_store *)context)->bytes + offset, bytes);
    *done_bytes += bytes;
    return 0;
}

static status_t memory_write_piece(void *context, uint64_t offset, uint8_t *memory, uint32_t bytes,
                                   uint32_t *done_bytes)
{
    memcpy(((struct memory_store *)context)->bytes + offset, memory, bytes);
    *done_bytes += bytes;
    return 0;
}

static status_t memory_read(struct store *store, const struct span *span, uint32_t *done_bytes)
{
    return span_each(span, done_bytes, memory_read_piece, store);
}

static status_t memory_write(struct store *store, const struct span *span, uint32_t *done_bytes)
{
    return span_each(span, done_bytes, memory_write_piece, store);
}

static void memory_close(struct store *store)
{
    mem_free(store);
}

static const struct store_ops memory_ops = {
    .read = memory_read,
    .write = memory_write,
    .close = memory_close,
};

status_t store_memory_create(void *memory, uint64_t size_bytes, struct store **store)
{
    struct memory_store *created = mem_zalloc(sizeof(*created));
    if (!created)
        return -ENOMEM;
    created->store = (struct store){ .ops = &memory_ops, .size_bytes = size_bytes };
    created->bytes = memory;
    *store = &created->store;
    return 0;
}

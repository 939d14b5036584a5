/*
 * memory.c - a store in contiguous memory that its caller owns: an image that the boot loader
 * brought.
 */
#include "drivers/storage/virtual/store/store.h"
#include "lib/string.h"

struct memory_store {
    struct store store;
    uint8_t *bytes;
};

static uint8_t *memory_at(struct store *store, uint64_t offset)
{
    return ((struct memory_store *)(void *)store)->bytes + offset;
}

static status_t memory_read_piece(struct store *store, uint64_t offset, uint8_t *memory,
                                  uint32_t bytes, uint32_t *done_bytes)
{
    memcpy(memory, memory_at(store, offset), bytes);
    *done_bytes += bytes;
    return 0;
}

static status_t memory_write_piece(struct store *store, uint64_t offset, const uint8_t *memory,
                                   uint32_t bytes, uint32_t *done_bytes)
{
    memcpy(memory_at(store, offset), memory, bytes);
    *done_bytes += bytes;
    return 0;
}

static void memory_close(struct store *store)
{
    mem_free(store);
}

static const struct store_ops memory_ops = {
    .read_piece = memory_read_piece,
    .write_piece = memory_write_piece,
    .close = memory_close,
};

status_t store_memory_create(void *memory, uint64_t size_bytes, struct store **store)
{
    struct memory_store *created = mem_zalloc(sizeof(*created));
    if (!created)
        return -ENOMEM;

    /* Always writable: the bytes are in memory, and are lost with it. */
    created->store = (struct store){
        .ops = &memory_ops,
        .size_bytes = size_bytes,
        .writable = true,
    };

    created->bytes = memory;
    *store = &created->store;
    return 0;
}

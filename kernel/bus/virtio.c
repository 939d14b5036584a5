/*
 * virtio.c - the bus type of virtio devices, and the chains of their requests.
 */
#include "kernel/bus/virtio.h"

enum { DESCRIPTOR_NEXT = 1 << 0, DESCRIPTOR_WRITE = 1 << 1 }; /* flags (2.6.5) */

const struct bus_type virtio_bus = { .name = "virtio" };

struct virtio_device *virtio_device_of(const struct device *device)
{
    return (struct virtio_device *)device_bus_data(device, &virtio_bus);
}

static status_t add(struct virtio_chain *chain, const void *memory, uint32_t bytes, uint16_t flags)
{
    if (chain->count == chain->most)
        return -EINVAL;

    /* The last piece has no successor until this one is there. */
    if (chain->count) {
        struct virtio_descriptor *last = &chain->table[chain->count - 1];
        last->next = (uint16_t)(chain->first + chain->count);
        last->flags |= DESCRIPTOR_NEXT;
    }

    chain->table[chain->count++] = (struct virtio_descriptor){
        .address = mem_physical(memory),
        .bytes = bytes,
        .flags = flags,
    };
    chain->bytes += bytes;
    return 0;
}

status_t virtio_add_readable(struct virtio_chain *chain, const void *memory, uint32_t bytes)
{
    kassert(!chain->writable_bytes);
    return add(chain, memory, bytes, 0);
}

status_t virtio_add_writable(struct virtio_chain *chain, void *memory, uint32_t bytes)
{
    status_t status = add(chain, memory, bytes, DESCRIPTOR_WRITE);
    if (!status)
        chain->writable_bytes += bytes;
    return status;
}

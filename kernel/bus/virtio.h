/*
 * virtio.h - the contract between the virtio bus and the drivers of the devices on it.
 *
 * Virtio devices are those that virtual machines emulate. A driver exchanges requests with them
 * through queues in memory. drivers/virtio publishes each as a device whose bus_data of type
 * virtio_bus is a `struct virtio_device`. Drivers reach the bus through its table of operations
 * only, so each of them can be an object that is loaded by itself.
 *
 *     begin() resets the device and negotiates features -> read_config() -> add_queue() for each
 *     -> run() -> submit(), done() ... -> end()
 *
 * Model       A queue has `slots`, numbered from 0. A driver fills the chain of a free slot with
 *             pieces of memory, those that the device reads before those that it writes, and
 *             submits the slot; done() returns it. Which slots are free is the driver's matter: it
 *             has a tag for each request anyway.
 * Recovery    reset() stops the device: afterwards it writes to no memory, and all slots are free.
 *             begin() and run() start it again, with the queues that it has.
 * Hostile     Whatever the device writes into a queue is checked before a driver sees it: done() is
 *             called for submitted slots only, once, with at most as many bytes as are writable. A
 *             device that violates this is named in the log, nothing more is taken from it, and
 *             failed() is called, so that the driver resets it. What the device writes into the
 *             memory of a chain is checked by the driver.
 * Locking     submit(): any context, locks up to QUEUE held. The others: threads, no lock held, one
 *             at a time. Callbacks run in interrupts, or in poll(), with no lock held.
 * Ownership   The virtio_device lives as long as its device. Queues are freed by end().
 * References  Virtual I/O Device (VIRTIO) 1.1: 2.1 (status), 2.2 (features), 2.4 (configuration),
 *             2.6 (split virtqueues), 3.1 (initialization), 6 (reserved features).
 */
#ifndef KERNEL_BUS_VIRTIO_H
#define KERNEL_BUS_VIRTIO_H

#include "kernel/dev/device.h"

/* Device types (section 5). */
enum virtio_type { VIRTIO_TYPE_BLOCK = 2, VIRTIO_TYPE_SCSI = 8 };

enum {
    VIRTIO_QUEUES_MAX = 3, /* that a driver uses of one device */
    VIRTIO_QUEUE_SLOTS_MAX = 256,
};

/* A feature's bit in the sets of features. */
#define VIRTIO_FEATURE(number) ((uint64_t)1 << (number))

struct virtio_device;

/* A field of the device's configuration: 1, 2, 4 or 8 bytes, aligned. */
struct virtio_field {
    uint16_t offset, bytes;
};

/* As in memory (2.6.5): 16 bytes, little-endian. */
struct virtio_descriptor {
    uint64_t address;
    uint32_t bytes;
    uint16_t flags, next;
};

/* The pieces of one request. */
struct virtio_chain {
    struct virtio_descriptor *table;
    uint16_t first;          /* the number of table[0] in the chain's links */
    uint16_t count, most;    /* pieces */
    uint64_t bytes, writable_bytes; /* of all pieces; of those that the device writes */
};

struct virtio_queue {
    struct virtio_device *owner;
    unsigned number;
    unsigned slots;  /* requests at once */
    unsigned pieces; /* of one chain */
};

/* A driver's callbacks. */
struct virtio_client {
    /* A slot of a queue is free again; the device wrote its first `written_bytes` writable ones. */
    void (*done)(void *context, unsigned queue, unsigned slot, uint32_t written_bytes);
    /* The configuration has changed. NULL: ignored. */
    void (*changed)(void *context);
    /* The device has failed, or violated the protocol: the driver calls reset(), on a thread. */
    void (*failed)(void *context);
};

struct virtio_ops {
    /* Resets the device and negotiates features: device->features are those of `wanted` that it
     * offers, and the bus's own. -EIO if it does not accept them, does not end its reset, or has
     * violated the protocol before; -ENODEV if it is not a device of virtio 1.0. */
    status_t (*begin)(struct virtio_device *device, uint64_t wanted,
                      const struct virtio_client *client, void *context);
    /* Reads fields that belong together: none is older than another. A field beyond the end is 0.
     * -EIO if the configuration changes all the time. */
    status_t (*read_config)(struct virtio_device *device, const struct virtio_field fields[],
                            unsigned count, uint64_t values[]);
    /* Adds a queue of up to `slots` slots with chains of up to `pieces`; the device may have room
     * for fewer of both. -ENODEV if it has no such queue, -EIO if its size is invalid, -ENOMEM. */
    status_t (*add_queue)(struct virtio_device *device, unsigned number, unsigned slots,
                          unsigned pieces, struct virtio_queue **queue);
    /* Starts the device with the queues that were added. -EIO. */
    status_t (*run)(struct virtio_device *device);

    /* Returns the empty chain of a free slot. */
    struct virtio_chain (*chain)(struct virtio_queue *queue, unsigned slot);
    /* Passes a slot with its chain to the device. Does nothing if the device has failed. */
    void (*submit)(struct virtio_queue *queue, unsigned slot, const struct virtio_chain *chain);
    /* Calls done() for what has been done: for devices whose interrupts do not work. */
    void (*poll)(struct virtio_device *device);

    /* -EIO if the device does not end its reset. Its access to memory is then disabled, and it
     * cannot begin again. */
    status_t (*reset)(struct virtio_device *device);
    /* As reset(), and then frees the queues and disconnects the interrupts. */
    void (*end)(struct virtio_device *device);
};

struct virtio_device {
    const struct virtio_ops *ops;
    enum virtio_type type;
    char name[DEVICE_NAME_BYTES]; /* for the log: the PCI function's */
    uint64_t features;            /* negotiated */
    bool polled;                  /* its interrupts do not work: poll() */
    void *driver_data;            /* of the driver that accepted the device */
};

extern const struct bus_type virtio_bus;

/* Returns NULL if the device is not on a virtio bus. */
struct virtio_device *virtio_device_of(const struct device *device);

static inline bool virtio_has(const struct virtio_device *device, unsigned feature)
{
    return device->features & VIRTIO_FEATURE(feature);
}

/* Append physically contiguous memory (from mem_alloc or page_alloc) to a chain: what the device
 * reads, before all that it writes. -EINVAL if the chain is full. */
status_t virtio_add_readable(struct virtio_chain *chain, const void *memory,
                             uint32_t bytes) MUST_CHECK;
status_t virtio_add_writable(struct virtio_chain *chain, void *memory, uint32_t bytes) MUST_CHECK;

#endif

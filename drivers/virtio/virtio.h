/*
 * virtio.h - shared by the files of the virtio bus.
 *
 *   bus.c         the driver: publishes a device for a PCI function
 *   structures.c  finds the structures of the function's registers, and maps them
 *   device.c      a device's life: reset, features, configuration, interrupts
 *   queue.c       split virtqueues: submits chains, and checks what the device returns
 *
 * Locking     virtio_pci.lock is taken with locks of rank QUEUE held, those of the drivers above:
 *             they submit under their own lock, so that a reset cannot come between.
 * References  VIRTIO 1.1 sections 2.6 (split virtqueues) and 4.1 (virtio over PCI bus).
 * Status      One virtqueue layout, without event indices: the device interrupts for each request,
 *             or fewer times if it wants to. Legacy devices (before 1.0) are not driven.
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_H
#define DRIVERS_VIRTIO_VIRTIO_H

#include "kernel/bus/pci.h"
#include "kernel/bus/virtio.h"

/* Registers of the common configuration (4.1.4.3). */
enum {
    COMMON_DEVICE_FEATURE_SELECT = 0,
    COMMON_DEVICE_FEATURE = 4,
    COMMON_DRIVER_FEATURE_SELECT = 8,
    COMMON_DRIVER_FEATURE = 12,
    COMMON_CONFIG_VECTOR = 16,
    COMMON_QUEUE_COUNT = 18,
    COMMON_STATUS = 20,
    COMMON_GENERATION = 21,
    COMMON_QUEUE_SELECT = 22,
    COMMON_QUEUE_SIZE = 24,
    COMMON_QUEUE_VECTOR = 26,
    COMMON_QUEUE_ENABLE = 28,
    COMMON_QUEUE_NOTIFY = 30,
    COMMON_QUEUE_DESCRIPTORS = 32, /* 8 bytes, as the next two */
    COMMON_QUEUE_AVAILABLE = 40,
    COMMON_QUEUE_USED = 48,
    COMMON_BYTES = 56,
};

/* The device status (2.1). */
enum {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
    STATUS_FAILED = 128,
};

/* Features of the transport and the queues (6). */
enum {
    FEATURE_INDIRECT = 28,
    FEATURE_VERSION_1 = 32,
    FEATURE_PLATFORM = 33, /* addresses pass through an IOMMU, if there is one */
};

enum { VECTOR_NONE = 0xffff };

/* A submitted or free slot. */
struct virtqueue_slot {
    bool submitted;
    uint64_t bytes, writable_bytes;  /* of the chain */
    struct virtio_descriptor *table; /* of its chain: a part of the ring's, or its own */
};

struct virtqueue {
    struct virtio_queue queue;    /* what drivers see */
    struct virtio_pci *pci;
    uint16_t size;                /* of the rings: a power of two */
    bool indirect;
    uint16_t stride;              /* descriptors of the ring that a slot has: 1 if indirect */
    uint32_t notify;              /* offset in the notification registers */

    /* Shared with the device: three areas (2.6.5, 2.6.6, 2.6.8). */
    struct virtio_descriptor *descriptors;
    _Atomic uint16_t *available;  /* flags, index, slots */
    uint8_t *used;                /* flags, index, elements */

    /* Under the lock. */
    uint16_t available_index, used_index; /* as they grow, modulo 2^16 */
    unsigned outstanding;
    struct virtqueue_slot slots[];
};

struct virtio_pci {
    struct virtio_device device;  /* what drivers see */
    const struct pci_function *function;
    struct registers common, notify, isr, config;
    uint32_t notify_multiplier;

    const struct virtio_client *client; /* from begin() to end() */
    void *context;
    struct pci_interrupt interrupts[2]; /* the configuration's; the queues' */
    int vectors;                  /* as pci_connect() returned it */
    bool messages;                /* MSI-X is enabled: the ISR register is not used */
    struct virtqueue *queues[VIRTIO_QUEUES_MAX];
    unsigned queue_count;

    struct spin lock;             /* rank COMPLETIONS: the rest, and the queues */
    bool running;                 /* between run() and reset() */
    bool broken;                  /* it violated the protocol, and is never used again */
    unsigned serving;             /* callbacks that are running */
};

extern const struct virtio_ops virtio_pci_ops;

/* Map the structures: -ENODEV if one is missing, or not inside its BAR; -ENOMEM. Unmap those that
 * are mapped. (structures.c) */
status_t virtio_map(struct virtio_pci *pci) MUST_CHECK;
void virtio_unmap(struct virtio_pci *pci);

static inline struct virtio_pci *virtio_pci_of(struct virtio_device *device)
{
    return (struct virtio_pci *)device;
}

/* Takes the device out of use after a violation, which the log gets; failed() follows. Caller does
 * not hold the lock. (queue.c, as all below) */
void virtio_break(struct virtio_pci *pci, const char *what);

status_t virtqueue_create(struct virtio_pci *pci, unsigned number, unsigned slots, unsigned pieces,
                          struct virtqueue **queue) MUST_CHECK;
void virtqueue_free(struct virtqueue *queue);
/* Empties the rings and gives them to the device, which was reset. -EIO if it refuses them. */
status_t virtqueue_enable(struct virtqueue *queue) MUST_CHECK;
/* Calls done() for each slot that the device returned. */
void virtqueue_serve(struct virtqueue *queue);
/* Members of virtio_pci_ops. */
struct virtio_chain virtqueue_chain(struct virtio_queue *queue, unsigned slot);
void virtqueue_submit(struct virtio_queue *queue, unsigned slot, const struct virtio_chain *chain);

#endif

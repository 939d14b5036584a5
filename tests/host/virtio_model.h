/*
 * virtio_model.h - virtio devices without a machine, for tests of the virtio drivers.
 *
 * Model       A function on pci_model.h, with registers as in VIRTIO 1.1 section 4.1.4 and split
 *             queues. A thread of the device takes requests out of the available rings, and ends
 *             them in any order, each after a random delay. virtio_disk.c and virtio_target.c are
 *             the devices: they set `serve`.
 * Faults      A fault applies to the n-th request of a queue from now on. Others concern
 *             the registers, and may be set at any time.
 * Checks      Panics if the driver violates the protocol: a chain that is longer than the ring, in
 *             a loop, or in the wrong order; a descriptor in use; queues before the features.
 *             Memory is accessed only while bus mastering is enabled, and checked by ASan.
 * Locking     virtio_model.lock; serve() is called with it held.
 */
#ifndef TESTS_HOST_VIRTIO_MODEL_H
#define TESTS_HOST_VIRTIO_MODEL_H

#include "kernel/bus/virtio.h"
#include "kernel/sched/sync.h"
#include "tests/host/pci_model.h"

enum {
    VIRTIO_MODEL_QUEUES = 4,
    VIRTIO_MODEL_REQUESTS = 256,
    VIRTIO_MODEL_PIECES = 300,
    VIRTIO_MODEL_CONFIG_BYTES = 64,
};

enum virtio_fault {
    VIRTIO_NO_FAULT,
    VIRTIO_LOST,        /* never ended */
    VIRTIO_TWICE,       /* ended two times */
    VIRTIO_WRONG_ID,    /* ended as a descriptor that was not submitted */
    VIRTIO_WILD_ID,     /* ended as a descriptor outside the ring */
    VIRTIO_TOO_LONG,    /* ended with more bytes than are writable */
    VIRTIO_INDEX_JUMP,  /* the used ring's index grows by 1000 */
    VIRTIO_TOO_SHORT,   /* ended with no bytes written */
    VIRTIO_WRONG_RESULT, /* served with an invalid result */
    VIRTIO_FAILS,       /* served with an error */
    VIRTIO_NEEDS_RESET, /* not ended: the device reports that it needs a reset */
};

struct virtio_model_piece {
    uint8_t *memory;
    uint32_t bytes;
};

/* A request that the device has taken. */
struct virtio_model_request {
    bool taken;
    unsigned queue;
    uint16_t head;
    uint64_t due_us;     /* TIME_NEVER: held until the device ends it */
    enum virtio_fault fault;
    bool forged;         /* serve() sets these two: what the used ring gets */
    uint32_t id;
    uint16_t jump;       /* by which the ring's index grows, beside the request's own step */
    struct virtio_model_piece pieces[VIRTIO_MODEL_PIECES];
    unsigned readable, count; /* the readable ones come first */
};

struct virtio_model_queue {
    uint16_t size, largest; /* set by the driver; set by the test */
    uint16_t vector, notify;
    bool enabled;
    uint64_t descriptors, available, used;
    uint16_t taken, ended;  /* indices */
};

struct virtio_model {
    struct pci_model pci;

    /* Set by the test before virtio_model_publish(), or at any time. */
    enum virtio_type type;
    uint64_t offered;       /* features */
    bool messages;          /* MSI-X is enabled */
    bool transitional;      /* its type is in the subsystem's identifier */
    unsigned queue_count;
    uint8_t config[VIRTIO_MODEL_CONFIG_BYTES];
    unsigned config_bytes;
    uint64_t delay_us;      /* each request takes up to that */
    bool refuses_features, has_no_vector, never_resets;
    unsigned lie_offset;    /* in configuration space: this byte is `lie`; 0: none */
    uint8_t lie;
    _Atomic unsigned unstable; /* the next reads of the generation that differ */
    /* Serves a request: returns how many bytes were written. Sets due_us to TIME_NEVER to hold it
     * for virtio_model_end(). */
    uint32_t (*serve)(struct virtio_model *model, struct virtio_model_request *request);
    void *context;          /* of serve */

    /* private to virtio_model.c, but may be read */
    struct spin lock;       /* all below */
    struct wait_queue changed;
    struct thread *thread;
    bool stopping;
    enum virtio_fault fault;
    unsigned fault_queue, fault_nth;
    struct virtio_model_queue queues[VIRTIO_MODEL_QUEUES];
    struct virtio_model_request requests[VIRTIO_MODEL_REQUESTS];
    uint64_t features;      /* that the driver accepted */
    uint32_t device_select, driver_select;
    uint16_t queue_select, config_vector;
    uint8_t status, generation, isr;
    bool config_changed;    /* an interrupt is due */
    uint32_t to_raise;      /* vectors */
    unsigned resets, served; /* counted so far */
};

/* Publishes the function "00:04.0", and starts the device's thread. */
void virtio_model_publish(struct virtio_model *model);
void virtio_model_remove(struct virtio_model *model);

/* Sets the fault of the n-th request (1: the next) of a queue. */
void virtio_model_fault(struct virtio_model *model, unsigned queue, enum virtio_fault fault,
                        unsigned nth);
/* Reports that the configuration has changed; the test has changed it under the lock. */
void virtio_model_reconfigured(struct virtio_model *model);
/* Ends a request that serve() held. Caller holds the lock. */
void virtio_model_end(struct virtio_model *model, struct virtio_model_request *request,
                      uint32_t written_bytes);
/* Returns a held request of a queue, or NULL. Caller holds the lock. */
struct virtio_model_request *virtio_model_held(struct virtio_model *model, unsigned queue);

/* Copy between a request's readable or writable memory, from `offset` on, and `data`. Return how
 * many bytes that were. */
uint32_t virtio_model_read(const struct virtio_model_request *request, uint32_t offset, void *data,
                           uint32_t bytes);
uint32_t virtio_model_write(const struct virtio_model_request *request, uint32_t offset,
                            const void *data, uint32_t bytes);
/* Return the bytes of either. */
uint32_t virtio_model_readable(const struct virtio_model_request *request);
uint32_t virtio_model_writable(const struct virtio_model_request *request);

#endif

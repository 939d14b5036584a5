/*
 * internal.h - struct device, for the files of kernel/dev only.
 *
 *   device.c      life of a device: create, references, properties
 *   tree.c        the tree: numbers, names, aliases; finding and listing
 *   publish.c     publishing and removing devices
 *   driver/       the drivers: list.c (their order), match.c (offers devices to them and takes
 *                 devices back), offer.c (offers them media), register.c (drivers that come and go
 *                 at run time)
 *   medium.c      the medium and its generation
 *   open.c        handles, claims, open files
 *   queue/        requests: queue.c (a device's queue), schedule.c (the order in which they start),
 *                 carve.c (cuts them into transfers), transfers.c (memory of transfers),
 *                 statistics.c (counts them), completion.c (ends them: the completion thread),
 *                 watch.c (reports those that do not end)
 *   event.c       pending events, for the monitor
 *   bad_blocks.c  counts blocks that could not be read
 *   control.c     operations of devices, with geometry.c, icon.c, toc.c
 *
 * Locking     Tree members: the tree's mutex. Members from queue_lock on: that spin, except atomics
 *             and where a comment names another lock.
 */
#ifndef KERNEL_DEV_INTERNAL_H
#define KERNEL_DEV_INTERNAL_H

#include "kernel/code.h"
#include "kernel/dev/device.h"
#include "kernel/dev/queue/schedule.h"
#include "kernel/dev/queue/statistics.h"

enum { REQUEST_ACTIVE = 1, REQUEST_ENDED }; /* io_request.state */

enum { BOUNCE_PAGES_MAX = 32 }; /* the bits of free_bounce_pages */

struct device {
    /* constant after device_publish() */
    char name[DEVICE_NAME_BYTES];
    char alias[DEVICE_NAME_BYTES];       /* "": none */
    char alias_prefix[DEVICE_NAME_BYTES]; /* "": the class's name */
    const struct device_ops *ops;
    void *private_data;
    const struct bus_type *bus;
    const void *bus_data;
    bool is_virtual;
    struct io_limits limits;             /* of block_bytes the first medium's only: see below */
    unsigned class_number;               /* in the alias */
    struct device *parent;               /* holds a reference */
    struct device *drive;                /* whose queue serves the requests: the device itself, or
                                            of a part the first ancestor that is not a part */
    struct device_part part;
    uint64_t base_bytes;                 /* on the drive; 0 unless it is a part */

    /* traits: may change with the medium while other threads read them */
    const struct device_class *_Atomic device_class;
    _Atomic unsigned level;
    _Atomic uint32_t block_bytes;
    _Atomic bool read_only, no_automount, no_parts;

    /* tree.c and publish.c; under the tree's mutex */
    _Atomic unsigned number;             /* its vnode id in devfs */
    const struct driver *_Atomic driver;
    bool driver_failed;                  /* match.c's: add_device() returned an error */
    struct list siblings, children;
    struct list all_link;
    struct list number_link, alias_link, name_link;
    unsigned *first_free;                /* where the search for its prefix's numbers begins */
    bool published;                      /* written under queue_lock too */
    _Atomic bool gone;                   /* written under queue_lock too */
    _Atomic int references;

    struct spin queue_lock;              /* rank QUEUE; device_lock() takes the drive's */
    struct schedule waiting;             /* requests */
    struct io_transfer *transfers;       /* limits.depth of them */
    struct list free_transfers;
    struct io_segment *transfer_segments;
    size_t driver_data_bytes;            /* of each transfer */
    char *driver_data;                   /* of all transfers */
    void **bounce_pages;                 /* NULL: the device reaches all memory */
    unsigned bounce_page_count;
    uint32_t free_bounce_pages;          /* a bit for each page */
    struct device_statistics statistics; /* without `depth` */
    bool pumping, pump_again;
    _Atomic uint32_t generation;         /* also incremented by device_remove() */
    bool medium_present;
    uint32_t parts_wanted;               /* the generation whose parts were asked for */
    uint64_t medium_bytes;
    status_t absent_status;              /* without a medium: -ENOMEDIUM; -ENODEV when halted */
    struct bad_blocks *bad_blocks;       /* of this medium; NULL: none yet */
    unsigned open_count, parts_open;     /* handles of the device itself; of its parts */
    bool refuses_opens, claimed;
    unsigned parts_claimed;
    unsigned files_open;                 /* on file systems of this medium */
    _Atomic bool door_locked;

    struct code_use code_use;            /* of ops */

    struct list event_link;              /* under event.c's lock, with the next two */
    unsigned pending_events;
    bool event_handled;
    unsigned events;                     /* of a drive: devices, of it and its parts, with events */
    bool events_taken;                   /* of a drive: one of them is being handled */
    unsigned event_flags;                /* of the thread that handles the device's event */
    struct list put_link;                /* under completion.c's lock */
    struct list owners_link;             /* under transfers.c's lock, with the next */
    unsigned owners_round;
};

/* A drive and its parts have one lock, the drive's queue_lock: opens and claims of all of them, and
 * the medium that they share, change together. */
static inline void device_lock(const struct device *device)
{
    spin_lock(&device->drive->queue_lock);
}

static inline void device_unlock(const struct device *device)
{
    spin_unlock(&device->drive->queue_lock);
}

/* Gets a reference, unless the last one was put: the device is then being freed. */
static inline bool device_try_get(struct device *device)
{
    int references = atomic_load(&device->references);
    while (references)
        if (atomic_compare_exchange_weak(&device->references, &references, references + 1))
            return true;
    return false;
}

/* Returns the device that this one is a part of, or NULL. */
static inline struct device *device_whole(const struct device *device)
{
    return device_is_part(device) ? device->parent : NULL;
}

/* device.c: sets and reads the root, which is the parent of devices without one. */
void device_set_root(struct device *root);

/* transfers.c: allocates what the I/O path needs, so that reading never allocates. -ENOMEM; the
 * caller then frees what was allocated. */
status_t transfers_create(struct device *device) MUST_CHECK;
void transfers_destroy(struct device *device);
/* transfers.c: returns a reference to a device with transfers, in flight or not, that was not
 * returned in this round yet. NULL: there are no more. Rounds are numbered from 1. */
struct device *transfers_next_owner(unsigned round);

/* completion.c: marks a request as ended. False: it had ended already. Any context. */
bool request_end(struct io_request *request, status_t status, uint64_t done_bytes) MUST_CHECK;
/* completion.c: empties a list of ended requests: hands them to the thread that calls them back, or
 * calls them back here. The former in any context; the latter on a thread without a spinlock. */
void requests_append(struct list *ended);
void requests_call_back(struct list *ended);
/* completion.c: a transfer is in flight: the completion thread looks for overdue ones from time to
 * time. Caller holds device_lock(). */
void watch_begin(void);
/* watch.c: reports the device's transfers that are overdue. Returns whether any is in flight. Any
 * context but interrupts. */
bool watch_device(struct device *device);

/* queue.c: ends the waiting requests of the device with -ENODEV. */
void queue_fail(struct device *device);

/* medium.c: returns the status of a request for the medium that is present: 0, -ENODEV, the
 * absent_status, or -ESTALE of a part of an earlier medium. Caller holds device_lock(). */
status_t medium_status(const struct device *device);
/* medium.c: returns the bytes of the device's medium. Caller holds device_lock(). */
uint64_t medium_size(const struct device *device);
/* medium.c: returns 0 if a part is inside its parent's medium, else an errno. */
status_t medium_check_part(const struct device *part) MUST_CHECK;
/* medium.c: calls the drive's ops->check. */
status_t medium_check_below(const struct device *device);

/* bad_blocks.c: takes the list of a medium that leaves, under queue_lock; then logs how many there
 * were, and frees it. Any context but interrupts. */
struct bad_blocks *bad_blocks_take(struct device *device);
void bad_blocks_sum_up(const struct device *device, struct bad_blocks *bad);

#endif

/*
 * drive_private.h - the drive's own structure, shared by drive_state.c (states, looks, removal),
 * drive.c (creation, exchange of images) and serve.c (transfers, and the thread that serves them).
 * For no other file.
 *
 * Model       The drive, each transfer in flight, each change of the image (between drive_hold()
 *             and drive_release()) and each check hold one reference to the image. An image can
 *             therefore be taken out of the drive while its store hangs: the threads that use it
 *             finish by themselves, and the last of them closes it.
 * Invariant   The image and the generation of its medium change in one step under the drive's
 *             lock. A transfer whose generation is the medium's is meant for the current image.
 * Locking     As in drive.h. drive_hold() is the only wait without a limit; ^C ends it.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_DRIVE_PRIVATE_H
#define DRIVERS_STORAGE_VIRTUAL_DRIVE_PRIVATE_H

#include "drivers/storage/virtual/drive.h"
#include "kernel/sched/sync.h"

enum drive_state {
    STATE_REGISTERED = 1,
    STATE_DETACHING = 2,
    STATE_HALTING = 4,
    STATE_HALTED = 8,
    STATE_ATTACHING = 16,
    STATE_GONE = 32,
};

enum { DRIVE_PATIENCE_US = 50000 }; /* how long a removal waits for the image's other users */

struct drive {
    struct spin lock; /* rank DEVICE: all below. The medium is changed under it */
    enum drive_state state;
    struct image *image;       /* a reference; NULL: halted */
    struct image_facts *facts; /* of the last image: a reference */
    bool held;                 /* by a thread that changes the image: transfers wait */
    unsigned serving;          /* transfers in flight */
    unsigned looking;          /* looks and checks under way */
    struct list transfers;     /* that wait */
    struct wait_queue arrived; /* the worker's: a transfer waits that may be served, or stopping */
    struct wait_queue changed; /* a transfer or a look ended, the image left, `held` was cleared */
    bool stopping;             /* for good: no worker may be started */
    struct thread *worker;     /* NULL: no image has waited yet */
};

/* A transfer's driver_data. */
struct drive_transfer {
    struct list link;
    struct io_transfer *transfer;
};

static inline struct drive *drive_of(const struct device *device)
{
    return device_private(device);
}

/* ---- drive_state.c ------------------------------------------------------------------------- */

/* Changes the state to `to` and returns true if it is one of `from`, in one step. */
bool drive_change_state(struct drive *drive, unsigned from, enum drive_state to);

/* Returns a reference to the image for a look beside transfers, or NULL. The lock is held. */
struct image *drive_use(struct drive *drive);
void drive_unuse(struct drive *drive, struct image *image);

/* Removes a drive that can no longer be opened, unless it is still open. */
void drive_go_if_unused(struct device *device);

/* ---- serve.c ------------------------------------------------------------------------------- */

/* device_ops.start of a drive. */
void drive_start(struct device *device, struct io_transfer *transfer);

/* Waits until no other thread holds the drive and no transfer is in flight. From then on to
 * drive_release() transfers wait. *image: a reference, or NULL when the drive is halted. The image
 * may be taken out of the drive meanwhile. -EINTR: not held. */
status_t drive_hold(struct drive *drive, struct image **image) MUST_CHECK;
void drive_release(struct drive *drive);

/* Takes the image out of the drive and ends the transfers that wait for it with -ENODEV; if `halt`,
 * the device is halted in the same step. Waits up to DRIVE_PATIENCE_US for the other users of
 * the image; those that take longer keep it until they end. */
void drive_take_out(struct device *device, bool halt);

/* Starts the thread that serves transfers of stores that wait, unless there is one. -ENOMEM;
 * -ENODEV when the drive is gone. */
status_t worker_make(struct device *device) MUST_CHECK;
/* Ends that thread for good. A transfer in flight does not delay this: the thread then ends by
 * itself, and keeps the device until then. */
void worker_stop(struct drive *drive);

#endif

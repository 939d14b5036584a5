/*
 * serve.c - a drive's transfers, and the thread that serves them.
 *
 * A store that never waits is served inside start(). For one that waits the drive owns a worker
 * thread, which waits only for devices of lower levels than the drive's own; a short read is first
 * tried inside start(), if the store can do that. While a thread holds the drive, transfers wait in
 * a list.
 */
#include "drivers/storage/virtual/drive_private.h"
#include "lib/macros.h"

/* A transfer that was taken from the list to be served. */
struct drive_work {
    struct io_transfer *transfer; /* NULL: there is none */
    bool at_once;                 /* it is only tried: if it would wait, it returns to the list */
    struct image *image;          /* a reference; NULL: the transfer ends with `refusal` */
    status_t refusal;
};

/* ---- transfers ---------------------------------------------------------------------------- */

static status_t store_serve(struct store *store, enum io_op op, const struct span *span,
                            uint32_t *done_bytes)
{
    switch (op) {
    case IO_FLUSH: return store_flush(store);
    case IO_DISCARD:
    case IO_ZERO: return store_trim(store, op, span->offset_bytes, span->length_bytes);
    default: return store_move(store, op, span, done_bytes);
    }
}

/* Returns false if the store would wait, but the transfer is to be served `at_once`. */
static bool image_serve(struct image *image, struct io_transfer *transfer, bool at_once)
{
    struct store *store = image->store;
    struct span span = {
        .offset_bytes = transfer->offset_bytes,
        .segments = transfer->segments,
        .segment_count = transfer->segment_count,
        .length_bytes = transfer->length_bytes,
        .at_once = at_once,
    };
    uint32_t done = 0;
    status_t status = store_serve(store, transfer->op, &span, &done);
    if (at_once && status == -EAGAIN)
        return false;

    /* kernel/dev need not search for the bad block where the fault store names it. */
    transfer->exact = status && store_fault_is_bad(store, span.offset_bytes + done);

    /* Only -EIO is about blocks. Other errors, e.g. -ESTALE, are about the whole image. */
    if (status == -EIO && transfer->op != IO_FLUSH)
        device_note_bad_block(transfer->device, transfer->generation,
                              (transfer->offset_bytes + done) / image->facts->block_bytes,
                              transfer->op == IO_READ ? "cannot be read" : "cannot be written");
    io_transfer_done(transfer, status, done);
    return true;
}

/* Returns 0 if the transfer is meant for the drive's image, else why it is not served. */
static status_t drive_admits(const struct drive *drive, const struct io_transfer *transfer)
{
    struct device_medium medium = device_medium(transfer->device);
    if (!drive->image || !medium.present)
        return -ENODEV;

    /* A transfer for an earlier medium must not read this one's bytes. */
    return medium.generation == transfer->generation ? 0 : -ESTALE;
}

/* Takes a transfer that need not wait. Without an image none waits: each is refused. */
static struct drive_work drive_take(struct drive *drive)
{
    struct drive_work work = { 0 };
    kassert(spin_is_held(&drive->lock));
    struct list *link = drive->held && drive->image ? NULL : list_pop_front(&drive->transfers);
    if (!link)
        return work;

    work.transfer = container_of(link, struct drive_transfer, link)->transfer;
    work.refusal = drive_admits(drive, work.transfer);
    if (!work.refusal)
        work.image = image_get(drive->image);

    /* Counted until drive_do() ends: a thread that wants to hold the drive waits for it. */
    drive->serving++;
    return work;
}

/* Serves a transfer, or returns it to the list if it was only tried. */
static void drive_do(struct drive *drive, struct drive_work work)
{
    while (work.transfer) {
        struct drive_transfer *entry = work.transfer->driver_data;
        bool ended = true;
        if (work.image)
            ended = image_serve(work.image, work.transfer, work.at_once);
        else
            io_transfer_done(work.transfer, work.refusal, 0);

        /* First: a removal that waited for the transfer returns when the image's file is closed. */
        image_put(work.image);
        work.transfer = NULL;
        spin_lock(&drive->lock);
        drive->serving--;
        if (!ended) {
            list_push_front(&drive->transfers, &entry->link);
            wait_queue_wake_all(&drive->arrived);
        }

        /* The image was taken out meanwhile, and the worker may have ended. */
        if (!ended && !drive->image)
            work = drive_take(drive);
        wait_queue_wake_all(&drive->changed);
        spin_unlock(&drive->lock);
    }
}

void drive_start(struct device *device, struct io_transfer *transfer)
{
    struct drive *drive = drive_of(device);
    struct drive_transfer *entry = transfer->driver_data;
    struct drive_work work = { 0 };
    enum image_service service = IMAGE_AT_ONCE;
    entry->transfer = transfer;

    /* Served here if that takes no waiting, else by the worker. The list keeps the order in which
     * transfers came. */
    spin_lock(&drive->lock);
    list_push_back(&drive->transfers, &entry->link);
    if (drive->image)
        service = drive->held ? IMAGE_LATER : image_service(drive->image, transfer);
    if (service != IMAGE_LATER)
        work = drive_take(drive);
    work.at_once = service == IMAGE_TRY;
    if (!work.transfer)
        wait_queue_wake_all(&drive->arrived);
    spin_unlock(&drive->lock);

    if (work.transfer)
        drive_do(drive, work);
}

/* ---- holding transfers back --------------------------------------------------------------- */

status_t drive_hold(struct drive *drive, struct image **image)
{
    status_t status = 0;
    spin_lock(&drive->lock);
    while (drive->held && !status)
        status = wait_queue_wait_interruptible(&drive->changed, &drive->lock, TIME_NEVER);

    /* Held from here on: no new transfer is begun. Those in flight are waited for. */
    bool mine = !status;
    if (mine)
        drive->held = true;
    while (drive->serving && !status)
        status = wait_queue_wait_interruptible(&drive->changed, &drive->lock, TIME_NEVER);

    *image = !status && drive->image ? image_get(drive->image) : NULL;
    spin_unlock(&drive->lock);

    /* Interrupted while waiting for transfers: whatever waits for the drive must be let
     * through again. */
    if (status && mine)
        drive_release(drive);
    return status;
}

void drive_release(struct drive *drive)
{
    struct drive_work work = { 0 };
    spin_lock(&drive->lock);
    drive->held = false;

    /* Without a worker this thread serves the transfer that came meanwhile. There is one at most,
     * since the drive's depth is 1. */
    if (!drive->image || !drive->worker)
        work = drive_take(drive);
    wait_queue_wake_all(&drive->arrived);
    wait_queue_wake_all(&drive->changed);
    spin_unlock(&drive->lock);

    if (work.transfer)
        drive_do(drive, work);
}

void drive_take_out(struct device *device, bool halt)
{
    struct drive *drive = drive_of(device);
    struct drive_work work;
    spin_lock(&drive->lock);
    struct image *image = drive->image;
    drive->image = NULL;

    /* In this step, so that nothing announces a medium without an image. */
    if (halt)
        device_halt(device);
    wait_queue_wake_all(&drive->changed);

    /* Without an image, the transfers that wait are refused: here, since there may be no worker. */
    while ((work = drive_take(drive)).transfer) {
        spin_unlock(&drive->lock);
        drive_do(drive, work);
        spin_lock(&drive->lock);
    }

    /* Usually the store is idle, or soon will be: then its file is closed on return. */
    uint64_t end_us = time_now_us() + DRIVE_PATIENCE_US;
    while (image && (drive->held || drive->serving || drive->looking) &&
           wait_queue_wait(&drive->changed, &drive->lock, end_us) != -ETIMEDOUT)
        ;
    spin_unlock(&drive->lock);

    /* The drive's reference. Users that take longer close the image when they end. */
    image_put(image);
}

/* ---- the worker --------------------------------------------------------------------------- */

static struct drive_work worker_next(struct drive *drive)
{
    struct drive_work work;
    spin_lock(&drive->lock);
    while (!(work = drive_take(drive)).transfer && !drive->stopping)
        IGNORE(wait_queue_wait(&drive->arrived, &drive->lock, TIME_NEVER));
    spin_unlock(&drive->lock);
    return work;
}

static void worker_main(void *argument)
{
    struct device *device = argument;
    for (struct drive_work work; (work = worker_next(drive_of(device))).transfer;)
        drive_do(drive_of(device), work);

    /* The worker's reference of the device: a detached worker may outlive its removal. */
    device_put(device);
}

status_t worker_make(struct device *device)
{
    struct drive *drive = drive_of(device);
    spin_lock(&drive->lock);
    bool made = drive->worker;
    spin_unlock(&drive->lock);
    if (made)
        return 0;

    /* Created without the lock, since this allocates memory. Only a thread that holds the drive, or
     * is creating it, gets here, so there is no second one. */
    struct thread *worker = thread_create("vdrive", PRIORITY_IO, worker_main, device_get(device));
    if (!worker) {
        device_put(device);
        return -ENOMEM;
    }

    /* The drive may have been removed meanwhile. Then the new worker ends at once. */
    spin_lock(&drive->lock);
    bool late = drive->stopping;
    if (!late)
        drive->worker = worker;
    spin_unlock(&drive->lock);

    if (late)
        thread_join(worker);
    return late ? -ENODEV : 0;
}

void worker_stop(struct drive *drive)
{
    spin_lock(&drive->lock);
    struct thread *worker = drive->worker;
    bool busy = drive->serving;
    drive->worker = NULL;
    drive->stopping = true;
    wait_queue_wake_all(&drive->arrived);
    spin_unlock(&drive->lock);

    if (!worker)
        return;

    /* A store that hangs must not delay the removal, so a busy worker is left to end by itself. */
    if (busy)
        thread_detach(worker);
    else
        thread_join(worker);
}

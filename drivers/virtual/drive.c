/*
 * drive.c - a device whose bytes come from a store.
 *
 * A store that never waits is served inside start(). For one that waits the drive owns a worker,
 * which waits only for devices of lower levels than the drive's own.
 */
#include "drivers/virtual/store.h"
#include "kernel/sched/sync.h"
#include "lib/format.h"

struct drive {
    struct store *store;
    uint64_t store_bytes;
    bool temporary, waits; /* the store does */
    struct spin lock; /* rank QUEUE: all below */
    struct list transfers;
    struct wait_queue arrival;
    bool stopping;
    struct thread *worker; /* NULL: the store never waits */
};

/* In io_transfer.driver_data. */
struct drive_transfer {
    struct list link;
    struct io_transfer *transfer;
};

static void drive_serve(struct drive *drive, struct io_transfer *transfer)
{
    struct store *store = drive->store;
    uint32_t done = 0;
    status_t status = 0;
    if (transfer->op == IO_READ)
        status = store->ops->read(store, transfer->offset_bytes, transfer->segments,
                                  transfer->segment_count, transfer->length_bytes, &done);
    else if (transfer->op == IO_WRITE)
        status = store->ops->write(store, transfer->offset_bytes, transfer->segments,
                                   transfer->segment_count, transfer->length_bytes, &done);
    io_transfer_done(transfer, status, done);
}

/* ---- the worker --------------------------------------------------------------------------- */

static struct io_transfer *worker_next(struct drive *drive)
{
    spin_lock(&drive->lock);
    while (list_empty(&drive->transfers) && !drive->stopping)
        (void)!wait_queue_wait(&drive->arrival, &drive->lock, TIME_NEVER);
    struct list *link = list_pop_front(&drive->transfers);
    spin_unlock(&drive->lock);
    return link ? list_entry(link, struct drive_transfer, link)->transfer : NULL;
}

static void worker_main(void *argument)
{
    struct drive *drive = argument;
    for (struct io_transfer *transfer; (transfer = worker_next(drive));)
        drive_serve(drive, transfer);
}

static void worker_stop(struct drive *drive)
{
    if (!drive->worker)
        return;
    spin_lock(&drive->lock);
    drive->stopping = true;
    wait_queue_wake_all(&drive->arrival);
    spin_unlock(&drive->lock);
    thread_join(drive->worker);
    drive->worker = NULL;
}

/* ---- the device --------------------------------------------------------------------------- */

static void drive_start(struct device *device, struct io_transfer *transfer)
{
    struct drive *drive = device->private_data;
    struct drive_transfer *entry = (struct drive_transfer *)(void *)transfer->driver_data;
    if (!drive->waits) {
        drive_serve(drive, transfer);
        return;
    }
    entry->transfer = transfer;
    spin_lock(&drive->lock);
    bool stopping = drive->stopping;
    if (!stopping) {
        list_push_back(&drive->transfers, &entry->link);
        wait_queue_wake_one(&drive->arrival);
    }
    spin_unlock(&drive->lock);
    if (stopping)
        io_transfer_done(transfer, -ENODEV, 0);
}

static void drive_describe(struct device *device, char *text, size_t bytes)
{
    const struct drive *drive = device->private_data;
    format_text(text, bytes, "virtual drive, %llu bytes%s",
                (unsigned long long)drive->store_bytes,
                device->read_only ? ", read-only" : "");
}

static void drive_destroy(struct device *device)
{
    struct drive *drive = device->private_data;
    if (!drive)
        return;
    if (drive->store)
        drive->store->ops->close(drive->store);
    mem_free(drive);
}

static status_t drive_check(struct device *device)
{
    const struct drive *drive = device->private_data;
    struct store *store = drive->store;
    return store && store->ops->check ? store->ops->check(store) : 0;
}

static void drive_closed(struct device *device);

static const struct device_ops drive_ops = {
    .start = drive_start,
    .check = drive_check,
    .closed = drive_closed,
    .describe = drive_describe,
    .destroy = drive_destroy,
};

static struct drive *drive_alloc(struct store *store, bool temporary)
{
    struct drive *drive = mem_zalloc(sizeof(*drive));
    if (!drive)
        return NULL;
    drive->temporary = temporary;
    drive->waits = store->waits;
    drive->store_bytes = store->size_bytes;
    spin_init(&drive->lock, RANK_QUEUE);
    list_init(&drive->transfers);
    wait_queue_init(&drive->arrival);
    if (store->waits) {
        drive->worker = thread_create("vdrive", PRIORITY_IO, worker_main, drive);
        if (!drive->worker) {
            mem_free(drive);
            return NULL;
        }
    }
    drive->store = store;
    return drive;
}

static void drive_set_up(struct device *device, const struct store *store, uint32_t block_bytes)
{
    device->ops = &drive_ops;
    device->device_class = CLASS_VIRTUAL;
    device->level = store->level;
    device->read_only = !store->ops->write;
    device->limits = (struct io_limits){ .block_bytes = block_bytes, .depth = 1 };
    device_set_medium(device, store->size_bytes / block_bytes * block_bytes);
}

static _Atomic unsigned next_drive; /* numbers below "virtual" are never used twice */

status_t drive_create(struct store *store, uint32_t block_bytes, bool temporary,
                      struct device **result)
{
    char name[16];
    struct drive *drive = NULL;
    status_t status = -EINVAL;
    if (store->size_bytes < block_bytes)
        goto no_drive;
    status = -ENOMEM;
    if (!(drive = drive_alloc(store, temporary)))
        goto no_drive;
    struct device *bus = device_find("virtual");
    format_text(name, sizeof(name), "%u", next_drive++);
    struct device *device = device_create(bus, name);
    device_put(bus);
    if (!device)
        goto no_device;
    device->private_data = drive;
    device->no_automount = temporary;
    drive_set_up(device, store, block_bytes);
    status = device_publish(device);
    if (status)
        worker_stop(drive);
    if (status)
        device_put(device); /* frees drive and store */
    else
        *result = device;
    return status;

no_device:
    worker_stop(drive);
    mem_free(drive);
no_drive:
    store->ops->close(store);
    return status;
}

status_t drive_remove(struct device *device)
{
    struct drive *drive = device->private_data;
    spin_lock(&device->queue_lock);
    status_t status = device->gone ? -ENODEV : device->open_count ? -EBUSY : 0;
    if (!status)
        device->gone = true; /* no open can come between */
    spin_unlock(&device->queue_lock);
    if (status)
        return status;
    device_get(device);
    device_remove(device);
    worker_stop(drive);
    if (drive->waits) { /* now, since the last reference may go on the completion thread */
        drive->store->ops->close(drive->store);
        drive->store = NULL;
    }
    device_put(device);
    return 0;
}

/* A drive that was made for a mount goes with it. */
static void drive_closed(struct device *device)
{
    if (drive_is_temporary(device))
        (void)!drive_remove(device); /* -EBUSY: somebody opened it again; -ENODEV: it is going */
}

bool device_is_drive(const struct device *device)
{
    return device->ops == &drive_ops;
}

bool drive_is_temporary(const struct device *device)
{
    return ((const struct drive *)device->private_data)->temporary;
}

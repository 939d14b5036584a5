/*
 * drive.c - see drive.h.
 *
 * An image that never waits is served inside start(). For one that waits the drive owns a worker,
 * which waits only for devices of lower levels than the drive's own. While the image is being
 * exchanged or looked after, transfers wait in a list.
 */
#include "drivers/storage/virtual/drive.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum drive_state {
    STATE_REGISTERED = 1,
    STATE_DETACHING = 2,
    STATE_HALTING = 4,
    STATE_HALTED = 8,
    STATE_ATTACHING = 16,
    STATE_GONE = 32,
};

struct drive {
    struct spin lock; /* rank QUEUE: all below */
    enum drive_state state;
    struct image *image; /* NULL: halted */
    char *path;          /* of the last image; owned */
    struct image_facts facts; /* the last image's */
    bool temporary;      /* under the lock */
    bool held;           /* transfers are to wait */
    unsigned serving;    /* transfers under way */
    struct list transfers;
    struct wait_queue changed; /* a transfer came or ended, `held` was cleared, stopping */
    bool stopping;
    struct thread *worker; /* NULL: no image has waited yet */
};

/* In io_transfer.driver_data. */
struct drive_transfer {
    struct list link;
    struct io_transfer *transfer;
};

static struct drive *drive_of(const struct device *device)
{
    return device->private_data;
}

/* One step: true if the drive was in one of the states `from`, and is in `to` now. */
static bool drive_change_state(struct drive *drive, unsigned from, enum drive_state to)
{
    spin_lock(&drive->lock);
    bool changed = drive->state & from;
    if (changed)
        drive->state = to;
    spin_unlock(&drive->lock);
    return changed;
}

static enum drive_state drive_state(struct drive *drive)
{
    spin_lock(&drive->lock);
    enum drive_state state = drive->state;
    spin_unlock(&drive->lock);
    return state;
}

/* ---- transfers ---------------------------------------------------------------------------- */

static void drive_serve(struct image *image, struct io_transfer *transfer)
{
    struct store *store = image->store;
    struct span span = { transfer->offset_bytes, transfer->segments, transfer->segment_count,
                         transfer->length_bytes };
    uint32_t done = 0;
    status_t status = 0;
    if (transfer->op == IO_READ)
        status = store->ops->read(store, &span, &done);
    else if (transfer->op == IO_WRITE)
        status = store->ops->write(store, &span, &done);
    else
        status = store_flush(store);
    transfer->exact = status && store_fault_is_bad(store, span.offset_bytes + done);
    if (status == -EIO && transfer->op != IO_FLUSH)
        device_note_bad_block(transfer->device, transfer->generation,
                              (transfer->offset_bytes + done) / image->facts.block_bytes,
                              transfer->op == IO_READ ? "cannot be read" : "cannot be written");
    io_transfer_done(transfer, status, done);
}

static void drive_served(struct drive *drive)
{
    spin_lock(&drive->lock);
    drive->serving--;
    wait_queue_wake_all(&drive->changed);
    spin_unlock(&drive->lock);
}

/* The image for looking at, beside transfers; it stays until drive_served(). NULL: halted. */
static struct image *drive_borrow(struct drive *drive)
{
    spin_lock(&drive->lock);
    while (drive->held)
        IGNORE(wait_queue_wait(&drive->changed, &drive->lock, TIME_NEVER));
    drive->serving++;
    struct image *image = drive->image;
    spin_unlock(&drive->lock);
    return image;
}

/* Takes a transfer that may be served now; NULL: none. The image stays until drive_served(). */
static struct io_transfer *drive_take(struct drive *drive)
{
    kassert(spin_is_held(&drive->lock));
    struct list *link = drive->held ? NULL : list_pop_front(&drive->transfers);
    if (!link)
        return NULL;
    drive->serving++;
    return container_of(link, struct drive_transfer, link)->transfer;
}

/* The image came with a generation of the medium, and stays while `serving` counts the transfer:
 * one that was meant for an image before it is not served from this one. */
static status_t drive_admits(const struct drive *drive, const struct io_transfer *transfer)
{
    struct device_medium medium = device_medium(transfer->device);
    if (!drive->image || !medium.present)
        return -ENODEV;
    return medium.generation == transfer->generation ? 0 : -ESTALE;
}

static void drive_serve_or_refuse(struct drive *drive, struct io_transfer *transfer)
{
    status_t status = drive_admits(drive, transfer);
    if (!status)
        drive_serve(drive->image, transfer);
    else
        io_transfer_done(transfer, status, 0);
    drive_served(drive);
}

static struct io_transfer *worker_next(struct drive *drive)
{
    struct io_transfer *transfer;
    spin_lock(&drive->lock);
    while (!(transfer = drive_take(drive)) && !drive->stopping)
        IGNORE(wait_queue_wait(&drive->changed, &drive->lock, TIME_NEVER));
    spin_unlock(&drive->lock);
    return transfer;
}

static void worker_main(void *argument)
{
    struct drive *drive = argument;
    for (struct io_transfer *transfer; (transfer = worker_next(drive));)
        drive_serve_or_refuse(drive, transfer);
}

static void drive_start(struct device *device, struct io_transfer *transfer)
{
    struct drive *drive = drive_of(device);
    struct drive_transfer *entry = (struct drive_transfer *)(void *)transfer->driver_data;
    entry->transfer = transfer;
    spin_lock(&drive->lock);
    list_push_back(&drive->transfers, &entry->link);
    bool here = !drive->held && (!drive->image || image_serves_at_once(drive->image));
    struct io_transfer *mine = here ? drive_take(drive) : NULL;
    if (!mine)
        wait_queue_wake_all(&drive->changed);
    spin_unlock(&drive->lock);
    if (mine)
        drive_serve_or_refuse(drive, mine);
}

/* ---- holding transfers back --------------------------------------------------------------- */

/* From here to drive_release() no transfer is under way, and the caller alone has the image. */
static void drive_hold(struct drive *drive)
{
    spin_lock(&drive->lock);
    while (drive->held)
        IGNORE(wait_queue_wait(&drive->changed, &drive->lock, TIME_NEVER));
    drive->held = true;
    while (drive->serving)
        IGNORE(wait_queue_wait(&drive->changed, &drive->lock, TIME_NEVER));
    spin_unlock(&drive->lock);
}

static void drive_release(struct drive *drive)
{
    spin_lock(&drive->lock);
    drive->held = false;
    bool here = !drive->image || !drive->worker;
    struct io_transfer *transfer = here ? drive_take(drive) : NULL; /* there is one at most */
    wait_queue_wake_all(&drive->changed);
    spin_unlock(&drive->lock);
    if (transfer)
        drive_serve_or_refuse(drive, transfer);
}

static status_t worker_make(struct drive *drive)
{
    if (drive->worker)
        return 0;
    drive->worker = thread_create("vdrive", PRIORITY_IO, worker_main, drive);
    return drive->worker ? 0 : -ENOMEM;
}

static void worker_stop(struct drive *drive)
{
    spin_lock(&drive->lock);
    struct thread *worker = drive->worker;
    drive->worker = NULL;
    drive->stopping = true;
    wait_queue_wake_all(&drive->changed);
    spin_unlock(&drive->lock);
    if (worker)
        thread_join(worker);
}

status_t drive_with_image(struct device *device, bool may_wait,
                          status_t (*use)(struct device *device, struct image *image,
                                          void *context),
                          void *context)
{
    struct drive *drive = drive_of(device);
    drive_hold(drive);

    /* Before the image changes: nothing has to be undone then. A drive without an image may be
     * gone, and with it the one that would stop the worker. */
    status_t status = may_wait && drive->image ? worker_make(drive) : 0;
    if (!status)
        status = use(device, drive->image, context);
    drive_release(drive);
    return status;
}

/* ---- images ------------------------------------------------------------------------------- */

/* What holds the bytes of a drive's image: the n-th, a reference, or NULL. */
static struct device *drive_holder(struct device *device, unsigned n)
{
    if (!device_is_drive(device))
        return NULL;
    const struct image *image = drive_borrow(drive_of(device));
    struct device *holder = image && n < image->holder_count ? device_get(image->holders[n]) : NULL;
    drive_served(drive_of(device));
    return holder;
}

/* Is `holder` the device, or a drive whose image is on it, directly or through other drives? Each
 * has a lower level than the one before, so the depth is at most VIRTUAL_LEVEL_MAX. */
static bool device_is_on(struct device *holder, const struct device *device, unsigned depth)
{
    struct device *next;
    bool found = holder == device;
    for (unsigned n = 0; !found && depth && (next = drive_holder(holder, n)); n++) {
        found = device_is_on(next, device, depth - 1);
        device_put(next);
    }
    return found;
}

static bool image_is_on(const struct image *image, const struct device *device)
{
    bool found = false;
    for (unsigned n = 0; !found && n < image->holder_count; n++)
        found = device_is_on(image->holders[n], device, VIRTUAL_LEVEL_MAX);
    return found;
}

/* Each registration sets all that the drive is except its name. */
static void drive_take_flags(struct device *device, const struct image *image)
{
    struct drive *drive = drive_of(device);
    device->device_class = image->facts.flags & VIRTUAL_CD ? CLASS_CDROM : CLASS_VIRTUAL;
    /* What can be written is mounted by hand: a mount keeps others from writing. */
    device->no_automount = image->facts.flags & (VIRTUAL_TEMPORARY | VIRTUAL_NO_MOUNT) ||
                           !image_is_read_only(image);
    spin_lock(&drive->lock);
    drive->temporary = image->facts.flags & VIRTUAL_TEMPORARY;
    spin_unlock(&drive->lock);
}

/* Puts the image into a drive that has none; the drive is held. The medium is another one then. */
static status_t drive_attach(struct device *device, struct image *image)
{
    struct drive *drive = drive_of(device);
    size_t bytes = strlen(image->path) + 1;
    char *path = mem_alloc(bytes);
    status_t status = path ? 0 : -ENOMEM;
    if (!status && image->store->waits)
        status = worker_make(drive);
    if (status) {
        mem_free(path);
        return status;
    }
    text_copy(path, bytes, image->path);
    mem_free(drive->path);
    drive->path = path;
    drive_take_flags(device, image);
    device->level = image->store->level;
    device->read_only = image_is_read_only(image);
    device->limits.block_bytes = image->facts.block_bytes;
    drive->facts = image->facts;
    drive->image = image;
    device_set_medium(device, image->facts.size_bytes);
    return 0;
}

/* ---- going -------------------------------------------------------------------------------- */

/* For the thread that changed the state to GONE. */
static void drive_go(struct device *device)
{
    struct drive *drive = drive_of(device);
    device_get(device);
    device_remove(device);
    drive_hold(drive);
    struct image *image = drive->image;
    drive->image = NULL;
    drive_release(drive);
    worker_stop(drive); /* without an image, no other is started */
    image_close(image); /* now: the last reference may go on the completion thread */
    device_put(device);
}

/* It cannot be opened any more: is it to be removed? */
static void drive_go_if_unused(struct device *device)
{
    if (!device_open_count(device) &&
        drive_change_state(drive_of(device), STATE_DETACHING | STATE_HALTED, STATE_GONE))
        drive_go(device);
}

/* For a thread that came too late to remove it. */
static status_t removed_already(struct drive *drive)
{
    return drive_state(drive) == STATE_GONE ? -ENODEV : -EALREADY;
}

static status_t remove_if_idle(struct device *device)
{
    struct drive *drive = drive_of(device);
    if (drive_state(drive) != STATE_REGISTERED)
        return removed_already(drive);
    status_t status = device_refuse_opens(device, true);
    if (status)
        return status;
    if (!drive_change_state(drive, STATE_REGISTERED, STATE_GONE))
        return removed_already(drive);
    drive_go(device);
    return 0;
}

static status_t remove_lazily(struct device *device)
{
    if (!drive_change_state(drive_of(device), STATE_REGISTERED, STATE_DETACHING))
        return removed_already(drive_of(device));
    status_t status = device_refuse_opens(device, false);
    drive_go_if_unused(device);
    return status;
}

static status_t remove_now(struct device *device)
{
    struct drive *drive = drive_of(device);
    if (!drive_change_state(drive, STATE_REGISTERED | STATE_DETACHING, STATE_HALTING))
        return removed_already(drive);
    status_t status = device_refuse_opens(device, false);
    device_halt(device);
    drive_hold(drive);
    device_halt(device); /* again: a swap that was under way has brought another medium */
    struct image *image = drive->image;
    drive->image = NULL;
    drive_release(drive);
    image_close(image);
    drive_change_state(drive, STATE_HALTING, STATE_HALTED);
    drive_go_if_unused(device);
    return status;
}

status_t drive_unregister(struct device *device, enum virtual_removal removal)
{
    switch (removal) {
    case VIRTUAL_IF_IDLE: return remove_if_idle(device);
    case VIRTUAL_LAZY: return remove_lazily(device);
    case VIRTUAL_NOW: return remove_now(device);
    }
    return -EINVAL;
}

/* ---- another image ------------------------------------------------------------------------ */

static status_t drive_exchange(struct device *device, struct image *image, bool halted)
{
    struct drive *drive = drive_of(device);
    struct image *old = NULL;
    status_t status = image_is_on(image, device) ? -ELOOP : 0;
    drive_hold(drive);
    if (!status && !halted && !drive->image)
        status = -ENODEV;
    old = drive->image;
    if (old)
        image->facts.flags |= old->facts.flags & (VIRTUAL_TEMPORARY | VIRTUAL_NO_MOUNT);
    if (!status)
        status = drive_attach(device, image);
    if (!status)
        image->grown = NULL;
    drive_release(drive);
    image_close(status ? image : old);
    return status;
}

status_t drive_register_again(struct device *device, struct image *image)
{
    struct drive *drive = drive_of(device);
    if (!drive_change_state(drive, STATE_HALTED, STATE_ATTACHING)) {
        image_close(image);
        return -EBUSY;
    }
    device_allow_opens(device); /* before anybody is told of the medium; till then there is none */
    status_t status = drive_exchange(device, image, true);
    if (status)
        IGNORE(device_refuse_opens(device, false));
    drive_change_state(drive, STATE_ATTACHING, status ? STATE_HALTED : STATE_REGISTERED);
    if (status)
        drive_go_if_unused(device); /* the last close may have found it ATTACHING */
    return status;
}

status_t drive_swap(struct device *device, struct image *image)
{
    return drive_exchange(device, image, false);
}

/* ---- the device --------------------------------------------------------------------------- */

static void drive_destroy(struct device *device)
{
    struct drive *drive = drive_of(device);
    if (!drive)
        return;
    image_close(drive->image);
    mem_free(drive->path);
    mem_free(drive);
}

static status_t drive_check(struct device *device)
{
    struct image *image = drive_borrow(drive_of(device));
    status_t status = image ? store_check(image->store) : 0; /* halted: the device reports it */
    drive_served(drive_of(device));
    return status;
}

/* The last handle was closed: a drive that was made for a mount goes with it. */
static void drive_closed(struct device *device)
{
    struct drive *drive = drive_of(device);
    spin_lock(&drive->lock);
    bool temporary = drive->temporary;
    spin_unlock(&drive->lock);
    if (temporary)
        IGNORE(remove_if_idle(device)); /* it may be open again, or being removed */
    drive_go_if_unused(device);
}

static const struct device_ops drive_ops = {
    .start = drive_start,
    .check = drive_check,
    .control = drive_control,
    .closed = drive_closed,
    .describe = drive_describe,
    .destroy = drive_destroy,
};

bool device_is_drive(const struct device *device)
{
    return device->ops == &drive_ops;
}

/* ---- coming ------------------------------------------------------------------------------- */

static struct drive *drive_alloc(void)
{
    struct drive *drive = mem_zalloc(sizeof(*drive));
    if (!drive)
        return NULL;
    drive->state = STATE_REGISTERED;
    spin_init(&drive->lock, RANK_QUEUE);
    list_init(&drive->transfers);
    wait_queue_init(&drive->changed);
    return drive;
}

static struct device *drive_device(void)
{
    struct device *bus = device_find("virtual");
    struct device *device = bus ? device_create(bus, "") : NULL; /* virtual/N is virtualN */
    device_put(bus);
    if (!device)
        return NULL;
    device->ops = &drive_ops;
    device->class_prefix = "virtual";
    device->is_virtual = true;
    device->private_data = drive_alloc();
    return device;
}

status_t drive_create(struct image *image, struct device **result)
{
    struct device *device = drive_device();
    status_t status = device && device->private_data ? 0 : -ENOMEM;
    if (!status)
        status = drive_attach(device, image);
    if (status) {
        image_close(image);
        device_put(device);
        return status;
    }
    struct store *grown = image->grown; /* once published, the drive may go at any moment */
    image->grown = NULL;
    status = device_publish(device);
    if (status) {
        image->grown = grown;
        worker_stop(drive_of(device));
        device_put(device); /* frees the drive and its image */
        return status;
    }
    *result = device;
    return 0;
}

/* ---- looking ------------------------------------------------------------------------------ */

static enum virtual_state shown_state(struct drive *drive)
{
    switch (drive_state(drive)) {
    case STATE_REGISTERED: return VIRTUAL_REGISTERED;
    case STATE_DETACHING: return VIRTUAL_DETACHING;
    default: return VIRTUAL_HALTED;
    }
}

struct drive_look drive_look_begin(struct device *device)
{
    struct drive *drive = drive_of(device);
    const struct image *image = drive_borrow(drive);
    return (struct drive_look){
        .state = shown_state(drive), .image = image, .facts = &drive->facts, .path = drive->path,
    };
}

void drive_look_end(struct device *device)
{
    drive_served(drive_of(device));
}

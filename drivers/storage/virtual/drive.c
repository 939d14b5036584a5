/*
 * drive.c - creates drives, and puts images into them. drive_state.c has the states and removal,
 * serve.c serves the transfers, info.c answers questions.
 */
#include "drivers/storage/virtual/drive_private.h"
#include "lib/macros.h"

enum { TRIM_BYTES_MAX = 1 << 30 }; /* of a discard: its pages are freed in one go */

/* ---- images ------------------------------------------------------------------------------- */

status_t drive_with_image(struct device *device, bool may_wait,
                          status_t (*use)(struct device *device, struct image *image,
                                          void *context),
                          void *context)
{
    struct drive *drive = drive_of(device);
    struct image *image;
    status_t status = drive_hold(drive, &image);
    if (status)
        return status;

    /* Before the image changes: then nothing has to be undone. */
    if (may_wait && image)
        status = worker_make(device);
    if (!status)
        status = use(device, image, context);

    image_put(image);
    drive_release(drive);
    return status;
}

/* Returns the n-th device that holds bytes of a drive's image: a reference, or NULL. */
static struct device *drive_holder(struct device *device, unsigned n)
{
    struct device *holder = NULL;
    struct drive_look look;
    if (!device_is_drive(device))
        return NULL;

    /* A look gives a reference to the image, so the holder cannot go away before it has
     * one of its own. */
    drive_look_begin(device, &look);
    if (look.image && n < look.image->holder_count)
        holder = device_get(look.image->holders[n]);
    drive_look_end(device, &look);
    return holder;
}

/* Returns whether `holder` is the device, or a drive whose image is on it, directly or through
 * other drives. Each has a lower level than the one before: the depth is at most
 * VIRTUAL_LEVEL_MAX. */
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

    /* Such a drive could not be read: each transfer would wait for another one
     * of the same drive. */
    for (unsigned n = 0; !found && n < image->holder_count; n++)
        found = device_is_on(image->holders[n], device, VIRTUAL_LEVEL_MAX);
    return found;
}

/* Puts the image, of which the drive takes a reference, in the place of `old`, whose reference is
 * the caller's then; the medium is announced in the same step. Whatever the drive is, except its
 * name, comes from the image. -ENODEV: `old` was taken out meanwhile. */
static status_t drive_put_in(struct device *device, struct image *image, struct image *old)
{
    struct drive *drive = drive_of(device);
    const struct image_facts *facts = image->facts;

    /* A removal does not wait for the thread that holds the drive: `old` may be gone. */
    spin_lock(&drive->lock);
    if (drive->image != old) {
        spin_unlock(&drive->lock);
        return -ENODEV;
    }

    struct image_facts *old_facts = drive->facts;
    drive->image = image_get(image);
    drive->facts = image_facts_get(image->facts);
    device_set_traits(device, &(struct device_traits){
        .device_class = facts->flags & VIRTUAL_CD ? &class_cdrom : &class_virtual,
        .level = facts->level,
        .block_bytes = facts->block_bytes,
        .read_only = facts->read_only,
        /* Writable drives are mounted by hand, since a mount keeps others from writing. */
        .no_automount = facts->flags & (VIRTUAL_TEMPORARY | VIRTUAL_NO_MOUNT) ||
                        !facts->read_only,
        /* One made for a mount goes with its last handle: nothing else may open it. */
        .no_parts = facts->flags & VIRTUAL_TEMPORARY,
    });

    /* Last: this announces the medium with the traits set before. */
    device_set_medium(device, facts->size_bytes);
    spin_unlock(&drive->lock);

    /* Outside the lock, since this may free memory. */
    image_facts_put(old_facts);
    return 0;
}

void drive_announce_again(struct device *device, const struct image *image)
{
    struct drive *drive = drive_of(device);

    /* Without the image, the medium has been cleared and the device may be halted: announcing it
     * would bring it back. */
    spin_lock(&drive->lock);
    if (drive->image == image)
        device_set_medium(device, image->facts->size_bytes);
    spin_unlock(&drive->lock);
}

/* ---- another image ------------------------------------------------------------------------ */

/* Puts the image in the place of the drive's, and takes it over. -ENODEV if the drive has no image,
 * unless it is `halted`. */
static status_t drive_exchange(struct device *device, struct image *image, bool halted)
{
    struct drive *drive = drive_of(device);
    struct image *old;
    status_t status = image_is_on(image, device) ? -ELOOP : drive_hold(drive, &old);
    if (status)
        goto out;

    /* These two are properties of the drive, not of the disc in it. */
    if (old)
        image->facts->flags |= old->facts->flags & (VIRTUAL_TEMPORARY | VIRTUAL_NO_MOUNT);
    else if (!halted)
        status = -ENODEV;

    /* The worker before the image: if there is no memory for it, the old image stays. */
    if (!status && image->store->waits)
        status = worker_make(device);
    if (!status)
        status = drive_put_in(device, image, old);

    /* Done: the file keeps its new size. Two references to the old image go, the drive's and
     * this function's. */
    if (!status) {
        image->grown = NULL;
        image_put(old);
    }
    image_put(old);
    drive_release(drive);
out:
    image_put(image); /* the drive has its own, and may be removed already */
    return status;
}

status_t drive_register_again(struct device *device, struct image *image)
{
    struct drive *drive = drive_of(device);
    if (!drive_change_state(drive, STATE_HALTED, STATE_ATTACHING)) {
        image_put(image);
        return -EBUSY;
    }

    /* Before the medium is announced: the monitor may open the drive at once. */
    device_allow_opens(device);
    status_t status = drive_exchange(device, image, true);

    /* A failure leaves the drive halted, as it was. */
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
    image_put(drive->image);
    image_facts_put(drive->facts);
    mem_free(drive);
}

static status_t drive_check(struct device *device)
{
    struct drive *drive = drive_of(device);
    spin_lock(&drive->lock);
    struct image *image = drive_use(drive);
    spin_unlock(&drive->lock);

    /* Outside the lock: the check may ask the file system. A halted drive is reported
     * by its device. */
    status_t status = image ? store_check(image->content) : 0;
    drive_unuse(drive, image);
    return status;
}

/* Removes a drive that was made for a mount. Called after the last close. */
static void drive_closed(struct device *device)
{
    struct drive *drive = drive_of(device);
    spin_lock(&drive->lock);
    bool temporary = drive->facts->flags & VIRTUAL_TEMPORARY;
    spin_unlock(&drive->lock);

    /* It may be open again, or another thread may be removing it: then it stays, or goes there. */
    if (temporary)
        IGNORE(drive_unregister(device, VIRTUAL_IF_IDLE));

    /* A drive that was detached or halted was only waiting for this close. */
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
    return device_has_ops(device, &drive_ops);
}

/* ---- creation ----------------------------------------------------------------------------- */

static struct drive *drive_alloc(void)
{
    struct drive *drive = mem_zalloc(sizeof(*drive));
    if (!drive)
        return NULL;

    drive->state = STATE_REGISTERED;
    spin_init(&drive->lock, RANK_DEVICE);
    list_init(&drive->transfers);
    wait_queue_init(&drive->arrived);
    wait_queue_init(&drive->changed);
    return drive;
}

static struct device *drive_device(void)
{
    struct device *bus = device_find("virtual");
    struct drive *drive = bus ? drive_alloc() : NULL;

    /* Without a name of its own: the device virtual/N gets the alias virtualN. */
    const struct device_description description = {
        .ops = &drive_ops,
        .private_data = drive,
        .alias_prefix = "virtual",
        .is_virtual = true,
        .limits = { .discard_bytes = TRIM_BYTES_MAX, .zero_bytes = TRIM_BYTES_MAX },
        .driver_data_bytes = sizeof(struct drive_transfer),
    };

    struct device *device = drive ? device_create(bus, &description) : NULL;
    device_put(bus);

    /* device_create() takes the drive over only if it succeeds. */
    if (!device)
        mem_free(drive);
    return device;
}

status_t drive_create(struct image *image, struct device **result)
{
    struct device *device = drive_device();
    status_t status = device ? 0 : -ENOMEM;

    /* Published last: from then on all can open the drive, so its medium must be known. */
    if (!status && image->store->waits)
        status = worker_make(device);
    if (!status)
        status = drive_put_in(device, image, NULL);
    if (!status)
        status = device_publish(device);
    if (!status)
        image->grown = NULL; /* its file keeps its new size */

    /* The drive has its own reference. Once published it may be removed at any moment. */
    image_put(image);
    if (status) {
        if (device)
            worker_stop(drive_of(device));
        device_put(device); /* frees the drive and its image */
        return status;
    }
    *result = device;
    return 0;
}

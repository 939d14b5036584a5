/*
 * redirect.c - a file system's requests to its device, which can be redirected to another device.
 *
 * Every request of a mounted file system passes through fsd_submit(). vfs_exchange_device() pauses
 * them: new requests wait in a list, while those in flight finish. Then the handle is replaced, and
 * the list goes to the new device. Open files, listings and cached pages stay valid, because the
 * new device holds the same bytes.
 *
 * Locking     One spinlock of rank DEVICE for all file systems. fsd_device() reads the handle in
 *             use without it: both handles stay as they are once they are set, and the old device
 *             is kept until dismount (`former`).
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/macros.h"

static struct {
    struct spin lock;
    struct wait_queue changed; /* a file system became idle, or resumed its requests */
} redirect = {
    .lock = SPIN_INIT(RANK_DEVICE),
    .changed = WAIT_QUEUE_INIT(redirect.changed),
};

/* ---- requests ----------------------------------------------------------------------------- */

const struct device_handle *fsd_device(const struct fsd *fsd)
{
    return fsd->redirected ? &fsd->successor : &fsd->device;
}

status_t fsd_check(struct fsd *fsd)
{
    const struct device_handle *handle = fsd_device(fsd);
    if (!handle->device)
        return 0; /* the content is in memory */
    status_t status = device_check(handle);

    /* redirected after the handle was read: the old disc may be gone by now */
    if (status && fsd_device(fsd) != handle)
        status = device_check(fsd_device(fsd));
    return status;
}

void fsd_submit(struct fsd *fsd, struct io_request *request)
{
    spin_lock(&redirect.lock);
    bool held = fsd->paused;
    if (held) {
        request->device = NULL; /* unknown until the requests are resumed */
        list_push_back(&fsd->held, &request->link);
    } else {
        fsd->requests++;
        request->device = fsd_device(fsd)->device;
        request->generation = fsd_device(fsd)->generation;
    }
    spin_unlock(&redirect.lock);
    if (!held)
        io_submit(request);
}

void fsd_request_ended(struct fsd *fsd)
{
    spin_lock(&redirect.lock);
    if (!--fsd->requests)
        wait_queue_wake_all(&redirect.changed);
    spin_unlock(&redirect.lock);
}

/* ---- ios in flight ------------------------------------------------------------------------ */

/* Uncached ios are not counted: they are complete when read_write returns. */
void fsd_io_began(struct vnode *vnode)
{
    if (!vnode->cache_block_bytes)
        return;
    spin_lock(&redirect.lock);
    vnode->fsd->ios++;
    spin_unlock(&redirect.lock);
}

void fsd_io_ended(struct vnode *vnode)
{
    if (!vnode->cache_block_bytes)
        return;
    spin_lock(&redirect.lock);
    if (!--vnode->fsd->ios)
        wait_queue_wake_all(&redirect.changed);
    spin_unlock(&redirect.lock);
}

bool fsd_is_idle(struct fsd *fsd)
{
    spin_lock(&redirect.lock);
    bool idle = !fsd->requests && !fsd->ios;
    spin_unlock(&redirect.lock);
    return idle;
}

status_t fsd_wait_idle(struct fsd *fsd, uint64_t deadline_us)
{
    status_t status = 0;
    spin_lock(&redirect.lock);
    while ((fsd->requests || fsd->ios) && !status)
        status = wait_queue_wait_interruptible(&redirect.changed, &redirect.lock, deadline_us);
    spin_unlock(&redirect.lock);
    return status;
}

/* ---- open files --------------------------------------------------------------------------- */

void fsd_file_opened(struct fsd *fsd)
{
    if (!fsd->device.device)
        return;
    spin_lock(&redirect.lock);
    fsd->files++;
    device_file_opened(fsd_device(fsd));
    spin_unlock(&redirect.lock);
}

void fsd_file_closed(struct fsd *fsd)
{
    if (!fsd->device.device)
        return;
    spin_lock(&redirect.lock);
    fsd->files--;
    device_file_closed(fsd_device(fsd));
    spin_unlock(&redirect.lock);
}

/* ---- redirecting -------------------------------------------------------------------------- */

/* Sends the held requests, and new ones, to the device in use. */
static void requests_resume(struct fsd *fsd)
{
    struct list held;
    list_init(&held);
    spin_lock(&redirect.lock);
    fsd->paused = false;
    while (!list_empty(&fsd->held))
        list_push_back(&held, list_pop_front(&fsd->held));
    wait_queue_wake_all(&redirect.changed);
    spin_unlock(&redirect.lock);

    /* fsd_submit() takes the lock itself, and holds them again if another thread pauses */
    while (!list_empty(&held))
        fsd_submit(fsd, container_of(list_pop_front(&held), struct io_request, link));
}

/* Holds new requests, and waits until none is in flight. -EINTR: nothing changes. */
static status_t requests_pause(struct fsd *fsd)
{
    status_t status = 0;
    spin_lock(&redirect.lock);

    /* another thread may be redirecting it */
    while (fsd->paused && !status)
        status = wait_queue_wait_interruptible(&redirect.changed, &redirect.lock, TIME_NEVER);
    bool paused = !status;
    if (paused)
        fsd->paused = true;
    while (fsd->requests && !status)
        status = wait_queue_wait_interruptible(&redirect.changed, &redirect.lock, TIME_NEVER);
    spin_unlock(&redirect.lock);

    if (status && paused)
        requests_resume(fsd);
    return status;
}

static bool same_shape(const struct device_handle *a, const struct device_handle *b)
{
    return device_block_bytes(a->device) == device_block_bytes(b->device) &&
           device_medium(a->device).bytes == device_medium(b->device).bytes;
}

/* Exchanges the handle for the fsd's; the requests are paused. Threads that read the old handle
 * just before still find its device, through `former`. */
static void handle_exchange(struct fsd *fsd, struct device_handle *handle)
{
    spin_lock(&redirect.lock);

    /* the new device's door is locked for the open files, the old one's is released */
    for (unsigned i = 0; i < fsd->files; i++) {
        device_file_closed(&fsd->device);
        device_file_opened(handle);
    }
    fsd->former = device_get(fsd->device.device);
    fsd->successor = *handle;
    fsd->redirected = true;
    *handle = fsd->device;
    spin_unlock(&redirect.lock);
}

status_t fsd_exchange_device(struct fsd *fsd, struct device *device)
{
    struct device_handle handle;
    if (!fsd->device.device)
        return -ENODEV;
    status_t status = device_open(device, &handle);
    if (status)
        return status;
    status = requests_pause(fsd);
    if (status) {
        device_close(&handle);
        return status;
    }

    if (fsd->former)
        status = -EALREADY;
    else if (!same_shape(&fsd->device, &handle))
        status = -EINVAL;
    else /* the new device holds a copy of the disc as it was: it must still be that disc */
        status = device_check(&fsd->device);
    if (!status)
        handle_exchange(fsd, &handle);
    requests_resume(fsd);
    device_close(&handle);
    return status;
}

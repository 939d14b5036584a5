/*
 * gate.c - the way from a file system to its device, which another device can take the place of.
 *
 * Every request of a mounted file system passes here. vfs_exchange_device() closes the gate: new
 * requests wait in a list, those under way finish; then the handle is exchanged and the list goes
 * to the new device. So what is open, listed or cached stays valid: only the bytes' place changed.
 *
 * Locking     One spin for all gates, of rank DEVICE. Which handle counts is read without it: both
 *             stay as they are once they are there, and so does the old device (`former`).
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/macros.h"

static struct {
    struct spin lock;
    struct wait_queue idle;
    struct list held; /* io_requests that wait for their gate to open */
} gate = {
    .lock = SPIN_INIT(RANK_DEVICE),
    .idle = WAIT_QUEUE_INIT(gate.idle),
    .held = LIST_INIT(gate.held),
};

/* ---- passing ------------------------------------------------------------------------------ */

const struct device_handle *fsd_device(const struct fsd *fsd)
{
    return fsd->exchanged ? &fsd->successor : &fsd->device;
}

status_t fsd_check(struct fsd *fsd)
{
    const struct device_handle *handle = fsd_device(fsd);
    if (!handle->device)
        return 0; /* it has none, ever */
    status_t status = device_check(handle);
    if (status && fsd_device(fsd) != handle) /* exchanged meanwhile, and the old disc is gone */
        status = device_check(fsd_device(fsd));
    return status;
}

void fsd_submit(struct fsd *fsd, struct io_request *request)
{
    spin_lock(&gate.lock);
    bool held = fsd->gate_closed;
    if (held) {
        request->device = NULL; /* not known before it opens */
        request->gate_fsd = fsd;
        list_push_back(&gate.held, &request->link);
    } else {
        fsd->requests++;
        request->device = fsd_device(fsd)->device;
        request->generation = fsd_device(fsd)->generation;
    }
    spin_unlock(&gate.lock);
    if (!held)
        io_submit(request);
}

void fsd_request_ended(struct fsd *fsd)
{
    spin_lock(&gate.lock);
    if (!--fsd->requests)
        wait_queue_wake_all(&gate.idle);
    spin_unlock(&gate.lock);
}

/* ---- what is in flight -------------------------------------------------------------------- */

/* What is uncached is complete when read_write returns. */
void fsd_io_began(struct vnode *vnode)
{
    if (!vnode->cache_block_bytes)
        return;
    spin_lock(&gate.lock);
    vnode->fsd->ios++;
    spin_unlock(&gate.lock);
}

void fsd_io_ended(struct vnode *vnode)
{
    if (!vnode->cache_block_bytes)
        return;
    spin_lock(&gate.lock);
    if (!--vnode->fsd->ios)
        wait_queue_wake_all(&gate.idle);
    spin_unlock(&gate.lock);
}

bool fsd_is_idle(struct fsd *fsd)
{
    spin_lock(&gate.lock);
    bool idle = !fsd->requests && !fsd->ios;
    spin_unlock(&gate.lock);
    return idle;
}

status_t fsd_wait_idle(struct fsd *fsd, uint64_t deadline_us)
{
    status_t status = 0;
    spin_lock(&gate.lock);
    while ((fsd->requests || fsd->ios) && !status)
        status = wait_queue_wait_interruptible(&gate.idle, &gate.lock, deadline_us);
    spin_unlock(&gate.lock);
    return status;
}

/* ---- files -------------------------------------------------------------------------------- */

void fsd_file_opened(struct fsd *fsd)
{
    if (!fsd->device.device)
        return;
    spin_lock(&gate.lock);
    fsd->files++;
    device_file_opened(fsd_device(fsd));
    spin_unlock(&gate.lock);
}

void fsd_file_closed(struct fsd *fsd)
{
    if (!fsd->device.device)
        return;
    spin_lock(&gate.lock);
    fsd->files--;
    device_file_closed(fsd_device(fsd));
    spin_unlock(&gate.lock);
}

/* ---- exchanging --------------------------------------------------------------------------- */

/* A request that waits for this gate; NULL: none. */
static struct io_request *gate_take(struct fsd *fsd)
{
    struct io_request *found = NULL;
    spin_lock(&gate.lock);
    list_each(link, &gate.held) {
        struct io_request *request = container_of(link, struct io_request, link);
        if (request->gate_fsd == fsd) {
            list_remove(link);
            found = request;
            break;
        }
    }
    spin_unlock(&gate.lock);
    return found;
}

static void gate_open(struct fsd *fsd)
{
    spin_lock(&gate.lock);
    fsd->gate_closed = false;
    wait_queue_wake_all(&gate.idle);
    spin_unlock(&gate.lock);
    for (struct io_request *request; (request = gate_take(fsd));)
        fsd_submit(fsd, request);
}

/* -EINTR: nothing changes; requests that were held meanwhile are sent by gate_open(). */
static status_t gate_close(struct fsd *fsd)
{
    status_t status = 0;
    spin_lock(&gate.lock);
    while (fsd->gate_closed && !status) /* by another */
        status = wait_queue_wait_interruptible(&gate.idle, &gate.lock, TIME_NEVER);
    bool closed = !status;
    if (closed)
        fsd->gate_closed = true;
    while (fsd->requests && !status)
        status = wait_queue_wait_interruptible(&gate.idle, &gate.lock, TIME_NEVER);
    spin_unlock(&gate.lock);
    if (status && closed)
        gate_open(fsd);
    return status;
}

static bool same_shape(const struct device_handle *a, const struct device_handle *b)
{
    return a->device->limits.block_bytes == b->device->limits.block_bytes &&
           device_medium(a->device).bytes == device_medium(b->device).bytes;
}

/* The gate is closed. The old handle is the caller's then, but threads that still use it find its
 * device. */
static void gate_swap(struct fsd *fsd, struct device_handle *handle)
{
    spin_lock(&gate.lock);
    for (unsigned i = 0; i < fsd->files; i++) {
        device_file_closed(&fsd->device);
        device_file_opened(handle);
    }
    fsd->former = device_get(fsd->device.device);
    fsd->successor = *handle;
    fsd->exchanged = true;
    *handle = fsd->device;
    spin_unlock(&gate.lock);
}

status_t fsd_exchange_device(struct fsd *fsd, struct device *device)
{
    struct device_handle handle;
    if (!fsd->device.device)
        return -ENODEV;
    status_t status = device_open(device, &handle);
    if (status)
        return status;
    status = gate_close(fsd);
    if (status) {
        device_close(&handle);
        return status;
    }
    if (fsd->former)
        status = -EALREADY;
    else if (!same_shape(&fsd->device, &handle))
        status = -EINVAL;
    else
        status = device_check(&fsd->device); /* is what was copied still what is mounted? */
    if (!status)
        gate_swap(fsd, &handle);
    gate_open(fsd);
    device_close(&handle);
    return status;
}

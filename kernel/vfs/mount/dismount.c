/*
 * dismount.c - frees a file system that is not mounted any more, once nothing of it is in flight.
 *
 * A command that is done with a file system does not wait for a slow disc: requests in flight end
 * by themselves, and a thread dismounts the file system then. Only the short time that a working
 * disc needs is waited for, so that the device is free when `umount` returns.
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/macros.h"

enum { WAIT_US = 50000, POLL_US = 10000 };

static struct {
    struct spin lock; /* rank VNODE, below that of redirect.c */
    struct list busy; /* file systems to be dismounted once they are idle */
    struct wait_queue changed;
    struct thread *thread;
    bool stopping;
} dismount = {
    .lock = SPIN_INIT(RANK_VNODE),
    .busy = LIST_INIT(dismount.busy),
    .changed = WAIT_QUEUE_INIT(dismount.changed),
};

/* ---- the thread --------------------------------------------------------------------------- */

static struct fsd *take_idle(void)
{
    list_each(link, &dismount.busy) {
        struct fsd *fsd = container_of(link, struct fsd, dismount_link);
        if (fsd_is_idle(fsd)) {
            list_remove(link);
            return fsd;
        }
    }
    return NULL;
}

/* Waits for the next idle file system; NULL when asked to stop and none is left. */
static struct fsd *wait_for_idle(void)
{
    struct fsd *fsd;

    /* The end of an io does not wake this thread. It looks again every POLL_US. */
    spin_lock(&dismount.lock);
    while (!(fsd = take_idle()) && !(dismount.stopping && list_empty(&dismount.busy))) {
        uint64_t until = list_empty(&dismount.busy) ? TIME_NEVER : time_now_us() + POLL_US;
        IGNORE(wait_queue_wait(&dismount.changed, &dismount.lock, until)); /* or timed out */
    }
    spin_unlock(&dismount.lock);
    return fsd;
}

static void dismount_main(void *unused)
{
    (void)unused;
    for (struct fsd *fsd; (fsd = wait_for_idle());)
        fsd->free(fsd);
}

status_t dismount_start(void)
{
    dismount.stopping = false;
    dismount.thread = thread_create("dismount", PRIORITY_NORMAL, dismount_main, NULL);
    return dismount.thread ? 0 : -ENOMEM;
}

void dismount_stop(void)
{
    spin_lock(&dismount.lock);
    dismount.stopping = true;
    wait_queue_wake_all(&dismount.changed);
    spin_unlock(&dismount.lock);

    if (dismount.thread)
        thread_join(dismount.thread);
    dismount.thread = NULL;
}

/* ---- dismounting -------------------------------------------------------------------------- */

/* Calls free() as soon as no io of the file system is in flight: here, or later on the thread. */
static void free_when_idle(struct fsd *fsd, void (*free)(struct fsd *fsd))
{
    if (!fsd_wait_idle(fsd, time_now_us() + WAIT_US)) {
        free(fsd);
        return;
    }

    /* Still in flight, or this thread was interrupted: leave it to the thread. */
    fsd->free = free;
    spin_lock(&dismount.lock);
    list_push_back(&dismount.busy, &fsd->dismount_link);
    wait_queue_wake_all(&dismount.changed);
    spin_unlock(&dismount.lock);
}

static void free_mounted(struct fsd *fsd)
{
    struct device_handle handle = *fsd_device(fsd);
    struct device *former = fsd->former;
    struct code_use code_use;

    /* dismount() frees the fsd, and the vnodes use it. So they are freed first, and the handle is
     * copied. The driver's code is in use until its last function has returned. */
    vnodes_drop(fsd);
    code_use_move(&code_use, &fsd->code_use);
    fsd->ops->dismount(fsd);
    code_use_end(&code_use);
    device_close(&handle);
    device_put(former);
}

void fsd_dismount(struct fsd *fsd)
{
    /* the flusher may still be at it; and it has references to dirty vnodes */
    fsd_forget(fsd);
    free_when_idle(fsd, free_mounted);
}

static void free_discarded(struct fsd *fsd)
{
    struct device *device = fsd->device.device;
    struct code_use code_use;

    code_use_move(&code_use, &fsd->code_use);
    fsd->ops->dismount(fsd);
    code_use_end(&code_use);
    device_put(device);
}

/* See fsd.h. The fsd was never mounted, so the caller of mount_fs keeps the handle and closes it.
 * The device must nevertheless outlive the requests in flight. */
void fsd_discard(struct fsd *fsd)
{
    if (fsd->device.device)
        device_get(fsd->device.device);
    free_when_idle(fsd, free_discarded);
}

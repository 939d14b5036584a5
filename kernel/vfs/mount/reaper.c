/*
 * reaper.c - file systems that leave while something of theirs is in flight.
 *
 * A command that is done with a file system does not wait for a slow disc. Requests in flight end
 * by themselves; the reaper dismounts the file system then. The short time that a good disc takes
 * is waited for, so that the device is free when `umount` returns.
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/macros.h"

enum { LEAVE_US = 50000, POLL_US = 10000 };

static struct {
    struct spin lock; /* rank VNODE: below the gate's */
    struct list leaving;
    struct wait_queue changed;
    struct thread *thread;
    bool stopping;
} reaper = {
    .lock = SPIN_INIT(RANK_VNODE),
    .leaving = LIST_INIT(reaper.leaving),
    .changed = WAIT_QUEUE_INIT(reaper.changed),
};

static struct fsd *find_idle(void)
{
    list_each(link, &reaper.leaving) {
        struct fsd *fsd = container_of(link, struct fsd, leaving_link);
        if (fsd_is_idle(fsd)) {
            list_remove(link);
            return fsd;
        }
    }
    return NULL;
}

/* The next file system that can go; NULL when asked to stop and none is left. */
static struct fsd *reaper_next(void)
{
    struct fsd *fsd;
    spin_lock(&reaper.lock);
    while (!(fsd = find_idle()) && !(reaper.stopping && list_empty(&reaper.leaving))) {
        uint64_t until = list_empty(&reaper.leaving) ? TIME_NEVER : time_now_us() + POLL_US;
        IGNORE(wait_queue_wait(&reaper.changed, &reaper.lock, until));
    }
    spin_unlock(&reaper.lock);
    return fsd;
}

static void reaper_main(void *unused)
{
    (void)unused;
    for (struct fsd *fsd; (fsd = reaper_next());)
        fsd->leave(fsd);
}

void fsd_leave(struct fsd *fsd, void (*leave)(struct fsd *fsd))
{
    if (!fsd_wait_idle(fsd, time_now_us() + LEAVE_US)) {
        leave(fsd);
        return;
    }
    fsd->leave = leave;
    spin_lock(&reaper.lock);
    list_push_back(&reaper.leaving, &fsd->leaving_link);
    wait_queue_wake_all(&reaper.changed);
    spin_unlock(&reaper.lock);
}

status_t reaper_start(void)
{
    reaper.stopping = false;
    reaper.thread = thread_create("reaper", PRIORITY_NORMAL, reaper_main, NULL);
    return reaper.thread ? 0 : -ENOMEM;
}

void reaper_stop(void)
{
    spin_lock(&reaper.lock);
    reaper.stopping = true;
    wait_queue_wake_all(&reaper.changed);
    spin_unlock(&reaper.lock);
    if (reaper.thread)
        thread_join(reaper.thread);
    reaper.thread = NULL;
}

/*
 * writeback.c - makes changes durable: the flusher, sync, and what happens to bytes whose device is
 * gone.
 *
 * fsd_sync() writes back the files of a file system, then its structures (fsd_ops.flush). The
 * flusher does so when the oldest change is CACHE_AGE_US old, or at once while too much of memory
 * is dirty. After a failure it tries again CACHE_AGE_US later: the bytes stay in memory.
 *
 * Locking     dirty_fsds.lock guards the fields of struct fsd. One thread syncs a file system at a
 *             time; others wait, and fsd_forget() waits for all of them.
 */
#include "kernel/log.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/status.h"
#include "lib/string.h"
#include "lib/text.h"

static struct {
    struct thread *thread;
    bool stopping; /* dirty_fsds.lock */
} flusher;

/* ---- one file system ---------------------------------------------------------------------- */

/* Returns whether there may be changes: if it is read-only, there are at most those from before. */
static bool fsd_may_have_changes(struct fsd *fsd)
{
    spin_lock(&dirty_fsds.lock);
    bool may = !fsd->read_only || fsd->changed_us || fsd->syncing || !list_empty(&fsd->dirty);
    spin_unlock(&dirty_fsds.lock);
    return may;
}

/* Waits until no other thread syncs it. Its changes so far are this thread's then: later ones enter
 * it into the list again. -EINTR. */
static status_t sync_begin(struct fsd *fsd)
{
    status_t status = 0;
    spin_lock(&dirty_fsds.lock);
    while (fsd->syncing && !status)
        status = wait_queue_wait_interruptible(&dirty_fsds.event, &dirty_fsds.lock, TIME_NEVER);
    if (!status) {
        fsd->syncing = true;
        fsd_leave(fsd);
    }
    spin_unlock(&dirty_fsds.lock);
    return status;
}

static void sync_end(struct fsd *fsd, status_t status)
{
    spin_lock(&dirty_fsds.lock);
    fsd->syncing = false;
    fsd->retry_us = status ? time_now_us() + CACHE_AGE_US : 0;
    if (status)
        fsd_enter(fsd);
    wait_queue_wake_all(&dirty_fsds.event);
    spin_unlock(&dirty_fsds.lock);
}

/* Writes back one file of those that were dirty when the sync began. */
static status_t sync_vnode(struct vnode *vnode)
{
    /* A file without a name is written only to make room: it is gone with its last handle. */
    vnode_drop_if_gone(vnode);
    if (vnode->unlinked && !cache_is_above_background())
        return 0;
    return vnode_flush(vnode);
}

/* Notes that a file whose bytes were written is durable: the structures were flushed. */
static status_t note_durable(struct vnode *vnode)
{
    vnode_note_durable(vnode);
    return 0;
}

/* Calls visit() for each of the files that are dirty now, the oldest first. Returns the first
 * error; -EINTR ends it. */
static status_t each_dirty(struct fsd *fsd, status_t (*visit)(struct vnode *vnode))
{
    status_t first = 0;
    for (size_t left = fsd_count_dirty(fsd); left && first != -EINTR; left--) {
        struct vnode *vnode = fsd_next_dirty(fsd);
        if (!vnode)
            break;
        status_t status = visit(vnode);
        if (!first || status == -EINTR)
            first = status;
        vnode_put(vnode);
    }
    return first;
}

/* Logs what a file loses with its device, and lets it go. */
static status_t lose_vnode(struct vnode *vnode)
{
    uint64_t bytes = vnode_discard(vnode);
    char *text = vnode_take_text(vnode);

    if (bytes && !vnode->unlinked)
        log_error("vfs", "%llu byte%s of %s were never written", (unsigned long long)bytes,
                  text_plural(bytes), text ? text : "a file");
    mem_free(text);

    /* handles that are open get the error from their next flush */
    if (bytes)
        vnode_note_error(vnode, -ENODEV, true);
    vnode_unlist(vnode, false);
    return 0;
}

/* Writes a line about what a file would lose. */
static void list_vnode(struct vnode *vnode, struct text_sink *sink)
{
    enum { LINE_BYTES = PATH_BYTES_MAX + 64 };
    char *line = mem_alloc(LINE_BYTES), *text = vnode_take_text(vnode);
    uint64_t bytes = vnode_unsafe_bytes(vnode);
    if (line && bytes && !vnode->unlinked) {
        format_text(line, LINE_BYTES, "%s: %llu byte%s not written\n", text ? text : "a file",
                    (unsigned long long)bytes, text_plural(bytes));
        sink->write(sink, line, strlen(line));
    }
    vnode_give_text(vnode, text);
    mem_free(line);
}

void fsd_list_dirty(struct fsd *fsd, status_t status, struct text_sink *sink)
{
    char line[DEVICE_NAME_BYTES + 80];
    format_text(line, sizeof(line), "%s: not all changes could be written: %s\n", fsd_label(fsd),
                status_text(status));
    sink->write(sink, line, strlen(line));

    /* In the turn of a sync: two threads that rotate the list would each skip files. */
    if (sync_begin(fsd))
        return;
    for (size_t left = fsd_count_dirty(fsd); left; left--) {
        struct vnode *vnode = fsd_next_dirty(fsd);
        if (!vnode)
            break;
        list_vnode(vnode, sink);
        vnode_put(vnode);
    }
    sync_end(fsd, status);
}

void fsd_lose(struct fsd *fsd)
{
    IGNORE(each_dirty(fsd, lose_vnode)); /* it returns none */
    spin_lock(&dirty_fsds.lock);
    fsd_leave(fsd);
    spin_unlock(&dirty_fsds.lock);
}

status_t fsd_flush(struct fsd *fsd)
{
    if (!fsd->ops->flush)
        return 0;
    status_t status = fsd_check(fsd);
    if (!status)
        status = fsd->ops->flush(fsd);
    if (!status || status == -EINTR)
        return status;

    /* A device that failed to flush may have dropped bytes of any file that was written since the
     * last flush, and the next flush may succeed: so the handles of all of them are told. */
    fsd_note_error(fsd, status);
    spin_lock(&dirty_fsds.lock);
    list_each(link, &fsd->dirty)
        vnode_note_error(container_of(link, struct vnode, dirty_link), status, true);
    spin_unlock(&dirty_fsds.lock);
    return status;
}

status_t fsd_sync(struct fsd *fsd)
{
    if (!fsd->ops->flush || !fsd_may_have_changes(fsd))
        return 0;
    status_t status = sync_begin(fsd);
    if (status)
        return status;

    /* after a removal nothing can be written any more */
    status = fsd_check(fsd);
    if (status) {
        fsd_lose(fsd);
        sync_end(fsd, 0);
        return status;
    }

    /* Files that can be written are made durable although others failed. */
    status = each_dirty(fsd, sync_vnode);
    status_t flushed = status == -EINTR ? status : fsd_flush(fsd);
    if (!flushed)
        IGNORE(each_dirty(fsd, note_durable)); /* it returns none */
    sync_end(fsd, status ? status : flushed);
    return status ? status : flushed;
}

void fsd_forget(struct fsd *fsd)
{
    spin_lock(&dirty_fsds.lock);
    while (fsd->pins || fsd->syncing)
        IGNORE(wait_queue_wait(&dirty_fsds.event, &dirty_fsds.lock, TIME_NEVER));

    /* in the same hold of the lock: the flusher must not find it, and pin it, from here on */
    fsd_leave(fsd);
    spin_unlock(&dirty_fsds.lock);

    /* After an unmount nothing is dirty. After a removal, an open file may still have been
     * written. */
    fsd_lose(fsd);
}

/* ---- the flusher -------------------------------------------------------------------------- */

/* Returns when the file system is to be flushed. The caller holds the lock. */
static uint64_t due_us(const struct fsd *fsd)
{
    uint64_t aged_us = cache_is_above_background() ? 0 : fsd->changed_us + CACHE_AGE_US;
    return max(aged_us, fsd->retry_us);
}

/* Waits for a file system that is due, and pins it; NULL when asked to stop. */
static struct fsd *flusher_wait(void)
{
    struct fsd *found = NULL;
    spin_lock(&dirty_fsds.lock);
    while (!found && !flusher.stopping) {
        uint64_t until = TIME_NEVER, now_us = time_now_us();

        list_each(link, &dirty_fsds.list) {
            struct fsd *fsd = container_of(link, struct fsd, changed_link);
            uint64_t due = due_us(fsd);
            if (due <= now_us && !found && !fsd->syncing)
                found = fsd;
            if (!fsd->syncing) /* the end of the sync wakes this thread */
                until = min(until, due);
        }
        if (found)
            found->pins++;
        else
            IGNORE(wait_queue_wait(&dirty_fsds.event, &dirty_fsds.lock, until)); /* or timed out */
    }
    spin_unlock(&dirty_fsds.lock);
    return found;
}

static void flusher_main(void *unused)
{
    (void)unused;
    for (struct fsd *fsd; (fsd = flusher_wait());) {
        status_t status = fsd_sync(fsd);

        /* it tries again and again: only the first of equal failures is logged */
        if (status && status != fsd->warned)
            log_warn("vfs", "%s: not all changes could be written: %s", fsd_label(fsd),
                     status_text(status));
        fsd->warned = status;
        fsd_unpin(fsd);
    }
}

status_t writeback_start(void)
{
    flusher.stopping = false;
    flusher.thread = thread_create("flusher", PRIORITY_NORMAL, flusher_main, NULL);
    return flusher.thread ? 0 : -ENOMEM;
}

void writeback_stop(void)
{
    spin_lock(&dirty_fsds.lock);
    flusher.stopping = true;
    wait_queue_wake_all(&dirty_fsds.event);
    spin_unlock(&dirty_fsds.lock);

    if (flusher.thread)
        thread_join(flusher.thread);
    flusher.thread = NULL;
}

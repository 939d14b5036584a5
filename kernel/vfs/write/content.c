/*
 * content.c - writes a file through its cache, sets its size, and writes it back.
 *
 * Turns       Writers of a file, and changes of its size, take turns; so do write-backs of it. A
 *             writer and a write-back may work at once, but a file is not cut while either does:
 *             that takes both turns. So places on the medium are not given back while bytes are on
 *             their way there. Waiting for a turn is interruptible.
 * valid_bytes Only a writer moves it, after the bytes are in the cache. Write-back reads it once,
 *             and writes, and records, what is below: never a place that has no bytes yet.
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/macros.h"

enum {
    PART_BYTES = 256 * 1024, /* copied between two looks at the limit of dirty bytes */
    ZERO_BYTES = PAGE_BYTES,
    RETRY_US = 1000,
};

/* ---- turns -------------------------------------------------------------------------------- */

enum turn { TURN_WRITE = 1, TURN_FLUSH = 2 };

static struct {
    struct spin lock; /* rank VNODE: the turns of every vnode, and what is recorded */
    struct wait_queue ended;
} turns = {
    .lock = SPIN_INIT(RANK_VNODE),
    .ended = WAIT_QUEUE_INIT(turns.ended),
};

/* Takes a turn, once it is free. -EINTR. */
static status_t vnode_turn_begin(struct vnode *vnode, enum turn turn)
{
    status_t status = 0;
    spin_lock(&turns.lock);
    while (vnode->turns & turn && !status)
        status = wait_queue_wait_interruptible(&turns.ended, &turns.lock, TIME_NEVER);
    if (!status)
        vnode->turns |= turn;
    spin_unlock(&turns.lock);
    return status;
}

static void vnode_turn_end(struct vnode *vnode, enum turn turn)
{
    spin_lock(&turns.lock);
    vnode->turns &= ~(unsigned)turn;
    wait_queue_wake_all(&turns.ended);
    spin_unlock(&turns.lock);
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Notes that the bytes up to `end` are in the cache. */
static void vnode_advance(struct vnode *vnode, uint64_t end)
{
    /* a reader that finds the new size finds the bytes as well */
    if (vnode->valid_bytes < end)
        vnode->valid_bytes = end;
    if (vnode->size_bytes < end)
        vnode->size_bytes = end;
}

/* Waits while there are too many dirty bytes. The writer writes its own first: so it gets the error
 * of a device that fails, instead of waiting for it. */
static status_t vnode_throttle(struct vnode *vnode)
{
    /* A file that one handle has alone is written through. Its writer may be the worker of a drive,
     * whose own dirty bytes others wait for. */
    if (vnode->exclusive || cache_dirty_pages() <= page_total_count() / CACHE_LIMIT_SHARE)
        return 0;
    status_t status = vnode_flush(vnode);
    return status ? status : cache_wait_below_limit();
}

/* Copies bytes into the cache; the room is reserved. *done is good, whatever the status. */
static status_t vnode_copy(struct vnode *vnode, struct path *path, uint64_t offset,
                           const uint8_t *bytes, size_t count, size_t *done)
{
    for (*done = 0; *done < count;) {
        status_t status = vnode_throttle(vnode);
        if (status)
            return status;

        ssize_t got = cache_write(&vnode->cache, offset + *done, bytes + *done,
                                  min(count - *done, (size_t)PART_BYTES));
        if (got <= 0)
            return got ? (status_t)got : -EIO;
        *done += (size_t)got;
        vnode_advance(vnode, offset + *done);

        /* after the bytes are dirty: a flush that found the file clean before has unlisted it */
        vnode_note_dirty(vnode, path);
        if (cache_is_above_background())
            changes_wake();
    }
    return 0;
}

/* Writes zeroes from valid_bytes up to `end`. */
static status_t vnode_fill(struct vnode *vnode, struct path *path, uint64_t end)
{
    static const uint8_t zeroes[ZERO_BYTES];
    status_t status = 0;
    while (!status && vnode->valid_bytes < end) {
        uint64_t at = vnode->valid_bytes;
        size_t done, in_page = ZERO_BYTES - (size_t)(at % ZERO_BYTES);
        size_t count = (size_t)min(end - at, (uint64_t)in_page);
        status = vnode_copy(vnode, path, at, zeroes, count, &done);
    }
    return status;
}

/* Cuts or extends the file, while no write of it is under way. */
static status_t vnode_resize(struct vnode *vnode, uint64_t bytes)
{
    const struct node_info info = { .known = INFO_STANDARD, .size_bytes = bytes };
    status_t status = vnode_turn_begin(vnode, TURN_FLUSH);
    if (status)
        return status;

    /* A write-back that was interrupted has left ios in flight, to places that are given back
     * now. */
    status = cache_settle(&vnode->cache);
    if (!status)
        status = vnode->fsd->ops->set_info(vnode->fsd, vnode, INFO_STANDARD, &info);
    if (!status) {
        spin_lock(&turns.lock);
        vnode->valid_bytes = min(vnode->valid_bytes, bytes);
        vnode->recorded_bytes = min(vnode->recorded_bytes, bytes);
        vnode->durable_bytes = min(vnode->durable_bytes, bytes);
        spin_unlock(&turns.lock);

        /* Nothing is in flight except a reader's page, so this does not wait long. It may need a
         * page, if a view shows the last one: views are closed soon. */
        while (cache_set_size(&vnode->cache, bytes))
            thread_sleep_until(time_now_us() + RETRY_US);
    }
    vnode_turn_end(vnode, TURN_FLUSH);
    return status;
}

/* Ends a change that has extended the file from `size` with zeroes, and then failed: none of the
 * caller's bytes follow them. */
static void vnode_take_back(struct vnode *vnode, uint64_t size)
{
    /* If this fails as well, the zeroes stay: the caller has the first error to report. */
    if (vnode->size_bytes > size)
        IGNORE(vnode_resize(vnode, size));
}

/* Writes at an offset, in the turn. *done is good, whatever the status. */
static status_t vnode_write_in_turn(struct vnode *vnode, struct path *path, uint64_t offset,
                                    const void *bytes, size_t count, size_t *done)
{
    struct fsd *fsd = vnode->fsd;
    uint64_t size = vnode->size_bytes;
    status_t status = vnode_check(vnode);
    if (!status && count > INT64_MAX - offset)
        status = -EFBIG;

    /* -ENOSPC and -EFBIG come from here, before a byte is copied */
    if (!status)
        status = fsd->ops->reserve(fsd, vnode, offset, count);
    if (status)
        return status;

    status = vnode_fill(vnode, path, offset);
    if (!status)
        status = vnode_copy(vnode, path, offset, bytes, count, done);
    if (status && !*done)
        vnode_take_back(vnode, size);
    return status;
}

ssize_t vnode_write(struct vnode *vnode, struct path *path, bool append, uint64_t offset,
                    const void *bytes, size_t count, uint64_t *end)
{
    size_t done = 0;
    status_t status = fsd_change_begin(vnode->fsd);
    if (status)
        return status;

    /* The end is read in the turn, so that two handles that append do not overwrite each other. */
    status = vnode_turn_begin(vnode, TURN_WRITE);
    if (!status) {
        if (append)
            offset = vnode->size_bytes;
        status = vnode_write_in_turn(vnode, path, offset, bytes, count, &done);
        vnode_turn_end(vnode, TURN_WRITE);
    }
    fsd_change_end(vnode->fsd);

    *end = offset + done;
    return done ? (ssize_t)done : status;
}

/* Sets the size in the turn. */
static status_t vnode_set_size_in_turn(struct vnode *vnode, struct path *path, uint64_t bytes)
{
    uint64_t size = vnode->size_bytes;
    status_t status = vnode_check(vnode);
    if (!status)
        status = vnode_resize(vnode, bytes);

    /* a format that cannot store that the rest is zero gets zeroes */
    if (status || bytes <= size || vnode->fsd->keeps_valid_length)
        return status;
    status = vnode_fill(vnode, path, bytes);
    if (status)
        vnode_take_back(vnode, size);
    return status;
}

status_t vnode_set_size(struct vnode *vnode, struct path *path, uint64_t bytes)
{
    status_t status = fsd_change_begin(vnode->fsd);
    if (status)
        return status;

    status = vnode_turn_begin(vnode, TURN_WRITE);
    if (!status) {
        status = vnode_set_size_in_turn(vnode, path, bytes);
        vnode_note_dirty(vnode, path);
        vnode_turn_end(vnode, TURN_WRITE);
    }
    fsd_change_end(vnode->fsd);
    return status;
}

status_t vnode_reserve(struct vnode *vnode, uint64_t bytes)
{
    struct fsd *fsd = vnode->fsd;
    status_t status = fsd_change_begin(fsd);
    if (status)
        return status;

    status = vnode_turn_begin(vnode, TURN_WRITE);
    if (!status) {
        status = vnode_check(vnode);
        if (!status)
            status = fsd->ops->reserve(fsd, vnode, 0, bytes);
        vnode_turn_end(vnode, TURN_WRITE);
    }
    fsd_change_end(fsd);
    return status;
}

/* ---- writing back ------------------------------------------------------------------------- */

/* Has the size recorded: the device has all bytes below it. */
static status_t vnode_record(struct vnode *vnode, uint64_t size)
{
    struct fsd *fsd = vnode->fsd;
    status_t status = vnode->unlinked ? 0 : fsd->ops->data_written(fsd, vnode, size);
    if (status)
        return status;

    spin_lock(&turns.lock);
    vnode->recorded_bytes = size;
    spin_unlock(&turns.lock);
    return 0;
}

/* Writes back what is below valid_bytes at this moment, in the turn. */
static status_t vnode_flush_in_turn(struct vnode *vnode)
{
    struct fsd *fsd = vnode->fsd;
    uint64_t size = vnode->valid_bytes;
    status_t status = vnode_check(vnode);

    /* Places for all of it, in the order of the file; then the bytes, then the size. */
    if (!status && size)
        status = fsd->ops->prepare_write(fsd, vnode, 0, size);
    if (status)
        return status;
    status = cache_flush(&vnode->cache, 0, size);
    if (!status)
        return vnode_record(vnode, size);

    /* A bad block costs the file what follows it, but not what precedes it. The error of the block
     * is the one to report. */
    uint64_t good = min(size, cache_first_dirty(&vnode->cache));
    if (status != -EINTR && good > vnode->recorded_bytes)
        IGNORE(vnode_record(vnode, good));
    return status;
}

status_t vnode_flush(struct vnode *vnode)
{
    if (!vnode_is_listed(vnode))
        return 0;
    status_t status = vnode_turn_begin(vnode, TURN_FLUSH);
    if (status)
        return status;

    status = vnode_flush_in_turn(vnode);
    if (!status)
        vnode_note_success(vnode);
    vnode_turn_end(vnode, TURN_FLUSH);

    /* An interrupted caller leaves the bytes dirty, which is not an error of the file. If the
     * device is gone, fsd_lose() reports it. */
    if (status && status != -EINTR)
        vnode_note_error(vnode, status, vnode_check(vnode));
    return status;
}

void vnode_note_durable(struct vnode *vnode)
{
    spin_lock(&turns.lock);
    vnode->durable_bytes = vnode->recorded_bytes;
    bool all = vnode->durable_bytes == vnode->valid_bytes;
    spin_unlock(&turns.lock);
    if (all)
        vnode_unlist(vnode, true);
}

/* Returns how many bytes are not in the size that is durable: with their file's record, they are
 * lost although they were written. */
static uint64_t bytes_not_recorded(struct vnode *vnode)
{
    spin_lock(&turns.lock);
    uint64_t valid = vnode->valid_bytes, durable = vnode->durable_bytes;
    spin_unlock(&turns.lock);
    return valid > durable ? valid - durable : 0;
}

uint64_t vnode_unsafe_bytes(struct vnode *vnode)
{
    uint64_t dirty = cache_dirty_bytes(&vnode->cache), unrecorded = bytes_not_recorded(vnode);
    return max(dirty, unrecorded);
}

uint64_t vnode_discard(struct vnode *vnode)
{
    uint64_t lost = cache_discard(&vnode->cache), unrecorded = bytes_not_recorded(vnode);
    return max(lost, unrecorded);
}

void vnode_drop_if_gone(struct vnode *vnode)
{
    /* where nothing is dirty, a path that is held still leads to the content */
    if (!vnode->unlinked || !vnode_is_written_back(vnode) || !vnode_retire(vnode))
        return;
    (void)vnode_discard(vnode); /* no handle is left that could read the bytes */
    vnode_unlist(vnode, false);
}

/*
 * sync.c - makes mounted file systems durable, and all of them read-only before the machine is
 * switched off.
 *
 * Order       The one that was mounted last comes first. Its device may be a drive whose image is a
 *             file on an earlier mount, which must still be writable when the volume in the image
 *             is marked as clean. Where all become writable again, the order is the other one.
 */
#include "kernel/vfs/internal.h"
#include "lib/format.h"
#include "lib/status.h"
#include "lib/string.h"

/* ---- syncing ------------------------------------------------------------------------------ */

/* Syncs a file system, and takes its errors. */
static status_t sync_and_take(struct fsd *fsd, unsigned *seen)
{
    status_t status = fsd_sync(fsd);
    if (status == -EINTR)
        return status; /* the errors stay, for the next sync */
    status_t error = fsd_take_error(fsd, seen);
    return status ? status : error;
}

struct vfs_sync_mark vfs_sync_mark(struct path *path)
{
    struct fsd *fsd = path->mount->fsd;
    return (struct vfs_sync_mark){ .fsd = fsd, .errors = fsd_error_count(fsd) };
}

status_t vfs_sync_since(struct path *path, struct vfs_sync_mark *mark)
{
    struct fsd *fsd = path->mount->fsd;
    return fsd == mark->fsd ? sync_and_take(fsd, &mark->errors) : fsd_sync(fsd);
}

/* Calls step() for every mounted file system. Returns the first error; -EINTR ends it. */
static status_t each_fsd(status_t (*step)(struct fsd *fsd, struct text_sink *sink),
                         struct text_sink *sink)
{
    status_t first = 0;
    struct fsd *fsd;

    /* pinned, not referenced by its mount: an unmount at the same time waits and is not refused */
    for (unsigned number = UINT32_MAX; first != -EINTR && (fsd = mount_pin_previous(&number));) {
        status_t status = step(fsd, sink);
        fsd_unpin(fsd);
        if (!first || status == -EINTR)
            first = status;
    }
    return first;
}

static status_t sync_step(struct fsd *fsd, struct text_sink *sink)
{
    (void)sink;
    return sync_and_take(fsd, &fsd->errors_reported);
}

status_t vfs_sync(struct path *path)
{
    return path ? sync_step(path->mount->fsd, NULL) : each_fsd(sync_step, NULL);
}

/* ---- before the machine is switched off --------------------------------------------------- */

/* Writes which of a file system's changes are not on the disk. */
static status_t list_step(struct fsd *fsd, struct text_sink *sink)
{
    status_t status = fsd_sync(fsd);
    if (status && status != -EINTR)
        fsd_list_dirty(fsd, status, sink);
    return status;
}

/* Makes a file system read-only, even if files are open for writing. */
static status_t end_step(struct fsd *fsd, struct text_sink *sink)
{
    bool writable = !fsd->read_only;
    status_t status = fsd_end_writing(fsd, true);
    fsd->finished = writable && fsd->read_only;
    if (status && status != -EINTR && sink)
        fsd_list_dirty(fsd, status, sink);
    return status;
}

/* Makes those writable again that end_step() has made read-only. */
static void undo_end(struct text_sink *sink)
{
    struct fsd *fsd;
    for (unsigned number = 0; (fsd = mount_pin_next(&number));) {
        status_t status = fsd->finished ? fsd_begin_writing(fsd) : 0;
        fsd->finished = false;
        if (status) {
            char line[DEVICE_NAME_BYTES + 80];
            format_text(line, sizeof(line), "%s: is read-only now: %s\n", fsd_label(fsd),
                        status_text(status));
            sink->write(sink, line, strlen(line));
        }
        fsd_unpin(fsd);
    }
}

status_t vfs_finish(bool force, struct text_sink *sink)
{
    if (force)
        return each_fsd(end_step, NULL);

    /* Nothing becomes read-only before everything is durable. */
    status_t status = each_fsd(list_step, sink);
    if (status)
        return status;
    status = each_fsd(end_step, sink);
    if (status)
        undo_end(sink);
    return status;
}

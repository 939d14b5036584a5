/*
 * remount.c - makes mounted file systems writable, and read-only again.
 *
 * File systems on disks are mounted read-only, and nothing on them changes until a person asks for
 * it: no dirty bit, no access time. vfs_remount() then changes the mount in place, with the gate of
 * the file system closed (write/dirty_fsds.c): changes wait until it is decided.
 */
#include "kernel/vfs/internal.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- one file system ---------------------------------------------------------------------- */

status_t fsd_make_read_only(struct fsd *fsd)
{
    /* a file system that cannot change back is only flushed */
    if (fsd->read_only || !fsd->ops->set_writable)
        return fsd_sync(fsd);

    /* A removed file whose last user has just gone gives back its place with this flush, the last
     * one: so the volume can be marked as clean. */
    status_t status = vnodes_settle(fsd);
    if (!status)
        status = fsd_sync(fsd);
    if (status && status != -EINTR)
        IGNORE(fsd_take_error(fsd, &fsd->errors_reported)); /* the caller reports it */
    if (!status)
        status = fsd->ops->set_writable(fsd, false);
    if (!status)
        mounts_remove_writer(fsd);
    return status;
}

status_t fsd_make_writable(struct fsd *fsd)
{
    if (!fsd->read_only)
        return 0;
    if (!fsd->ops->set_writable || fsd->redirected)
        return -EROFS; /* or the changes would end with the copy in memory */

    /* no other file system may have the device */
    status_t status = mounts_add_writer(fsd);
    if (status)
        return status;
    status = fsd->ops->set_writable(fsd, true);
    if (status)
        mounts_remove_writer(fsd);
    fsd->was_writable |= !status;
    return status;
}

status_t fsd_end_writing(struct fsd *fsd, bool force)
{
    status_t status = fsd_close_gate(fsd, force);
    if (status)
        return status;
    status = fsd_make_read_only(fsd);
    fsd_open_gate(fsd);
    return status;
}

status_t fsd_begin_writing(struct fsd *fsd)
{
    status_t status = fsd_close_gate(fsd, true);
    if (status)
        return status;
    status = fsd_make_writable(fsd);
    fsd_open_gate(fsd);
    return status;
}

/* ---- options ------------------------------------------------------------------------------ */

/* Takes a word of the VFS's own. Returns false if it is another's. */
static bool option_take(struct mount_options *options, const char *word, size_t length)
{
    if (text_equal_n(word, length, "rw", 2))
        options->access = MOUNT_WRITABLE;
    else if (text_equal_n(word, length, "ro", 2))
        options->access = MOUNT_READ_ONLY;
    else if (text_equal_n(word, length, "sync", 4))
        options->synchronous = true;
    else if (text_equal_n(word, length, "async", 5))
        options->asynchronous = true;
    else
        return false;
    return true;
}

status_t mount_options_parse(const char *text, struct mount_options *options)
{
    *options = (struct mount_options){ .others = mem_alloc(strlen(text) + 1) };
    char *to = options->others;
    if (!to)
        return -ENOMEM;

    /* the words of the file system stay, in their order */
    while (*text) {
        const char *comma = strchr(text, ',');
        size_t length = comma ? (size_t)(comma - text) : strlen(text);
        if (!option_take(options, text, length)) {
            if (to != options->others)
                *to++ = ',';
            memcpy(to, text, length);
            to += length;
        }
        text += length + (comma ? 1 : 0);
    }
    *to = '\0';
    return 0;
}

status_t mount_options_apply(struct fsd *fsd, const struct mount_options *options)
{
    status_t status = 0;
    if (options->access == MOUNT_WRITABLE)
        status = fsd_begin_writing(fsd);
    else if (options->access == MOUNT_READ_ONLY && !fsd->read_only && !fsd->ops->set_writable)
        status = -EOPNOTSUPP;
    else if (options->access == MOUNT_READ_ONLY)
        status = fsd_end_writing(fsd, false);
    if (status)
        return status;

    if (options->synchronous || options->asynchronous)
        fsd->synchronous = options->synchronous;
    return 0;
}

/* ---- mounts ------------------------------------------------------------------------------- */

status_t vfs_remount(struct path *start, const char *text, const char *words)
{
    struct path *path;
    struct mount_options options;
    status_t status = path_walk(start, text, 0, &path);
    if (status)
        return status;
    status = mount_options_parse(words, &options);
    if (status)
        goto out;

    struct fsd *fsd = path->mount->fsd;
    if (!path_is_mount_point(path))
        status = -EINVAL;
    else
        status = fsd_check(fsd);

    /* the file system's own options first: if they are invalid, nothing changes */
    if (!status && *options.others)
        status = fsd->ops->set_options ? fsd->ops->set_options(fsd, options.others) : -EOPNOTSUPP;
    if (!status)
        status = mount_options_apply(fsd, &options);
    mem_free(options.others);
out:
    path_put(path);
    return status;
}

/*
 * save.c - a drive's bytes into a file.
 */
#include "drivers/virtual/save.h"
#include "kernel/vfs/vfs.h"
#include "lib/format.h"
#include "lib/string.h"

enum { CHUNK_BYTES = 256 * 1024, NAME_EXTRA = 16 };

static status_t save_chunks(struct file *from, struct file *to, struct virtual_progress *progress,
                            uint8_t *chunk)
{
    uint64_t total = file_size(from), done = 0;
    status_t status = 0;
    while (!status && done < total) {
        if (progress)
            progress->report(progress, done, total);
        ssize_t got = thread_interrupted() ? -EINTR : file_read(from, chunk, CHUNK_BYTES);
        ssize_t put = got > 0 ? file_write(to, chunk, (size_t)got) : got;
        status = put < 0 ? (status_t)put : got == 0 ? -EIO : put < got ? -ENOSPC : 0;
        done += (uint64_t)(put > 0 ? put : 0);
    }
    if (!status && progress)
        progress->report(progress, total, total);
    return status ? status : file_flush(to);
}

static status_t save_bytes(struct file *from, struct file *to, struct virtual_progress *progress)
{
    uint8_t *chunk = mem_alloc(CHUNK_BYTES);
    status_t status = chunk ? save_chunks(from, to, progress, chunk) : -ENOMEM;
    mem_free(chunk);
    return status;
}

/* Would replacing the file of that name harm nobody? A file that is written, or that a drive shows,
 * is not replaced. */
static status_t save_may_replace(struct path *root, const char *path)
{
    struct file *file;
    status_t status = file_open(root, path, OPEN_WRITE | OPEN_EXCLUSIVE, &file);
    if (!status)
        file_close(file);
    return status == -ENOENT ? 0 : status;
}

/* Is the name of the working copy free? What a person has there stays. */
static status_t save_is_free(struct path *root, const char *part)
{
    struct path *there;
    status_t status = path_walk(root, part, WALK_NO_FOLLOW, &there);
    if (status)
        return status == -ENOENT ? 0 : status;
    path_put(there);
    return -EEXIST;
}

static status_t save_to_new(struct path *root, struct file *from, const char *path,
                            const char *part, struct virtual_progress *progress)
{
    struct file *to;
    status_t status = file_open(root, part, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE, &to);
    if (status && status != -ENOMEM) /* then it may have been made, though not opened */
        return status;
    if (!status) {
        status = save_bytes(from, to, progress);
        file_close(to);
    }
    if (!status)
        status = vfs_rename(root, part, path);
    if (status)
        (void)!vfs_unlink(root, part); /* what went wrong before is what counts */
    return status;
}

status_t save_device(struct device *device, const char *path, struct virtual_progress *progress)
{
    char name[64];
    struct file *from;
    size_t bytes = strlen(path) + NAME_EXTRA;
    char *part = mem_alloc(bytes);
    if (!part)
        return -ENOMEM;
    struct path *root = path_root();
    format_text(part, bytes, "%s.part", path);
    format_text(name, sizeof(name), "/System/Devices/virtual/%s", device->name);
    status_t status = save_may_replace(root, path);
    if (!status)
        status = save_is_free(root, part);
    if (!status)
        status = file_open(root, name, OPEN_READ | OPEN_DENY_WRITE, &from);
    if (!status) {
        status = save_to_new(root, from, path, part, progress);
        file_close(from);
    }
    path_put(root);
    mem_free(part);
    return status;
}

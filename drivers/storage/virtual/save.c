/*
 * save.c - saves a drive's bytes: reads it through its device file, so that transfers in flight,
 * faults and the file cache apply as for any reader.
 */
#include "drivers/storage/virtual/save.h"
#include "kernel/vfs/vfs.h"
#include "lib/format.h"
#include "lib/string.h"

enum { CHUNK_BYTES = 256 * 1024 };

static status_t save_chunks(struct file *from, struct file *to, struct virtual_progress *progress,
                            uint8_t *chunk)
{
    uint64_t total = file_size(from), done = 0;
    status_t status = 0;
    while (!status && done < total) {
        if (progress)
            progress->report(progress, done, total);

        /* Checked for each chunk: ^C ends a long copy. A read of nothing means that the drive
         * became shorter. */
        ssize_t got = thread_interrupted() ? -EINTR : file_read(from, chunk, CHUNK_BYTES);
        status = got > 0 ? file_write_all(to, chunk, (size_t)got) : got < 0 ? (status_t)got : -EIO;
        done += got > 0 ? (uint64_t)got : 0;
    }

    /* The progress reaches its end before the flush, which may take a while itself. */
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

/* Saves to a file, which gets its name when it is complete. -EBUSY: a file of that name is open for
 * writing, or a drive shows it. */
static status_t save_to(struct path *root, struct file *from, const char *path,
                        struct virtual_progress *progress)
{
    struct replacement to;
    status_t status = replace_begin(root, path, OPEN_DENY_WRITE, &to);
    if (status)
        return status;

    /* On any failure the old file, if there was one, is left as it was. */
    status = save_bytes(from, to.file, progress);
    if (status)
        replace_abandon(&to);
    else
        status = replace_commit(&to);
    return status;
}

status_t save_device(struct device *device, const char *path, struct virtual_progress *progress)
{
    char name[64];
    struct file *from;
    struct path *root = path_root();
    format_text(name, sizeof(name), "/System/Devices/virtual/%s", device_name(device));

    /* Nothing may write to the drive meanwhile: the copy is of one moment. */
    status_t status = file_open(root, name, OPEN_READ | OPEN_DENY_WRITE, &from);
    if (!status) {
        status = save_to(root, from, path, progress);
        file_close(from);
    }

    path_put(root);
    return status;
}

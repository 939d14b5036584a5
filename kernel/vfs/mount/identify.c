/*
 * identify.c - which formats a device's medium or a file has signatures of (lib/identify.h).
 */
#include "kernel/vfs/vfs.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"

/* ---- devices ------------------------------------------------------------------------------ */

struct device_source {
    struct identify_source source;
    const struct device_handle *handle;
    uint8_t *blocks; /* whole blocks around what is asked for */
};

enum { BLOCKS_BYTES = 4096 }; /* of the largest block, and of two windows */

static ssize_t device_source_read(struct identify_source *source, uint64_t offset, void *buffer,
                                  size_t bytes)
{
    struct device_source *device = (struct device_source *)(void *)source;
    uint32_t block = device->handle->device->limits.block_bytes;
    uint64_t from = offset / block * block, to = (offset + bytes + block - 1) / block * block;
    uint64_t end = source->size_bytes / block * block, done = 0;
    to = min(to, end);
    if (from >= to || to - from > BLOCKS_BYTES)
        return 0;
    if (thread_interrupted()) /* a slow drive takes long for each window */
        return -EINTR;
    status_t status = io_wait(device->handle, IO_READ, from, device->blocks, to - from, &done);
    size_t before = (size_t)(offset - from);
    if (done <= before)
        return status ? status : 0;
    size_t good = (size_t)done - before;
    good = min(good, bytes);
    memcpy(buffer, device->blocks + before, good);
    return (ssize_t)good;
}

static const char audio_disc[] = "audio CD";

/* Does the disc's table of contents hold audio tracks only? They cannot be read as data. */
static bool device_is_audio(struct device *device)
{
    struct device_toc *toc = mem_alloc(sizeof(*toc));
    bool audio = toc && device->ops->control &&
                 !device_control(device, DEVICE_CONTROL_TOC, toc, sizeof(*toc)) &&
                 toc->track_count > 0;
    for (unsigned i = 0; audio && i < toc->track_count && i < DEVICE_TRACKS_MAX; i++)
        audio = !toc->tracks[i].data;
    mem_free(toc);
    return audio;
}

status_t device_identify(const struct device_handle *handle, struct identify *result)
{
    if (device_is_audio(handle->device)) {
        result->found[0] = (struct identity){ IDENTITY_VOLUME, audio_disc,
                                              "x-content/audio-cdda", 0 };
        result->count = 1;
        result->status = 0;
        return 0;
    }
    struct device_source device = {
        .source = { .read = device_source_read,
                    .size_bytes = device_medium(handle->device).bytes },
        .handle = handle,
        .blocks = mem_alloc(BLOCKS_BYTES),
    };
    if (!device.blocks)
        return -ENOMEM;
    status_t status = identify(result, &device.source);
    mem_free(device.blocks);
    return status;
}

status_t path_identify(struct path *path, struct identify *result)
{
    const struct device_handle *handle = fsd_device(path_fsd(path));
    return handle->device ? device_identify(handle, result) : -EOPNOTSUPP;
}

/* The names of what the device holds; "" when there are none. */
static status_t device_identify_named(const char *name, char *text, size_t bytes)
{
    struct device_handle handle;
    struct device *device = device_find(name);
    struct identify *result = mem_alloc(sizeof(*result));
    status_t status = !device ? -ENODEV : !result ? -ENOMEM : device_open(device, &handle);
    if (!status) {
        status = device_identify(&handle, result);
        if (!status && !result->count)
            status = result->status;
        if (!status)
            identify_text(result, false, text, bytes);
        device_close(&handle);
    }
    mem_free(result);
    device_put(device);
    return status;
}

void device_mount_reason(const char *device, status_t status, char *text, size_t bytes)
{
    char names[MOUNT_REASON_BYTES - 32] = "";
    if (status == -EMEDIUMTYPE || status == -EIO) {
        status_t failed = device_identify_named(device, names, sizeof(names));
        if (failed)
            status = failed;
    }
    if (*names && (status == -EMEDIUMTYPE || strcmp(names, audio_disc) == 0))
        format_text(text, bytes, "%s, which Spindle cannot mount", names);
    else if (status == -EMEDIUMTYPE)
        format_text(text, bytes, "no file system that Spindle knows");
    else
        format_text(text, bytes, "%s", status_text(status));
}

/* ---- files -------------------------------------------------------------------------------- */

struct file_source {
    struct identify_source source;
    struct file *file;
};

static ssize_t file_source_read(struct identify_source *source, uint64_t offset, void *buffer,
                                size_t bytes)
{
    return file_read_at(((struct file_source *)(void *)source)->file, offset, buffer, bytes);
}

status_t file_identify(struct file *file, struct identify *result)
{
    struct file_source source = {
        .source = { .read = file_source_read, .size_bytes = file_size(file) },
        .file = file,
    };
    return identify(result, &source.source);
}

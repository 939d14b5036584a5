/*
 * identify.c - which formats a device's medium or a file has signatures of (lib/identify/).
 *
 * A device is read through a `struct fsd` that is never mounted. It owns the request and the
 * memory, so a reader that is interrupted leaves with -EINTR, and fsd_discard() frees both when the
 * request has ended by itself.
 */
#include "kernel/vfs/internal.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"

/* ---- devices ------------------------------------------------------------------------------ */

struct device_source {
    struct identify_source source;
    struct fsd fsd;
    struct io_request request;
    struct io_segment blocks; /* one page: whole blocks around the bytes asked for */
};

_Static_assert(PAGE_BYTES >= 2 * IDENTIFY_WINDOW_BYTES, "room for a window and its blocks");

static void device_source_free(struct fsd *fsd)
{
    struct device_source *device = container_of(fsd, struct device_source, fsd);
    page_free(device->blocks.address);
    mem_free(device);
}

static void device_source_done(struct io_request *request)
{
    fsd_request_ended(request->context); /* from here on the source may be freed */
}

static ssize_t device_source_read(struct identify_source *source, uint64_t offset, void *buffer,
                                  size_t bytes)
{
    struct device_source *device = container_of(source, struct device_source, source);

    /* The device reads whole blocks: round the range outwards, but not past its end. */
    uint32_t block = device_block_bytes(device->fsd.device.device);
    uint64_t from = offset / block * block, to = (offset + bytes + block - 1) / block * block;
    uint64_t end = source->size_bytes / block * block;
    to = min(to, end);
    if (from >= to || to - from > device->blocks.length_bytes)
        return 0;

    /* a slow drive needs a long time for each window */
    if (thread_interrupted())
        return -EINTR;
    device->request = (struct io_request){
        .op = IO_READ,
        .offset_bytes = from,
        .length_bytes = to - from,
        .segments = &device->blocks,
        .segment_count = 1,
        .complete = device_source_done,
        .context = &device->fsd,
    };
    fsd_submit(&device->fsd, &device->request);
    status_t status = fsd_wait_idle(&device->fsd, TIME_NEVER);
    if (status)
        return status;

    /* A part that was read before the error is still useful: most signatures are short. */
    uint64_t done = device->request.done_bytes, before = offset - from;
    if (done <= before)
        return device->request.status;
    size_t good = (size_t)min(done - before, bytes);
    memcpy(buffer, (uint8_t *)device->blocks.address + before, good);
    return (ssize_t)good;
}

static struct device_source *device_source_create(const struct device_handle *handle)
{
    static const struct fsd_ops ops = { .dismount = device_source_free };
    struct device_source *device = mem_zalloc(sizeof(*device));
    void *page = device ? page_alloc() : NULL;
    if (!page) {
        mem_free(device);
        return NULL;
    }

    device->source.read = device_source_read;
    device->source.size_bytes = device_medium(handle->device).bytes;
    device->fsd.ops = &ops;
    device->fsd.device = *handle;
    device->blocks = (struct io_segment){ .address = page, .length_bytes = PAGE_BYTES };
    return device;
}

static const char audio_disc[] = "audio CD";

/* Returns whether the disc has audio tracks only: they cannot be read as data. */
static bool device_is_audio(struct device *device)
{
    struct device_toc *toc = mem_alloc(sizeof(*toc));
    bool audio = toc &&
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

    struct device_source *device = device_source_create(handle);
    if (!device)
        return -ENOMEM;
    status_t status = identify(result, &device->source);

    /* Interrupted, the request is still in flight and uses the source. fsd_discard() waits for it
     * elsewhere. */
    fsd_discard(&device->fsd);
    return status;
}

status_t path_identify(struct path *path, struct identify *result)
{
    const struct device_handle *handle = fsd_device(path_fsd(path));
    return handle->device ? device_identify(handle, result) : -EOPNOTSUPP;
}

/* Writes the names of the formats on the device; "" if none is known. */
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

    /* A known format that no FSD mounts is a better reason than the errno. */
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
    struct file_source *from = container_of(source, struct file_source, source);
    return file_read_at(from->file, offset, buffer, bytes);
}

status_t file_identify(struct file *file, struct identify *result)
{
    struct file_source source = {
        .source = { .read = file_source_read, .size_bytes = file_size(file) },
        .file = file,
    };
    return identify(result, &source.source);
}

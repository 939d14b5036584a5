/*
 * device_cache.c - a cache over the bytes of a file system's device, for the structures of the
 * medium: directories, allocation tables, descriptors.
 */
#include "kernel/vfs/fsd.h"

/* The structures that belong together follow each other on the medium with gaps: a reader who skips
 * one still counts as sequential. */
enum { DEVICE_SLACK_BYTES = 64 * 1024 };

static void device_fill_done(struct io_request *request)
{
    struct cache_io *io = request->context;
    fsd_request_ended(io->cache->owner);
    cache_io_done(io, request->status, request->done_bytes, request->exact);
}

static void device_fill(struct cache *cache, struct cache_io *io)
{
    struct io_request *request = io->context;
    uint64_t length = io->length_bytes;

    /* the device may end inside the last block */
    if (io->offset_bytes + length > cache->size_bytes)
        length = cache->size_bytes - io->offset_bytes;
    *request = (struct io_request){
        .op = IO_READ,
        .offset_bytes = io->offset_bytes,
        .length_bytes = length,
        .segments = io->segments,
        .segment_count = io->segment_count,
        .complete = device_fill_done,
        .context = io,
    };
    fsd_submit(cache->owner, request);
}

static status_t device_fill_check(struct cache *cache)
{
    return fsd_check(cache->owner);
}

void device_cache_init(struct cache *cache, struct fsd *fsd, uint32_t block_bytes)
{
    static const struct cache_ops ops = {
        .context_bytes = sizeof(struct io_request),
        .fill = device_fill,
        .check = device_fill_check,
    };
    cache_init(cache, &ops, fsd, block_bytes, device_medium(fsd_device(fsd)->device).bytes);
    cache->slack_bytes = DEVICE_SLACK_BYTES;
}

/*
 * blk.c - the driver of virtio-blk devices: a disk for each. See blk.h.
 */
#include "drivers/storage/virtio/blk.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "kernel/module/info.h"
#include "lib/format.h"

DRIVER_INFO("virtio-blk", "1.0", "MIT", "disks of virtual machines: virtio-blk");
DRIVER_DRIVES("virtio type=2");
DRIVER_NEEDS("virtio");

_Static_assert(BLK_DEPTH_MAX * sizeof(struct blk_header) <= PAGE_BYTES, "headers fill a page");

static void disk_describe(struct device *device, char *text, size_t bytes)
{
    const struct blk *blk = device_private(device);
    const char *cache = virtio_has(blk->virtio, BLK_FEATURE_FLUSH) ? ", write cache" : "";
    format_text(text, bytes, "virtio-blk, %llu KiB, sectors of %u bytes (physical %u)%s%s",
                (unsigned long long)(device_medium(device).bytes / 1024), blk->config.block_bytes,
                blk->config.physical_block_bytes, cache,
                blk->state == BLK_OFFLINE ? ", offline" : "");
}

static void free_blk(struct blk *blk)
{
    if (blk->headers)
        page_free(blk->headers);
    mem_free(blk);
}

static void disk_destroy(struct device *device)
{
    free_blk(device_private(device));
}

static const struct device_ops disk_ops = {
    .start = blk_start_transfer,
    .describe = disk_describe,
    .destroy = disk_destroy,
};

/* Creates the disk, which owns blk from then on. */
static status_t create_disk(struct blk *blk, struct device *device)
{
    const struct device_description description = {
        .name = "disk",
        .ops = &disk_ops,
        .private_data = blk,
        .device_class = &class_disk,
        .limits = blk_limits(&blk->config, blk->queue),
        .read_only = virtio_has(blk->virtio, BLK_FEATURE_READ_ONLY),
    };
    blk->disk = device_create(device, &description);
    return blk->disk ? 0 : -ENOMEM;
}

static status_t publish_disk(struct blk *blk)
{
    /* Before it is published there must be a worker: the partition driver reads inside
     * device_publish(). */
    device_set_medium(blk->disk, blk->config.bytes);
    status_t status = blk_start_worker(blk);
    if (!status)
        status = device_publish(blk->disk);
    if (status)
        return status;

    log_info("virtio-blk", "%s: %s has %llu bytes in blocks of %u", blk->virtio->name,
             device_alias(blk->disk), (unsigned long long)blk->config.bytes,
             blk->config.block_bytes);
    return 0;
}

static struct blk *create_blk(struct virtio_device *virtio)
{
    struct blk *blk = mem_zalloc(sizeof(*blk));
    if (!blk)
        return NULL;
    blk->virtio = virtio;
    virtio->driver_data = blk;
    spin_init(&blk->lock, RANK_QUEUE);
    wait_queue_init(&blk->changed);

    /* A page: the device reads headers and writes the status, so each has one physical address. */
    blk->headers = page_alloc();
    if (!blk->headers) {
        free_blk(blk);
        return NULL;
    }
    return blk;
}

static status_t blk_add_device(struct device *device)
{
    struct virtio_device *virtio = virtio_device_of(device);
    if (!virtio || virtio->type != VIRTIO_TYPE_BLOCK)
        return -ENODEV;

    /* Failures up to the disk are undone here; from then on the disk owns blk. */
    struct blk *blk = create_blk(virtio);
    if (!blk)
        return -ENOMEM;
    status_t status = blk_start_device(blk);
    if (!status && blk->queue->pieces <= BLK_PIECES_OWN)
        status = -ENODEV; /* no room for data */
    if (!status)
        status = create_disk(blk, device);
    if (status) {
        virtio->ops->end(virtio);
        free_blk(blk);
        return status == -ENODEV ? -EIO : status; /* it is ours, but does not work */
    }

    /* The last reference frees blk, after what is in flight has ended. */
    status = publish_disk(blk);
    if (status) {
        blk_stop(blk);
        device_put(blk->disk);
    }
    return status;
}

/* The disk has left the tree; it exists until its last handle is closed. */
static void blk_remove_device(struct device *device)
{
    struct blk *blk = virtio_device_of(device)->driver_data;

    /* First no request is in flight, then the memory is given up. */
    blk_stop(blk);
    device_put(blk->disk);
}

static const struct driver driver_virtio_blk = {
    .name = "virtio-blk",
    .order = 30,
    .add_device = blk_add_device,
    .remove_device = blk_remove_device,
};
DRIVER(driver_virtio_blk);

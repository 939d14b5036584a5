/*
 * scsi.c - the driver of virtio-scsi devices: a controller's life. See scsi.h.
 */
#include "drivers/storage/virtio/scsi.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/macros.h"

DRIVER_INFO("virtio-scsi", "1.0", "MIT", "SCSI controllers of virtual machines: virtio-scsi");
DRIVER_DRIVES("virtio type=8");
DRIVER_NEEDS("virtio");

_Static_assert(sizeof(struct vscsi_slot) <= PAGE_BYTES && sizeof(struct vscsi_shared) <= PAGE_BYTES,
               "memory of a device is contiguous");

/* ---- memory ------------------------------------------------------------------------------- */

static void free_vscsi(struct vscsi *vscsi)
{
    /* The worker ends first; by now every command ends with -ENODEV. */
    packet_queue_stop(&vscsi->packets);
    for (unsigned i = 0; i < VSCSI_OPENINGS_MAX; i++)
        mem_free(vscsi->slots[i]);
    mem_free(vscsi->shared);
    mem_free(vscsi);
}

static struct vscsi *create_vscsi(struct virtio_device *virtio)
{
    struct vscsi *vscsi = mem_zalloc(sizeof(*vscsi));
    if (!vscsi)
        return NULL;
    vscsi->virtio = virtio;
    virtio->driver_data = vscsi;
    mutex_init(&vscsi->device_lock, RANK_DEVTREE);
    spin_init(&vscsi->lock, RANK_QUEUE);
    wait_queue_init(&vscsi->ended);
    wait_queue_init(&vscsi->changed);

    /* Apart from the object, whose memory need not be contiguous for the device. */
    vscsi->shared = mem_zalloc(sizeof(*vscsi->shared));
    if (!vscsi->shared) {
        free_vscsi(vscsi);
        return NULL;
    }
    return vscsi;
}

static status_t allocate_slots(struct vscsi *vscsi, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!(vscsi->slots[i] = mem_zalloc(sizeof(struct vscsi_slot))))
            return -ENOMEM;
    return 0;
}

/* ---- the controller's device -------------------------------------------------------------- */

static void vscsi_describe(struct device *device, char *text, size_t bytes)
{
    const struct vscsi *vscsi = device_private(device);
    format_text(text, bytes, "targets 0 to %u, %u commands at once%s", vscsi->target_last,
                vscsi->queues[VSCSI_REQUEST]->slots, vscsi->offline ? ", offline" : "");
}

/* Units hold a reference, so that no command is submitted any more. */
static void vscsi_destroy(struct device *device)
{
    free_vscsi(device_private(device));
}

static const struct device_ops vscsi_ops = {
    .describe = vscsi_describe,
    .destroy = vscsi_destroy,
};

static status_t create_device(struct vscsi *vscsi, struct device *parent)
{
    const struct device_description description = {
        .name = "scsi",
        .ops = &vscsi_ops,
        .private_data = vscsi, /* the device owns it */
        .device_class = &class_bus,
    };
    vscsi->device = device_create(parent, &description);
    return vscsi->device ? 0 : -ENOMEM;
}

/* ---- life --------------------------------------------------------------------------------- */

/* Everything up to the device that owns it. */
static status_t start(struct vscsi *vscsi, struct device *parent)
{
    status_t status = vscsi_begin_device(vscsi);
    if (status)
        return status;

    /* As many commands at once as the device's queue takes: a tag is a slot. */
    unsigned openings = vscsi->queues[VSCSI_REQUEST]->slots;
    status = allocate_slots(vscsi, openings);

    /* The packet queue is there before the device runs, which may report a failure to it at
     * once. */
    if (!status)
        status = packet_queue_start(&vscsi->packets, "virtio-scsi", &vscsi_transport, openings);
    if (!status)
        status = vscsi_run_device(vscsi);
    return status ? status : create_device(vscsi, parent);
}

static void stop(struct vscsi *vscsi)
{
    /* The threads use the device, so they end before it. Commands that they wait for still end. */
    vscsi_stop_events(vscsi);
    vscsi_stop_poll(vscsi);
    vscsi_end_device(vscsi);
    device_put(vscsi->device);
}

static status_t vscsi_add_device(struct device *device)
{
    struct virtio_device *virtio = virtio_device_of(device);
    if (!virtio || virtio->type != VIRTIO_TYPE_SCSI)
        return -ENODEV;

    /* Up to the controller's device, failures are undone here; from then on it owns vscsi. */
    struct vscsi *vscsi = create_vscsi(virtio);
    if (!vscsi)
        return -ENOMEM;
    status_t status = start(vscsi, device);
    if (status) {
        vscsi_end_device(vscsi);
        free_vscsi(vscsi);
        return status == -ENODEV ? -EIO : status; /* it is ours, but does not work */
    }

    /* The units that are there now are published before this returns, so that start-up finds the
     * boot disc. What changes from now on is an event. */
    status = device_publish(vscsi->device);
    if (!status)
        status = vscsi_start_poll(vscsi);
    if (!status) {
        vscsi_scan(vscsi);
        status = vscsi_start_events(vscsi);
    }
    if (status) {
        device_remove(vscsi->device);
        stop(vscsi);
    }
    return status;
}

/* The units have left the tree. They exist, as this controller does, until they are closed. */
static void vscsi_remove_device(struct device *device)
{
    stop(virtio_device_of(device)->driver_data);
}

static const struct driver driver_virtio_scsi = {
    .name = "virtio-scsi",
    .order = 30,
    .add_device = vscsi_add_device,
    .remove_device = vscsi_remove_device,
};
DRIVER(driver_virtio_scsi);

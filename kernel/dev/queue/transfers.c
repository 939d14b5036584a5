/*
 * transfers.c - the memory of a device's transfers: their segments, and bounce pages for a device
 * that does not reach all memory.
 *
 * It is allocated when the device is published, so that reading works when memory is exhausted.
 */
#include "kernel/dev/internal.h"
#include "lib/macros.h"

/* A device of many transfers takes at most this part of memory for them, but always has these. */
enum { MEMORY_SHARE = 256, DEPTH_ALWAYS = 4 };

/* The same for bounce pages. */
enum { BOUNCE_SHARE = 128, BOUNCE_PAGES_ALWAYS = 8 };

enum { DRIVER_DATA_ALIGN = 16 };

/* ---- the devices that have transfers ------------------------------------------------------ */

static struct {
    struct spin lock;
    struct list devices;
} owners = {
    .lock = SPIN_INIT(RANK_COMPLETIONS),
    .devices = LIST_INIT(owners.devices),
};

static void owners_add(struct device *device)
{
    spin_lock(&owners.lock);
    list_push_back(&owners.devices, &device->owners_link);
    spin_unlock(&owners.lock);
}

static void owners_remove(struct device *device)
{
    spin_lock(&owners.lock);
    list_remove(&device->owners_link);
    spin_unlock(&owners.lock);
}

struct device *transfers_next_owner(unsigned round)
{
    struct device *next = NULL;
    spin_lock(&owners.lock);
    list_each(link, &owners.devices) {
        struct device *device = container_of(link, struct device, owners_link);
        if (device->owners_round == round)
            continue;

        /* A device that is being freed leaves the list as soon as it gets the lock. */
        device->owners_round = round;
        if (device_try_get(device)) {
            next = device;
            break;
        }
    }
    spin_unlock(&owners.lock);
    return next;
}

/* ---- creation and end --------------------------------------------------------------------- */

static void set_defaults(struct device *device)
{
    struct io_limits *limits = &device->limits;
    if (!limits->depth || limits->depth > IO_DEPTH_MAX)
        limits->depth = 1;
    if (!limits->segment_count || limits->segment_count > IO_SEGMENTS_MAX)
        limits->segment_count = IO_SEGMENTS_MAX;
    device->driver_data_bytes += -device->driver_data_bytes % DRIVER_DATA_ALIGN;

    /* A limit that all memory keeps is none: it need not be checked for each transfer. */
    if (limits->highest_address >= mem_highest_physical())
        limits->highest_address = 0;

    /* Fewer transfers where memory is small: the driver uses indexes below its own depth then. */
    size_t each = sizeof(struct io_transfer) + device->driver_data_bytes +
                  limits->segment_count * sizeof(struct io_segment);
    size_t most = page_total_count() * PAGE_BYTES / MEMORY_SHARE / each;
    most = max(most, DEPTH_ALWAYS);
    limits->depth = (unsigned)min(limits->depth, most);
}

/* The pages are low ones, which every device reaches, and aligned for all. */
static status_t bounce_pages_create(struct device *device)
{
    size_t most = page_total_count() / BOUNCE_SHARE;
    most = max(most, BOUNCE_PAGES_ALWAYS);
    device->bounce_page_count = (unsigned)min(most, BOUNCE_PAGES_MAX);

    device->bounce_pages = mem_zalloc(device->bounce_page_count * sizeof(void *));
    if (!device->bounce_pages)
        return -ENOMEM;

    for (unsigned i = 0; i < device->bounce_page_count; i++) {
        if (!(device->bounce_pages[i] = page_alloc_low()))
            return -ENOMEM;
        device->free_bounce_pages |= 1u << i;
    }
    return 0;
}

/* Returns whether the device uses all memory that there is, in any alignment: most do. */
static bool reaches_all(const struct io_limits *limits)
{
    return !limits->highest_address && limits->segment_align <= 1 && limits->inner_align <= 1;
}

status_t transfers_create(struct device *device)
{
    const struct io_limits *limits = &device->limits;
    if (!device->ops->start)
        return 0;
    set_defaults(device);

    device->transfers = mem_zalloc(limits->depth * sizeof(struct io_transfer));
    device->transfer_segments =
        mem_zalloc(limits->depth * limits->segment_count * sizeof(struct io_segment));
    if (device->driver_data_bytes)
        device->driver_data = mem_zalloc(limits->depth * device->driver_data_bytes);
    if (!device->transfers || !device->transfer_segments ||
        (device->driver_data_bytes && !device->driver_data))
        return -ENOMEM;

    /* Each transfer owns a part of the one list of segments, and of the drivers' data. */
    for (unsigned i = 0; i < limits->depth; i++) {
        struct io_transfer *transfer = &device->transfers[i];
        transfer->device = device;
        transfer->index = i;
        list_init(&transfer->requests);
        transfer->segments = device->transfer_segments + i * limits->segment_count;
        if (device->driver_data)
            transfer->driver_data = device->driver_data + i * device->driver_data_bytes;
        list_push_back(&device->free_transfers, &transfer->link);
    }
    owners_add(device);
    return reaches_all(limits) ? 0 : bounce_pages_create(device);
}

void transfers_destroy(struct device *device)
{
    owners_remove(device);
    for (unsigned i = 0; device->bounce_pages && i < device->bounce_page_count; i++)
        if (device->bounce_pages[i])
            page_free(device->bounce_pages[i]);
    mem_free(device->bounce_pages);
    mem_free(device->driver_data);
    mem_free(device->transfer_segments);
    mem_free(device->transfers);

    /* A device whose publishing failed may be published again. */
    list_init(&device->free_transfers);
    device->free_bounce_pages = 0;
    device->bounce_pages = NULL;
    device->driver_data = NULL;
    device->transfer_segments = NULL;
    device->transfers = NULL;
}

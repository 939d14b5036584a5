/*
 * transfers.c - the memory of a device's transfers: their segments, and bounce pages for a device
 * that does not reach all memory.
 *
 * It is allocated when the device is published, so that reading works when memory is exhausted.
 */
#include "kernel/dev/internal.h"
#include "lib/macros.h"

static void set_defaults(struct io_limits *limits)
{
    if (!limits->depth || limits->depth > IO_DEPTH_MAX)
        limits->depth = 1;
    if (!limits->segment_count || limits->segment_count > IO_SEGMENTS_MAX)
        limits->segment_count = IO_SEGMENTS_MAX;
}

/* The pages are low ones, which every device reaches, and aligned for all. */
static status_t bounce_pages_create(struct device *device)
{
    device->bounce_pages = mem_zalloc(IO_BOUNCE_PAGES * sizeof(void *));
    if (!device->bounce_pages)
        return -ENOMEM;

    for (unsigned i = 0; i < IO_BOUNCE_PAGES; i++)
        if (!(device->bounce_pages[i] = page_alloc_low()))
            return -ENOMEM;
    return 0;
}

status_t transfers_create(struct device *device)
{
    struct io_limits *limits = &device->limits;
    if (!device->ops->start)
        return 0;
    set_defaults(limits);

    device->transfers = mem_zalloc(limits->depth * sizeof(struct io_transfer));
    device->transfer_segments =
        mem_zalloc(limits->depth * limits->segment_count * sizeof(struct io_segment));
    if (!device->transfers || !device->transfer_segments)
        return -ENOMEM;

    /* Each transfer owns a part of the one list of segments. */
    for (unsigned i = 0; i < limits->depth; i++) {
        device->transfers[i].device = device;
        device->transfers[i].segments = device->transfer_segments + i * limits->segment_count;
    }

    /* Most devices need no bounce pages: they reach all memory that there is, in any alignment. */
    bool reaches_all =
        !limits->highest_address || limits->highest_address >= mem_highest_physical();
    return reaches_all && limits->segment_align <= 1 ? 0 : bounce_pages_create(device);
}

void transfers_destroy(struct device *device)
{
    for (unsigned i = 0; device->bounce_pages && i < IO_BOUNCE_PAGES; i++)
        if (device->bounce_pages[i])
            page_free(device->bounce_pages[i]);
    mem_free(device->bounce_pages);
    mem_free(device->transfer_segments);
    mem_free(device->transfers);
    device->bounce_pages = NULL;
    device->transfer_segments = NULL;
    device->transfers = NULL;
}

/*
 * partition.c - the driver of disks: makes a part of the disk of each partition of its table.
 *
 * Model       The kernel offers a device with data to the drivers when a medium arrives, and
 *             removes its parts when the medium leaves: this driver has no state of its own.
 * Whole first An optical disc is shown as a whole, and so is an ISO 9660 volume on a disk, such as
 *             a boot disc that was written to a stick: the partition table in front of it is only
 *             for firmware. Their partitions are published on request (device_want_parts()).
 */
#include "lib/partition/table.h"
#include "kernel/dev/driver.h"
#include "kernel/dev/device.h"
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum { TABLE_SECTOR_BYTES = 512, SPAN_BYTES = 2 * PARTITION_PIECE_BYTES };

/* ---- reading ------------------------------------------------------------------------------ */

/* A disk whose table is read. */
struct disk {
    struct partition_source source;
    struct partition_table table;
    struct device_handle handle;
    uint8_t span[SPAN_BYTES];
};

/* The sectors of a table may be shorter than the blocks of the disk, so whole blocks are read. */
static status_t disk_read(struct partition_source *source, uint64_t offset, void *buffer,
                          size_t bytes)
{
    struct disk *disk = container_of(source, struct disk, source);

    /* Rounded to blocks on both sides: at most two pieces long. */
    uint32_t block = device_block_bytes(disk->handle.device);
    uint64_t first = offset - offset % block, end = offset + bytes;
    end += (block - end % block) % block;

    /* A device whose medium has changed may have longer blocks now. */
    if (end - first > sizeof(disk->span))
        return -ESTALE;
    status_t status = io_wait(&disk->handle, IO_READ, first, disk->span, end - first, NULL);
    if (!status)
        memcpy(buffer, disk->span + (offset - first), bytes);
    return status;
}

static void disk_note(struct partition_source *source, const char *text)
{
    const struct disk *disk = container_of(source, struct disk, source);
    log_warn("partition", "%s: %s", device_label(disk->handle.device), text);
}

/* Reads the table of the medium. -ENODEV if there is none that is to be shown. */
static status_t disk_read_table(struct disk *disk)
{
    struct device *device = disk->handle.device;
    uint64_t bytes = device_medium(device).bytes;
    uint32_t block = device_block_bytes(device);

    /* On discs, tables count in sectors of a disk: they are for when the disc's image is copied to
     * one. */
    disk->source = (struct partition_source){
        .read = disk_read,
        .note = disk_note,
        .size_bytes = bytes - bytes % block,
        .sector_bytes = device_class(device) == &class_cdrom ? TABLE_SECTOR_BYTES : block,
    };
    status_t status = partition_table_read(&disk->source, &disk->table);
    if (status)
        return status;

    /* Only asked if there is a table, as it reads once more. */
    if (disk->table.count && !device_parts_wanted(device) &&
        partition_is_volume(&disk->source, &disk->table)) {
        log_info("partition", "%s: an ISO 9660 volume as a whole; its partitions are not shown",
                 device_label(device));
        return -ENODEV;
    }
    return disk->table.count ? 0 : -ENODEV;
}

/* ---- parts -------------------------------------------------------------------------------- */

static void part_describe(struct device *device, char *text, size_t bytes)
{
    const struct partition *partition = device_private(device);
    const char *name = partition->name;
    format_text(text, bytes, "%s%s%s%s, %llu bytes", partition->type, *name ? ", \"" : "", name,
                *name ? "\"" : "", (unsigned long long)partition->length_bytes);
}

static void part_destroy(struct device *device)
{
    mem_free(device_private(device));
}

static const struct device_ops part_ops = { .describe = part_describe, .destroy = part_destroy };

static status_t part_publish(const struct device_handle *disk, const struct partition *found)
{
    char name[DEVICE_NAME_BYTES];

    /* The part's device keeps a copy: the table is freed after the search. */
    struct partition *partition = mem_alloc(sizeof(*partition));
    if (!partition)
        return -ENOMEM;
    *partition = *found;
    format_text(name, sizeof(name), "p%u", partition->number);

    /* A part of a disc is not a disc: it cannot become /System, and has no door. */
    bool disc = device_class(disk->device) == &class_cdrom;
    struct device *part = device_create(disk->device, &(struct device_description){
        .name = name,
        .ops = &part_ops,
        .private_data = partition,
        .device_class = disc ? &class_disk : device_class(disk->device),
        .no_automount = !device_automounts(disk->device),
        .part = {
            .base_bytes = partition->base_bytes,
            .length_bytes = partition->length_bytes,
            .generation = disk->generation,
            .number = partition->number,
        },
    });
    if (!part) {
        mem_free(partition);
        return -ENOMEM;
    }

    status_t status = device_publish(part);
    device_put(part); /* the tree has its own reference */
    return status;
}

/* Publishes all partitions that can be; returns how many. */
static unsigned disk_publish_parts(const struct disk *disk)
{
    const struct partition_table *table = &disk->table;
    unsigned published = 0;
    for (unsigned i = 0; i < table->count; i++) {
        const struct partition *partition = &table->partitions[i];

        /* A partition that cannot be published does not keep the others from it. */
        status_t status = part_publish(&disk->handle, partition);
        published += !status;

        /* A table in shorter sectors may have partitions that are not whole blocks. */
        if (status)
            log_warn("partition", "%s: partition %u: %s; left out",
                     device_label(disk->handle.device), partition->number,
                     status == -EINVAL ? "not of whole blocks" : status_text(status));
    }
    return published;
}

/* ---- the driver --------------------------------------------------------------------------- */

static bool may_have_table(struct device *device)
{
    const struct device_class *class = device_class(device);

    /* A part is not searched: a table inside a partition is not supported. */
    if (!device_has_data(device) || device_is_part(device) || !device_searches_parts(device))
        return false;
    return class == &class_disk || class == &class_virtual ||
           (class == &class_cdrom && device_parts_wanted(device));
}

static status_t partition_add_device(struct device *device)
{
    if (!may_have_table(device))
        return -ENODEV;
    struct disk *disk = mem_alloc(sizeof(*disk));
    if (!disk)
        return -ENOMEM;

    /* Opened while the table is read, so that all of it is of one medium. */
    unsigned parts = 0;
    status_t status = device_open(device, &disk->handle);
    if (status)
        goto out;
    status = disk_read_table(disk);
    if (!status)
        parts = disk_publish_parts(disk);
    if (parts)
        log_info("partition", "%s: %s with %u partition%s", device_label(device),
                 partition_scheme_name(disk->table.scheme), parts, parts == 1 ? "" : "s");
    device_close(&disk->handle);
out:
    mem_free(disk);

    /* A disk without a table is the usual case, and a medium that left is reported by its drive. */
    if (status && status != -ENODEV && status != -ENOMEDIUM)
        log_info("partition", "%s: the table cannot be read: %s", device_label(device),
                 status_text(status));
    return parts ? 0 : -ENODEV;
}

static const struct driver driver_partition = {
    .name = "partition",
    .order = 90,
    .add_device = partition_add_device,
};
DRIVER(driver_partition);

/* greeting.c - a driver for tests, built outside the tree: a disk that holds a file system of one
 * file (the Book, chapter 5). */
#include "kernel/dev/device.h"
#include "kernel/dev/driver.h"
#include "kernel/module/info.h"
#include "lib/string.h"

DRIVER_INFO("greeting", "1.0", "MIT", "a disk with one file");
DRIVER_DRIVES("root");

enum { BLOCK_BYTES = 512, DATA_OFFSET = 4096, DISK_BYTES = 2 * DATA_OFFSET };

static const char text[] = "hello from outside the tree\n";
static uint8_t content[DISK_BYTES];
static struct device *disk;

static void fill(void)
{
    memcpy(content, "ONEFILE1", 8);
    content[8] = sizeof(text) - 1;
    memcpy(content + 16, "greeting", 8);
    memcpy(content + DATA_OFFSET, text, sizeof(text) - 1);
}

static void start(struct device *device, struct io_transfer *transfer)
{
    uint64_t offset = transfer->offset_bytes;
    (void)device;
    for (unsigned i = 0; i < transfer->segment_count; i++) {
        memcpy(transfer->segments[i].address, content + offset, transfer->segments[i].length_bytes);
        offset += transfer->segments[i].length_bytes;
    }
    io_transfer_done(transfer, 0, transfer->length_bytes);
}

static const struct device_ops disk_ops = { .start = start };

static status_t add(struct device *root)
{
    static const struct device_description description = {
        .name = "greeting",
        .ops = &disk_ops,
        .device_class = &class_disk,
        .read_only = true,
        .no_automount = true,
        .limits = { .block_bytes = BLOCK_BYTES, .depth = 1 },
    };
    if (root != device_root())
        return -ENODEV;
    disk = device_create(root, &description);
    if (!disk)
        return -ENOMEM;
    fill();
    device_set_medium(disk, DISK_BYTES);
    status_t status = device_publish(disk);
    if (status)
        device_put(disk);
    return status;
}

static void take_back(struct device *root)
{
    (void)root;
    device_remove(disk);
    device_put(disk);
}

static const struct driver driver_greeting = {
    .name = "greeting",
    .order = 70,
    .add_device = add,
    .remove_device = take_back,
};
DRIVER(driver_greeting);

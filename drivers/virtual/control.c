/*
 * control.c - the control device, through which drives come and go (kernel/dev/virtual.h).
 */
#include "drivers/virtual/store.h"
#include "kernel/dev/driver.h"
#include "kernel/dev/virtual.h"
#include "lib/string.h"
#include "lib/text.h"

static bool block_bytes_valid(uint32_t bytes)
{
    return bytes == 512 || bytes == 1024 || bytes == 2048 || bytes == 4096;
}

static status_t store_create(const struct virtual_register *request, struct store **store)
{
    switch (request->store) {
    case VIRTUAL_RAM: return store_ram_create(request->size_bytes, store);
    case VIRTUAL_FILE: return store_file_create(request->image, store);
    default: return -EINVAL;
    }
}

/* An image of whole CD sectors is shown as the data in them, unless a block size was asked for. */
static status_t raw_detect(struct store **store, bool *raw)
{
    status_t status = store_raw_detect(store, raw);
    if (status)
        (*store)->ops->close(*store);
    return status;
}

static status_t control_register(struct virtual_register *request, size_t bytes)
{
    if (bytes != sizeof(*request) || request->struct_bytes != sizeof(*request) ||
        strnlen(request->image, sizeof(request->image)) == sizeof(request->image))
        return -EINVAL;
    uint32_t block_bytes = request->block_bytes ? request->block_bytes : VIRTUAL_BLOCK_BYTES;
    if (!block_bytes_valid(block_bytes))
        return -EINVAL;
    struct store *store;
    struct device *device;
    bool raw = false;
    status_t status = store_create(request, &store);
    if (!status && request->store == VIRTUAL_FILE && !request->block_bytes)
        status = raw_detect(&store, &raw);
    if (raw)
        block_bytes = 2048;
    if (!status)
        status = drive_create(store, block_bytes, request->flags & VIRTUAL_TEMPORARY, &device);
    if (!status) {
        text_copy(request->device, sizeof(request->device), device->alias);
        device_put(device);
    }
    return status;
}

static status_t control_unregister(const struct virtual_unregister *request, size_t bytes)
{
    if (bytes != sizeof(*request) || request->struct_bytes != sizeof(*request) ||
        strnlen(request->device, sizeof(request->device)) == sizeof(request->device))
        return -EINVAL;
    struct device *device = device_find(request->device);
    if (!device)
        return -ENODEV;
    status_t status = -EINVAL;
    if (device_is_drive(device) && request->removal == VIRTUAL_IF_IDLE)
        status = drive_remove(device);
    device_put(device);
    return status;
}

static status_t control_control(struct device *device, unsigned operation, void *argument,
                                size_t bytes)
{
    (void)device;
    if (!argument)
        return -EINVAL;
    switch (operation) {
    case VIRTUAL_REGISTER: return control_register(argument, bytes);
    case VIRTUAL_UNREGISTER: return control_unregister(argument, bytes);
    }
    return -EOPNOTSUPP;
}

static void control_describe(struct device *device, char *text, size_t bytes)
{
    (void)device;
    text_copy(text, bytes, "makes and removes virtual drives");
}

static const struct device_ops control_ops = {
    .control = control_control,
    .describe = control_describe,
};

static status_t publish(struct device *parent, const char *name, enum device_class device_class,
                        const struct device_ops *ops)
{
    struct device *device = device_create(parent, name);
    if (!device)
        return -ENOMEM;
    device->device_class = device_class;
    if (ops)
        device->ops = ops;
    status_t status = device_publish(device);
    device_put(device);
    return status;
}

static status_t virtual_add(struct device *device)
{
    if (device != device_root())
        return -ENODEV;
    status_t status = publish(device, "virtual", CLASS_BUS, NULL);
    struct device *bus = device_find("virtual");
    if (!status && bus)
        status = publish(bus, "control", CLASS_CONTROL, &control_ops);
    device_put(bus);
    return status;
}

static const struct driver driver_virtual = {
    .name = "virtual",
    .order = 80,
    .add_device = virtual_add,
};
DRIVER(driver_virtual);

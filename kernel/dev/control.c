/*
 * control.c - executes the operations of devices, and gives the common answers.
 */
#include "kernel/dev/control.h"

#include "kernel/dev/icon.h"
#include "kernel/dev/internal.h"
#include "lib/macros.h"

/* ---- common answers ----------------------------------------------------------------------- */

/* Returns the status that opening the device would return, as far as its medium decides. */
static status_t open_status(struct device *device)
{
    device_lock(device);
    status_t status = medium_status(device);
    device_unlock(device);
    return status ? status : medium_check_below(device);
}

static status_t get_size(struct device *device, void *argument)
{
    struct device_size *size = argument;
    status_t status = open_status(device);
    if (status)
        return status;
    *size = (struct device_size){ .size_bytes = device_medium(device).bytes,
                                  .block_bytes = device_block_bytes(device) };
    return 0;
}

static status_t get_geometry(struct device *device, void *argument)
{
    status_t status = open_status(device);
    if (!status)
        *(struct device_geometry *)argument =
            geometry_derive(device_medium(device).bytes, device_block_bytes(device));
    return status;
}

static status_t get_bios_geometry(struct device *device, void *argument)
{
    status_t status = open_status(device);
    if (!status)
        *(struct device_geometry *)argument = geometry_bios(device_medium(device).bytes);
    return status;
}

/* -EOPNOTSUPP for a class without such numbers, and when there are more drives than numbers. */
static status_t get_bios_drive(struct device *device, void *argument)
{
    struct device_bios_drive *bios = argument;

    /* A part has the number of its drive. */
    device = device->drive;
    const struct device_class *class = device->device_class;
    if (device->is_virtual && class->has_alias) {
        bios->drive = DEVICE_BIOS_VIRTUAL;
        return 0;
    }

    /* A BIOS numbers drives in the order in which it finds them, as the aliases do. */
    if (device->class_number >= class->bios_count)
        return -EOPNOTSUPP;
    bios->drive = (uint8_t)(class->bios_first + device->class_number);
    return 0;
}

static status_t get_status(struct device *device, void *argument)
{
    struct device_status *status = argument;
    status_t medium = open_status(device);
    *status = (struct device_status){
        .medium = medium,
        .readable = !medium,
        .writable = !medium && !device_is_read_only(device),
        .generation = device_medium(device).generation,
        .handles = device_open_count(device),
    };
    return 0;
}

static status_t get_flags(struct device *device, void *argument)
{
    struct device_flags *flags = argument;
    *flags = (struct device_flags){
        .device_class = device->device_class,
        .is_virtual = device_is_virtual(device),
        .removable = device_is_removable(device->drive),
        .read_only = device_is_read_only(device),
    };
    return 0;
}

static status_t get_icon(struct device *device, void *argument)
{
    struct device_icon *icon = argument;
    enum icon_kind kind = device->device_class == &class_cdrom ? ICON_CD
                          : device_is_virtual(device)         ? ICON_VIRTUAL
                                                              : ICON_DISK;
    if (icon->side != ICON_SMALL && icon->side != ICON_LARGE)
        return -EINVAL;
    icon_draw(icon, kind, (device_is_read_only(device) ? ICON_READ_ONLY : 0u) |
                              (device_medium(device).present ? 0u : ICON_ABSENT));
    return 0;
}

/* Of the medium that is present now, since the caller has not opened the device. */
static status_t flush(struct device *device, void *argument)
{
    (void)argument;
    const struct device_handle now = { device, device_medium(device).generation };
    return io_wait(&now, IO_FLUSH, 0, NULL, 0, NULL);
}

/* ---- dispatch ----------------------------------------------------------------------------- */

/* The operations whose length is checked; `common` NULL: only a driver can do it. */
static const struct {
    unsigned operation;
    size_t bytes; /* 0: takes no argument */
    status_t (*common)(struct device *device, void *argument);
} operations[] = {
    { DEVICE_CONTROL_EJECT, 0, NULL },
    { DEVICE_CONTROL_LOAD, 0, NULL },
    { DEVICE_CONTROL_LOCK_DOOR, 0, NULL },
    { DEVICE_CONTROL_UNLOCK_DOOR, 0, NULL },
    { DEVICE_CONTROL_SESSION, sizeof(struct device_session), NULL },
    { DEVICE_CONTROL_TOC, sizeof(struct device_toc), NULL },
    { DEVICE_CONTROL_GET_SIZE, sizeof(struct device_size), get_size },
    { DEVICE_CONTROL_GET_GEOMETRY, sizeof(struct device_geometry), get_geometry },
    { DEVICE_CONTROL_GET_BIOS_GEOMETRY, sizeof(struct device_geometry), get_bios_geometry },
    { DEVICE_CONTROL_GET_BIOS_DRIVE, sizeof(struct device_bios_drive), get_bios_drive },
    { DEVICE_CONTROL_GET_STATUS, sizeof(struct device_status), get_status },
    { DEVICE_CONTROL_GET_FLAGS, sizeof(struct device_flags), get_flags },
    { DEVICE_CONTROL_GET_ICON, sizeof(struct device_icon), get_icon },
    { DEVICE_CONTROL_FLUSH, 0, flush },
};

enum { OPERATIONS = ARRAY_LENGTH(operations) };

static status_t driver_control(struct device *device, unsigned operation, void *argument,
                               size_t bytes)
{
    return device->ops->control ? device->ops->control(device, operation, argument, bytes)
                                : -EOPNOTSUPP;
}

status_t device_control(struct device *device, unsigned operation, void *argument, size_t bytes)
{
    unsigned i = 0;
    if (device->gone)
        return -ENODEV;

    /* The tray and the door are the drive's, also of a part. */
    if (operation <= DEVICE_CONTROL_UNLOCK_DOOR)
        device = device->drive;

    /* Operations that only a driver knows: it checks the length itself. */
    while (i < OPERATIONS && operations[i].operation != operation)
        i++;
    if (i == OPERATIONS || !device_has_data(device))
        return driver_control(device, operation, argument, bytes);

    /* The driver's answer takes precedence over the common one. */
    if (bytes != operations[i].bytes || !argument != !operations[i].bytes)
        return -EINVAL;
    status_t status = driver_control(device, operation, argument, bytes);
    if (status == -EOPNOTSUPP && operations[i].common)
        status = operations[i].common(device, argument);
    return status;
}

/*
 * control.c - the control device: checks each operation's argument, finds its drive and calls
 * drive.c (kernel/dev/virtual.h).
 */
#include "drivers/storage/virtual/disc/cd_sector.h"
#include "drivers/storage/virtual/drive.h"
#include "drivers/storage/virtual/save.h"
#include "kernel/dev/driver.h"
#include "kernel/dev/geometry.h"
#include "kernel/vfs/vfs.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- what every operation checks ---------------------------------------------------------- */

static bool text_ends(const char *text, size_t bytes)
{
    return strnlen(text, bytes) < bytes;
}

/* Finds the drive of this name: a reference. -EINVAL if the name does not end within its array. */
static status_t find_drive(const char name[DEVICE_NAME_BYTES], struct device **device)
{
    *device = NULL;
    if (!text_ends(name, DEVICE_NAME_BYTES))
        return -EINVAL;

    /* Any device may be named, also one that is not a drive. */
    struct device *found = device_find(name);
    if (!found)
        return -ENODEV;
    if (!device_is_drive(found)) {
        device_put(found);
        return -EINVAL;
    }

    *device = found;
    return 0;
}

enum { DRIVE_PAGES = 8 }; /* more than a drive needs, without the bytes written to it */

/* ---- register ----------------------------------------------------------------------------- */

enum {
    FLAGS = VIRTUAL_TEMPORARY | VIRTUAL_WRITABLE | VIRTUAL_CD | VIRTUAL_GEOMETRY | VIRTUAL_NO_MOUNT,
};

/* Checks that a CD is read-only and has blocks of 2048 bytes. */
static bool cd_valid(const struct virtual_register *request)
{
    uint32_t block = request->flags & VIRTUAL_GEOMETRY ? request->geometry.sector_bytes
                                                       : request->block_bytes;

    return !(request->flags & VIRTUAL_CD) ||
           (!(request->flags & VIRTUAL_WRITABLE) && (!block || block == 2048));
}

static bool register_valid(const struct virtual_register *request)
{
    bool from_file = request->store == VIRTUAL_FILE || request->store == VIRTUAL_RAM_IMAGE ||
                     request->store == VIRTUAL_OVERLAY;
    bool geometry = request->flags & VIRTUAL_GEOMETRY;

    /* Unknown flags are refused, so that they can get a meaning later. A geometry already has a
     * block size and a size. Only a file has a path and an offset. */
    return request->magic == VIRTUAL_REGISTER_MAGIC &&
           (unsigned)request->store <= VIRTUAL_MEMORY && !(request->flags & ~(uint32_t)FLAGS) &&
           text_ends(request->image, sizeof(request->image)) &&
           text_ends(request->device, sizeof(request->device)) &&
           (!request->block_bytes || block_bytes_valid(request->block_bytes)) &&
           !(geometry && (request->block_bytes || request->size_bytes)) &&
           (from_file ? *request->image == '/' : !request->offset_bytes) &&
           cd_valid(request);
}

/* Returns the halted drive that had this image: a reference, or NULL. */
static struct device *find_halted(const char *image)
{
    struct device *bus = device_find("virtual"), *device = NULL;

    /* Children are visited in the order of their numbers; they may come and go meanwhile. */
    for (unsigned last = 0; *image && bus && (device = device_child(bus, last));) {
        last = device_number(device);
        if (device_is_drive(device) && drive_is_halted_on(device, image))
            break;
        device_put(device);
    }
    device_put(bus);
    return device;
}

/* Chooses the drive to register into: a reference; NULL: a new drive is to be created. */
static status_t choose_drive(const struct virtual_register *request, struct device **device)
{
    *device = NULL;
    if (*request->device)
        return find_drive(request->device, device);

    /* A drive that was halted takes its image again under its old name. A temporary one
     * is always new. */
    if (!(request->flags & VIRTUAL_TEMPORARY))
        *device = find_halted(request->image);
    return 0;
}

static status_t control_register(void *argument)
{
    struct virtual_register *request = argument;
    struct device *device;
    struct image *image;

    if (!register_valid(request))
        return -EINVAL;

    /* The last of the memory is for the file cache: no drive is created that
     * could not be served. */
    if (vfs_memory_is_short(DRIVE_PAGES))
        return -ENOMEM;

    /* The image is opened before the drive changes. If that fails, a halted
     * drive stays as it is. */
    status_t status = choose_drive(request, &device);
    if (!status)
        status = image_open(request, &image);
    if (!status)
        status = device ? drive_register_again(device, image) : drive_create(image, &device);
    if (!status)
        text_copy(request->device, sizeof(request->device), device_alias(device));
    device_put(device);
    return status;
}

/* ---- the others --------------------------------------------------------------------------- */

static status_t control_unregister(void *argument)
{
    const struct virtual_unregister *request = argument;
    struct device *device;
    status_t status = find_drive(request->device, &device);
    if (!status)
        status = drive_unregister(device, request->removal);
    device_put(device);
    return status;
}

static status_t control_get_info(void *argument)
{
    struct virtual_info *info = argument;
    struct device *device;
    status_t status = find_drive(info->device, &device);
    if (status)
        return status;

    /* Nothing that the caller left in the struct is taken for an answer. */
    *info = (struct virtual_info){ .struct_bytes = sizeof(*info) };
    drive_get_info(device, info);
    device_put(device);
    return 0;
}

static status_t control_list(void *argument)
{
    struct virtual_list *list = argument;
    struct device *bus = device_find("virtual"), *device;
    status_t status = -ENOENT;

    /* The next drive after the position. The bus has other devices, too, such as the
     * control device. */
    while (status && bus && (device = device_child(bus, list->position))) {
        list->position = device_number(device);
        if (device_is_drive(device)) {
            text_copy(list->device, sizeof(list->device), device_alias(device));
            status = 0;
        }
        device_put(device);
    }

    device_put(bus);
    return status;
}

static status_t control_save(void *argument)
{
    const struct virtual_save *save = argument;
    struct device *device;
    if (!text_ends(save->path, sizeof(save->path)) || *save->path != '/')
        return -EINVAL;

    status_t status = find_drive(save->device, &device);
    if (!status)
        status = save_device(device, save->path, save->progress);
    device_put(device);
    return status;
}

/* ---- while the drive is held --------------------------------------------------------------- */

static status_t with_drive(const char *name, bool may_wait,
                           status_t (*use)(struct device *device, struct image *image,
                                           void *context),
                           void *context)
{
    struct device *device;
    status_t status = find_drive(name, &device);
    if (!status)
        status = drive_with_image(device, may_wait, use, context);
    device_put(device);
    return status;
}

static status_t diff_image(struct device *device, struct image *image, void *context)
{
    struct virtual_diff *diff = context;
    (void)device;
    if (!image || !image->overlay)
        return image ? -EINVAL : -ENODEV;
    return store_overlay_next(image->overlay, diff->offset_bytes, &diff->offset_bytes,
                              &diff->length_bytes);
}

static status_t commit_image(struct device *device, struct image *image, void *context)
{
    struct virtual_change *change = context;
    (void)device;
    if (!image || !image->overlay)
        return image ? -EINVAL : -ENODEV;
    return store_overlay_commit(image->overlay, change->progress);
}

static status_t discard_image(struct device *device, struct image *image, void *context)
{
    (void)context;
    if (!image || !image->overlay)
        return image ? -EINVAL : -ENODEV;

    /* Whatever is open may hold written bytes in its cache, e.g. those of a mount. */
    if (device_open_count(device))
        return -EBUSY;

    store_overlay_discard(image->overlay);
    return 0;
}

static status_t fault_image(struct device *device, struct image *image, void *context)
{
    const struct virtual_fault *fault = context;
    if (!image)
        return -ENODEV;

    /* This one is about the drive; all others are set in its store. */
    if (fault->kind == VIRTUAL_FAULT_ATTENTION) {
        drive_announce_again(device, image);
        return 0;
    }

    /* Clearing faults does not need a store that has none. */
    if (fault->kind == VIRTUAL_FAULT_NONE && !image->fault)
        return 0;

    status_t status = image_make_faulty(image);
    return status ? status : store_fault_set(image->fault, fault);
}

static status_t control_diff(void *argument)
{
    return with_drive(((struct virtual_diff *)argument)->device, false, diff_image, argument);
}

static status_t control_commit(void *argument)
{
    return with_drive(((struct virtual_change *)argument)->device, false, commit_image, argument);
}

static status_t control_discard(void *argument)
{
    return with_drive(((struct virtual_change *)argument)->device, false, discard_image, argument);
}

static status_t control_get_fault(void *argument)
{
    struct virtual_fault *fault = argument;
    struct device *device;
    struct drive_look look;
    status_t status = find_drive(fault->device, &device);
    if (status)
        return status;

    /* -ENOENT ends a list: also that of a drive without faults. */
    drive_look_begin(device, &look);
    if (!look.image)
        status = -ENODEV;
    else if (!look.image->fault)
        status = -ENOENT;
    else
        status = store_fault_get(look.image->fault, fault->position, fault);
    drive_look_end(device, &look);
    device_put(device);
    return status;
}

/* Opens the other disc with the block size and the class of the first one. */
static status_t control_swap(const struct virtual_fault *fault)
{
    struct device *device;
    struct image *image = NULL;

    /* The request has two paths and is too large for the stack. */
    struct virtual_register *request = mem_zalloc(sizeof(*request));
    status_t status = request ? find_drive(fault->device, &device) : -ENOMEM;
    if (status) {
        mem_free(request);
        return status;
    }

    /* The other disc gets the block size and the class of the first: the drive keeps both. */
    request->magic = VIRTUAL_REGISTER_MAGIC;
    request->store = VIRTUAL_FILE;
    request->flags = device_class(device) == &class_cdrom ? VIRTUAL_CD : 0;
    request->block_bytes = device_block_bytes(device);
    text_copy(request->image, sizeof(request->image), fault->image);

    status = image_open(request, &image);
    if (!status)
        status = drive_swap(device, image);

    device_put(device);
    mem_free(request);
    return status;
}

static status_t control_fault(void *argument)
{
    struct virtual_fault *fault = argument;
    if (fault->kind != VIRTUAL_FAULT_SWAP)
        return with_drive(fault->device, true, fault_image, fault);

    /* A swap opens an image, which takes a while; it holds the drive only for the exchange. */
    bool valid = text_ends(fault->image, sizeof(fault->image)) && *fault->image == '/';
    return valid ? control_swap(fault) : -EINVAL;
}

/* ---- the device --------------------------------------------------------------------------- */

static const struct {
    size_t struct_bytes;
    status_t (*run)(void *argument);
} operations[] = {
    [VIRTUAL_REGISTER - VIRTUAL_REGISTER] = { sizeof(struct virtual_register), control_register },
    [VIRTUAL_UNREGISTER - VIRTUAL_REGISTER] = { sizeof(struct virtual_unregister),
                                                control_unregister },
    [VIRTUAL_GET_INFO - VIRTUAL_REGISTER] = { sizeof(struct virtual_info), control_get_info },
    [VIRTUAL_LIST - VIRTUAL_REGISTER] = { sizeof(struct virtual_list), control_list },
    [VIRTUAL_SAVE - VIRTUAL_REGISTER] = { sizeof(struct virtual_save), control_save },
    [VIRTUAL_DIFF - VIRTUAL_REGISTER] = { sizeof(struct virtual_diff), control_diff },
    [VIRTUAL_COMMIT - VIRTUAL_REGISTER] = { sizeof(struct virtual_change), control_commit },
    [VIRTUAL_DISCARD - VIRTUAL_REGISTER] = { sizeof(struct virtual_change), control_discard },
    [VIRTUAL_FAULT - VIRTUAL_REGISTER] = { sizeof(struct virtual_fault), control_fault },
    [VIRTUAL_GET_FAULT - VIRTUAL_REGISTER] = { sizeof(struct virtual_fault), control_get_fault },
};

static status_t control_control(struct device *device, unsigned operation, void *argument,
                                size_t bytes)
{
    (void)device;
    unsigned index = operation - VIRTUAL_REGISTER;
    uint32_t struct_bytes;

    if (operation < VIRTUAL_REGISTER || index >= ARRAY_LENGTH(operations))
        return -EOPNOTSUPP;
    if (!argument || bytes != operations[index].struct_bytes)
        return -EINVAL;

    /* Every argument begins with its size, so that a caller built against another
     * layout is refused. */
    memcpy(&struct_bytes, argument, sizeof(struct_bytes));
    return struct_bytes == bytes ? operations[index].run(argument) : -EINVAL;
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

static status_t publish_control(struct device *bus)
{
    static const struct device_description description = {
        .name = "control",
        .device_class = &class_control,
        .ops = &control_ops,
    };
    struct device *device = device_create(bus, &description);
    if (!device)
        return -ENOMEM;
    status_t status = device_publish(device);
    device_put(device);
    return status;
}

static status_t virtual_add(struct device *device)
{
    struct device *bus;
    if (device != device_root())
        return -ENODEV;

    /* The tables of the sector codes, before the first image can be opened. */
    cd_sector_start();

    status_t status = device_publish_bus(device, "virtual", &bus);
    if (status)
        return status;
    status = publish_control(bus);
    device_put(bus);
    return status;
}

static const struct driver driver_virtual = {
    .name = "virtual",
    .order = 80,
    .add_device = virtual_add,
};
DRIVER(driver_virtual);

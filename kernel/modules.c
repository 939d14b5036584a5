/*
 * modules.c - loads the drivers among the boot modules, and turns each other one into a virtual
 * drive. See modules.h.
 */
#include "kernel/modules.h"
#include "kernel/dev/virtual.h"
#include "kernel/log.h"
#include "kernel/mm/frames.h"
#include "kernel/mm/memory.h"
#include "kernel/module/index.h"
#include "kernel/vfs/vfs.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum {
    DESCRIPTOR_OFFSET = 16 * 2048, /* ECMA-119 6.2.1: the data area's first block */
    DRIVER_TYPE_OFFSET = 16,       /* gABI, "ELF header": e_type */
    DRIVER_TYPE_RELOCATABLE = 1,
};

static const struct boot_info *info;
static char drives[BOOT_MODULES_MAX][DEVICE_NAME_BYTES]; /* aliases, by module; "": none */

/* Returns whether the image holds an ISO 9660 volume. */
static bool holds_volume(const uint8_t *image, uint64_t bytes)
{
    /* Byte 0 is the descriptor's type; the standard identifier follows it (ECMA-119 8.1.2). */
    return bytes > DESCRIPTOR_OFFSET + 2048 &&
           memcmp(image + DESCRIPTOR_OFFSET + 1, "CD001", 5) == 0;
}

/* Returns whether the module is an ELF relocatable object: of the formats that are drives, none
 * begins like this. */
static bool is_driver(const uint8_t *image, uint64_t bytes)
{
    return bytes > DRIVER_TYPE_OFFSET && memcmp(image, "\177ELF", 4) == 0 &&
           image[DRIVER_TYPE_OFFSET] == DRIVER_TYPE_RELOCATABLE;
}

/* ---- drivers ------------------------------------------------------------------------------ */

/* Loads a driver that fits a device. One that fits none stays on the boot disc. */
static void load_driver(const struct boot_module *module)
{
    struct object_error error = { "" };
    const char *name;
    struct bytes file = { memory_at(module->start), module->end - module->start };

    /* A driver that fails to load is reported and does not keep the machine from starting. */
    status_t status = index_wants_bytes(file)
                          ? index_load_bytes(file, module->name, &name, &error) : 0;
    if (status)
        log_warn("boot", "module %s: %s", module->name,
                 error.why[0] ? error.why : status_text(status));

    /* What was loaded is a copy. */
    frames_add_module(info, module);
}

/* ---- drives ------------------------------------------------------------------------------- */

static status_t module_register(struct device *control, const struct boot_module *module,
                                struct virtual_register *request)
{
    *request = (struct virtual_register){
        .struct_bytes = sizeof(*request),
        .magic = VIRTUAL_REGISTER_MAGIC,
        .store = VIRTUAL_MEMORY,
        .memory = memory_at(module->start),
        .size_bytes = module->end - module->start,
    };
    text_copy(request->image, sizeof(request->image), module->name);

    /* Only a CD may become /System without being asked for. */
    if (holds_volume(request->memory, request->size_bytes))
        request->flags = VIRTUAL_CD;
    return device_control(control, VIRTUAL_REGISTER, request, sizeof(*request));
}

static void add_drive(struct device *control, unsigned index, struct virtual_register *request)
{
    const struct boot_module *module = &info->modules[index];
    status_t status = module_register(control, module, request);
    if (status) {
        log_warn("boot", "module %s: %s", module->name, status_text(status));
        return;
    }

    /* The alias connects the drive with its memory: modules_release() frees that when the drive
     * goes. */
    text_copy(drives[index], sizeof(drives[index]), request->device);
    log_info("boot", "%s is module %s, %llu bytes", request->device, module->name,
             (unsigned long long)(module->end - module->start));
}

void modules_start(const struct boot_info *boot)
{
    struct device *control = device_find(VIRTUAL_CONTROL);
    struct virtual_register *request = mem_alloc(sizeof(*request));
    info = boot;

    /* There was no log yet when the loader's information was read. */
    if (boot->modules_dropped)
        log_warn("boot", "invalid modules, or more than there is room for: %u",
                 boot->modules_dropped);

    /* Without the virtual drives' driver, or without memory, the machine starts from its discs
     * alone. */
    for (unsigned i = 0; control && request && i < boot->module_count; i++) {
        const struct boot_module *module = &boot->modules[i];
        if (is_driver(memory_at(module->start), module->end - module->start))
            load_driver(module);
        else
            add_drive(control, i, request);
    }

    mem_free(request);
    device_put(control);
}

/* Removes the drive, unless it is in use. */
static status_t remove_drive(struct device *device)
{
    struct virtual_unregister request = { .struct_bytes = sizeof(request),
                                          .removal = VIRTUAL_IF_IDLE };
    struct device *control = device_find(VIRTUAL_CONTROL);
    if (!control)
        return -ENODEV;

    /* The mount is a use of the drive, so it ends first. VIRTUAL_IF_IDLE refuses while a file is
     * open. */
    text_copy(request.device, sizeof(request.device), device_alias(device));
    vfs_unmount_device(device);
    status_t status = device_control(control, VIRTUAL_UNREGISTER, &request, sizeof(request));
    device_put(control);
    return status;
}

/* Returns the number of the module, or BOOT_MODULES_MAX. */
static unsigned find_drive(const struct device *device)
{
    unsigned i = 0;
    while (i < BOOT_MODULES_MAX && !(*drives[i] && text_equal(drives[i], device_alias(device))))
        i++;
    return i;
}

bool modules_is_copy(const struct device *device)
{
    return find_drive(device) < BOOT_MODULES_MAX;
}

status_t modules_release(struct device *device)
{
    unsigned i = find_drive(device);
    if (i == BOOT_MODULES_MAX)
        return -ENOENT;

    /* Without handles there are no transfers, so nothing reads this memory any more. */
    status_t status = remove_drive(device);
    if (status)
        return status;

    /* The entry is cleared last: until then the alias is part of the message. */
    const struct boot_module *module = &info->modules[i];
    frames_add_module(info, module);
    log_info("boot", "%s: the copy in memory is not needed; %llu KiB are free again", drives[i],
             (unsigned long long)(module->end - module->start) / 1024);
    *drives[i] = '\0';
    return 0;
}

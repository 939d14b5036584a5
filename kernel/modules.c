/*
 * modules.c - loads the drivers among the boot modules, and turns each other one into a virtual
 * drive.
 */
#include "kernel/modules.h"
#include "kernel/dev/virtual.h"
#include "kernel/log.h"
#include "kernel/mm/memory.h"
#include "kernel/module/index.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum {
    DESCRIPTOR_OFFSET = 16 * 2048, /* ECMA-119 6.2.1: the data area's first block */
    DRIVER_TYPE_OFFSET = 16,       /* gABI, "ELF header": e_type */
    DRIVER_TYPE_RELOCATABLE = 1,
};

/* Returns whether the image holds an ISO 9660 volume. */
static bool holds_volume(const uint8_t *image, uint64_t bytes)
{
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

static status_t load_driver(const struct boot_module *module)
{
    struct object_error error;
    const char *name;
    struct bytes file = { memory_at(module->start), module->end - module->start };

    status_t status = index_load_bytes(file, module->name, &name, &error);
    if (status && error.why[0])
        log_warn("boot", "module %s: %s", module->name, error.why);
    return status;
}

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

void modules_start(const struct boot_info *boot)
{
    struct device *control = device_find(VIRTUAL_CONTROL);
    struct virtual_register *request = mem_alloc(sizeof(*request));

    /* There was no log yet when the loader's information was read. */
    if (boot->modules_dropped)
        log_warn("boot", "invalid modules, or more than there is room for: %u",
                 boot->modules_dropped);

    /* The drive's bytes are the module's memory itself, which is never freed. */
    for (unsigned i = 0; control && request && i < boot->module_count; i++) {
        const struct boot_module *module = &boot->modules[i];
        if (is_driver(memory_at(module->start), module->end - module->start)) {
            IGNORE(load_driver(module));
            continue;
        }
        status_t status = module_register(control, module, request);
        if (status)
            log_warn("boot", "module %s: %s", module->name, status_text(status));
        else
            log_info("boot", "%s is module %s, %llu bytes", request->device, module->name,
                     (unsigned long long)(module->end - module->start));
    }

    mem_free(request);
    device_put(control);
}

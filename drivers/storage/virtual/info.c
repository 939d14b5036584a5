/*
 * info.c - what a drive reports about itself, to the control device and through its own handle.
 */
#include "drivers/storage/virtual/drive.h"
#include "kernel/dev/control.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- information -------------------------------------------------------------------------- */

static void info_take_facts(const struct image_facts *facts, struct virtual_info *info)
{
    /* As registered, or as found in the image. */
    info->store = facts->kind;
    info->flags = facts->flags;
    info->block_bytes = facts->block_bytes;
    info->size_bytes = facts->size_bytes;
    info->offset_bytes = facts->offset_bytes;
    info->tail_bytes = facts->tail_bytes;
    info->raw_sector_bytes = facts->raw_sector_bytes;
    info->level = facts->level;
    info->read_only = facts->read_only;
    info->geometry = facts->geometry;
    info->bios_geometry = geometry_bios(facts->size_bytes);
}

void drive_get_info(struct device *device, struct virtual_info *info)
{
    struct drive_look look;
    drive_look_begin(device, &look);

    text_copy(info->device, sizeof(info->device), device_alias(device));
    text_copy(info->image, sizeof(info->image), look.facts->path);

    /* Known even when the drive is halted: facts outlive their image. */
    info->state = look.state;
    info->generation = look.generation;
    info->handles = device_open_count(device);
    info_take_facts(look.facts, info);

    /* Only the image itself knows these. */
    if (look.image) {
        info->memory_bytes = store_memory(look.image->content);
        info->corrected_sectors = atomic_load(&look.image->ledger.corrected);
        info->refused_sectors = atomic_load(&look.image->ledger.refused);
        info->faults = look.image->fault ? store_fault_count(look.image->fault) : 0;
    }

    drive_look_end(device, &look);
}

bool drive_is_halted_on(struct device *device, const char *path)
{
    struct drive_look look;
    drive_look_begin(device, &look);
    bool same = look.state == VIRTUAL_HALTED && text_equal(look.facts->path, path);
    drive_look_end(device, &look);
    return same;
}

/* ---- the description ---------------------------------------------------------------------- */

static const char *kind_text(enum virtual_store kind)
{
    static const char *const texts[] = {
        [VIRTUAL_RAM] = "memory",      [VIRTUAL_FILE] = "file",
        [VIRTUAL_RAM_IMAGE] = "copy of", [VIRTUAL_OVERLAY] = "overlay on",
        [VIRTUAL_MEMORY] = "boot module",
    };
    return texts[kind];
}

void drive_describe(struct device *device, char *text, size_t bytes)
{
    struct drive_look look;
    drive_look_begin(device, &look);

    /* One line for a listing: size, access, and where the bytes come from. */
    format_text(text, bytes, "%s%llu bytes%s, %s%s%s", look.image ? "" : "halted; it was ",
                (unsigned long long)look.facts->size_bytes,
                look.facts->read_only ? ", read-only" : "", kind_text(look.facts->kind),
                *look.facts->path ? " " : "", look.facts->path);
    drive_look_end(device, &look);
}

/* ---- through its own handle --------------------------------------------------------------- */

/* Returns whether a request through the drive's own handle means this drive: "" or its alias. */
static bool names_drive(const char name[DEVICE_NAME_BYTES], const struct device *device)
{
    return strnlen(name, DEVICE_NAME_BYTES) < DEVICE_NAME_BYTES &&
           (!*name || text_equal(name, device_alias(device)));
}

static status_t own_get_info(struct device *device, void *argument)
{
    struct virtual_info *info = argument;
    if (!names_drive(info->device, device))
        return -EINVAL;

    /* Nothing that the caller left in the struct is taken for an answer. */
    *info = (struct virtual_info){ .struct_bytes = sizeof(*info) };
    drive_get_info(device, info);
    return 0;
}

static status_t own_unregister(struct device *device, void *argument)
{
    const struct virtual_unregister *request = argument;
    return names_drive(request->device, device) ? drive_unregister(device, request->removal)
                                                : -EINVAL;
}

static status_t own_get_size(struct device *device, void *argument)
{
    struct device_size *size = argument;
    struct drive_look look;

    /* Of the last image, also in a halted drive. */
    drive_look_begin(device, &look);
    size->size_bytes = look.facts->size_bytes;
    size->block_bytes = look.facts->block_bytes;
    drive_look_end(device, &look);
    return 0;
}

static status_t own_get_toc(struct device *device, void *argument)
{
    struct drive_look look;
    drive_look_begin(device, &look);

    /* Images without a table answer as devices without the operation do. */
    const struct device_toc *toc = look.image ? look.image->toc : NULL;
    status_t status = toc ? 0 : look.image ? -EOPNOTSUPP : -ENODEV;
    if (toc)
        *(struct device_toc *)argument = *toc;
    drive_look_end(device, &look);
    return status;
}

static status_t own_find_session(struct device *device, void *argument)
{
    struct drive_look look;
    drive_look_begin(device, &look);
    const struct device_toc *toc = look.image ? look.image->toc : NULL;
    status_t status = toc ? toc_find_session(toc, argument) : look.image ? -EOPNOTSUPP : -ENODEV;
    drive_look_end(device, &look);
    return status;
}

static status_t own_get_geometry(struct device *device, void *argument)
{
    struct drive_look look;
    drive_look_begin(device, &look);
    *(struct device_geometry *)argument = look.facts->geometry;
    drive_look_end(device, &look);
    return 0;
}

static status_t own_get_bios_geometry(struct device *device, void *argument)
{
    struct drive_look look;
    drive_look_begin(device, &look);
    *(struct device_geometry *)argument = geometry_bios(look.facts->size_bytes);
    drive_look_end(device, &look);
    return 0;
}

/* device_control() has checked the sizes of the structs in control.h. */
static const struct {
    unsigned operation;
    size_t struct_bytes; /* 0: the struct does not begin with its size */
    status_t (*run)(struct device *device, void *argument);
} operations[] = {
    { VIRTUAL_GET_INFO, sizeof(struct virtual_info), own_get_info },
    { VIRTUAL_UNREGISTER, sizeof(struct virtual_unregister), own_unregister },
    { DEVICE_CONTROL_GET_SIZE, 0, own_get_size },
    { DEVICE_CONTROL_TOC, 0, own_get_toc },
    { DEVICE_CONTROL_SESSION, 0, own_find_session },
    { DEVICE_CONTROL_GET_GEOMETRY, 0, own_get_geometry },
    { DEVICE_CONTROL_GET_BIOS_GEOMETRY, 0, own_get_bios_geometry },
};

status_t drive_control(struct device *device, unsigned operation, void *argument, size_t bytes)
{
    uint32_t struct_bytes;
    for (unsigned i = 0; i < ARRAY_LENGTH(operations); i++) {
        size_t wanted = operations[i].struct_bytes;
        if (operations[i].operation != operation)
            continue;

        /* The driver's own structs carry their size; those of control.h were checked before. */
        if (wanted && (!argument || bytes != wanted))
            return -EINVAL;
        if (wanted) {
            memcpy(&struct_bytes, argument, sizeof(struct_bytes));
            if (struct_bytes != wanted)
                return -EINVAL;
        }
        return operations[i].run(device, argument);
    }
    return -EOPNOTSUPP;
}

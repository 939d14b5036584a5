/*
 * device.c - the life and the properties of a device.
 */
#include "kernel/dev/internal.h"
#include "lib/text.h"

const struct device_class class_none = { .name = "none" };
const struct device_class class_bus = { .name = "bus" };
const struct device_class class_control = { .name = "control" };
const struct device_class class_disk = {
    .name = "disk", .has_alias = true, .bios_first = 0x80, .bios_count = 0x60
};
const struct device_class class_cdrom = {
    .name = "cdrom", .has_alias = true, .bios_first = 0xe0, .bios_count = 0x18
};
const struct device_class class_virtual = { .name = "virtual", .has_alias = true };

static struct device *root;

struct device *device_root(void)
{
    return root;
}

void device_set_root(struct device *device)
{
    root = device;
}

/* ---- life --------------------------------------------------------------------------------- */

static void init_links(struct device *device)
{
    list_init(&device->siblings);
    list_init(&device->children);
    list_init(&device->all_link);
    list_init(&device->number_link);
    list_init(&device->alias_link);
    list_init(&device->name_link);
    schedule_init(&device->waiting);
    list_init(&device->free_transfers);
    list_init(&device->event_link);
    list_init(&device->put_link);
    list_init(&device->owners_link);
}

struct device *device_create(struct device *parent, const struct device_description *description)
{
    static const struct device_ops no_ops = { 0 };
    struct device *device = mem_zalloc(sizeof(*device));
    if (!device)
        return NULL;

    text_copy(device->name, sizeof(device->name), description->name ? description->name : "");
    if (description->alias_prefix)
        text_copy(device->alias_prefix, sizeof(device->alias_prefix), description->alias_prefix);
    device->ops = description->ops ? description->ops : &no_ops;
    device->private_data = description->private_data;
    device->bus = description->bus;
    device->bus_data = description->bus_data;
    device->limits = description->limits;
    device->driver_data_bytes = description->driver_data_bytes;
    device->is_virtual = description->is_virtual;
    device_set_traits(device, &(struct device_traits){
        .device_class = description->device_class,
        .level = description->level,
        .block_bytes = description->limits.block_bytes,
        .read_only = description->read_only,
        .no_automount = description->no_automount,
        .no_parts = description->no_parts,
    });

    init_links(device);
    code_use_begin(&device->code_use, device->ops, "device", device->name);
    spin_init(&device->queue_lock, RANK_QUEUE);
    device->generation = 1;
    device->absent_status = -ENOMEDIUM;
    atomic_init(&device->references, 1);
    device->parent = parent ? parent : root;
    if (device->parent)
        device_get(device->parent);

    /* A part of a part refers to the drive directly, so a request adds one base, however deep. */
    device->drive = device;
    if (description->part.length_bytes) {
        device->drive = device->parent->drive;
        device->part = description->part;
        device->base_bytes = device->parent->base_bytes + description->part.base_bytes;
    }
    return device;
}

struct device *device_get(struct device *device)
{
    atomic_fetch_add_explicit(&device->references, 1, memory_order_relaxed);
    return device;
}

void device_put(struct device *device)
{
    /* A child holds a reference to its parent, which may be the last one: continue with it. */
    while (device && atomic_fetch_sub(&device->references, 1) == 1) {
        struct device *parent = device->parent;

        if (device->ops->destroy)
            device->ops->destroy(device);
        transfers_destroy(device);
        bad_blocks_sum_up(device, bad_blocks_take(device));

        /* The driver may be unloaded from now on, so its functions are not called any more. */
        code_use_end(&device->code_use);
        mem_free(device);
        device = parent;
    }
}

/* ---- properties --------------------------------------------------------------------------- */

const char *device_name(const struct device *device)
{
    return device->name;
}

bool device_code_name(const struct device *device, char *name, size_t bytes)
{
    return code_owner_name(device->ops, name, bytes);
}

const char *device_alias(const struct device *device)
{
    return device->alias;
}

const char *device_label(const struct device *device)
{
    return *device->alias ? device->alias : device->name;
}

unsigned device_number(const struct device *device)
{
    return device->number;
}

unsigned device_class_number(const struct device *device)
{
    return device->class_number;
}

struct device *device_parent(const struct device *device)
{
    return device->parent;
}

void *device_private(const struct device *device)
{
    return device->private_data;
}

const char *device_bus_name(const struct device *device)
{
    return device->bus ? device->bus->name : NULL;
}

const void *device_bus_data(const struct device *device, const struct bus_type *bus)
{
    return device->bus == bus ? device->bus_data : NULL;
}

bool device_has_ops(const struct device *device, const struct device_ops *ops)
{
    return device->ops == ops;
}

const struct device_class *device_class(const struct device *device)
{
    return device->device_class;
}

bool device_has_data(const struct device *device)
{
    return device->drive->ops->start;
}

bool device_is_virtual(const struct device *device)
{
    return device->drive->is_virtual;
}

bool device_is_removable(const struct device *device)
{
    return device->ops->poll;
}

bool device_is_read_only(const struct device *device)
{
    return device->read_only || device->drive->read_only;
}

bool device_automounts(const struct device *device)
{
    return !device->no_automount;
}

bool device_is_part(const struct device *device)
{
    return device->drive != device;
}

bool device_searches_parts(const struct device *device)
{
    return !device->no_parts;
}

bool device_is_gone(const struct device *device)
{
    return device->gone;
}

unsigned device_level(const struct device *device)
{
    return device->drive->level;
}

uint32_t device_block_bytes(const struct device *device)
{
    return device->drive->block_bytes;
}

void device_set_traits(struct device *device, const struct device_traits *traits)
{
    device->device_class = traits->device_class ? traits->device_class : &class_none;
    device->level = traits->level;
    device->block_bytes = traits->block_bytes;
    device->read_only = traits->read_only;
    device->no_automount = traits->no_automount;
    device->no_parts = traits->no_parts;
}

struct device_traits device_traits(const struct device *device)
{
    return (struct device_traits){
        .device_class = device->device_class,
        .level = device->level,
        .block_bytes = device->block_bytes,
        .read_only = device->read_only,
        .no_automount = device->no_automount,
        .no_parts = device->no_parts,
    };
}

status_t device_poll(struct device *device)
{
    return device->ops->poll ? device->ops->poll(device) : 0;
}

void device_describe(struct device *device, char *text, size_t bytes)
{
    text_copy(text, bytes, "");
    if (device->ops->describe)
        device->ops->describe(device, text, bytes);
}

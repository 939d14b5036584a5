/*
 * pvh.c - reads the start information of a PVH loader (QEMU's -kernel).
 *
 * Reference: Xen's public/arch-x86/hvm/start_info.h.
 */
#include "boot/loader.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { START_MAGIC = 0x336ec578, ENTRIES_MAX = 4096, MODULES_MAX = 64 };

struct start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp;
    /* from version 1 on */
    uint64_t memory_map;
    uint32_t memory_map_entries, reserved;
};

struct module_entry {
    uint64_t address, bytes, command_line, reserved;
};

struct memory_entry {
    uint64_t address, bytes;
    uint32_t type, reserved;
};

/* Copies NUL-terminated text of unknown length. Returns true if it was cut. */
static bool copy_loader_text(char *to, size_t to_bytes, uint64_t address)
{
    /* No more than `to_bytes` bytes are ever read, so only those have to be mapped. */
    uint64_t reach = address < BOOT_REACH ? BOOT_REACH - address : 0;
    size_t bytes = min(reach, to_bytes);
    const char *text = boot_physical(address, bytes);

    return text && boot_copy_text(to, to_bytes, text, bytes);
}

static void read_modules(const struct start_info *start, struct boot_info *info)
{
    uint32_t count = min(start->module_count, MODULES_MAX);
    const struct module_entry *entries = boot_physical(start->modules, count * sizeof(*entries));

    for (uint32_t i = 0; entries && i < count; i++) {
        struct module_entry entry;
        char name[BOOT_NAME_BYTES] = "";

        /* A copy, since the loader need not align the table. */
        memcpy(&entry, &entries[i], sizeof(entry));
        copy_loader_text(name, sizeof(name), entry.command_line);
        boot_add_module(info, entry.address, entry.address + entry.bytes, name, sizeof(name));
    }
}

static const char *read_memory_map(const struct start_info *start, struct boot_map *map)
{
    uint32_t count = start->memory_map_entries;
    const struct memory_entry *entries = boot_physical(start->memory_map,
                                                       count * (uint64_t)sizeof(*entries));

    /* In version 0 the structure ends before these fields: what was read is not the loader's. */
    if (start->version < 1 || count == 0 || !entries)
        return "PVH: no memory map";
    if (count > ENTRIES_MAX)
        return "PVH: invalid length of the memory map";

    for (uint32_t i = 0; i < count; i++) {
        struct memory_entry entry;
        memcpy(&entry, &entries[i], sizeof(entry));
        if (!boot_map_add(map, entry.address, entry.bytes, boot_memory_from_e820(entry.type)))
            return "PVH: too many entries in the memory map";
    }
    return NULL;
}

const char *boot_read_pvh(uint64_t information, struct boot_info *info, struct boot_map *map)
{
    struct start_info start = { 0 };
    const void *given = boot_physical(information, sizeof(start));

    /* The protocol does not name the loader, so its own name is shown. */
    info->protocol = "PVH";
    boot_copy_text(info->loader, sizeof(info->loader), "PVH", 4);

    if (!given)
        return "PVH: the start information is not below 4 GiB";
    memcpy(&start, given, sizeof(start));
    if (start.magic != START_MAGIC)
        return "PVH: wrong magic number of the start information";

    info->command_line_cut = copy_loader_text(info->command_line, sizeof(info->command_line),
                                              start.command_line);
    read_modules(&start, info);

    /* Without a valid copy acpi_start() searches for the root pointer itself. */
    const void *rsdp = boot_physical(start.rsdp, BOOT_RSDP_BYTES);
    if (rsdp)
        memcpy(info->rsdp, rsdp, BOOT_RSDP_BYTES);

    return read_memory_map(&start, map);
}

/*
 * boot.c - the first C code: whatever the loader, kmain() gets a struct boot_info.
 */
#include "boot/loader.h"
#include "kernel/port.h"
#include "lib/string.h"

enum boot_loader { LOADER_UNKNOWN, LOADER_MULTIBOOT2, LOADER_PVH }; /* as in entry.S */

static struct boot_info boot_info;
static struct boot_map boot_map __attribute__((section(".bss..boot_only")));

_Noreturn void boot_main(uint32_t loader, uint32_t information);

const void *boot_physical(uint64_t address, uint64_t bytes)
{
    if (address == 0 || address >= BOOT_REACH || bytes > BOOT_REACH - address)
        return NULL;
    return (const void *)(BOOT_DIRECT_MAP + address);
}

bool boot_copy_text(char *to, size_t to_bytes, const char *from, size_t bytes)
{
    size_t length = strnlen(from, bytes);
    bool cut = length >= to_bytes;

    if (cut)
        length = to_bytes - 1;
    memcpy(to, from, length);
    to[length] = 0;
    return cut;
}

void boot_add_module(struct boot_info *info, uint64_t start, uint64_t end, const char *name,
                     size_t name_bytes)
{
    if (start == 0 || start >= end || info->module_count == BOOT_MODULES_MAX) {
        info->modules_dropped++;
        return;
    }
    struct boot_module *module = &info->modules[info->module_count++];
    module->start = start;
    module->end = end;
    if (name != NULL)
        boot_copy_text(module->name, sizeof module->name, name, name_bytes);
}

enum boot_memory boot_memory_from_e820(uint32_t number)
{
    switch (number) {
    case 1: return BOOT_MEMORY_USABLE;
    case 3: return BOOT_MEMORY_ACPI;
    case 4: return BOOT_MEMORY_NVS;
    case 5: return BOOT_MEMORY_BAD;
    default: return BOOT_MEMORY_RESERVED;
    }
}

/* entry.S jumps here. */
_Noreturn void boot_main(uint32_t loader, uint32_t information)
{
    const char *problem = "Spindle was not started by multiboot2 or PVH";

    if (loader == LOADER_MULTIBOOT2)
        problem = boot_read_multiboot2(information, &boot_info, &boot_map);
    else if (loader == LOADER_PVH)
        problem = boot_read_pvh(information, &boot_info, &boot_map);
    if (problem != NULL)
        panic("boot: %s", problem);

    boot_info.range_count = boot_map_finish(&boot_map, boot_info.ranges);
    kmain(&boot_info);
}

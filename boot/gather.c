/*
 * gather.c - what the readers of both protocols share: access to physical memory, and copies of
 * texts and modules into struct boot_info. See loader.h.
 */
#include "boot/loader.h"
#include "lib/macros.h"
#include "lib/string.h"

const void *boot_physical(uint64_t address, uint64_t bytes)
{
    /* Loaders write 0 for "none", and the subtraction cannot overflow as a sum could. */
    if (address == 0 || address >= BOOT_REACH || bytes > BOOT_REACH - address)
        return NULL;
    return (const void *)(BOOT_DIRECT_MAP + address);
}

bool boot_copy_text(char *to, size_t to_bytes, const char *from, size_t bytes)
{
    size_t length = strnlen(from, bytes);
    size_t copied = min(length, to_bytes - 1);

    memcpy(to, from, copied);
    to[copied] = 0;
    return copied < length;
}

void boot_add_module(struct boot_info *info, uint64_t start, uint64_t end, const char *name,
                     size_t name_bytes)
{
    /* Only counted, since there is no log yet; modules_start() reports the number. */
    if (start == 0 || start >= end || info->module_count == BOOT_MODULES_MAX) {
        info->modules_dropped++;
        return;
    }

    /* The contents stay where they are: frames_start() reserves the range. */
    struct boot_module *module = &info->modules[info->module_count++];
    module->start = start;
    module->end = end;
    if (name)
        boot_copy_text(module->name, sizeof(module->name), name, name_bytes);
}

enum boot_memory boot_memory_from_e820(uint32_t number)
{
    /* Numbers without a case, including those of later firmware, must not be used as RAM. */
    switch (number) {
    case 1: return BOOT_MEMORY_USABLE;
    case 3: return BOOT_MEMORY_ACPI;
    case 4: return BOOT_MEMORY_NVS;
    case 5: return BOOT_MEMORY_BAD;
    default: return BOOT_MEMORY_RESERVED;
    }
}

/*
 * boot.c - the first C code: turns the loader's information into struct boot_info for kmain().
 */
#include "boot/loader.h"
#include "kernel/port.h"

enum boot_loader { LOADER_UNKNOWN, LOADER_MULTIBOOT2, LOADER_PVH }; /* as in entry.S */

static struct boot_info boot_info;
static struct boot_map boot_map __attribute__((section(".bss..boot_only")));

_Noreturn void boot_main(uint32_t loader, uint32_t information);

/* Called by entry.S, with the physical address of the loader's information. */
_Noreturn void boot_main(uint32_t loader, uint32_t information)
{
    const char *problem = "the loader used neither multiboot2 nor PVH";

    if (loader == LOADER_MULTIBOOT2)
        problem = boot_read_multiboot2(information, &boot_info, &boot_map);
    else if (loader == LOADER_PVH)
        problem = boot_read_pvh(information, &boot_info, &boot_map);

    /* The first serial port works already (kernel/early.h), so the reason can be read there. */
    if (problem)
        panic("boot: %s", problem);

    /* boot_map is freed with the rest of .bss..boot_only, so the result is copied out of it. */
    boot_info.range_count = boot_map_finish(&boot_map, boot_info.ranges);
    kmain(&boot_info);
}

/*
 * boot_info.h - what the loader told, in one form for every loader.
 *
 * Everything is copied out of the loader's memory and checked, so nothing but the modules' bytes
 * lies outside the kernel. The memory map is sorted, its ranges do not overlap (where the loader's
 * did, the worse type won), and neighbours of one type are one range.
 *
 * Ownership   One object in the kernel's data, for ever; constant after boot_main().
 * References  Multiboot2 specification 2.0, 3.6; Xen's arch-x86/hvm/start_info.h.
 */
#ifndef BOOT_BOOT_INFO_H
#define BOOT_BOOT_INFO_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/framebuffer.h"

enum {
    BOOT_RANGES_MAX = 128,
    BOOT_MODULES_MAX = 8,
    BOOT_COMMAND_LINE_BYTES = 4096, /* with the NUL */
    BOOT_NAME_BYTES = 64,           /* with the NUL; longer names are cut */
    BOOT_RSDP_BYTES = 36,
};

/* In rising badness. */
enum boot_memory {
    BOOT_MEMORY_NONE, /* described by no entry */
    BOOT_MEMORY_USABLE,
    BOOT_MEMORY_ACPI, /* tables; could be used after reading them */
    BOOT_MEMORY_NVS,
    BOOT_MEMORY_RESERVED,
    BOOT_MEMORY_BAD,
};

struct boot_range {
    uint64_t start, end; /* physical bytes, end not included */
    enum boot_memory type;
};

struct boot_module {
    uint64_t start, end; /* physical bytes, end not included */
    char name[BOOT_NAME_BYTES];
};

struct boot_info {
    const char *protocol; /* "multiboot2", "PVH" */
    char loader[BOOT_NAME_BYTES];
    char command_line[BOOT_COMMAND_LINE_BYTES];
    bool command_line_cut; /* the loader's was longer */

    struct boot_range ranges[BOOT_RANGES_MAX];
    unsigned range_count;
    struct boot_module modules[BOOT_MODULES_MAX];
    unsigned module_count;
    unsigned modules_dropped; /* more than fit, or nonsense */

    uint64_t rsdp_address;         /* physical; 0: not known */
    uint8_t rsdp[BOOT_RSDP_BYTES]; /* ACPI's root pointer as given; all 0: search for it */
    struct framebuffer framebuffer;
};

/* kernel/main.c */
_Noreturn void kmain(const struct boot_info *boot);

#endif

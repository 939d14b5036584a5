/*
 * boot_info.h - the loader's information, in one form for all loaders.
 *
 * Everything is copied out of the loader's memory and checked; only the contents of modules stay
 * where the loader put them. The memory map is sorted, its ranges do not overlap (where the
 * loader's did, the worse type wins), and adjacent ranges of one type are merged.
 *
 * Ownership   One permanent object in the kernel's data, constant after boot_main().
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

/* From best to worst. */
enum boot_memory {
    BOOT_MEMORY_NONE, /* described by no entry */
    BOOT_MEMORY_USABLE,
    BOOT_MEMORY_ACPI, /* tables; usable once they have been read */
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
    unsigned modules_dropped; /* invalid, or more than BOOT_MODULES_MAX */

    bool efi; /* started by UEFI firmware, whose console may have used the serial port */
    uint8_t rsdp[BOOT_RSDP_BYTES]; /* a copy of ACPI's root pointer; all 0: not given */
    struct framebuffer framebuffer;
};

/* kernel/main.c */
_Noreturn void kmain(const struct boot_info *boot);

#endif

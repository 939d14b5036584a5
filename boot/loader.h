/*
 * loader.h - reads the information of each kind of loader into struct boot_info.
 *
 * Model       Runs on the boot page tables: physical memory below 4 GiB is readable at
 *             BOOT_DIRECT_MAP + address; nothing above it is mapped. Every length and address from
 *             the loader is checked against that and against the structure that contains it.
 * Errors      The readers return NULL, or a message with which the caller panics, since nothing can
 *             run without a memory map. Other invalid information is ignored.
 */
#ifndef BOOT_LOADER_H
#define BOOT_LOADER_H

#include <stddef.h>
#include "boot/boot_info.h"
#include "boot/boot_map.h"

#define BOOT_DIRECT_MAP 0xffff800000000000ull
#define BOOT_REACH 0x100000000ull /* first address that the boot page tables do not map */

const char *boot_read_multiboot2(uint64_t information, struct boot_info *info,
                                 struct boot_map *map);
const char *boot_read_pvh(uint64_t information, struct boot_info *info, struct boot_map *map);

/* Returns the bytes at a physical address, or NULL if they are not all mapped. */
const void *boot_physical(uint64_t address, uint64_t bytes);
/* Copies text of at most `bytes` bytes that may lack its NUL; returns true if it was cut. */
bool boot_copy_text(char *to, size_t to_bytes, const char *from, size_t bytes);
/* Adds a module, or counts it as dropped. `name` may be NULL. */
void boot_add_module(struct boot_info *info, uint64_t start, uint64_t end, const char *name,
                     size_t name_bytes);
/* Converts a memory type of BIOS function e820, whose numbers both protocols use. */
enum boot_memory boot_memory_from_e820(uint32_t number);

#endif

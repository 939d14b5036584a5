/*
 * loader.h - the two loaders' information, each turned into struct boot_info.
 *
 * Model       Runs on the boot page tables: physical memory below 4 GiB is readable at
 *             BOOT_DIRECT_MAP + address, nothing above it is. Every length and address that comes
 *             from the loader is checked against that and against the structure it stands in.
 * Errors      NULL, or what is wrong; the caller panics with it, since nothing can run without a
 *             memory map. What is merely odd is left out.
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

/* The bytes at a physical address, or NULL when they are not all within reach. */
const void *boot_physical(uint64_t address, uint64_t bytes);
/* Copies text of at most `bytes` bytes that may lack its NUL; true if it had to be cut. */
bool boot_copy_text(char *to, size_t to_bytes, const char *from, size_t bytes);
void boot_add_module(struct boot_info *info, uint64_t start, uint64_t end, const char *name,
                     size_t name_bytes);
/* The type that e820 numbers so; both protocols use its numbers. */
enum boot_memory boot_memory_from_e820(uint32_t number);

#endif

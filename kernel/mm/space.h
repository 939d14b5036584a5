/*
 * space.h - the kernel's address space.
 *
 *     0xffff800000000000  direct map: RAM at its physical address, no-execute, large pages where
 *                         they fit; without the kernel's own image
 *     0xffffc00000000000  thread stacks, a guard of the same size below each
 *     0xffffc00040000000  device memory, pixels and firmware tables
 *     0xffffc00080000000  large allocations of pages that are not neighbours
 *     0xffffffff80000000  the kernel: text R-X, constants R--, data RW-
 *     0xffffffffc0000000  loaded drivers, within reach of the kernel's code model; no page is
 *                         writable and executable
 *
 * There is nothing else, so page 0 and all of the lower half fault.
 *
 * Locking     One spin of rank HEAP inside. Threads only.
 * Status      One address space; no user mode. 4-level tables.
 */
#ifndef KERNEL_MM_SPACE_H
#define KERNEL_MM_SPACE_H

#include "boot/boot_info.h"
#include "kernel/port.h"

enum { STACK_BYTES = 16384 };
enum { SPACE_READ = 1, SPACE_WRITE = 2, SPACE_EXECUTE = 4 };

void space_start(const struct boot_info *boot);

/* The lowest byte of a new stack of STACK_BYTES, or NULL. */
void *space_stack_alloc(void);
void space_stack_free(void *stack);
bool space_is_stack_guard(uint64_t address);

/* So many single pages at addresses that follow one another, between two where nothing is mapped.
 * NULL: no memory. */
void *space_run_alloc(size_t pages);
size_t space_run_free(void *run); /* how many pages */
bool space_is_run(const void *memory);
uint64_t space_physical(const void *memory); /* where a mapped address is */

/* Allocates pages for a part of a driver, zeroed, readable and writable, within 2 GiB of the
 * kernel. Returns NULL if memory is exhausted. space_driver_protect() sets their final rights:
 * SPACE_READ, with SPACE_WRITE or SPACE_EXECUTE but not both. */
void *space_driver_alloc(size_t pages);
void space_driver_protect(void *memory, size_t pages, unsigned rights);
void space_driver_free(void *memory);

/* Shows physical memory that is not RAM: registers (uncached, writable), or the firmware's tables
 * (cached, read-only), or pixels (writable, and writes may be gathered into larger ones where the
 * processor can). NULL when memory for the page tables is out. */
void *space_map_mmio(uint64_t physical, size_t bytes);
void *space_map_framebuffer(uint64_t physical, size_t bytes);
const void *space_map_firmware(uint64_t physical, size_t bytes);
void space_unmap(const void *memory, size_t bytes);

/* What may be done at an address: 0 if nothing is mapped there. */
unsigned space_rights(uint64_t address);

#endif

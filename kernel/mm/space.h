/*
 * space.h - the kernel's address space.
 *
 *     0xffff800000000000  direct map: RAM at its physical address, no-execute, large pages where
 *                         they fit; without the kernel's own image
 *     0xffffc00000000000  thread stacks, a guard of the same size below each
 *     0xffffc00040000000  device memory, pixels and firmware tables
 *     0xffffc00080000000  large allocations of pages that are not contiguous
 *     0xffffffff80000000  the kernel: text R-X, constants R--, data RW-
 *     0xffffffffc0000000  loaded drivers (code_alloc), within reach of the kernel's code model; no
 *                         page is writable and executable
 *
 * Nothing else is mapped, so accesses to page 0 and to all of the lower half fault.
 *
 * Locking     One spinlock of rank HEAP inside. Threads only.
 * Status      One address space; no user mode. 4-level tables.
 * References  Intel SDM volume 3, 4.5 (4-level paging).
 */
#ifndef KERNEL_MM_SPACE_H
#define KERNEL_MM_SPACE_H

#include "boot/boot_info.h"
#include "kernel/port.h"

enum { STACK_BYTES = 16384 };
enum { SPACE_READ = 1, SPACE_WRITE = 2, SPACE_EXECUTE = 4 };

/* Makes the final page tables and loads them. After frames_start(). Panics if memory is
 * exhausted. */
void space_start(const struct boot_info *boot);

/* Allocates a stack of STACK_BYTES with a guard below it. Returns its lowest byte, or NULL if
 * memory is exhausted. */
void *space_stack_alloc(void);
void space_stack_free(void *stack);
/* Returns true if the address is in the guard of a stack. Any context. */
bool space_is_stack_guard(uint64_t address);

/* Maps this number of single pages at consecutive addresses, with an unmapped page on either side.
 * Returns NULL if memory is exhausted. */
void *space_run_alloc(size_t pages);
/* Frees a run, whose length its unmapped neighbours mark; returns how many pages it had. */
size_t space_run_free(void *run);
bool space_is_run(const void *memory);
/* Returns the physical address of memory in a run. */
uint64_t space_physical(const void *memory);

/* Maps physical memory that is not RAM: device registers (uncached, writable), pixels (writable;
 * writes are combined if the processor can) or the firmware's tables (cached, read-only). Returns
 * NULL if there is no memory for the page tables, or if device registers would overlap RAM. */
void *space_map_mmio(uint64_t physical, size_t bytes);
void *space_map_framebuffer(uint64_t physical, size_t bytes);
const void *space_map_firmware(uint64_t physical, size_t bytes);
void space_unmap(const void *memory, size_t bytes);

/* Returns true if a range contains RAM that the kernel uses, its own image included. */
bool space_overlaps_ram(uint64_t physical, uint64_t bytes);

/* Returns the permissions of an address (SPACE_*): 0 if nothing is mapped there. */
unsigned space_rights(uint64_t address);

#endif

/*
 * memory.h - the start of memory management, the direct map, and the bounds of the kernel's image.
 *
 * Model       Physical memory is allocated in frames (frames.h), accessed through the direct map
 *             that space.h makes, and divided into objects by the heap (heap.h). Callers use the
 *             memory functions of kernel/port.h.
 */
#ifndef KERNEL_MM_MEMORY_H
#define KERNEL_MM_MEMORY_H

#include <stddef.h>
#include "boot/boot_info.h"

#define MEMORY_DIRECT_MAP 0xffff800000000000ull
#define MEMORY_KERNEL_BASE 0xffffffff80000000ull

/* `make DEBUG=1`: freed memory is overwritten, which detects its use after it was freed. */
enum { MEMORY_DEBUG = KERNEL_DEBUG, MEMORY_POISON = 0xd5 };

/* linker.ld; each is page aligned. */
extern char __kernel_physical_start[], __kernel_physical_end[];
extern char __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[];
extern char __data_start[], __data_end[];
extern char __boot_only_start[], __boot_only_end[];
/* boot/stack.S */
extern char boot_stack_guard[], boot_stack_top[];

/* Starts frames, address space and heap; memory can be allocated from now on. After cpu_start().
 * Panics if there is too little. */
void memory_start(const struct boot_info *boot);

/* Returns the address in the direct map of RAM at this physical address. */
static inline void *memory_at(uint64_t physical)
{
    return (void *)(MEMORY_DIRECT_MAP + physical);
}

/* The inverse of memory_at(). */
static inline uint64_t memory_physical(const void *direct)
{
    return (uint64_t)direct - MEMORY_DIRECT_MAP;
}

static inline uint64_t memory_kernel_physical(const void *address)
{
    return (uint64_t)address - MEMORY_KERNEL_BASE;
}

#endif

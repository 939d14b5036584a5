/*
 * memory.h - the order in which memory comes up, and the kernel image's edges.
 *
 * Model       Physical memory is handed out in frames (frames.h), reached by the direct map that
 *             space.h makes, and divided by the heap (heap.c); callers use the calls on memory of
 *             kernel/port.h.
 */
#ifndef KERNEL_MM_MEMORY_H
#define KERNEL_MM_MEMORY_H

#include <stddef.h>
#include "boot/boot_info.h"

#define MEMORY_DIRECT_MAP 0xffff800000000000ull
#define MEMORY_KERNEL_BASE 0xffffffff80000000ull

/* `make DEBUG=1`: what is freed is overwritten, and use after free is looked for. */
enum { MEMORY_DEBUG = KERNEL_DEBUG, MEMORY_POISON = 0xd5 };

/* linker.ld; each is page aligned. */
extern char __kernel_physical_start[], __kernel_physical_end[];
extern char __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[];
extern char __data_start[], __data_end[];
extern char __boot_only_start[], __boot_only_end[];
/* boot/stack.S */
extern char boot_stack_guard[], boot_stack_top[];

/* From here on memory can be allocated. After cpu_start(); panics if there is too little. */
void memory_start(const struct boot_info *boot);

/* Where the direct map shows RAM at this physical address, for modules and the like. */
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

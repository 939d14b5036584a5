/*
 * heap.h - the heap: mem_alloc() and its family of kernel/port.h.
 *
 * Model       An allocation of up to HEAP_OBJECT_MAX bytes is rounded up to a size class, whose
 *             objects share pages ("slabs"). A slab's free objects are linked through their first
 *             bytes; a slab without allocated objects is freed at once. A larger allocation is a
 *             run of contiguous pages, or of single pages that space.h maps at consecutive
 *             addresses.
 * Locking     One spinlock of rank HEAP, which is released before the reclaimer is called.
 */
#ifndef KERNEL_MM_HEAP_H
#define KERNEL_MM_HEAP_H

enum { HEAP_OBJECT_MAX = 2048 };

/* After frames_start() and space_start(). */
void heap_start(void);

#endif

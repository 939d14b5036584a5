/*
 * heap.h - the heap's start; its calls are in kernel/port.h.
 *
 * Model       Up to HEAP_OBJECT_MAX bytes: a size class, whose objects share pages ("slabs"). A
 *             slab's free objects are linked through themselves; a slab whose last object goes is
 *             given back at once. Beyond: a run of contiguous pages, or else of
 *             single pages that space.h maps one after another.
 * Locking     One spin of rank HEAP, let go before the reclaimer is asked.
 */
#ifndef KERNEL_MM_HEAP_H
#define KERNEL_MM_HEAP_H

enum { HEAP_OBJECT_MAX = 2048 };

void heap_start(void);

#endif

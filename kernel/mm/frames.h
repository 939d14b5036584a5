/*
 * frames.h - physical memory in frames of PAGE_BYTES: a buddy allocator.
 *
 * Model       A free block consists of 2^order frames and starts at a multiple of its size. Two
 *             free buddies are merged at once. Blocks below 4 GiB are allocated first: a transfer
 *             into them never needs a bounce page, whatever addresses the device can reach.
 *             Each frame up to the highest usable one has a `struct frame`; in a block of several
 *             frames only the first one's is valid.
 * Interface   page_alloc() and its family are in kernel/port.h; this header adds what the heap and
 *             the page tables need.
 * Locking     One spinlock of rank FRAMES. frames_reclaim() must be called without spinlocks of
 *             rank HEAP or above, since the reclaimer calls mem_free().
 */
#ifndef KERNEL_MM_FRAMES_H
#define KERNEL_MM_FRAMES_H

#include "boot/boot_info.h"
#include "kernel/port.h"

enum { FRAME_ORDER_MAX = 18 }; /* 1 GiB */

enum frame_state {
    FRAME_NONE,  /* reserved, or not the first of its block */
    FRAME_FREE,  /* first of a free block */
    FRAME_TAKEN, /* first of a block that frames_alloc() returned */
    FRAME_PAGE,  /* from page_alloc() */
    FRAME_SLAB,  /* the heap's: objects of one size */
    FRAME_LARGE, /* the heap's: first of a run of pages */
};

struct frame {
    struct list link; /* free: in the list of its order; slab: of its class */
    union {
        uint32_t run_pages; /* large */
        struct {
            uint16_t used;   /* slab: allocated objects; page table: entries in use */
            uint16_t carved; /* slab: objects that were allocated at least once */
        };
    };
    uint16_t free_object; /* slab: offset of the first free object, or FRAME_NO_OBJECT */
    uint8_t state;
    uint8_t order; /* free: log2 of the block; slab: the class */
};

enum { FRAME_NO_OBJECT = 0xffff };

/* Adds the usable memory below 4 GiB, which the boot page tables map. Panics if there is too little
 * for the descriptors. */
void frames_start(const struct boot_info *boot);
/* Adds the memory above, and the part of the image that only booting needed. */
void frames_add_rest(const struct boot_info *boot);
/* Frees the memory of a boot module, which was reserved at the start. Nothing refers to it. */
void frames_add_module(const struct boot_info *boot, const struct boot_module *module);

/* Allocates `pages` contiguous pages without calling the reclaimer; NULL if there is no such
 * block. */
void *frames_alloc(size_t pages);
void frames_free(void *memory, size_t pages);
struct frame *frame_of(const void *memory);
void *frame_memory(const struct frame *frame);
/* Returns true if the address is in the direct map and its frame has a descriptor. */
bool frames_contain(const void *memory);

/* Calls the reclaimer for at least this number of pages; returns how many it freed. */
size_t frames_reclaim(size_t pages);

#endif

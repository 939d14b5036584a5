/*
 * frames.h - physical memory in frames of PAGE_BYTES: a buddy allocator.
 *
 * Model       A free block is 2^order frames at a multiple of its size; two free buddies become
 *             one at once. Blocks below 4 GiB are preferred, since old devices reach no further.
 *             Each frame up to the highest usable one has a `struct frame`; of a block only the
 *             first one's means something.
 * Interface   page_alloc and its family in kernel/port.h; here is what the heap and the page
 *             tables need besides.
 * Locking     One spin of rank FRAMES. frames_reclaim() must be called without spins of rank HEAP
 *             or above, since it ends up in mem_free().
 */
#ifndef KERNEL_MM_FRAMES_H
#define KERNEL_MM_FRAMES_H

#include "boot/boot_info.h"
#include "kernel/port.h"

enum { FRAME_ORDER_MAX = 18 }; /* 1 GiB */

enum frame_state {
    FRAME_NONE,  /* reserved, or not the first of its block */
    FRAME_FREE,  /* first of a free block */
    FRAME_TAKEN, /* first of what frames_alloc() returned */
    FRAME_PAGE,  /* from page_alloc() */
    FRAME_SLAB,  /* the heap's, objects of one size */
    FRAME_LARGE, /* the heap's, first of a run */
};

struct frame {
    struct list link; /* free: its order's list; slab: its class's */
    union {
        uint32_t run_pages; /* large */
        struct {
            uint16_t used;   /* slab: live objects; page table: entries in use */
            uint16_t carved; /* slab: objects that were handed out at least once */
        };
    };
    uint16_t free_object; /* slab: offset of the first free object, or FRAME_NO_OBJECT */
    uint8_t state;
    uint8_t order; /* free: log2 of the block; slab: the class */
};

enum { FRAME_NO_OBJECT = 0xffff };

void frames_start(const struct boot_info *boot);    /* what lies below 4 GiB */
void frames_add_rest(const struct boot_info *boot); /* the rest, and what only booting needed */

/* A block of `pages` contiguous pages, or NULL; asks nobody to reclaim. */
void *frames_alloc(size_t pages);
void frames_free(void *memory, size_t pages);
struct frame *frame_of(const void *memory);
void *frame_memory(const struct frame *frame);
/* Is this an address whose frame has a descriptor? */
bool frames_contain(const void *memory);

/* Asks the reclaimer for pages; returns how many it freed. */
size_t frames_reclaim(size_t pages);

#endif

/*
 * memory.c - starts memory management in order: see memory.h.
 */
#include "kernel/mm/memory.h"
#include "kernel/mm/frames.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/space.h"

void memory_start(const struct boot_info *boot)
{
    /* The boot page tables map 4 GiB, so only frames below can become the final tables. */
    frames_start(boot);
    space_start(boot);
    frames_add_rest(boot);
    heap_start();
}

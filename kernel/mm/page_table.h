/*
 * page_table.h - the kernel's page tables: maps, unmaps and finds pages.
 *
 * Model       One tree of tables in 4 levels, with 512 entries each. A lowest entry maps a page of
 *             PAGE_BYTES; an entry one level above it refers to a table or maps LARGE_PAGE_BYTES. A
 *             lowest table counts its entries in use in its frame descriptor and is freed with the
 *             last one; tables above it are permanent.
 * Interface   Rights are ENTRY_* bits; 0 is cached, read-only and executable. ENTRY_NX is ignored
 *             if the processor lacks it.
 * Locking     The caller's: space.c holds its spinlock. Tables are allocated without reclaiming
 *             memory.
 * References  Intel SDM volume 3, 4.5 (4-level paging), 4.10.4 (invalidation).
 */
#ifndef KERNEL_MM_PAGE_TABLE_H
#define KERNEL_MM_PAGE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define ENTRY_NX (1ull << 63)

enum {
    ENTRY_PRESENT = 1 << 0,
    ENTRY_WRITE = 1 << 1,
    ENTRY_UNCACHED = 1 << 3 | 1 << 4,
    ENTRY_LARGE = 1 << 7,
    ENTRY_COMBINING = 1 << 7, /* of a page: the fifth memory type, see cpu_has_combining() */

    LARGE_PAGE_BYTES = 2 << 20,
};

/* Makes an empty tree. Panics if memory is exhausted. */
void page_table_start(void);
/* Makes the processor use the tree. */
void page_table_load(void);

/* Makes the tables above the lowest one, so that they are permanent. Returns false if memory is
 * exhausted. */
bool page_table_reserve(uint64_t address);

/* Maps a page, which is not mapped yet. Returns false if memory is exhausted. */
bool page_table_map(uint64_t address, uint64_t physical, uint64_t rights);
/* The same for a page of LARGE_PAGE_BYTES, which cannot be unmapped. */
bool page_table_map_large(uint64_t address, uint64_t physical, uint64_t rights);
/* Unmaps a page that is mapped, and returns its physical address. */
uint64_t page_table_unmap(uint64_t address);
/* Replaces ENTRY_WRITE and ENTRY_NX of a page that is mapped. */
void page_table_protect(uint64_t address, uint64_t rights);

/* Returns the entry that maps `address`, of either page size, or NULL. Any context. */
const uint64_t *page_table_find(uint64_t address);

#endif

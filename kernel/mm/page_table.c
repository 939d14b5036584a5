/*
 * page_table.c - walks, extends and prunes the tree of page tables: see page_table.h.
 */
#include "kernel/mm/page_table.h"
#include "kernel/mm/frames.h"
#include "kernel/mm/memory.h"
#include "kernel/x86/cpu.h"
#include "lib/string.h"

enum {
    TABLE_ENTRIES = 512,
    LEVEL_PAGE = 0,
    LEVEL_LARGE = 1,
    LEVEL_TOP = 3,
};

static uint64_t *top;
static uint64_t usable_bits; /* of entries: all, or all but ENTRY_NX, which would be reserved */

static unsigned entry_index(uint64_t address, unsigned level)
{
    return address >> (12 + 9 * level) & (TABLE_ENTRIES - 1);
}

static uint64_t *table_under(uint64_t entry)
{
    return memory_at(entry & ENTRY_ADDRESS);
}

static uint64_t *create_table(void)
{
    uint64_t *table = frames_alloc(1);
    if (!table)
        return NULL;

    memset(table, 0, PAGE_BYTES);
    frame_of(table)->state = FRAME_PAGE;
    frame_of(table)->used = 0;
    return table;
}

/* Returns the entry for `address` at `level` after making the tables above it; NULL if memory is
 * exhausted. */
static uint64_t *make_entry(uint64_t address, unsigned level)
{
    uint64_t *table = top;

    for (unsigned l = LEVEL_TOP; l > level; l--) {
        uint64_t *entry = &table[entry_index(address, l)];
        if (!(*entry & ENTRY_PRESENT)) {
            uint64_t *lower = create_table();
            if (!lower)
                return NULL;

            /* Rights are restricted by the lowest entries only. A write must be permitted at every
             * level. */
            *entry = memory_physical(lower) | ENTRY_PRESENT | ENTRY_WRITE;
        }
        table = table_under(*entry);
    }
    return &table[entry_index(address, level)];
}

static uint64_t *find_entry(uint64_t address)
{
    uint64_t *table = top;

    for (unsigned l = LEVEL_TOP;; l--) {
        uint64_t *entry = &table[entry_index(address, l)];
        if (!(*entry & ENTRY_PRESENT))
            return NULL;

        /* In a lowest entry the bit of ENTRY_LARGE is part of the memory type. */
        if (l == LEVEL_PAGE || (*entry & ENTRY_LARGE))
            return entry;
        table = table_under(*entry);
    }
}

void page_table_start(void)
{
    usable_bits = cpu_has_nx() ? UINT64_MAX : ~ENTRY_NX;
    top = create_table();
    if (!top)
        panic("memory: not enough for the page tables");
}

void page_table_load(void)
{
    cpu_load_page_tables(memory_physical(top));
}

bool page_table_reserve(uint64_t address)
{
    return make_entry(address, LEVEL_LARGE);
}

bool page_table_map(uint64_t address, uint64_t physical, uint64_t rights)
{
    uint64_t *entry = make_entry(address, LEVEL_PAGE);
    if (!entry)
        return false;

    /* An entry that was not present is never cached by the processor: nothing is to be flushed. */
    kassert(*entry == 0);
    *entry = physical | (rights & usable_bits) | ENTRY_PRESENT;
    frame_of(entry)->used++;
    return true;
}

bool page_table_map_large(uint64_t address, uint64_t physical, uint64_t rights)
{
    uint64_t *entry = make_entry(address, LEVEL_LARGE);
    if (!entry)
        return false;

    kassert(*entry == 0);
    *entry = physical | (rights & usable_bits) | ENTRY_PRESENT | ENTRY_LARGE;
    return true;
}

uint64_t page_table_unmap(uint64_t address)
{
    uint64_t *entry = find_entry(address);
    kassert(entry);
    uint64_t physical = *entry & ENTRY_ADDRESS;

    *entry = 0;
    cpu_flush_page(address);

    /* Free an empty table, so that freeing memory returns all of it. The second flush is for the
     * processor's copy of the entry above, which refers to the table. */
    if (--frame_of(entry)->used == 0) {
        uint64_t *above = make_entry(address, LEVEL_LARGE);
        uint64_t *table = table_under(*above);
        *above = 0;
        cpu_flush_page(address);
        page_free(table);
    }
    return physical;
}

void page_table_protect(uint64_t address, uint64_t rights)
{
    uint64_t *entry = find_entry(address);
    kassert(entry);

    /* Until the flush, the processor may still use the previous rights. */
    *entry = (*entry & ~(ENTRY_NX | (uint64_t)ENTRY_WRITE)) | (rights & usable_bits);
    cpu_flush_page(address);
}

const uint64_t *page_table_find(uint64_t address)
{
    return find_entry(address);
}

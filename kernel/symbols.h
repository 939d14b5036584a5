/*
 * symbols.h - names of the kernel's functions, for backtraces and the profiler.
 *
 * kernel/symbols.sh makes the table from a first link. The second link includes it, at a place
 * where it moves no function: see linker.ld. The table consists of offsets from the start of .text,
 * in ascending order, and of the names in the same order, each ended by a NUL.
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <stdint.h>

/* Returns the name of the function that contains `address`, and the offset in it; NULL for an
 * address outside the text. */
const char *symbol_find(uint64_t address, uint64_t *offset);

/* The same by number: 0 to symbol_total() - 1 in the order of addresses, or symbol_total() if there
 * is none. Any context. */
uint32_t symbol_total(void);
uint32_t symbol_number(uint64_t address);
uint64_t symbol_address(uint32_t number);
const char *symbol_name(uint32_t number); /* searches from the first name */
uint32_t symbol_named(const char *name);  /* symbol_total() if there is none */

#endif

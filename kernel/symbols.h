/*
 * symbols.h - names of the kernel's functions, for backtraces.
 *
 * The table is made by kernel/symbols.sh from a first link and linked in by the second, at a place
 * where it moves no function: see linker.ld. Sorted offsets from the start of .text, and the names
 * in the same order, one NUL after each.
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <stdint.h>

/* The function that `address` lies in and how far, or NULL when it is outside the text. */
const char *symbol_find(uint64_t address, uint64_t *offset);

/* The same by number, 0 to symbol_total() - 1 in the order of addresses; symbol_total() itself for
 * an address outside the text. Any context. */
uint32_t symbol_total(void);
uint32_t symbol_number(uint64_t address);
uint64_t symbol_address(uint32_t number);
const char *symbol_name(uint32_t number); /* walks over the names before it */
uint32_t symbol_named(const char *name);  /* symbol_total() for none */

#endif

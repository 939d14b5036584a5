/*
 * symbols.c - searches the table of functions: see symbols.h.
 */
#include "kernel/symbols.h"
#include "kernel/mm/memory.h"
#include "lib/string.h"

/* build/kernel/symbols.S */
extern const uint32_t symbol_count;
extern const uint32_t symbol_offsets[];
extern const char symbol_names[];

uint32_t symbol_total(void)
{
    return symbol_count;
}

uint32_t symbol_number(uint64_t address)
{
    uint64_t in_text = address - (uint64_t)__text_start;
    if (in_text >= (uint64_t)(__text_end - __text_start))
        return symbol_count;

    /* Search for the last symbol at or before the address: offsets[low] <= in_text <
     * offsets[high]. */
    uint32_t low = 0, high = symbol_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (symbol_offsets[middle] <= in_text)
            low = middle;
        else
            high = middle;
    }

    /* The first link has an empty table, and the text may begin with code that has no name. */
    if (symbol_count == 0 || symbol_offsets[low] > in_text)
        return symbol_count;
    return low;
}

uint64_t symbol_address(uint32_t number)
{
    return (uint64_t)__text_start + symbol_offsets[number];
}

const char *symbol_name(uint32_t number)
{
    const char *name = symbol_names;

    /* No index of the names: it would cost memory, and names are needed only for output. */
    for (uint32_t i = 0; i < number; i++)
        name += strlen(name) + 1;
    return name;
}

uint32_t symbol_named(const char *name)
{
    const char *at = symbol_names;
    uint32_t number = 0;
    while (number < symbol_count && strcmp(at, name) != 0) {
        at += strlen(at) + 1;
        number++;
    }
    return number;
}

const char *symbol_find(uint64_t address, uint64_t *offset)
{
    uint32_t number = symbol_number(address);
    if (number == symbol_count)
        return NULL;
    *offset = address - (uint64_t)__text_start - symbol_offsets[number];
    return symbol_name(number);
}

#include "kernel/symbols.h"
#include "kernel/mm/memory.h"
#include "lib/string.h"

/* build/kernel/symbols.S */
extern const uint32_t symbol_count;
extern const uint32_t symbol_offsets[];
extern const char symbol_names[];

const char *symbol_find(uint64_t address, uint64_t *offset)
{
    uint64_t in_text = address - (uint64_t)__text_start;
    if (in_text >= (uint64_t)(__text_end - __text_start))
        return NULL;

    /* The last symbol that starts at or before the address: first[low] <= it < first[high]. */
    uint32_t low = 0, high = symbol_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (symbol_offsets[middle] <= in_text)
            low = middle;
        else
            high = middle;
    }
    if (symbol_count == 0 || symbol_offsets[low] > in_text)
        return NULL;

    const char *name = symbol_names;
    for (uint32_t i = 0; i < low; i++)
        name += strlen(name) + 1;
    *offset = in_text - symbol_offsets[low];
    return name;
}

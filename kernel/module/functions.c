/*
 * functions.c - copies the names of an object's functions. See functions.h.
 */
#include "kernel/module/functions.h"
#include "lib/string.h"

static bool is_function(const struct link *link, const struct object_symbol *symbol)
{
    return symbol->type == SYMBOL_TYPE_FUNCTION && link_symbol_address(link, symbol);
}

/* Counts the functions and the bytes of their names. */
static void measure(const struct link *link, size_t *count, size_t *bytes)
{
    *count = *bytes = 0;
    for (uint32_t i = 1; i < link->object->symbol_count; i++) {
        struct object_symbol symbol = object_symbol(link->object, i);
        if (is_function(link, &symbol)) {
            ++*count;
            *bytes += strlen(symbol.name) + 1;
        }
    }
}

status_t functions_copy(struct functions *functions, const struct link *link)
{
    size_t count, bytes;
    measure(link, &count, &bytes);
    if (!count)
        return 0;

    /* Two blocks for all functions: a driver has hundreds, and each block has its overhead. The
     * caller's functions_free() also frees one that was allocated alone. */
    functions->list = mem_alloc(count * sizeof(*functions->list));
    functions->names = mem_alloc(bytes);
    if (!functions->list || !functions->names)
        return -ENOMEM;

    /* Symbol 0 is reserved by the format. The names are copied, since the object's bytes are
     * freed after the load. */
    char *at = functions->names;
    for (uint32_t i = 1; i < link->object->symbol_count; i++) {
        struct object_symbol symbol = object_symbol(link->object, i);
        if (!is_function(link, &symbol))
            continue;
        functions->list[functions->count++] =
            (struct code_function){ link_symbol_address(link, &symbol), at };
        size_t length = strlen(symbol.name) + 1;
        memcpy(at, symbol.name, length);
        at += length;
    }
    return 0;
}

void functions_free(struct functions *functions)
{
    mem_free(functions->list);
    mem_free(functions->names);
}

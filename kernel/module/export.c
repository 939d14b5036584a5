/*
 * export.c - finds what drivers may use by its name. See export.h.
 */
#include "kernel/module/export.h"
#include "lib/string.h"

/* A load asks for each name once or twice; there are a few hundred. */
const void *export_find(const char *name)
{
    table_each(entry, exports, struct export)
        if (!strcmp((*entry)->name, name))
            return (*entry)->address;
    return NULL;
}

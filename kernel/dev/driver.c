/*
 * driver.c - walks the linker's driver table in the drivers' own order.
 */
#include "kernel/dev/driver.h"
#include "lib/string.h"

static bool driver_precedes(const struct driver *a, const struct driver *b)
{
    return a->order != b->order ? a->order < b->order : strcmp(a->name, b->name) < 0;
}

const struct driver *driver_next(const struct driver *previous)
{
    const struct driver *best = NULL;
    table_each(entry, drivers, struct driver) {
        if (previous && !driver_precedes(previous, *entry))
            continue;
        if (!best || driver_precedes(*entry, best))
            best = *entry;
    }
    return best;
}

/*
 * boot_map.h - puts a loader's memory map in order.
 *
 * Firmware maps come unsorted, with overlaps and with more entries than one would think. They are
 * collected as they are, then cut at every boundary; each piece gets the worst type that any entry
 * gives it.
 */
#ifndef BOOT_BOOT_MAP_H
#define BOOT_BOOT_MAP_H

#include "boot/boot_info.h"

enum { BOOT_MAP_ENTRIES_MAX = 256 };

struct boot_map {
    struct boot_range entries[BOOT_MAP_ENTRIES_MAX];
    unsigned count;
    uint64_t bounds[2 * BOOT_MAP_ENTRIES_MAX];
};

/* False when there is no room; an empty or wrapping range is ignored. */
bool boot_map_add(struct boot_map *map, uint64_t start, uint64_t bytes, enum boot_memory type);
/* Fills `ranges` with up to BOOT_RANGES_MAX pieces and returns their number. Pieces that do not
 * fit are left out from the top, so at worst memory goes unused. */
unsigned boot_map_finish(struct boot_map *map, struct boot_range *ranges);

#endif

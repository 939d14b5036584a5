/*
 * boot_map.h - sorts a loader's memory map and removes overlaps.
 *
 * Firmware's maps are unsorted, overlap, and have many entries. They are collected unchanged, then
 * divided at every boundary; each piece gets the worst type that any entry gives it.
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

/* Adds an entry. Returns false if there is no room. An empty range, or one that wraps around, is
 * ignored. */
bool boot_map_add(struct boot_map *map, uint64_t start, uint64_t bytes, enum boot_memory type);
/* Fills `ranges` with up to BOOT_RANGES_MAX pieces and returns their number. Pieces that do not
 * fit are the highest ones, so that at worst some memory stays unused. */
unsigned boot_map_finish(struct boot_map *map, struct boot_range *ranges);

#endif

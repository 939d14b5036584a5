/*
 * boot_map.c - collects, cuts and merges the ranges of a memory map: see boot_map.h.
 */
#include "boot/boot_map.h"

bool boot_map_add(struct boot_map *map, uint64_t start, uint64_t bytes, enum boot_memory type)
{
    if (bytes == 0 || start + bytes < start)
        return true;

    /* Merge with the previous entry: some firmware lists memory in thousands of adjacent entries,
     * for which there is no room. */
    if (map->count > 0) {
        struct boot_range *last = &map->entries[map->count - 1];
        if (last->type == type && last->end == start) {
            last->end += bytes;
            return true;
        }
    }

    /* Overlaps are kept. boot_map_finish() resolves them when all entries are known. */
    if (map->count == BOOT_MAP_ENTRIES_MAX)
        return false;
    map->entries[map->count++] = (struct boot_range){ start, start + bytes, type };
    return true;
}

/* Sorts by insertion: the values are few and mostly in order, and no memory can be allocated. */
static void sort(uint64_t *values, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        uint64_t value = values[i];
        unsigned at = i;
        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

/* Returns the worst type that an entry gives to this piece, or BOOT_MEMORY_NONE if it is in a hole
 * of the map. */
static enum boot_memory worst_type(const struct boot_map *map, uint64_t start, uint64_t end)
{
    enum boot_memory worst = BOOT_MEMORY_NONE;
    for (unsigned i = 0; i < map->count; i++) {
        const struct boot_range *entry = &map->entries[i];
        if (entry->start <= start && end <= entry->end && entry->type > worst)
            worst = entry->type;
    }
    return worst;
}

unsigned boot_map_finish(struct boot_map *map, struct boot_range *ranges)
{
    unsigned bound_count = 0, count = 0;

    /* No entry begins or ends between two neighbouring bounds, so each piece has one type. */
    for (unsigned i = 0; i < map->count; i++) {
        map->bounds[bound_count++] = map->entries[i].start;
        map->bounds[bound_count++] = map->entries[i].end;
    }
    sort(map->bounds, bound_count);

    for (unsigned i = 1; i < bound_count; i++) {
        uint64_t start = map->bounds[i - 1], end = map->bounds[i];
        enum boot_memory type = start < end ? worst_type(map, start, end) : BOOT_MEMORY_NONE;
        if (type == BOOT_MEMORY_NONE)
            continue;

        /* Adjacent pieces of one type become one range again. Pieces are in ascending order, so
         * those that find no room are the highest. */
        if (count > 0 && ranges[count - 1].end == start && ranges[count - 1].type == type)
            ranges[count - 1].end = end;
        else if (count < BOOT_RANGES_MAX)
            ranges[count++] = (struct boot_range){ start, end, type };
        else
            break;
    }
    return count;
}

/*
 * tar_map.c - the map of a sparse file: where its content is; see tar.h.
 */
#include "lib/string.h"
#include "shell/commands/archives/tar.h"

size_t tar_area_count(const struct buffer *map)
{
    return map->length / sizeof(struct tar_area);
}

struct tar_area tar_area_at(const struct buffer *map, size_t i)
{
    struct tar_area area;
    memcpy(&area, map->text + i * sizeof(area), sizeof(area));
    return area;
}

bool tar_add_area(struct buffer *map, uint64_t offset, uint64_t bytes)
{
    struct tar_area area = { offset, bytes }, last = { 0, 0 };
    size_t count = tar_area_count(map);
    if (count)
        last = tar_area_at(map, count - 1);
    if (count == TAR_AREAS_MAX || offset > INT64_MAX || bytes > INT64_MAX - offset ||
        offset < last.offset + last.bytes)
        return false;
    buffer_put(map, (const char *)&area, sizeof(area));
    return !map->status;
}

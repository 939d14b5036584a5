/*
 * geometry.c - converts between a disk's size and cylinders, heads and sectors: see geometry.h.
 */
#include "kernel/dev/geometry.h"
#include "lib/macros.h"

enum { BIOS_CYLINDERS = 1024, BIOS_SECTORS = 63, BIOS_SECTOR_BYTES = 512 };

bool block_bytes_valid(uint64_t bytes)
{
    return bytes == 512 || bytes == 1024 || bytes == 2048 || bytes == 4096;
}

status_t geometry_size(const struct device_geometry *geometry, uint64_t *size_bytes)
{
    if (!geometry->cylinders || !geometry->heads || !geometry->sectors ||
        !block_bytes_valid(geometry->sector_bytes))
        return -EINVAL;

    /* The first product of two 32-bit numbers fits in 64 bits; the others may not. */
    if (__builtin_mul_overflow((uint64_t)geometry->cylinders * geometry->heads, geometry->sectors,
                               size_bytes) ||
        __builtin_mul_overflow(*size_bytes, geometry->sector_bytes, size_bytes))
        return -EOVERFLOW;
    return 0;
}

static uint64_t divide_up(uint64_t value, uint64_t by)
{
    return value / by + (value % by != 0);
}

static uint32_t between_1_and(uint64_t most, uint64_t value)
{
    return (uint32_t)(value < 1 ? 1 : value > most ? most : value);
}

struct device_geometry geometry_derive(uint64_t size_bytes, uint32_t block_bytes)
{
    uint64_t blocks = size_bytes / block_bytes;
    uint32_t heads = between_1_and(UINT32_MAX, divide_up(blocks, UINT32_MAX));
    return (struct device_geometry){
        .cylinders = between_1_and(UINT32_MAX, divide_up(blocks, heads)),
        .heads = heads,
        .sectors = 1,
        .sector_bytes = block_bytes,
    };
}

/* The fewest heads of those that translations use, so that the cylinders fit. */
struct device_geometry geometry_bios(uint64_t size_bytes)
{
    static const uint32_t heads[] = { 16, 32, 64, 128, 255 };
    uint64_t sectors = divide_up(size_bytes, BIOS_SECTOR_BYTES), cylinders = 0;
    unsigned i = 0;

    /* A drive that is too large gets the largest geometry, as from a BIOS. */
    for (; i < ARRAY_LENGTH(heads); i++) {
        cylinders = divide_up(sectors, (uint64_t)heads[i] * BIOS_SECTORS);
        if (cylinders <= BIOS_CYLINDERS)
            break;
    }

    return (struct device_geometry){
        .cylinders = between_1_and(BIOS_CYLINDERS, cylinders),
        .heads = heads[i < ARRAY_LENGTH(heads) ? i : i - 1],
        .sectors = BIOS_SECTORS,
        .sector_bytes = BIOS_SECTOR_BYTES,
    };
}

/*
 * geometry.h - cylinders, heads and sectors, for callers that still ask for them.
 */
#ifndef KERNEL_DEV_GEOMETRY_H
#define KERNEL_DEV_GEOMETRY_H

#include "kernel/port.h"

struct device_geometry {
    uint32_t cylinders, heads, sectors; /* sectors per track */
    uint32_t sector_bytes;
};

bool block_bytes_valid(uint64_t bytes); /* 512, 1024, 2048 or 4096 */
/* The size of a disk of this geometry. -EINVAL for a zero or an invalid block size, -EOVERFLOW. */
status_t geometry_size(const struct device_geometry *geometry, uint64_t *size_bytes) MUST_CHECK;
/* One sector per track and the fewest heads that leave the cylinders within 32 bits; never a zero;
 * at least all blocks. */
struct device_geometry geometry_derive(uint64_t size_bytes, uint32_t block_bytes);
/* What a BIOS can express: at most 1024 cylinders, 255 heads, 63 sectors of 512 bytes; never a
 * zero. Covers the drive, as far as such a geometry reaches. */
struct device_geometry geometry_bios(uint64_t size_bytes);

#endif

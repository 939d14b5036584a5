/*
 * geometry.h - cylinders, heads and sectors, for callers that still need them.
 */
#ifndef KERNEL_DEV_GEOMETRY_H
#define KERNEL_DEV_GEOMETRY_H

#include "kernel/port.h"

struct device_geometry {
    uint32_t cylinders, heads, sectors; /* sectors per track */
    uint32_t sector_bytes;
};

/* Returns whether this is a block size: 512, 1024, 2048 or 4096. */
bool block_bytes_valid(uint64_t bytes);
/* Computes the size of a disk. -EINVAL for a zero or an invalid block size, -EOVERFLOW. */
status_t geometry_size(const struct device_geometry *geometry, uint64_t *size_bytes) MUST_CHECK;
/* Returns one sector per track and the fewest heads with which the cylinders fit in 32 bits. No
 * member is 0, and the geometry covers all blocks. */
struct device_geometry geometry_derive(uint64_t size_bytes, uint32_t block_bytes);
/* Returns what a BIOS can express: at most 1024 cylinders, 255 heads and 63 sectors of 512 bytes.
 * No member is 0; the geometry covers the drive unless that is too large. */
struct device_geometry geometry_bios(uint64_t size_bytes);

#endif

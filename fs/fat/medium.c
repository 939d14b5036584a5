/*
 * medium.c - bytes of the volume, and the count of what is wrong with them.
 */
#include "fs/fat/fat.h"

void fat_count(struct fat *fat, enum fat_anomaly anomaly)
{
    atomic_fetch_add(&fat->anomalies[anomaly], 1);
}

status_t fat_read(struct fat *fat, uint64_t address, void *memory, size_t bytes)
{
    /* Once the volume was writable, its structures may be newer than those on the medium. */
    struct changes *changes = atomic_load(&fat->changes);
    if (changes)
        return changes_read(changes, address, memory, bytes);

    ssize_t got = cache_read(&fat->cache, address, memory, bytes);
    if (got < 0)
        return (status_t)got;
    if ((size_t)got == bytes)
        return 0;

    /* Fewer: the end of the device, or a block that cannot be read, whose error comes next. */
    got = cache_read(&fat->cache, address + (size_t)got, memory, bytes - (size_t)got);
    return got < 0 ? (status_t)got : -EIO;
}

/*
 * medium.c - bytes of the volume, and the count of what is wrong with them.
 */
#include "fs/exfat/exfat.h"

void exfat_count(struct exfat *exfat, enum exfat_anomaly anomaly)
{
    atomic_fetch_add(&exfat->anomalies[anomaly], 1);
}

status_t exfat_read(struct exfat *exfat, uint64_t address, void *memory, size_t bytes)
{
    struct changes *changes = atomic_load(&exfat->changes);
    if (changes)
        return changes_read(changes, address, memory, bytes);

    size_t done = 0;
    while (done < bytes) {
        ssize_t got = cache_read(&exfat->cache, address + done, (uint8_t *)memory + done,
                                 bytes - done);

        /* 0: the end of the device. A part: the block after it cannot be read, as the next call
         * returns. */
        if (got <= 0)
            return got ? (status_t)got : -EIO;
        done += (size_t)got;
    }
    return 0;
}

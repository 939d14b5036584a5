/*
 * medium.c - bytes of the medium through the metadata cache, and the ledger of anomalies.
 */
#include "fs/cdfs/cdfs.h"

status_t cdfs_read(struct cdfs *cdfs, uint64_t address, void *buffer, size_t bytes)
{
    ssize_t got = cache_read(&cdfs->meta, address, buffer, bytes);
    if (got < 0)
        return (status_t)got;
    return (size_t)got == bytes ? 0 : -EIO;
}

void cdfs_anomaly(struct cdfs *cdfs, enum cdfs_anomaly anomaly)
{
    atomic_fetch_add_explicit(&cdfs->anomalies[anomaly], 1, memory_order_relaxed);
}

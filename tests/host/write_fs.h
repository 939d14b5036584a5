/*
 * write_fs.h - a small file system on a disk whose files are written through their cache: for tests
 * of write-back that need no real format.
 *
 * Model       One directory. The medium has a block with a signature and a mark that it is in use
 *             (if it was made writable after it was mounted), a record of one block for each of
 *             WRITE_FS_FILES files, and clusters. A record has the name, the size and the
 *             clusters. Ids are the numbers of records, and are used again. Changes of records stay
 *             in memory until flush(), which writes them between two IO_FLUSHes. Clusters of a file
 *             are allocated by prepare_write(), in any order if `scattered`.
 * Checks      kassert() that the VFS keeps the promises of fsd.h: reservations are never exceeded,
 *             and a size is recorded only with places for all bytes.
 */
#ifndef TESTS_HOST_WRITE_FS_H
#define TESTS_HOST_WRITE_FS_H

#include "kernel/vfs/vfs.h"

enum {
    WRITE_FS_FILES = 40,
    WRITE_FS_CLUSTER_BYTES = 4096,
    WRITE_FS_FILE_CLUSTERS = 96, /* a longer file is -EFBIG */
    WRITE_FS_NAME_BYTES = 64,
};

/* Settings for file systems mounted from now on, and counts. */
struct write_fs_settings {
    bool keeps_valid_length;
    bool scattered;                  /* clusters do not follow each other */
    bool read_only;                  /* mounted so */
    bool slow_put;                   /* put_vnode takes a while */
    status_t fail_prepare, fail_flush; /* what these return, unless 0 */
    void (*preparing)(void);         /* called by prepare_write; NULL: nothing */
    const struct fsd *fail_read_only; /* set_writable(false) of it returns -EIO */
    _Atomic unsigned flushes, opened_for_writing; /* calls of flush; of set_writable(true) */
    _Atomic unsigned late_puts;      /* removed nodes that were freed after the last flush */
};

extern struct write_fs_settings write_fs;

/* The medium: a signature and the mark, records, clusters. */
enum { WRITE_FS_BLOCK_BYTES = 512, WRITE_FS_IN_USE = 511 };

#define WRITE_FS_SIGNATURE "write_fs"

struct write_fs_record {
    char name[WRITE_FS_NAME_BYTES]; /* empty: free */
    uint64_t size_bytes;
    uint32_t count;
    uint32_t clusters[WRITE_FS_FILE_CLUSTERS];
}; /* in the byte order of the host */

static inline uint64_t write_fs_record_address(unsigned n)
{
    return (1 + (uint64_t)n) * WRITE_FS_BLOCK_BYTES;
}

static inline uint64_t write_fs_cluster_address(uint32_t cluster)
{
    uint64_t records = write_fs_record_address(WRITE_FS_FILES);
    uint64_t first = (records + WRITE_FS_CLUSTER_BYTES - 1) / WRITE_FS_CLUSTER_BYTES;
    return (first + cluster) * WRITE_FS_CLUSTER_BYTES;
}

/* Returns how many clusters are free and not reserved. */
unsigned write_fs_free(struct fsd *fsd);

#endif

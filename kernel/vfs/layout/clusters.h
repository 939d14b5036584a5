/*
 * clusters.h - the free clusters of a volume: which to allocate, how many are promised to files,
 * and when released ones may be used again. For file systems that allocate in clusters.
 *
 * Model       The medium has the truth: a bitmap, or a table with an entry for each cluster. Here
 *             are only the number of free clusters of each group, so that full groups are not
 *             searched, and the bits of the group that was searched last. Clusters are numbered
 *             from 0.
 *             A file gets consecutive clusters where possible: after its last one, else in the
 *             first free run that is long enough, else in the longest.
 * Promises    clusters_reserve() promises clusters to a file whose bytes are only in memory yet, so
 *             that allocating for them cannot fail. What is allocated without a promise must leave
 *             the promised ones.
 * Release     Clusters of a removed file may be overwritten only when its removal is durable. They
 *             are queued (clusters_release), marked as free on the medium by the next flush
 *             (clusters_next_release, clusters_freed), and are allocated again after that commit
 *             (clusters_settle).
 * Locking     A spinlock (rank FSD) guards the counts and queues. Searching and changing the medium
 *             is the business of one thread at a time: the file system's operation. reserve,
 *             unreserve, release and settle may be called by any thread, put_vnode's included. So a
 *             search, which does not take the lock for each bit, may miss a cluster that becomes
 *             free meanwhile.
 * Ownership   Embedded in the file system's; clusters_stop() frees what it refers to.
 */
#ifndef KERNEL_VFS_LAYOUT_CLUSTERS_H
#define KERNEL_VFS_LAYOUT_CLUSTERS_H

#include "kernel/vfs/layout/runs.h"

enum { CLUSTERS_GROUP = 4096 };

struct clusters;

struct clusters_ops {
    /* Reads which of the clusters [first, first + count) are in use: a bit for each, the least
     * significant first. At most CLUSTERS_GROUP, all of one group; first is a multiple of 8. */
    status_t (*load)(struct clusters *clusters, uint32_t first, uint32_t count, uint8_t *used);
    /* Marks clusters as free on the medium, in the operation in progress. */
    status_t (*free)(struct clusters *clusters, uint32_t first, uint32_t count);
};

/* Clusters to be released. */
struct clusters_release {
    struct list link;
    struct runs runs;
    uint64_t kept_bytes; /* at the beginning of the runs: these stay in use */
    unsigned commit;     /* changes_commits() when they were marked as free */
};

struct clusters {
    const struct clusters_ops *ops;
    uint32_t count, cluster_bytes;
    uint64_t heap_address; /* of cluster 0 */
    /* private to clusters.c */
    struct spin lock;
    _Atomic uint16_t *group_free; /* of each group; GROUP_UNKNOWN */
    uint32_t next;           /* where to search: after the last allocation */
    uint64_t free, reserved;
    uint64_t releasing;      /* in the lists below */
    uint32_t loaded;         /* the group whose bits are here; UINT32_MAX: none */
    uint8_t used[CLUSTERS_GROUP / 8];
    struct list released, waiting;
};

/* -ENOMEM. */
status_t clusters_start(struct clusters *clusters, const struct clusters_ops *ops, uint32_t count,
                        uint64_t heap_address, uint32_t cluster_bytes) MUST_CHECK;
void clusters_stop(struct clusters *clusters);

/* ---- counting ----------------------------------------------------------------------------- */

/* Counts the free clusters: reads all groups. Before the first change. -EINTR, or an error of
 * reading. */
status_t clusters_count(struct clusters *clusters) MUST_CHECK;
uint64_t clusters_free_count(struct clusters *clusters);
/* Returns how many clusters new files may get: those that are free and not promised, and those that
 * a flush makes free. */
uint64_t clusters_available(struct clusters *clusters);
/* Promises clusters. -ENOSPC. */
status_t clusters_reserve(struct clusters *clusters, uint64_t count) MUST_CHECK;
void clusters_unreserve(struct clusters *clusters, uint64_t count);

/* ---- allocating --------------------------------------------------------------------------- */

/* Finds up to `wanted` consecutive free clusters: from `near` on, if that one is free. -ENOSPC if
 * there are none. The caller marks them on the medium, then calls clusters_take(). */
status_t clusters_find(struct clusters *clusters, uint32_t near, uint32_t wanted, uint32_t *first,
                       uint32_t *count) MUST_CHECK;
void clusters_take(struct clusters *clusters, uint32_t first, uint32_t count);
/* Takes clusters_take() back: they are free on the medium, and nothing ever referred to them. */
void clusters_give(struct clusters *clusters, uint32_t first, uint32_t count);

/* ---- releasing ---------------------------------------------------------------------------- */

/* Queues clusters; takes the release over, which mem_free() can free. */
void clusters_release(struct clusters *clusters, struct clusters_release *release);
/* Returns the next one that is to be marked as free, or NULL. It ends with clusters_freed(), or,
 * if marking failed, with clusters_release(). */
struct clusters_release *clusters_next_release(struct clusters *clusters);
/* Marks those clusters of the bytes [from, end) of a list as free that are in use, and appends them
 * to `freed`: on a damaged volume two files may have a cluster, which is freed once. An error of
 * the operations, or -ENOMEM: the caller undoes the operation, and frees the list. */
status_t clusters_mark_free(struct clusters *clusters, const struct runs *runs, uint64_t from,
                            uint64_t end, struct runs *freed) MUST_CHECK;
void clusters_freed(struct clusters *clusters, struct clusters_release *release, unsigned commit);
/* Makes those available that were marked before the latest of `commits` commits. */
void clusters_settle(struct clusters *clusters, unsigned commits);

#endif

/*
 * content.h - a file's bytes.
 *
 *   extents.c  where they are on the device; copying them through the metadata cache
 *   zisofs.c   unpacks a block
 *   worker.c   a thread of the mount that fills pages of files that need work
 *   data.c     the slots read_write and finish_io
 *   small.c    small files next to each other, fetched and kept together
 *
 * Model       A file whose extents start and end on sectors is read asynchronously, a run at a
 *             time, straight into the cache's pages. All others (logical blocks smaller than a
 *             sector, inner sections that end within one, interleaved extents, packed files) are
 *             made by the worker from bytes that cdfs_copy() takes from the metadata cache.
 */
#ifndef FS_CDFS_CONTENT_CONTENT_H
#define FS_CDFS_CONTENT_CONTENT_H

#include "kernel/vfs/cache/cache.h"
#include "kernel/vfs/fsd.h"

struct cdfs;
struct cdfs_node;
struct cdfs_zisofs;

/* ---- extents.c ---------------------------------------------------------------------------- */

/* A section of a file: contiguous on the disc, unless it is interleaved. */
struct cdfs_extent {
    uint64_t file_offset, address, length_bytes;
    uint32_t unit_bytes, gap_bytes; /* interleaved (6.4.3); both 0 if it is not */
};

/* Returns whether the extents can be read in whole sectors. If not, the worker gathers them. */
bool cdfs_extents_are_plain(const struct cdfs *cdfs, const struct cdfs_node *node);
/* Returns the extent that holds this byte of the file, NULL past the end. */
const struct cdfs_extent *cdfs_extent_find(const struct cdfs_node *node, uint64_t offset);
/* Copies bytes of the file as they are on the disc (packed, if they are) through the metadata
 * cache. Blocks. Returns 0, or an errno; *done is the number of good bytes. */
status_t cdfs_copy(struct cdfs *cdfs, const struct cdfs_node *node, uint64_t offset, void *buffer,
                   size_t bytes, size_t *done) MUST_CHECK;

/* ---- zisofs.c ----------------------------------------------------------------------------- */

/* The worker's: inflate's tables, and the block that was unpacked last. */
struct cdfs_unpacker;

struct cdfs_unpacker *cdfs_unpacker_create(void); /* NULL if memory is exhausted */
void cdfs_unpacker_destroy(struct cdfs_unpacker *unpacker); /* NULL does nothing */
/* Frees the buffers, the last block among them. */
void cdfs_unpacker_release(struct cdfs_unpacker *unpacker);
/* Unpacks the part of the file at `offset`, up to the end of its block. *data is valid until the
 * next call. -EUCLEAN if the packed data is damaged. */
status_t cdfs_unpack(struct cdfs_unpacker *unpacker, struct cdfs *cdfs,
                     const struct cdfs_node *node, uint64_t offset, const uint8_t **data,
                     size_t *bytes) MUST_CHECK;
/* Returns whether the ZF entry's fields are within the format's limits. */
bool cdfs_zisofs_valid(const struct cdfs_zisofs *zisofs);

/* ---- worker.c ----------------------------------------------------------------------------- */

struct cdfs_worker;

/* Starts the mount's worker unless it runs already. -ENOMEM. */
status_t cdfs_worker_start(struct cdfs *cdfs) MUST_CHECK;
void cdfs_worker_stop(struct cdfs *cdfs);
/* Queues an io of a vnode whose data needs work. Never waits. */
void cdfs_worker_submit(struct cdfs *cdfs, struct vfs_io *io);

/* ---- data.c ------------------------------------------------------------------------------- */

void cdfs_read_write(struct fsd *fsd, struct vfs_io *io);
void cdfs_finish_io(struct fsd *fsd, struct vfs_io *io);

/* ---- small.c ------------------------------------------------------------------------------ */

/* The cache of small files, and how far they were opened in the order of the disc. */
struct cdfs_small {
    struct cache cache;    /* the device; the rest is under index_lock */
    uint64_t first, next;  /* device addresses: the run's first file, and after its last one */
    uint32_t files;        /* in the run */
    uint64_t ahead_end;    /* read ahead up to here */
    uint32_t window_bytes; /* of the last read-ahead; 0 for none yet */
};

void cdfs_small_init(struct cdfs *cdfs);
void cdfs_small_destroy(struct cdfs *cdfs);
/* Lets the common cache hold the content of a file that is small and contiguous. */
void cdfs_small_hold(struct cdfs *cdfs, const struct cdfs_node *node, struct vnode *vnode);
/* The slot: fetches the file, and those that are likely to be opened next. */
status_t cdfs_open(struct fsd *fsd, struct vnode *vnode, bool write);

#endif

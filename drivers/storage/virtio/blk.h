/*
 * blk.h - shared by the files of the virtio-blk driver.
 *
 *   blk.c        the driver: from a virtio device to a disk, and back
 *   blk_config.c what the device is: its configuration, checked, and the limits that follow
 *   blk_queue.c  requests: chains, results, deadlines, recovery
 *
 * Model       A transfer uses the slot of its index. Its chain is a header, the data, and a status
 *             byte. A slot's transfer is taken once, under the lock: by the device's answer, or by
 *             the worker when the device was reset.
 * Recovery    The worker resets the device when a request passes its deadline, or when the device
 *             asks for it. Then no late DMA can occur: the late request fails with -ETIMEDOUT, and
 *             the others are submitted again, up to BLK_TRIES_MAX times. A device that violates the
 *             protocol, or has to be reset too often, is taken offline: -ENODEV.
 * Locking     blk.lock (rank QUEUE), under which slots are submitted. Transfers end without it.
 * References  VIRTIO 1.1 section 5.2 (block device).
 */
#ifndef DRIVERS_STORAGE_VIRTIO_BLK_H
#define DRIVERS_STORAGE_VIRTIO_BLK_H

#include "kernel/bus/virtio.h"
#include "kernel/sched/sync.h"

enum {
    BLK_DEPTH_MAX = 64,
    BLK_PIECES_MAX = 128,  /* of a chain: header and status beside the data */
    BLK_PIECES_OWN = 2,
    BLK_TRIES_MAX = 3,
    BLK_RESETS_MAX = 3,    /* in a row, without an answer in between */
    BLK_SECTOR_BYTES = 512, /* the unit of all numbers, whatever the block size */
};

/* The device's features (5.2.3). */
enum {
    BLK_FEATURE_SIZE_MAX = 1,
    BLK_FEATURE_SEG_MAX = 2,
    BLK_FEATURE_READ_ONLY = 5,
    BLK_FEATURE_BLOCK_SIZE = 6,
    BLK_FEATURE_FLUSH = 9,
    BLK_FEATURE_TOPOLOGY = 10,
    BLK_FEATURE_DISCARD = 13,
    BLK_FEATURE_WRITE_ZEROES = 14,
};

/* What the device and the driver write for a request, little-endian (5.2.6). */
struct blk_header {
    uint32_t type, reserved;
    uint64_t sector;

    /* the data of a discard or write zeroes */
    uint64_t range_sector;
    uint32_t range_sectors, range_flags;

    uint8_t status;         /* a piece of its own, written by the device */
    uint8_t unused[31];
};

struct blk_slot {
    struct io_transfer *transfer; /* NULL: free */
    uint64_t deadline_us;
    unsigned tries;
};

/* The configuration, checked. */
struct blk_config {
    uint64_t bytes;
    uint32_t block_bytes, physical_block_bytes;
    uint32_t data_pieces_max; /* of one request: the device's limit */
    uint32_t piece_bytes_max; /* of one piece; 0: no limit */
    uint32_t discard_bytes, discard_align, zero_bytes; /* as in struct io_limits */
};

enum blk_state { BLK_RUNNING, BLK_RESETTING, BLK_OFFLINE };

struct blk {
    struct virtio_device *virtio;
    struct virtio_queue *queue;
    struct device *disk;       /* a reference */
    struct blk_config config;
    struct blk_header *headers; /* a page: one for each slot */
    struct thread *worker;

    struct spin lock;          /* all below */
    enum blk_state state;
    struct blk_slot slots[BLK_DEPTH_MAX];
    unsigned in_flight, resets;
    struct wait_queue changed; /* the worker waits here */
    bool asleep;               /* the worker waits without a deadline */
    bool failed, reconfigured, stopping;
};

/* blk_config.c */

/* Reads the configuration. -ENODEV, after a line in the log, if it makes no sense. */
status_t blk_read_config(struct blk *blk, struct blk_config *config) MUST_CHECK;
/* Returns the limits of transfers, for chains of `pieces`. */
struct io_limits blk_limits(const struct blk_config *config, const struct virtio_queue *queue);

/* blk_queue.c */

extern const struct virtio_client blk_client;

/* Resets the device and starts it; the queue is added the first time. */
status_t blk_start_device(struct blk *blk) MUST_CHECK;
status_t blk_start_worker(struct blk *blk) MUST_CHECK;
/* Ends the worker and the device. Requests in flight end with -ENODEV. */
void blk_stop(struct blk *blk);
/* A member of struct device_ops. */
void blk_start_transfer(struct device *disk, struct io_transfer *transfer);

#endif

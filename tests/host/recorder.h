/*
 * recorder.h - a disk in memory that logs its writes and flushes, and the states in which it may be
 * when power fails.
 *
 * Model       The log has an entry for each write, flush and mark, in the order in which they
 *             ended. At any place in the log, what was written before the last flush that succeeded
 *             is durable. Of each block written since, the medium has one of the versions of the
 *             log, or the durable one. After a flush that failed, the writes before it stay
 *             uncertain: a device may have lost them, and a later flush does not bring them back.
 * States      A replay is a copy of the medium that moves forward along the log. replay_crash()
 *             adds a subset of the uncertain blocks to what is durable; replay_restore() removes
 *             it again.
 * Ownership   The snapshot is borrowed. recorder_destroy() removes the device; replays end before.
 */
#ifndef TESTS_HOST_RECORDER_H
#define TESTS_HOST_RECORDER_H

#include "tests/host/faulty.h"
#include "tests/host/snapshot.h"

enum record_kind { RECORD_WRITE, RECORD_FLUSH, RECORD_FAILED_FLUSH, RECORD_MARK };

struct record {
    enum record_kind kind;
    uint64_t offset_bytes;
    uint32_t length_bytes;
    uint8_t *data;
    unsigned mark;
};

struct recorder {
    struct device *device;
    const struct snapshot *base;  /* at the start of the log */
    uint8_t *image;               /* now */
    uint64_t bytes;
    uint32_t block_bytes;
    unsigned long fail_nth_write; /* the n-th from now on fails once, and writes some blocks */
    unsigned long fail_nth_flush;
    struct record *log;
    size_t count;

    /* private to recorder.c */
    size_t room;
    struct spin lock;
};

/* Creates and publishes the disk "faulty<n>" with a copy of the snapshot. */
struct recorder *recorder_create(unsigned n, const struct snapshot *base, uint32_t block_bytes);
void recorder_destroy(struct recorder *recorder);
/* Appends a mark to the log. */
void recorder_mark(struct recorder *recorder, unsigned mark);

/* A block of a write that may be on the medium or not. */
struct uncertain {
    uint64_t offset_bytes;
    const uint8_t *data;
    bool lost;           /* a flush after it failed */
    uint8_t *former;     /* by replay_restore() */
};

struct replay {
    const struct recorder *recorder;
    uint8_t *image;
    size_t at;               /* records before it are applied or uncertain */
    struct uncertain *blocks;
    size_t count, room;
    size_t *undo, undo_count; /* blocks in the order in which replay_crash() added them */
};

void replay_create(struct replay *replay, const struct recorder *recorder);
void replay_destroy(struct replay *replay);
/* Moves on to a place in the log. */
void replay_advance(struct replay *replay, size_t to);
/* Adds each uncertain block for which keep(n, context) is true, in the order of the log. */
void replay_crash(struct replay *replay, bool (*keep)(size_t n, void *context), void *context);
void replay_restore(struct replay *replay);

#endif

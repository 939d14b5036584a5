/*
 * crash.h - power failures during changes to a file system: makes sequences of operations, records
 * what reaches the disk, and checks the volume in the states in which power may leave it.
 *
 * Model       Each workload begins with a small tree that was synced. Its operations are done on
 *             the volume and in the model (crash_model.h). Then the log of the disk is replayed: at
 *             each place the volume is what is durable, or has in addition a subset of the blocks
 *             written since the last flush. It is mounted, walked, and compared with what the model
 *             allows.
 * Failures    A panic prints the workload, its number and the state. With CRASH_ONLY=NUMBER only
 *             that workload is done; with CRASH_SAVE=FILE the volume is written to a file first.
 * Locking     One thread.
 */
#ifndef TESTS_HOST_CRASH_H
#define TESTS_HOST_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A formatted volume without files; where it is free, it has bytes that no file ever has. */
struct crash_volume {
    const char *name;
    uint8_t *image;
    size_t bytes;
    uint32_t block_bytes;
    const char *check; /* a command of the host: %s is the volume; NULL: none */
};

struct crash_plan {
    unsigned first, step, count; /* workloads first, first + step, ...: their numbers */
    unsigned chance;             /* one in this many states is checked */
    unsigned subsets;            /* of the uncertain blocks, at each place */
    unsigned check_chance;       /* one in this many states is given to volume->check; 0: none */
};

/* Makes a volume with a command of the host, in which %s is a file of `kib` KiB. */
void crash_volume_create(struct crash_volume *volume, const char *command, unsigned kib);
void crash_volume_destroy(struct crash_volume *volume);

/* Returns how many sequences of one to three operations there are: their numbers are below. Higher
 * numbers are long random workloads. */
unsigned crash_sequences(void);
/* Does the workloads on a ramfs, and compares it with the model after each operation: the model
 * predicts what the VFS does. */
void crash_rehearse(const struct crash_plan *plan);
/* Does the workloads. Returns the number of states that were checked. */
unsigned crash_run(const struct crash_volume *volume, const struct crash_plan *plan);

#endif

/*
 * crash.h - power failures during changes to a file system: makes sequences of operations, records
 * what reaches the disk, and checks the volume in the states in which power may leave it.
 *
 * Model       Each workload begins with a small tree that was synced. Its operations are done on
 *             the volume and in the model (crash_model.h). Then the log of the disk is replayed: at
 *             each place the volume is what is durable, or has in addition a subset of the blocks
 *             written since the last flush. It is mounted, walked, and compared with what the model
 *             allows.
 * Checks      Each state is also given to the file system's own check, and a few are given to
 *             another program (crash_check.h).
 * Failures    A panic prints the workload, its number and the state. With CRASH_ONLY=NUMBER only
 *             that workload is done, in all its states; with CRASH_SAVE=FILE the volume is written
 *             to a file first. CRASH_FROM=TURN begins with another workload than the first, and
 *             SIM_SEED=SEED makes other random choices.
 * Locking     One thread.
 */
#ifndef TESTS_HOST_CRASH_H
#define TESTS_HOST_CRASH_H

/* Does workloads on a volume that a command of the host has formatted: %s is a file of `kib` KiB. A
 * few states are also given to the command `check`, in which %s is the volume; NULL: none. The
 * number of states is about CRASH_STATES of the environment, or a few hundred. */
void crash_test(const char *name, const char *format, unsigned kib, const char *check);
/* Does workloads on a ramfs, and compares it with the model after each operation: the model
 * predicts what the VFS does. */
void crash_rehearse(void);

#endif

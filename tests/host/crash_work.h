/*
 * crash_work.h - the workloads of the crash tests: operations on the file system at /m, on disk0,
 * and the same in the model.
 */
#ifndef TESTS_HOST_CRASH_WORK_H
#define TESTS_HOST_CRASH_WORK_H

#include "tests/host/recorder.h"

/* Marks in the log: the number of a tree of the model, and which event; 0: the operation that makes
 * the tree begins. */
enum {
    WORK_TIME = 0xffff,
    WORK_SYNCED = 1 << 16,      /* all of the tree is durable */
    WORK_NODE_SYNCED = 1 << 17, /* one file of it */
    WORK_NODE_SHIFT = 18,
};

/* Workloads have numbers: those below work_sequences() are all sequences of up to three operations;
 * work_found() sequences that have failed once begin at WORK_FOUND; the others are long, of random
 * operations. */
enum { WORK_FOUND = 1 << 20 };

unsigned work_sequences(void);
unsigned work_found(void);
/* Mounts the disk, does a workload and unmounts it. Returns the place in the log from which on the
 * first tree of the model is durable. */
size_t work_do(struct recorder *recorder, unsigned number);
/* Does a workload in memory instead, on a ramfs, and calls check() after each operation. */
void work_rehearse(unsigned number, void (*check)(unsigned time));
/* Returns the operations of the last workload, for messages. */
const char *work_text(void);

#endif

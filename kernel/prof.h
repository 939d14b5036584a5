/*
 * prof.h - a sampling profiler: which functions use the processor's time.
 *
 * Model       Every `interval_us` a timer interrupts and counts the interrupted function ("self")
 *             and, once each, the functions on the call stack ("total"), found by frame pointers.
 *             If no thread is ready, the sample counts as idle.
 * Limits      Code that runs with interrupts off (a few sections of the scheduler) is counted where
 *             they are enabled again. The caller of a function without a frame is missed if it
 *             called through a pointer. An inlined function counts for the function that contains
 *             it; `make LTO=` inlines within files only. At most 64 functions of loaded drivers
 *             are counted.
 * Interface   prof_start(), prof_stop(), prof_take() until it returns false, prof_end(). The
 *             command `prof COMMAND...` does all of it.
 * Locking     One run at a time, by one thread.
 */
#ifndef KERNEL_PROF_H
#define KERNEL_PROF_H

#include "kernel/port.h"

struct prof_function {
    const char *name; /* of a loaded driver: "DRIVER: FUNCTION"; valid until prof_end() */
    uint32_t self, total;
};

struct prof_run {
    uint32_t samples, idle; /* idle samples are included in `samples` */
};

/* Starts a run. With `callers_of` (or NULL) only samples in that function, or in functions that it
 * called, are counted, and they are counted for its callers. -EBUSY until the previous run was
 * ended, -ENOENT if the kernel has no function of that name, -ENOMEM. */
status_t prof_start(uint64_t interval_us, const char *callers_of) MUST_CHECK;
/* Stops sampling; the counts are kept until prof_end(). */
struct prof_run prof_stop(void);
/* Returns the function with the most samples, by total or by self, and removes it from the counts;
 * false if none is left. */
bool prof_take(bool by_total, struct prof_function *function);
void prof_end(void);

#endif

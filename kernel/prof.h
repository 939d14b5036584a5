/*
 * prof.h - where the processor's time goes: a look, at even distances, at what runs.
 *
 * Model       A timer interrupts every `interval_us` and counts the function that it interrupted
 *             ("self") and, once each, the functions that led there ("total"), by the frame
 *             pointers. While nothing is ready to run, the sample counts as idle.
 * What it     Stretches with interrupts off, of which the scheduler has a few, count where they
 * cannot see  end. The caller of a function without a frame is missed when it called through a
 *             pointer. What the compiler inlined counts for where it was put: `make LTO=` leaves
 *             that to the files themselves.
 * Interface   prof_start(), prof_stop(), prof_take() until it has nothing more, prof_end(): the
 *             command `prof COMMAND...` does it all.
 * Locking     One run at a time, by one thread.
 */
#ifndef KERNEL_PROF_H
#define KERNEL_PROF_H

#include "kernel/port.h"

struct prof_function {
    const char *name;
    uint32_t self, total;
};

struct prof_run {
    uint32_t samples, idle; /* idle ones are among the samples */
};

/* -EBUSY until the run before was ended, -ENOMEM. With `callers_of` (NULL: none) only samples that
 * were taken in that function or below it count, and as if its callers had run themselves; -ENOENT
 * when there is no function of that name. */
status_t prof_start(uint64_t interval_us, const char *callers_of) MUST_CHECK;
/* No sample is taken from here on; the counts stay until prof_end(). */
struct prof_run prof_stop(void);
/* The function with the most samples, by total or by self, which is thereby taken out; false when
 * none is left. */
bool prof_take(bool by_total, struct prof_function *function);
void prof_end(void);

#endif

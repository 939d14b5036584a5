/*
 * thread.h - the scheduler's start and its side towards the machine; the calls on threads are in
 * kernel/port.h.
 *
 * Model       One queue for each priority. The first ready thread of the highest priority runs; a
 *             thread of higher priority that becomes ready preempts it at once, or when the current
 *             interrupt or spinlock ends. Threads of equal priority take turns in slices of 10 ms,
 *             measured across preemptions; the slice timer is started only while an equal is ready.
 *             With no ready thread the processor halts, on the stack of the thread that ran last.
 * Invariant   A thread is in its priority's queue if and only if its state is READY.
 * Locking     All data of the scheduler is accessed with interrupts off, which needs no lock on one
 *             processor.
 */
#ifndef KERNEL_SCHED_THREAD_H
#define KERNEL_SCHED_THREAD_H

#include "kernel/port.h"

enum { THREAD_SLICE_US = 10000 };

/* Makes the caller the first thread, "main", sets the scheduler's hooks (kernel/x86/cpu.h) and
 * enables interrupts. Once, after memory_start() and alarm_start(). Panics if memory is
 * exhausted. */
void thread_start(void);

unsigned thread_count(void);

/* Returns true if the processor halts because no thread is ready. Interrupt handlers only. */
bool thread_is_idle(void);

#endif

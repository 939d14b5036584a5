/*
 * thread.h - the scheduler's side towards the machine; kernel/port.h has what everybody uses.
 *
 * Model       One queue a priority. The first ready thread of the highest priority runs; one that
 *             becomes ready above it runs at once (from an interrupt: when that returns). Among
 *             equals each runs for a slice of 10 ms, measured over preemptions; the slice's timer
 *             runs only while an equal is ready. With nothing ready the processor halts, on the
 *             stack of the thread that ran last.
 * Invariant   A thread is in its queue <=> its state is READY. All of the scheduler's data is
 *             touched with interrupts off only, which on one processor needs no lock.
 */
#ifndef KERNEL_SCHED_THREAD_H
#define KERNEL_SCHED_THREAD_H

#include "kernel/port.h"

enum { THREAD_SLICE_US = 10000 };

/* Makes the caller the first thread, "main", and turns interrupts on. Once, after memory_start(),
 * interrupts_start() and clock_start(). Panics when memory is out. */
void thread_start(void);

/* For spin.c alone, which is called too often to ask functions. */
extern uint32_t thread_ranks;    /* *lock_ranks_held() */
extern bool thread_switch_wanted; /* thread_preempt() would do something */

/* The ranks of an interrupt handler's locks are no concern of what it interrupted: returns those,
 * and thread_leave_interrupt() takes them back. Interrupts off. */
uint32_t thread_enter_interrupt(void);
void thread_leave_interrupt(uint32_t ranks);

/* Lets a thread run that should: at the end of an interrupt and where spins end. The first with
 * interrupts off, the second with them on. */
void thread_preempt_after_interrupt(void);
void thread_preempt(void);

unsigned thread_count(void);
bool thread_is_idle(void); /* is nobody ready? For interrupt handlers */

#endif

/*
 * host.h - what tests may do to the machine that they run on: both host back ends of kernel/port.h.
 *
 * Model       Memory is one pool, counted in bytes, that the heap and the pages share, as they do
 *             in the kernel: 256 MiB unless a test says otherwise. An allocation that would pass
 *             the limit asks the reclaimer first. Fresh memory is filled with 0xdb.
 * Panic       aborts, unless the running thread is inside host_panic_of().
 * Back ends   port_common.c with either port_threads.c (pthreads) or port_sim.c (see sim.h).
 */
#ifndef HOST_PORT_HOST_H
#define HOST_PORT_HOST_H

#include "kernel/port.h"

/* ---- memory ------------------------------------------------------------------------------- */

/* The pool's size; page_total_count() follows. Rounded down to pages. */
void host_memory_limit(size_t bytes);
/* Bytes of heap and pages handed out and not yet freed. */
size_t host_memory_used(void);

/* The n-th allocation from now on (1: the next), of heap or page, fails, once. 0: none does. */
void host_fail_nth_allocation(unsigned long n);
/* The same for the n-th thread_create(). */
void host_fail_nth_thread(unsigned long n);
/* Did the allocation, or the thread, that was to fail come? A test that raises n until this says no
 * has seen every allocation of its path fail. */
bool host_failure_happened(void);

/* mem_physical() gives addresses below 2 GiB. With `high`, odd pages are above 4 GiB instead, where
 * a device of 32 address bits does not reach. */
void host_set_high_memory(bool high);

/* ---- panic -------------------------------------------------------------------------------- */

/* Calls body(argument). NULL when it returned; the message when it panicked (valid until the next
 * panic). What body held - locks of the tests, memory - stays as it was, but the thread's record of
 * the locks it holds is put back. Does not nest. */
const char *host_panic_of(void (*body)(void *argument), void *argument);

/* ---- console ------------------------------------------------------------------------------ */

/* What port_console_write() gets goes into buffer[bytes], ended by NUL and cut at the end, instead
 * of stderr. NULL: stderr again. */
void host_console_capture(char *buffer, size_t bytes);

/* ---- threads ------------------------------------------------------------------------------ */

/* Threads made by thread_create() that are not freed yet. */
unsigned host_thread_count(void);

/* After so many calls of thread_interrupted() every thread that asks is interrupted: what would go
 * on without end does not. LONG_MAX, as at first: never. */
void host_set_patience(long questions);

/* NULL when no thread and no memory is left, else a sentence about what is. Waits a while for
 * detached threads that are about to end. */
const char *host_leftovers(void);

#endif

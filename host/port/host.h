/*
 * host.h - how tests control the host back ends of kernel/port.h: memory limits, injected failures,
 * expected panics, captured console output, leak checks.
 *
 * Model       Memory is one pool, counted in bytes, that heap and pages share, as in the kernel.
 *             The pool has 256 MiB unless a test sets another limit. An allocation that would
 *             exceed the limit calls the reclaimer first. New memory is filled with 0xdb, so that
 *             a test notices the use of memory that was not initialized.
 * Panic       A panic aborts the process, unless the running thread is inside host_panic_of().
 * Back ends   port_common.c, linked with either port_threads.c (pthreads) or port_sim.c (see
 *             sim.h).
 */
#ifndef HOST_PORT_HOST_H
#define HOST_PORT_HOST_H

#include "kernel/port.h"

/* ---- memory ------------------------------------------------------------------------------- */

/* Sets the size of the pool, rounded down to whole pages, and with it page_total_count(). */
void host_memory_limit(size_t bytes);
/* Takes all pages from one mapping of that size from now on, and does not fill them: for programs,
 * which need speed. Tests do without, so that ASan sees each page by itself. Once, before the first
 * page is allocated. */
void host_pages_reserve(void);
/* Returns the bytes of heap and pages that are allocated and not yet freed. */
size_t host_memory_used(void);

/* Makes the n-th allocation from now on (1: the next one), of heap or pages, fail once. 0 cancels
 * the failure. */
void host_fail_nth_allocation(unsigned long n);
/* Makes the n-th thread_create() from now on fail once. 0 cancels the failure. */
void host_fail_nth_thread(unsigned long n);
/* Returns true if the allocation, or the thread, that was to fail was reached. A test that raises n
 * until this returns false has made every allocation of its path fail. */
bool host_failure_happened(void);

/* Selects what mem_physical() returns: addresses below 2 GiB, or, with `high`, addresses above
 * 4 GiB for odd pages. A device with 32 address bits cannot reach those. */
void host_set_high_memory(bool high);
/* With `real`, mem_physical() returns the host's own address, so that a model of a device can
 * access the memory that a driver gives it; page_alloc_low() then returns pages that really are
 * below 4 GiB. Without it no device uses the result. */
void host_set_real_addresses(bool real);

/* ---- panic -------------------------------------------------------------------------------- */

/* Calls body(argument). Returns NULL if it returned, or the message if it panicked (valid until the
 * next panic). A panic releases neither the locks nor the memory that body held, but the thread's
 * record of its locks is restored, so that the test can continue. Calls must not nest. */
const char *host_panic_of(void (*body)(void *argument), void *argument);

/* ---- console ------------------------------------------------------------------------------ */

/* Redirects port_console_write() from stderr to buffer[bytes], which always ends with NUL; text
 * that does not fit is discarded. With NULL, the console writes to stderr again. */
void host_console_capture(char *buffer, size_t bytes);

/* ---- threads ------------------------------------------------------------------------------ */

/* Returns the number of threads that thread_create() made and that are not freed yet. */
unsigned host_thread_count(void);

/* After that many calls of thread_interrupted(), interrupts each thread that calls it, so that a
 * command that would run endlessly ends. LONG_MAX, the initial value, means never. */
void host_set_patience(long calls);

/* Returns NULL if no thread and no memory is left, or else a sentence with the numbers. Waits up to
 * five seconds for detached threads to end. */
const char *host_leftovers(void);

#endif

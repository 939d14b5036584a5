/*
 * backend.h - the interface between port_common.c and the back end that it is linked with.
 *
 * port_common.c has what does not depend on how threads run: memory, spinlocks, panic, console.
 * port_threads.c or port_sim.c has threads and time.
 */
#ifndef HOST_PORT_BACKEND_H
#define HOST_PORT_BACKEND_H

#include "kernel/code.h"
#include "kernel/port.h"

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_PARKED, THREAD_ENDED };

/* The part of a thread that both back ends have. Each embeds it in a struct of its own. */
struct thread {
    char name[16];
    enum thread_priority priority;
    unsigned number;       /* unique since start, > 0 */
    uint32_t ranks;        /* lock_ranks_held(); used only by the thread itself */
    unsigned spins_held;   /* used only by the thread itself */
    _Atomic bool interrupted;
    _Atomic int state;     /* enum thread_state */
    bool ended, detached;  /* guarded by the back end's lock */
    void (*entry)(void *argument);
    void *argument;
    struct code_use code_use; /* of entry */
    struct list link;      /* in the back end's list of all threads */
};

/* Initializes a zeroed thread. */
void host_thread_init(struct thread *thread, const char *name, enum thread_priority priority,
                      void (*entry)(void *argument), void *argument);
/* Fills in what thread_each() passes to its visitor. */
void host_thread_info(const struct thread *thread, struct thread_info *info);

/* Panics if the running thread holds a spinlock. Call it before the thread sleeps; `what` names the
 * call in the message. */
void host_assert_may_sleep(const char *what);

/* Returns true if this call of thread_create() must fail; see host_fail_nth_thread(). Each
 * thread_create() calls it once. */
bool host_thread_fails(void);

enum { HOST_FILL_BYTE = 0xdb }; /* new memory is filled with it */

/* pages.c: take a page, filled unless it comes from a reserve, or give one back. They abort if the
 * host has none. pages_take_low: below 4 GiB. */
void *pages_take(void);
void *pages_take_low(void);
void pages_give(void *page);
void pages_reserve(size_t bytes);

/* Provided by the back end. Called while another thread holds the spinlock, until it is free. */
void backend_spin_contended(struct spin *spin);
/* Provided by the back end. Called after the running thread released its last spinlock. */
void backend_spins_released(void);
/* Provided by the back end. Prints to stderr how to repeat this run; the process aborts next. */
void backend_describe_run(void);

#endif

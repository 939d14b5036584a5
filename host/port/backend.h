/*
 * backend.h - between port_common.c and the back end that it is linked with.
 */
#ifndef HOST_PORT_BACKEND_H
#define HOST_PORT_BACKEND_H

#include "kernel/port.h"

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_PARKED, THREAD_ENDED };

/* What both back ends know of a thread; the first member of their own struct. */
struct thread {
    char name[16];
    enum thread_priority priority;
    unsigned number;       /* unique since start, > 0 */
    uint32_t ranks;        /* lock_ranks_held(): its own thread's */
    unsigned spins_held;   /* its own thread's */
    _Atomic bool interrupted;
    _Atomic int state;
    bool ended, detached;  /* under the back end's lock */
    void (*entry)(void *argument);
    void *argument;
    struct list link;      /* the back end's, of all threads */
};

/* Fills in a zeroed thread. */
void host_thread_init(struct thread *thread, const char *name, enum thread_priority priority,
                      void (*entry)(void *argument), void *argument);
void host_thread_info(const struct thread *thread, struct thread_info *info);

/* Panics when the running thread holds a spin: it is about to sleep. */
void host_assert_may_sleep(const char *what);

/* Provided by the back end: somebody else holds the spin; the last spin was released; the process
 * is about to die, so say on stderr what it takes to see that again. */
void backend_spin_contended(struct spin *spin);
void backend_spins_released(void);
void backend_describe_run(void);

/* Is this the thread_create() that is to fail? */
bool host_thread_fails(void);

#endif

/*
 * crew.h - threads that work for another, which waits for all of them and hands ^C on to them.
 *
 * The struct and its members belong to the thread that waits; every crew that was started must be
 * waited for.
 */
#ifndef KERNEL_SHELL_CREW_H
#define KERNEL_SHELL_CREW_H

#include "kernel/sched/sync.h"

enum { CREW_MAX = 16 };

struct crew_member {
    struct crew *crew;
    struct thread *thread;
    void (*work)(void *argument);
    void *argument;
};

struct crew {
    struct spin lock;
    struct wait_queue ended;
    unsigned count, working;
    struct crew_member members[CREW_MAX];
};

void crew_init(struct crew *crew);
/* -ENOMEM: the thread could not be made, and work() is not called. */
status_t crew_start(struct crew *crew, const char *name, void (*work)(void *argument),
                    void *argument) MUST_CHECK;
void crew_wait(struct crew *crew);

#endif

/*
 * thread_group.h - a thread group: starts workers, waits for all, forwards interrupts to them.
 *
 * The struct and its members belong to the thread that waits; every group that was started must be
 * waited for.
 */
#ifndef SHELL_LANGUAGE_THREAD_GROUP_H
#define SHELL_LANGUAGE_THREAD_GROUP_H

#include "kernel/sched/sync.h"

enum { THREAD_GROUP_MAX = 16 };

struct thread_group_member {
    struct thread_group *group;
    struct thread *thread;
    void (*work)(void *argument);
    void *argument;
};

struct thread_group {
    struct spin lock;
    struct wait_queue ended;
    unsigned count, working;
    struct thread_group_member members[THREAD_GROUP_MAX];
};

void thread_group_init(struct thread_group *group);
/* -ENOMEM: the thread could not be made, and work() is not called. */
status_t thread_group_start(struct thread_group *group, const char *name,
                            void (*work)(void *argument), void *argument) MUST_CHECK;
void thread_group_wait(struct thread_group *group);

#endif

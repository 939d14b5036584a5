/*
 * thread_group.h - a thread group: starts workers, waits for all, forwards interrupts to them.
 *
 * Locking     The group belongs to the thread that starts it and waits. Workers use only `lock`.
 * Ownership   The memory must remain valid until thread_group_wait() returns, which must be called
 *             for every group that was initialized.
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
/* Starts a thread that calls work(). -ENOMEM if that fails; then work() is not called. */
status_t thread_group_start(struct thread_group *group, const char *name,
                            void (*work)(void *argument), void *argument) MUST_CHECK;
/* Waits until all threads have ended. Each interrupt of the caller is forwarded to them, and the
 * caller stays interrupted: they end soon, since their waits return -EINTR. */
void thread_group_wait(struct thread_group *group);

#endif

/*
 * thread_group.c - starts and joins a group of threads; see thread_group.h.
 */
#include "shell/language/thread_group.h"

void thread_group_init(struct thread_group *group)
{
    *group = (struct thread_group){ 0 };
    spin_init(&group->lock, RANK_QUEUE);
    wait_queue_init(&group->ended);
}

static void thread_group_work(void *argument)
{
    struct thread_group_member *member = argument;
    struct thread_group *group = member->group;
    member->work(member->argument);

    /* Wake the waiter under the lock. It then joins this thread, so the group outlives the
     * unlock. */
    spin_lock(&group->lock);
    group->working--;
    wait_queue_wake_all(&group->ended);
    spin_unlock(&group->lock);
}

status_t thread_group_start(struct thread_group *group, const char *name,
                            void (*work)(void *argument), void *argument)
{
    struct thread_group_member *member = &group->members[group->count];
    *member = (struct thread_group_member){ .group = group, .work = work, .argument = argument };

    /* Count the thread before it exists: it may end before thread_create() returns. */
    spin_lock(&group->lock);
    group->working++;
    spin_unlock(&group->lock);

    struct thread *thread = thread_create(name, PRIORITY_NORMAL, thread_group_work, member);
    if (thread) {
        member->thread = thread;
        group->count++;
        return 0;
    }

    spin_lock(&group->lock);
    group->working--;
    spin_unlock(&group->lock);
    return -ENOMEM;
}

void thread_group_wait(struct thread_group *group)
{
    bool interrupted = false;
    spin_lock(&group->lock);

    while (group->working) {
        if (!wait_queue_wait_interruptible(&group->ended, &group->lock, TIME_NEVER))
            continue;

        /* The threads may be waiting for a disc or a pipe, and return -EINTR from there. They may
         * also handle the interrupt and work on, so the next one must end the wait again. */
        interrupted = true;
        spin_unlock(&group->lock);
        thread_clear_interrupt();
        for (unsigned i = 0; i < group->count; i++)
            thread_interrupt(group->members[i].thread);
        spin_lock(&group->lock);
    }
    spin_unlock(&group->lock);

    /* Join even those that have ended: their memory is freed only then. */
    for (unsigned i = 0; i < group->count; i++)
        thread_join(group->members[i].thread);
    if (interrupted)
        thread_interrupt(thread_current());
}

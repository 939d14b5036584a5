/*
 * crew.c - see crew.h.
 */
#include "kernel/shell/crew.h"

void crew_init(struct crew *crew)
{
    *crew = (struct crew){ 0 };
    spin_init(&crew->lock, RANK_QUEUE);
    wait_queue_init(&crew->ended);
}

static void crew_work(void *argument)
{
    struct crew_member *member = argument;
    struct crew *crew = member->crew;
    member->work(member->argument);
    spin_lock(&crew->lock);
    crew->working--;
    wait_queue_wake_all(&crew->ended);
    spin_unlock(&crew->lock);
}

status_t crew_start(struct crew *crew, const char *name, void (*work)(void *argument),
                    void *argument)
{
    struct crew_member *member = &crew->members[crew->count];
    *member = (struct crew_member){ .crew = crew, .work = work, .argument = argument };
    spin_lock(&crew->lock);
    crew->working++;
    spin_unlock(&crew->lock);
    struct thread *thread = thread_create(name, PRIORITY_NORMAL, crew_work, member);
    if (thread) {
        member->thread = thread;
        crew->count++;
        return 0;
    }
    spin_lock(&crew->lock);
    crew->working--;
    spin_unlock(&crew->lock);
    return -ENOMEM;
}

void crew_wait(struct crew *crew)
{
    status_t status = 0;
    spin_lock(&crew->lock);
    while (crew->working && !status)
        status = wait_queue_wait_interruptible(&crew->ended, &crew->lock, TIME_NEVER);
    spin_unlock(&crew->lock);
    for (unsigned i = 0; status && i < crew->count; i++)
        thread_interrupt(crew->members[i].thread);
    for (unsigned i = 0; i < crew->count; i++)
        thread_join(crew->members[i].thread); /* they stop by themselves now */
}

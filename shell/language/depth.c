/*
 * depth.c - calls on this stack or on the stack of a new thread; see depth.h.
 */
#include "shell/language/depth.h"
#include "shell/language/thread_group.h"

struct far_call {
    struct depth *depth;
    void (*work)(void *argument);
    void *argument;
    bool interrupted; /* the thread's state when the call had ended */
    struct thread_group group;
};

static uintptr_t stack_address(void)
{
    return (uintptr_t)__builtin_frame_address(0);
}

bool depth_begin(struct depth *depth)
{
    if (depth->base)
        return false;
    depth->base = stack_address();
    return true;
}

void depth_end(struct depth *depth)
{
    depth->base = 0;
}

/* Returns whether enough of the stack is left for a step of the language and for any command. */
static bool has_room(const struct depth *depth)
{
    uintptr_t here = stack_address();
    return !depth->base || here >= depth->base || depth->base - here < DEPTH_ROOM_BYTES;
}

static void far_work(void *argument)
{
    struct far_call *call = argument;
    uintptr_t base = call->depth->base;

    /* The new stack is measured from here, and the caller's again afterwards. */
    call->depth->base = stack_address();
    call->work(call->argument);
    call->depth->base = base;
    call->interrupted = thread_interrupted();
}

static status_t call_far(struct depth *depth, void (*work)(void *argument), void *argument)
{
    if (depth->threads == DEPTH_THREADS_MAX)
        return -EOVERFLOW;

    struct far_call *call = mem_zalloc(sizeof(*call));
    if (!call)
        return -ENOMEM;
    *call = (struct far_call){ .depth = depth, .work = work, .argument = argument };
    thread_group_init(&call->group);
    unsigned handled = depth->handled;

    depth->threads++;
    status_t status = thread_group_start(&call->group, "shell", far_work, call);
    thread_group_wait(&call->group);
    depth->threads--;

    /* The reader of a pipe may have gone, which interrupts only the thread that writes to it. */
    if (!status && call->interrupted)
        thread_interrupt(thread_current());
    else if (depth->handled != handled)
        thread_clear_interrupt();

    mem_free(call);
    return status;
}

status_t depth_call(struct depth *depth, void (*work)(void *argument), void *argument)
{
    if (!has_room(depth))
        return call_far(depth, work, argument);
    work(argument);
    return 0;
}

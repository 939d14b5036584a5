/*
 * depth.h - lets the language nest deeply on small stacks.
 *
 * Model       A kernel stack has 16 KiB, and the parser, the expansion and the evaluator recurse by
 *             the nesting of the script. Each step down is a depth_call(): while this thread's
 *             stack has room it is an ordinary call; else the call runs on a new thread, and the
 *             caller waits. So the nesting is on the heap, and is bounded by DEPTH_THREADS_MAX
 *             stacks. An interrupt of the waiting caller is forwarded to the thread of the call. If
 *             the call ends interrupted, so is its caller; if a trap has handled the interrupt
 *             (`handled` was incremented), the caller is not.
 * Locking     The object belongs to the thread that runs the shell or the parser: during a
 *             depth_call() that is the thread of the call.
 */
#ifndef SHELL_LANGUAGE_DEPTH_H
#define SHELL_LANGUAGE_DEPTH_H

#include "kernel/port.h"

enum { DEPTH_ROOM_BYTES = 5 * 1024, DEPTH_THREADS_MAX = 192 };

struct depth {
    uintptr_t base;    /* an address near the bottom of this thread's stack; 0: not known yet */
    unsigned threads;  /* that wait for a call on a further thread */
    unsigned handled;  /* interrupts that traps have handled */
};

/* Takes the caller's frame as the bottom of the stack, unless it is known. Returns whether it was
 * not: then the caller ends with depth_end(). */
bool depth_begin(struct depth *depth);
void depth_end(struct depth *depth);
/* Calls work(argument). -EOVERFLOW if the nesting is too deep, -ENOMEM if no thread can be created:
 * then work() was not called. */
status_t depth_call(struct depth *depth, void (*work)(void *argument), void *argument) MUST_CHECK;

#endif

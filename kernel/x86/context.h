/*
 * context.h - changing from one stack to another.
 *
 * A context is the stack pointer; below it lie the registers that a called function must keep and
 * the address where it goes on.
 */
#ifndef KERNEL_X86_CONTEXT_H
#define KERNEL_X86_CONTEXT_H

#include <stdint.h>

/* Stores the caller's context in *save and continues `load`. Returns when somebody switches back.
 * Interrupts off. */
void context_switch(uint64_t *save, uint64_t load);

/* A context that calls `entry` on the stack whose end is `stack_top` (16-byte aligned). `entry`
 * gets no argument, must not return, and starts with interrupts off. */
static inline uint64_t context_create(void *stack_top, void (*entry)(void))
{
    uint64_t *at = stack_top;
    *--at = 0; /* a return address for backtraces to end at, and the ABI's alignment */
    *--at = (uint64_t)entry;
    for (int i = 0; i < 6; i++)
        *--at = 0;
    return (uint64_t)at;
}

#endif

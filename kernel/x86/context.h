/*
 * context.h - switches from one stack to another.
 *
 * A context is a stack pointer. The stack's top has the registers that a called function must keep
 * (System V ABI, 3.2.1), then the address at which execution continues.
 */
#ifndef KERNEL_X86_CONTEXT_H
#define KERNEL_X86_CONTEXT_H

#include <stdint.h>

/* Stores the caller's context in *save and continues `load`. Returns when another thread switches
 * back. Interrupts off. In stubs.S. */
void context_switch(uint64_t *save, uint64_t load);

/* Returns a context that calls `entry` on the stack that ends at `stack_top` (16-byte aligned).
 * `entry` gets no argument, must not return, and starts with interrupts off. */
static inline uint64_t context_create(void *stack_top, void (*entry)(void))
{
    uint64_t *at = stack_top;
    *--at = 0; /* the return address at which backtraces end, and the ABI's alignment */
    *--at = (uint64_t)entry;
    for (int i = 0; i < 6; i++)
        *--at = 0;
    return (uint64_t)at;
}

#endif

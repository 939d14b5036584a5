/*
 * traps.h - the interrupt descriptor table and what a trap leaves on the stack.
 *
 * Vectors 0..31 are the processor's exceptions. The kernel provokes none, so each one ends in
 * panic with the registers of the moment. Vectors 0x20..0x2f are the interrupt lines.
 */
#ifndef KERNEL_X86_TRAPS_H
#define KERNEL_X86_TRAPS_H

#include <stdint.h>

enum { TRAP_EXCEPTIONS = 32, TRAP_LINES_BASE = 0x20, TRAP_VECTORS = 48 };

struct trap_frame {
    /* pushed by stubs.S */
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    /* pushed by the processor */
    uint64_t rip, cs, rflags, rsp, ss;
};

void traps_start(void);

/* stubs.S calls it, interrupts off. */
void trap_handle(struct trap_frame *frame);
/* What the running interrupt handler interrupted; its own use only. */
const struct trap_frame *trap_interrupted(void);

#endif

/*
 * traps.h - exceptions and interrupts: the vectors, and what a trap leaves on the stack.
 *
 * Model       Vectors 0..31 are the processor's exceptions. The kernel causes none on purpose, so
 *             each one panics with the registers at that moment. Vectors 0x20..0x2f are the
 *             interrupt lines, 0x30..0x5e messages and the local APIC's timer.
 * References  Intel SDM volume 3, 6.14 (64-bit exception handling), 6.15 (the exceptions).
 */
#ifndef KERNEL_X86_TRAPS_H
#define KERNEL_X86_TRAPS_H

#include <stdint.h>

enum {
    TRAP_DOUBLE_FAULT = 8,
    TRAP_PAGE_FAULT = 14,
    TRAP_EXCEPTIONS = 32,
    TRAP_LINES_BASE = 0x20,
    TRAP_MESSAGES_BASE = 0x30,
    TRAP_SPURIOUS = 0x5f, /* the local APIC's; old ones fix its lower four bits as ones */
    TRAP_VECTORS = 96,
};

struct trap_frame {
    /* pushed by stubs.S */
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    /* pushed by the processor */
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Called by stubs.S, interrupts off. */
void trap_handle(struct trap_frame *frame);

/* Returns the frame that the running interrupt handler interrupted. Interrupt handlers only. */
const struct trap_frame *trap_interrupted(void);

#endif

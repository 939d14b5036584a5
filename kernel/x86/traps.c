/*
 * Reference: Intel SDM volume 3, 6.14 (64-bit exception handling) and 6.15 (the exceptions).
 */
#include "kernel/x86/traps.h"
#include "kernel/mm/space.h"
#include "kernel/panic.h"
#include "kernel/prof.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/dispatch.h"
#include "kernel/x86/gdt.h"

struct gate {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

enum { INTERRUPT_GATE = 0x8e, VECTOR_DOUBLE_FAULT = 8, VECTOR_PAGE_FAULT = 14 };

extern const uint64_t trap_stubs[TRAP_VECTORS]; /* stubs.S */

static struct gate gates[TRAP_VECTORS];
static const struct trap_frame *interrupted;

static const char *const names[TRAP_EXCEPTIONS] = {
    [0] = "divide error",
    [1] = "debug",
    [2] = "non-maskable interrupt",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound range",
    [6] = "invalid opcode",
    [7] = "no floating point here",
    [VECTOR_DOUBLE_FAULT] = "double fault",
    [10] = "invalid task state",
    [11] = "segment not present",
    [12] = "stack segment fault",
    [13] = "general protection",
    [VECTOR_PAGE_FAULT] = "page fault",
    [16] = "x87 error",
    [17] = "alignment check",
    [18] = "machine check",
    [19] = "SIMD error",
};

static _Noreturn void report_page_fault(const struct trap_frame *frame)
{
    uint64_t address = cpu_fault_address();
    const char *what = frame->error & 16 ? "executing" : frame->error & 2 ? "writing" : "reading";
    const char *why = frame->error & 1 ? "no right to" : "nothing mapped there";

    panic_in_trap(frame, "page fault: %s %#lx (%s)", what, address, why);
}

static _Noreturn void report_exception(const struct trap_frame *frame)
{
    const char *name = names[frame->vector];

    if (frame->vector == VECTOR_PAGE_FAULT)
        report_page_fault(frame);
    if (frame->vector == VECTOR_DOUBLE_FAULT && space_is_stack_guard(cpu_fault_address()))
        panic_in_trap(frame, "kernel stack overflow (guard page at %#lx)", cpu_fault_address());
    panic_in_trap(frame, "%s (vector %lu, error %#lx)", name != NULL ? name : "unknown exception",
                  frame->vector, frame->error);
}

/* What was interrupted holds a spin and goes on, with interrupts off: see kernel/sched/spin.c. */
static void defer(struct trap_frame *frame, unsigned line)
{
    interrupts_waiting |= 1u << line;
    frame->rflags &= ~(uint64_t)CPU_FLAG_INTERRUPTS;
    if (line == CLOCK_LINE)
        prof_note_deferred(frame);
}

void trap_handle(struct trap_frame *frame)
{
    if (frame->vector < TRAP_EXCEPTIONS)
        report_exception(frame);
    unsigned line = (unsigned)(frame->vector - TRAP_LINES_BASE);
    if (interrupts_deferred != 0) {
        defer(frame, line);
        return;
    }
    interrupted = frame;
    interrupt_dispatch(line);
}

const struct trap_frame *trap_interrupted(void)
{
    return interrupted;
}

void traps_start(void)
{
    struct table_pointer pointer = { sizeof gates - 1, (uint64_t)gates };

    for (unsigned i = 0; i < TRAP_VECTORS; i++) {
        uint64_t stub = trap_stubs[i];
        gates[i] = (struct gate){
            .offset_low = (uint16_t)stub,
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
            .selector = GDT_CODE,
            .type = INTERRUPT_GATE,
            .stack = i == VECTOR_DOUBLE_FAULT ? GDT_IST_DOUBLE_FAULT : 0,
        };
    }
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

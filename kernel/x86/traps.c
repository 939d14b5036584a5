/*
 * traps.c - panics on exceptions, dispatches interrupts: see traps.h.
 */
#include "kernel/x86/traps.h"
#include "kernel/panic.h"
#include "kernel/x86/alarm.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/dispatch.h"

enum {
    /* Bits of a page fault's error code. */
    FAULT_PRESENT = 1 << 0,
    FAULT_WRITE = 1 << 1,
    FAULT_FETCH = 1 << 4,
};

static const struct trap_frame *interrupted;

/* ---- exceptions ----------------------------------------------------------------------------- */

static const char *const names[TRAP_EXCEPTIONS] = {
    [0] = "divide error",
    [1] = "debug",
    [2] = "non-maskable interrupt",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound range exceeded",
    [6] = "invalid opcode",
    [7] = "floating point instruction",
    [TRAP_DOUBLE_FAULT] = "double fault",
    [10] = "invalid task state segment",
    [11] = "segment not present",
    [12] = "stack segment fault",
    [13] = "general protection fault",
    [TRAP_PAGE_FAULT] = "page fault",
    [16] = "x87 error",
    [17] = "alignment check",
    [18] = "machine check",
    [19] = "SIMD error",
};

static _Noreturn void report_exception(const struct trap_frame *frame)
{
    uint64_t address = cpu_fault_address();

    /* The most frequent exception is reported in words. */
    if (frame->vector == TRAP_PAGE_FAULT) {
        const char *access = frame->error & FAULT_FETCH   ? "execute"
                             : frame->error & FAULT_WRITE ? "write"
                                                          : "read";
        const char *why = frame->error & FAULT_PRESENT ? "no permission" : "not mapped";
        panic_in_trap(frame, "page fault: %s at %#lx: %s", access, address, why);
    }

    /* A page fault on a guard page cannot push its frame there and becomes a double fault. */
    if (frame->vector == TRAP_DOUBLE_FAULT && cpu_hooks.is_stack_guard(address))
        panic_in_trap(frame, "kernel stack overflow (guard page at %#lx)", address);

    const char *name = names[frame->vector];
    panic_in_trap(frame, "%s (vector %lu, error %#lx)", name ? name : "unknown exception",
                  frame->vector, frame->error);
}

static void report_registers(const struct panic_scene *scene)
{
    const struct trap_frame *f = scene->trap;

    /* After a call of panic() the registers would be panic()'s own. */
    if (!f)
        return;

    /* Three in a line of 80 columns. */
    panic_print("  rip %016lx  rsp %016lx  cr2 %016lx\n", f->rip, f->rsp, cpu_fault_address());
    panic_print("  rax %016lx  rbx %016lx  rcx %016lx\n", f->rax, f->rbx, f->rcx);
    panic_print("  rdx %016lx  rsi %016lx  rdi %016lx\n", f->rdx, f->rsi, f->rdi);
    panic_print("  rbp %016lx  r8  %016lx  r9  %016lx\n", f->rbp, f->r8, f->r9);
    panic_print("  r10 %016lx  r11 %016lx  r12 %016lx\n", f->r10, f->r11, f->r12);
    panic_print("  r13 %016lx  r14 %016lx  r15 %016lx\n", f->r13, f->r14, f->r15);
    panic_print("  flags %08lx\n", f->rflags);
}
PANIC_REPORTER(registers, PANIC_REPORT_REGISTERS, report_registers);

/* ---- interrupts ----------------------------------------------------------------------------- */

/* The interrupted code holds a spinlock and continues, with interrupts off: see spin.c. */
static void defer(struct trap_frame *frame, unsigned source)
{
    this_cpu()->waiting |= 1ull << source;
    frame->rflags &= ~(uint64_t)CPU_FLAG_INTERRUPTS;

    /* The profiler samples this frame: when the handler runs, it has gone. */
    if (source == alarm_source())
        cpu_hooks.alarm_deferred(frame);
}

void trap_handle(struct trap_frame *frame)
{
    if (frame->vector < TRAP_EXCEPTIONS)
        report_exception(frame);

    /* An interrupt of the local APIC that was withdrawn: there is nothing to acknowledge. */
    if (frame->vector == TRAP_SPURIOUS) {
        interrupt_note_spurious();
        return;
    }

    unsigned source = (unsigned)(frame->vector - TRAP_LINES_BASE);
    if (this_cpu()->deferred != 0) {
        defer(frame, source);
        return;
    }

    /* May switch threads: this stack and its frame then wait until the thread runs again. */
    interrupted = frame;
    interrupt_dispatch(source);
}

const struct trap_frame *trap_interrupted(void)
{
    return interrupted;
}

/*
 * cpu.h - the processor: what the kernel keeps for it, the upper layers' hooks, its registers.
 *
 * Model       struct cpu is the state that belongs to a processor, not to a thread. It is written
 *             by the code that runs on that processor only. `deferred` is the number of spinlocks
 *             held, plus one inside an interrupt handler; while it is not 0, an interrupt sets its
 *             bit in `waiting` and is served when the count returns to 0 (spin.c, traps.c).
 * Hooks       The processor's code comes first at start-up and calls no name of the layers above
 *             it. Each layer sets its hooks when it starts, before interrupts are enabled; until
 *             then they do nothing.
 * Status      One processor: this_cpu() is a constant.
 * References  Intel SDM volume 3, 2.5 (control registers), 11.12 (page attribute table).
 */
#ifndef KERNEL_X86_CPU_H
#define KERNEL_X86_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct thread;
struct trap_frame;

/* ---- the kernel's state and hooks ---------------------------------------------------------- */

struct cpu {
    struct thread *thread;   /* the running thread; NULL until thread_start() */
    uint32_t ranks_held;     /* of the locks of that thread, or of the running handler: port.h */
    unsigned deferred;
    uint64_t waiting;        /* a bit for each interrupt noted, not yet acknowledged: dispatch.h */
    bool in_handler;         /* an interrupt handler runs */
    bool switch_wanted;      /* the thread is to give up the processor at the next chance */
};

extern struct cpu the_cpu;

static inline struct cpu *this_cpu(void)
{
    return &the_cpu;
}

/* All are called with interrupts off. */
struct cpu_hooks {
    /* Serves all of `waiting`. x86/interrupts.c. */
    void (*serve_waiting)(void);
    /* Returns true if the address is in a guard page below a stack. mm/space.c. */
    bool (*is_stack_guard)(uint64_t address);
    /* The time of alarm_set() has come. sched/timer.c. */
    void (*alarm)(void);
    /* Lets another thread run if `switch_wanted`; an interrupt or the last spinlock has ended.
     * sched/thread.c. */
    void (*preempt)(void);
    /* The alarm interrupted this frame while interrupts were deferred. kernel/prof.c. */
    void (*alarm_deferred)(const struct trap_frame *frame);
};

extern struct cpu_hooks cpu_hooks;

/* ---- what the processor can do --------------------------------------------------------------- */

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

/* Sets the control registers: write protection in ring 0, no-execute if the processor has it, and
 * neither x87 nor SSE: their use traps, since their state is not saved. First call of kmain(). */
void cpu_start(void);

struct cpuid cpu_identify(uint32_t leaf);
bool cpu_has_nx(void);
bool cpu_has_tsc(void);
bool cpu_has_apic(void);
bool cpu_has_tsc_deadline(void);
/* Returns true if the local APIC's timer runs in every state of saving power. */
bool cpu_has_constant_timer(void);
bool cpu_is_intel(void);
bool cpu_has_hypervisor(void);
/* Returns true if writes to a page can be combined. cpu_start() sets up the fifth memory type (a
 * page's attribute bit without the two cache bits) for that. */
bool cpu_has_combining(void);

/* ---- registers and instructions ------------------------------------------------------------- */

enum { CPU_FLAG_INTERRUPTS = 0x200 };

static inline uint64_t cpu_flags(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
    return flags;
}

static inline void cpu_interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void cpu_interrupts_on(void)
{
    __asm__ volatile("sti" : : : "memory");
}

/* Turns interrupts off and returns the flags for cpu_interrupts_restore(). */
static inline uint64_t cpu_interrupts_save(void)
{
    uint64_t flags = cpu_flags();
    cpu_interrupts_off();
    return flags;
}

static inline void cpu_interrupts_restore(uint64_t flags)
{
    if (flags & CPU_FLAG_INTERRUPTS)
        cpu_interrupts_on();
}

/* Sleeps until an interrupt; none is lost between turning them on and sleeping. Interrupts are off
 * before and after. */
static inline void cpu_wait_interrupt(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* Stops the processor permanently. */
static inline _Noreturn void cpu_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt" : : : "memory");
}

static inline uint64_t cpu_timestamp(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline uint64_t cpu_read_msr(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static inline void cpu_write_msr(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

/* Returns the address whose access caused the last page fault. */
static inline uint64_t cpu_fault_address(void)
{
    uint64_t value;
    __asm__ volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}

static inline void cpu_load_page_tables(uint64_t physical)
{
    __asm__ volatile("movq %0, %%cr3" : : "r"(physical) : "memory");
}

static inline void cpu_flush_page(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

#endif

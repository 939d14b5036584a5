/*
 * cpu.h - the processor's own registers: flags, control registers, identification.
 */
#ifndef KERNEL_X86_CPU_H
#define KERNEL_X86_CPU_H

#include <stdbool.h>
#include <stdint.h>

enum { CPU_FLAG_INTERRUPTS = 0x200 };

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

/* Sets the control registers as the kernel wants them: write protection in ring 0, no-execute
 * where the processor has it, and no x87 or SSE (their use traps, since nothing saves their
 * state). First call of kmain(). */
void cpu_start(void);
bool cpu_has_nx(void);
bool cpu_has_tsc(void);
bool cpu_has_hypervisor(void);
/* Can pages be mapped so that writes are combined? cpu_start() makes the fifth memory type (a
 * page's attribute bit without the two cache bits) that one. */
bool cpu_has_combining(void);

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

/* Sleeps until an interrupt; none is lost between turning them on and sleeping. Off on return. */
static inline void cpu_wait_interrupt(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

static inline uint64_t cpu_timestamp(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

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

struct cpuid cpu_identify(uint32_t leaf);

#endif

/*
 * cpu.c - the processor's block and hooks; identification and control registers. See cpu.h.
 */
#include "kernel/x86/cpu.h"
#include "kernel/port.h"

enum {
    /* CPUID leaves and bits. */
    LEAF_VENDOR = 0,
    LEAF_FEATURES = 1,
    LEAF_POWER = 6,
    LEAF_EXTENDED_FEATURES = 0x80000001,
    EDX_TSC = 4,
    EDX_APIC = 9,
    EDX_PAT = 16,
    EDX_NX = 20, /* of the extended features */
    ECX_TSC_DEADLINE = 24,
    ECX_HYPERVISOR = 31,
    EAX_CONSTANT_TIMER = 2, /* of the power leaf: ARAT */

    EBX_INTEL = 0x756e6547, /* "Genu" */

    MSR_EFER = 0xc0000080,
    MSR_PAT = 0x277,
    EFER_NX = 1 << 11,
    PAT_FIFTH_TYPE_SHIFT = 4 * 8,
    PAT_WRITE_COMBINING = 1,

    CR0_MONITOR = 1 << 1,
    CR0_EMULATION = 1 << 2,
    CR0_WRITE_PROTECT = 1 << 16,
    CR4_OSFXSR = 1 << 9,
};

static void do_nothing(void)
{
}

static void ignore_frame(const struct trap_frame *frame)
{
    (void)frame;
}

static bool is_no_guard(uint64_t address)
{
    (void)address;
    return false;
}

struct cpu the_cpu;
struct cpu_hooks cpu_hooks = {
    .serve_waiting = do_nothing,
    .is_stack_guard = is_no_guard,
    .alarm = do_nothing,
    .preempt = do_nothing,
    .alarm_deferred = ignore_frame,
};

uint32_t *lock_ranks_held(void)
{
    return &this_cpu()->ranks_held;
}

struct cpuid cpu_identify(uint32_t leaf)
{
    struct cpuid id;
    __asm__ volatile("cpuid"
                     : "=a"(id.eax), "=b"(id.ebx), "=c"(id.ecx), "=d"(id.edx)
                     : "a"(leaf), "c"(0));
    return id;
}

bool cpu_has_nx(void)
{
    return cpu_identify(LEAF_EXTENDED_FEATURES).edx >> EDX_NX & 1;
}

bool cpu_has_tsc(void)
{
    return cpu_identify(LEAF_FEATURES).edx >> EDX_TSC & 1;
}

bool cpu_has_apic(void)
{
    return cpu_identify(LEAF_FEATURES).edx >> EDX_APIC & 1;
}

bool cpu_has_tsc_deadline(void)
{
    return cpu_identify(LEAF_FEATURES).ecx >> ECX_TSC_DEADLINE & 1;
}

bool cpu_has_constant_timer(void)
{
    return cpu_identify(LEAF_VENDOR).eax >= LEAF_POWER &&
           (cpu_identify(LEAF_POWER).eax >> EAX_CONSTANT_TIMER & 1);
}

bool cpu_is_intel(void)
{
    return cpu_identify(LEAF_VENDOR).ebx == EBX_INTEL;
}

bool cpu_has_hypervisor(void)
{
    return cpu_identify(LEAF_FEATURES).ecx >> ECX_HYPERVISOR & 1;
}

bool cpu_has_combining(void)
{
    return cpu_identify(LEAF_FEATURES).edx >> EDX_PAT & 1;
}

void cpu_start(void)
{
    uint64_t cr0, cr4;

    /* The no-execute bit of page table entries is reserved, and faults, until this is set. */
    if (cpu_has_nx())
        cpu_write_msr(MSR_EFER, cpu_read_msr(MSR_EFER) | EFER_NX);

    /* The first four memory types keep their reset values, which the page tables use. The fifth,
     * selected by the page attribute bit alone, becomes write combining. */
    if (cpu_has_combining()) {
        uint64_t types = cpu_read_msr(MSR_PAT) & ~(0xffull << PAT_FIFTH_TYPE_SHIFT);
        cpu_write_msr(MSR_PAT, types | (uint64_t)PAT_WRITE_COMBINING << PAT_FIFTH_TYPE_SHIFT);
    }

    /* Write protection applies to ring 0 as well, or constants and text could be written. Firmware
     * may leave SSE enabled; with EM set and OSFXSR clear each use of it traps. */
    __asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
    cr0 |= CR0_WRITE_PROTECT | CR0_EMULATION;
    cr0 &= ~(uint64_t)CR0_MONITOR;
    __asm__ volatile("movq %0, %%cr0" : : "r"(cr0));

    __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
    cr4 &= ~(uint64_t)CR4_OSFXSR;
    __asm__ volatile("movq %0, %%cr4" : : "r"(cr4));
}

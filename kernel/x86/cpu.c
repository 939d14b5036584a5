#include "kernel/x86/cpu.h"

enum {
    MSR_EFER = 0xc0000080,
    MSR_PAT = 0x277,
    EFER_NX = 1 << 11,
    FIFTH_TYPE_SHIFT = 4 * 8,
    TYPE_WRITE_COMBINING = 1,
    CR0_MONITOR = 1 << 1,
    CR0_EMULATION = 1 << 2,
    CR0_WRITE_PROTECT = 1 << 16,
    CR4_OSFXSR = 1 << 9,
};

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
    return cpu_identify(0x80000001).edx >> 20 & 1;
}

bool cpu_has_tsc(void)
{
    return cpu_identify(1).edx >> 4 & 1;
}

bool cpu_has_hypervisor(void)
{
    return cpu_identify(1).ecx >> 31;
}

bool cpu_has_combining(void)
{
    return cpu_identify(1).edx >> 16 & 1;
}

static uint64_t read_msr(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static void write_msr(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(number));
}

/* The first four memory types stay what they are from reset on; page tables so far use no other.
 * The fifth, which the page attribute bit alone chooses, becomes write combining. */
static void make_combining_type(void)
{
    uint64_t types = read_msr(MSR_PAT);
    types &= ~(0xffull << FIFTH_TYPE_SHIFT);
    write_msr(MSR_PAT, types | (uint64_t)TYPE_WRITE_COMBINING << FIFTH_TYPE_SHIFT);
}

void cpu_start(void)
{
    uint64_t cr0, cr4;

    if (cpu_has_nx())
        write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_NX);
    if (cpu_has_combining())
        make_combining_type();

    __asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
    cr0 |= CR0_WRITE_PROTECT | CR0_EMULATION;
    cr0 &= ~(uint64_t)CR0_MONITOR;
    __asm__ volatile("movq %0, %%cr0" : : "r"(cr0));

    __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
    cr4 &= ~(uint64_t)CR4_OSFXSR;
    __asm__ volatile("movq %0, %%cr4" : : "r"(cr4));
}

#include "kernel/x86/cpu.h"

enum {
    MSR_EFER = 0xc0000080,
    EFER_NX = 1 << 11,
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

static void enable_nx(void)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
    low |= EFER_NX;
    __asm__ volatile("wrmsr" : : "a"(low), "d"(high), "c"(MSR_EFER));
}

void cpu_start(void)
{
    uint64_t cr0, cr4;

    if (cpu_has_nx())
        enable_nx();

    __asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
    cr0 |= CR0_WRITE_PROTECT | CR0_EMULATION;
    cr0 &= ~(uint64_t)CR0_MONITOR;
    __asm__ volatile("movq %0, %%cr0" : : "r"(cr0));

    __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
    cr4 &= ~(uint64_t)CR4_OSFXSR;
    __asm__ volatile("movq %0, %%cr4" : : "r"(cr4));
}

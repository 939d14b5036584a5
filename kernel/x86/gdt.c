/*
 * gdt.c - the global descriptor table and the task state segment: see gdt.h.
 */
#include "kernel/x86/gdt.h"

struct task_state {
    uint32_t reserved0;
    uint64_t stacks[3];
    uint64_t reserved1;
    uint64_t interrupt_stacks[7];
    uint64_t reserved2;
    uint16_t reserved3, port_map;
} __attribute__((packed));

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* A system descriptor is two entries long; the fields of its first one. */
enum {
    BASE_SHIFT = 16, /* bits 0..23 of the base */
    TYPE_SHIFT = 40,
    BASE_HIGH_SHIFT = 56, /* bits 24..31 */
    TYPE_PRESENT_TSS = 0x89,
};

enum { DOUBLE_FAULT_STACK_BYTES = 8192 };

static uint8_t double_fault_stack[DOUBLE_FAULT_STACK_BYTES] __attribute__((aligned(16)));
static struct task_state task_state;
static uint64_t gdt[5] = {
    [GDT_CODE / 8] = 0x00af9b000000ffff,
    [GDT_DATA / 8] = 0x00cf93000000ffff,
};

static void describe_task_state(void)
{
    uint64_t base = (uint64_t)&task_state, limit = sizeof(task_state) - 1;

    gdt[GDT_TSS / 8] = limit | (base & 0xffffff) << BASE_SHIFT |
                       (uint64_t)TYPE_PRESENT_TSS << TYPE_SHIFT |
                       (base >> 24 & 0xff) << BASE_HIGH_SHIFT;
    gdt[GDT_TSS / 8 + 1] = base >> 32;
}

void gdt_start(void)
{
    struct table_pointer pointer = { sizeof(gdt) - 1, (uint64_t)gdt };

    /* A double fault is often caused by an exhausted stack, so its handler gets another one. */
    task_state.interrupt_stacks[GDT_IST_DOUBLE_FAULT - 1] =
        (uint64_t)double_fault_stack + sizeof(double_fault_stack);

    /* A port map at or after the limit means that there is none. */
    task_state.port_map = sizeof(task_state);
    describe_task_state();

    /* A far return is the only way to load CS in long mode. */
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %q1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%ss\n\t"
                     "movl %3, %%eax\n\t"
                     "ltr %%ax"
                     :
                     : "m"(pointer), "i"(GDT_CODE), "i"(GDT_DATA), "i"(GDT_TSS)
                     : "rax", "memory");
}

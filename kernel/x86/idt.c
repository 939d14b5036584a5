/*
 * idt.c - fills the interrupt descriptor table: see idt.h.
 */
#include "kernel/x86/idt.h"
#include <stdint.h>
#include "kernel/x86/gdt.h"
#include "kernel/x86/traps.h"

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

enum { INTERRUPT_GATE = 0x8e }; /* present, ring 0, disables interrupts */

extern const uint64_t trap_stubs[TRAP_VECTORS]; /* stubs.S */

static struct gate gates[TRAP_VECTORS];

void idt_start(void)
{
    struct table_pointer pointer = { sizeof(gates) - 1, (uint64_t)gates };

    /* All are interrupt gates, exceptions too: a handler never runs with interrupts on. */
    for (unsigned i = 0; i < TRAP_VECTORS; i++) {
        uint64_t stub = trap_stubs[i];
        gates[i] = (struct gate){
            .offset_low = (uint16_t)stub,
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
            .selector = GDT_CODE,
            .type = INTERRUPT_GATE,
            .stack = i == TRAP_DOUBLE_FAULT ? GDT_IST_DOUBLE_FAULT : 0,
        };
    }

    __asm__ volatile("lidt %0" : : "m"(pointer));
}

/*
 * gdt.h - the segments that long mode still requires, and the stack for double faults.
 *
 * When a kernel stack overflows into its guard page, the processor cannot push the page fault's
 * frame there: that becomes a double fault, which switches to its own stack through the task state
 * segment.
 *
 * References  Intel SDM volume 3, 3.4.5 (descriptors), 8.7 (64-bit task state segment).
 */
#ifndef KERNEL_X86_GDT_H
#define KERNEL_X86_GDT_H

#include <stdint.h>

/* Selectors, and the number of the double fault's stack in the task state segment. */
enum { GDT_CODE = 0x08, GDT_DATA = 0x10, GDT_TSS = 0x18, GDT_IST_DOUBLE_FAULT = 1 };

/* Loads the table, the segment registers and the task register. */
void gdt_start(void);

#endif

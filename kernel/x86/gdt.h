/*
 * gdt.h - the segments that long mode still asks for, and the stack of the double fault.
 *
 * A kernel stack that ran into its guard page cannot take the page fault, which becomes a double
 * fault; that one switches to a stack of its own through the task state segment.
 */
#ifndef KERNEL_X86_GDT_H
#define KERNEL_X86_GDT_H

#include <stdint.h>

enum { GDT_CODE = 0x08, GDT_DATA = 0x10, GDT_TSS = 0x18, GDT_IST_DOUBLE_FAULT = 1 };

void gdt_start(void);

#endif

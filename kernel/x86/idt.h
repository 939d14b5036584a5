/*
 * idt.h - the interrupt descriptor table: a gate to each stub of stubs.S, which call trap_handle().
 *
 * References  Intel SDM volume 3, 6.10 (IDT), 6.14.1 (64-bit gates).
 */
#ifndef KERNEL_X86_IDT_H
#define KERNEL_X86_IDT_H

/* Fills and loads the table. After gdt_start(). */
void idt_start(void);

#endif

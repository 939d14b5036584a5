/*
 * interrupt.S - the interrupt handler: sets a flag and acknowledges both 8259s. It returns with
 * interrupts off, as its caller wants them then: see machine_wait().
 */
#define PIC_1 0x20
#define PIC_2 0xa0
#define PIC_END 0x20
#define FLAGS_AT 24 /* above %rax, %rip and %cs */
#define FLAG_INTERRUPTS 0x200

    .text
    .globl machine_on_interrupt
machine_on_interrupt:
    pushq %rax
    movb $1, machine_raised(%rip)
    movb $PIC_END, %al
    outb %al, $PIC_2
    outb %al, $PIC_1
    andq $~FLAG_INTERRUPTS, FLAGS_AT(%rsp)
    popq %rax
    iretq

    .section .note.GNU-stack, "", @progbits

/*
 * interrupt.S - the drive's interrupt handler: sets a flag and acknowledges both 8259s.
 */
#define PIC_1 0x20
#define PIC_2 0xa0
#define PIC_END 0x20

    .text
    .globl machine_on_drive
machine_on_drive:
    pushq %rax
    movb $1, machine_drive_raised(%rip)
    movb $PIC_END, %al
    outb %al, $PIC_2
    outb %al, $PIC_1
    popq %rax
    iretq

    .section .note.GNU-stack, "", @progbits

/*
 * stack.S - the stack that entry.S starts on.
 *
 * kmain() keeps it: it becomes the first thread's. mm/space.c leaves the page below it unmapped, as
 * below every other stack. It is a file of its own since both entry.S and mm/ need its symbols.
 */
    .section .boot_stack, "aw", @nobits
    .balign 4096
    .globl boot_stack_guard, boot_stack_top
boot_stack_guard:
    .skip 4096
    .skip 16384
boot_stack_top:

    .section .note.GNU-stack, "", @progbits

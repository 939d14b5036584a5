/*
 * stubs.S - the entry points of traps (idt.c has their addresses), and context_switch().
 */
    .text

/* One stub for each vector. It pushes 0 if the processor pushes no error code, then the vector:
 * see struct trap_frame (traps.h). */
    .macro stub vector
stub_\vector:
    .if \vector != 8 && (\vector < 10 || \vector > 14) && \vector != 17 && \vector != 21 \
        && \vector != 29 && \vector != 30
    pushq $0
    .endif
    pushq $\vector
    jmp trap_common
    .endm

    .altmacro
    .set vector, 0
    .rept 96
    stub %vector
    .set vector, vector + 1
    .endr

/* Saves the rest of struct trap_frame and calls trap_handle(frame). */
trap_common:
    cld
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    call trap_handle
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp /* vector and error code */
    iretq

/* void context_switch(uint64_t *save_stack, uint64_t load_stack) - see context.h. */
    .globl context_switch
context_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret

    .section .rodata
    .balign 8
    .globl trap_stubs
    .macro stub_address vector
    .quad stub_\vector
    .endm
trap_stubs:
    .set vector, 0
    .rept 96
    stub_address %vector
    .set vector, vector + 1
    .endr

    .section .note.GNU-stack, "", @progbits

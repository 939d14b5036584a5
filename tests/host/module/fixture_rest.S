/* The relocations that compilers rarely emit: a distance of 64 bits, and addresses of 32 bits. */
    .section .rodata
    .globl fixture_rest
fixture_rest:
    .quad fixture_rest_target - .
    .long fixture_rest_target
    .long 0
    .quad fixture_word
fixture_rest_target:
    .quad 0x1122334455667788
    .section .note.GNU-stack, "", @progbits

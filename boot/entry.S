/*
 * entry.S - from the loader's 32-bit state to boot_main() in long mode.
 *
 * There are two entry points: multiboot2 (EAX magic, EBX information) and PVH (EBX hvm_start_info).
 * Both are entered in protected mode with flat segments, paging off and interrupts off. The page
 * tables made here map physical memory with 2 MiB pages at three places: the first 4 GiB at the
 * same addresses (so that execution continues when paging is switched on) and at 0xffff800000000000
 * (like the final direct map, so that one formula is valid throughout), and the first GiB at
 * 0xffffffff80000000 (the kernel).
 *
 * References: Multiboot2 specification 2.0, 3.1 and 3.3; Xen's pvh.pandoc, "x86/HVM direct boot
 * ABI"; Intel SDM volume 3, 10.8.5 "Initializing IA-32e Mode".
 */
#define KERNEL_BASE 0xffffffff80000000
#define PHYSICAL(symbol) (symbol - KERNEL_BASE)

#define MULTIBOOT2_HEADER 0xe85250d6
#define MULTIBOOT2_LOADER 0x36d76289
#define XEN_ELFNOTE_PHYS32_ENTRY 18

#define LOADER_MULTIBOOT2 1 /* enum boot_loader in boot.c */
#define LOADER_PVH 2
#define LOADER_UNKNOWN 0

#define TABLE_PRESENT_WRITE 3
#define LARGE_PRESENT_WRITE 0x83
#define CR0_PROTECTED_PAGED 0x80000001
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define CPUID_LONG_MODE 29
#define EFLAGS_ID 0x200000
#define SERIAL 0x3f8
#define VGA_TEXT 0xb8000

    .section .boot.header, "a"
    .balign 8
header:
    .long MULTIBOOT2_HEADER
    .long 0 /* i386, protected mode */
    .long header_end - header
    .long -(MULTIBOOT2_HEADER + (header_end - header))

    .balign 8 /* modules on page boundaries */
    .short 6, 0
    .long 8

    /* A framebuffer if possible. 640 pixels are 80 columns (drivers/video). */
    .balign 8
    .short 5, 1 /* optional */
    .long 20
    .long 640, 480, 32

    .balign 8
    .short 0, 0
    .long 8
header_end:

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long boot_pvh

    .section .boot.text, "ax"
    .code32
    .globl boot_multiboot2
boot_multiboot2:
    movl $LOADER_MULTIBOOT2, %edi
    cmpl $MULTIBOOT2_LOADER, %eax
    je boot_common
    movl $LOADER_UNKNOWN, %edi
    jmp boot_common

boot_pvh:
    movl $LOADER_PVH, %edi

boot_common:
    cli
    cld
    movl $PHYSICAL(boot_stack_top), %esp
    movl %ebx, %esi /* cpuid takes EBX */
    call check_long_mode
    call make_tables

    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $PHYSICAL(boot_pml4), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl $CR0_PROTECTED_PAGED, %eax
    movl %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $8, $boot_long

/* Returns if the processor has long mode, else prints a message and stops. Keeps ESI, EDI. */
check_long_mode:
    pushfl
    popl %eax
    movl %eax, %ecx
    xorl $EFLAGS_ID, %eax
    pushl %eax
    popfl
    pushfl
    popl %eax
    cmpl %ecx, %eax
    je no_long_mode
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb no_long_mode
    movl $0x80000001, %eax
    cpuid
    btl $CPUID_LONG_MODE, %edx
    jnc no_long_mode
    ret

no_long_mode:
    movl $no_long_mode_text, %esi
    movl $VGA_TEXT, %edi
1:  lodsb
    testb %al, %al
    jz 3f
    movb %al, %bl
    movl $100000, %ecx /* a UART that is never ready must not delay the screen's copy endlessly */
    movl $(SERIAL + 5), %edx
2:  inb %dx, %al
    testb $0x20, %al
    loopz 2b
    movl $SERIAL, %edx
    movb %bl, %al
    outb %al, %dx
    movb $0x07, %ah
    stosw
    jmp 1b
3:  hlt
    jmp 3b

/* Fills the tables, which are in .bss and therefore zero. Keeps ESI, EDI. */
make_tables:
    pushl %edi
    movl $PHYSICAL(boot_pdpt_low), %eax
    orl $TABLE_PRESENT_WRITE, %eax
    movl %eax, PHYSICAL(boot_pml4)
    movl %eax, PHYSICAL(boot_pml4) + 256 * 8
    movl $PHYSICAL(boot_pdpt_high), %eax
    orl $TABLE_PRESENT_WRITE, %eax
    movl %eax, PHYSICAL(boot_pml4) + 511 * 8

    movl $PHYSICAL(boot_directories), %eax
    orl $TABLE_PRESENT_WRITE, %eax
    movl %eax, PHYSICAL(boot_pdpt_high) + 510 * 8
    movl $PHYSICAL(boot_pdpt_low), %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $4096, %eax
    addl $8, %edi
    loop 1b

    movl $PHYSICAL(boot_directories), %edi
    movl $LARGE_PRESENT_WRITE, %eax
    movl $(4 * 512), %ecx
2:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 2b
    popl %edi
    ret

    .code64
boot_long:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl %edi, %edi /* arguments: loader, its information */
    movl %esi, %esi
    movq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    movq $boot_main, %rax
    pushq $0 /* a return address for the backtrace to end at, and the ABI's alignment */
    jmpq *%rax

    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff
boot_gdt_pointer:
    .short 15
    .long boot_gdt
no_long_mode_text:
    .asciz "Spindle needs a 64-bit processor (no long mode here).\r\n"

    .section .bss..boot_only, "aw", @nobits
    .balign 4096
boot_pml4:
    .skip 4096
boot_pdpt_low:
    .skip 4096
boot_pdpt_high:
    .skip 4096
boot_directories:
    .skip 4 * 4096

    .section .note.GNU-stack, "", @progbits

#include "kernel/panic.h"
#include "kernel/early.h"
#include "kernel/mm/space.h"
#include "kernel/port.h"
#include "kernel/symbols.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/power.h"
#include "kernel/x86/traps.h"
#include "lib/format.h"
#include "lib/macros.h"

enum { LINE_BYTES = 256, FRAMES_MAX = 32, EXIT_CODE = 127 };

struct call_frame {
    const struct call_frame *caller;
    uint64_t return_address;
};

static bool active;

bool panic_is_active(void)
{
    return active;
}

static void write_text(const char *text, int length)
{
    length = min(length, LINE_BYTES - 1);
    port_console_write(text, (size_t)length);
}

static __attribute__((format(printf, 1, 2))) void print(const char *format, ...)
{
    char line[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    write_text(line, format_text_v(line, sizeof line, format, arguments));
    va_end(arguments);
}

static void print_address(unsigned number, uint64_t address, uint64_t looked_up)
{
    uint64_t offset;
    const char *name = symbol_find(looked_up, &offset);

    if (name != NULL)
        print("  #%u %#lx %s+%#lx\n", number, address, name, offset + (address - looked_up));
    else
        print("  #%u %#lx\n", number, address);
}

/* Each frame must lie in writable memory, above the one before: a smashed stack ends the trace. */
static bool is_frame(const struct call_frame *frame, const struct call_frame *inner)
{
    uint64_t address = (uint64_t)frame;

    return address % 8 == 0 && frame > inner && (space_rights(address) & SPACE_WRITE) &&
           (space_rights(address + 8) & SPACE_WRITE);
}

/* A return address may be the first byte after a function that never returns: look up the call. */
static void print_backtrace(const struct call_frame *frame, unsigned number)
{
    const struct call_frame *inner = NULL;

    for (; number < FRAMES_MAX && is_frame(frame, inner); number++) {
        if (frame->return_address == 0)
            break;
        print_address(number, frame->return_address, frame->return_address - 1);
        inner = frame;
        frame = frame->caller;
    }
}

static void print_registers(const struct trap_frame *f)
{
    print("  rip %016lx  rsp %016lx  flags %08lx  cr2 %016lx\n", f->rip, f->rsp, f->rflags,
          cpu_fault_address());
    print("  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    print("  rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", f->rsi, f->rdi, f->rbp, f->r8);
    print("  r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", f->r9, f->r10, f->r11, f->r12);
    print("  r13 %016lx  r14 %016lx  r15 %016lx\n", f->r13, f->r14, f->r15);
}

static _Noreturn void stop(void)
{
    power_debug_exit(EXIT_CODE);
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* The serial port without any lock or driver is all that is still trusted. */
static void check_first(void)
{
    static const char again[] = "\r\npanic in panic\r\n";

    cpu_interrupts_off();
    if (active) {
        early_console_write(again, sizeof again - 1);
        stop();
    }
    active = true;
}

static void print_headline(const char *format, va_list arguments)
{
    char line[LINE_BYTES];
    int length = format_text_v(line, sizeof line, format, arguments);

    print("\npanic: ");
    write_text(line, length);
    print("\n  thread \"%s\"\n", thread_name(thread_current()));
}

_Noreturn void panic(const char *format, ...)
{
    va_list arguments;

    check_first();
    va_start(arguments, format);
    print_headline(format, arguments);
    va_end(arguments);
    print_backtrace(__builtin_frame_address(0), 0);
    stop();
}

_Noreturn void panic_in_trap(const struct trap_frame *frame, const char *format, ...)
{
    va_list arguments;

    check_first();
    va_start(arguments, format);
    print_headline(format, arguments);
    va_end(arguments);
    print_registers(frame);
    print_address(0, frame->rip, frame->rip);
    print_backtrace((const struct call_frame *)frame->rbp, 1);
    stop();
}

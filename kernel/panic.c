/*
 * panic.c - prints the message, calls the reporters and stops: see panic.h.
 */
#include "kernel/panic.h"
#include "kernel/early.h"
#include "kernel/port.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/traps.h"
#include "lib/format.h"
#include "lib/macros.h"

enum { LINE_BYTES = 256, EXIT_CODE = 127 };

static bool active;

bool panic_is_active(void)
{
    return active;
}

static void print(const char *format, va_list arguments)
{
    char line[LINE_BYTES];
    int length = format_text_v(line, sizeof(line), format, arguments);
    port_console_write(line, (size_t)min(length, LINE_BYTES - 1));
}

void panic_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
}

static _Noreturn void stop(void)
{
    early_debug_exit(EXIT_CODE);
    cpu_halt();
}

/* A second panic means that a console or a reporter is broken too: only the serial port, without a
 * lock or a driver, can still be trusted. */
static void begin(void)
{
    static const char again[] = "\r\npanic in panic\r\n";

    /* No interrupt handler and no other thread runs from now on. */
    cpu_interrupts_off();
    if (active) {
        early_console_write(again, sizeof(again) - 1);
        stop();
    }
    active = true;
}

static _Noreturn void report(const struct panic_scene *scene, const char *format,
                             va_list arguments)
{
    panic_print("\npanic: ");
    print(format, arguments);
    panic_print("\n");

    /* The linker's order of the reporters is unspecified, and sorting them would need memory. */
    for (enum panic_report order = 0; order <= PANIC_REPORT_BACKTRACE; order++)
        table_each(entry, panic_reporters, struct panic_reporter)
            if ((*entry)->order == order)
                (*entry)->report(scene);
    stop();
}

_Noreturn void panic(const char *format, ...)
{
    struct panic_scene scene = { .frame = __builtin_frame_address(0) };
    va_list arguments;

    begin();
    va_start(arguments, format);
    report(&scene, format, arguments);
}

_Noreturn void panic_in_trap(const struct trap_frame *frame, const char *format, ...)
{
    struct panic_scene scene = { .trap = frame, .frame = (const struct call_frame *)frame->rbp };
    va_list arguments;

    begin();
    va_start(arguments, format);
    report(&scene, format, arguments);
}

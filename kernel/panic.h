/*
 * panic.h - stops a broken kernel and reports why; panic() itself is in kernel/port.h.
 *
 * Model       A panic disables interrupts, prints its message, and calls each reporter: the running
 *             thread, the registers if a trap caused it, a backtrace. Then it leaves QEMU with
 *             status 127, or halts. A panic inside a panic prints one line to the serial port.
 * Interface   PANIC_REPORTER() registers a reporter at link time, so that it works from the first
 *             instruction on, and panic.c needs no name of the layers that report.
 * Locking     None is taken by panic.c, and none is checked while it runs.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>
#include "lib/table.h"

struct trap_frame;

/* The caller's chain of frames: two words that every function pushes (-fno-omit-frame-pointer). */
struct call_frame {
    const struct call_frame *caller;
    unsigned long return_address; /* 0 ends the chain */
};

struct panic_scene {
    const struct trap_frame *trap;  /* NULL: panic() was called */
    const struct call_frame *frame; /* of the trapped function, or of panic() itself */
};

/* The order of the report. */
enum panic_report { PANIC_REPORT_THREAD, PANIC_REPORT_REGISTERS, PANIC_REPORT_BACKTRACE };

struct panic_reporter {
    enum panic_report order;
    void (*report)(const struct panic_scene *scene); /* takes no lock, allocates nothing */
};

TABLE_DECLARE(panic_reporters, struct panic_reporter);

#define PANIC_REPORTER(name, the_order, the_report) \
    static const struct panic_reporter panic_reporter_##name = { .order = (the_order), \
                                                                 .report = (the_report) }; \
    TABLE_ENTRY(panic_reporters, struct panic_reporter, panic_reporter_##name)

/* For reporters: prints to every console. */
void panic_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

_Noreturn void panic_in_trap(const struct trap_frame *frame, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns true from the first panic on: locks are not checked, and no thread switch happens. */
bool panic_is_active(void);

#endif

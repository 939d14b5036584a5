/*
 * panic.h - the end for a broken invariant; panic() itself is in kernel/port.h.
 *
 * Prints the text, the registers if a trap led here, the running thread and a backtrace with
 * symbols, at once and whatever lock is held; then leaves QEMU with 127 or halts. A second panic on
 * the way prints one line to the serial port and stops.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>

struct trap_frame;

_Noreturn void panic_in_trap(const struct trap_frame *frame, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* From the first panic on: locks are not asked, nothing is scheduled. */
bool panic_is_active(void);

#endif

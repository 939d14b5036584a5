/*
 * early.h - output and exit that need nothing else: no lock, no driver, no memory.
 *
 * port_console_write() writes to the first serial port, at its traditional address, until a console
 * takes over. Panics use early_console_write() when they can trust nothing else. Without a serial
 * port the bytes are lost.
 */
#ifndef KERNEL_EARLY_H
#define KERNEL_EARLY_H

#include <stddef.h>

/* Writes to the serial port, polling with a bound. LF becomes CR LF unless a CR precedes it. */
void early_console_write(const char *text, size_t bytes);

/* Makes port_console_write() call `write` from now on. The serial driver does, once it knows
 * whether there is a port. */
void early_console_replace(void (*write)(const char *text, size_t bytes));

/* Makes QEMU exit with status code * 2 + 1 if it has an isa-debug-exit device, else returns. Does
 * nothing without a hypervisor: on hardware the port may belong to another device. */
void early_debug_exit(int code);

#endif

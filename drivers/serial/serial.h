/*
 * serial.h - the first serial port (16550 at 0x3f8, line 4) as a console, 115200 8N1.
 *
 * Output is polled, so that it works in any context, panics included. If the port stops accepting
 * bytes, the driver waits for it once, then drops output until the port accepts bytes again. Input
 * causes interrupts, or is polled if the line does not work. Bytes received before the driver
 * started are kept if the port has held them.
 *
 * References  TI TL16C550C data sheet.
 * Status      COM1 only; no flow control.
 */
#ifndef DRIVERS_SERIAL_SERIAL_H
#define DRIVERS_SERIAL_SERIAL_H

#include <stdbool.h>

/* Detects the port, registers the console and ends early output (kernel/early.h). After
 * interrupts_start() and clock_start(). Returns false if there is no port. */
bool serial_start(void);

#endif

/*
 * serial.h - the first serial port (16550 at 0x3f8, line 4) as a console, 115200 8N1.
 *
 * Output is polled, so that it works in any context, panic included; a port that stops taking
 * bytes is waited for once and then passed over until it takes them again. Input comes by
 * interrupt. What was typed before the driver came is kept, as far as the port held it.
 *
 * References  TI TL16C550C data sheet.
 * Status      COM1 only; no flow control.
 */
#ifndef DRIVERS_SERIAL_SERIAL_H
#define DRIVERS_SERIAL_SERIAL_H

/* Looks for the port and registers the console. After interrupts_start() and clock_start(). */
void serial_start(void);

#endif

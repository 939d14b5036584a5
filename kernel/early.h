/*
 * early.h - the first serial port before its driver, and port_console_write().
 *
 * Until early_console_stop() port_console_write() writes to port 0x3f8 with no more knowledge than
 * that, besides whatever consoles are registered. Without a port there the writes go nowhere.
 */
#ifndef KERNEL_EARLY_H
#define KERNEL_EARLY_H

#include <stddef.h>

/* Polls with a bound; takes no lock. LF becomes CR LF unless a CR stands before it. */
void early_console_write(const char *text, size_t bytes);
/* The serial driver has looked for the port: whatever there is, it writes from now on. */
void early_console_stop(void);

#endif

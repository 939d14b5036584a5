/*
 * log.h - the log: a ring of lines, shown on the console as described in the Book, chapter 6.
 *
 * Model       A line is `[    1.234567] name: text`. Before log_settle(), a line of the shown level
 *             or above is written to the console at once. Afterwards warnings and errors are held
 *             until log_show_held(), which the shell calls before each prompt; other lines are only
 *             kept in the ring.
 * Locking     Any context, interrupts included; one spinlock of rank LOG inside.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "kernel/port.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_write(enum log_level level, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(name, ...) log_write(LOG_DEBUG, name, __VA_ARGS__)
#define log_info(name, ...) log_write(LOG_INFO, name, __VA_ARGS__)
#define log_warn(name, ...) log_write(LOG_WARN, name, __VA_ARGS__)
#define log_error(name, ...) log_write(LOG_ERROR, name, __VA_ARGS__)

/* Sets the lowest level that is shown; the ring keeps all lines. */
void log_set_level(enum log_level level);
/* Start-up is complete: holds lines from now on. False while another thread is still writing a line
 * to the console, which the prompt would split: let that thread run, and call again. */
bool log_settle(void);
void log_show_held(void); /* writes the held lines to the console */

/* Copies lines from the ring, starting at *position (0: the oldest line kept), and advances
 * *position. Returns the number of bytes copied, whole lines only; 0 if there is nothing newer. */
size_t log_read(uint64_t *position, char *buffer, size_t bytes);

#endif

/*
 * clock.h - what time it is, and an interrupt at a given time.
 *
 * Time is the processor's time stamp counter, measured once against the PIT; where the counter is
 * missing or counts nonsense, the PIT itself, which then has to be looked at 36 times a second.
 * The alarm is the PIT's channel 0 in one-shot mode: without a deadline there are no interrupts.
 *
 * Interface   time_now_us() of kernel/port.h; 0 until clock_start().
 * References  Intel 8254 data sheet.
 */
#ifndef KERNEL_X86_CLOCK_H
#define KERNEL_X86_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_LINE = 0 }; /* the alarm's interrupt */

void clock_start(void);

/* Asks for timer_interrupt() (kernel/sched/timer.h) at `deadline_us` or earlier. A later deadline
 * does not replace an earlier one. Interrupts off. */
void clock_set_alarm(uint64_t deadline_us);

uint64_t clock_frequency_hz(void);
bool clock_is_tsc(void);

#endif

/*
 * alarm.h - an interrupt at a given time.
 *
 * Model       The PIT's channel 0 in one-shot mode, so that without a deadline there are no
 *             interrupts. Its count has 16 bits: a later deadline is reached in steps of 50 ms.
 *             Each interrupt calls cpu_hooks.alarm, which sets the next alarm.
 * Status      Without a usable TSC the alarm also rings every 25 ms, for the clock's sake.
 * References  Intel 8254 data sheet.
 */
#ifndef KERNEL_X86_ALARM_H
#define KERNEL_X86_ALARM_H

#include <stdint.h>

enum { ALARM_LINE = 0 };

/* After clock_start() and interrupts_start(), interrupts off. Panics if the line cannot be used. */
void alarm_start(void);

/* Rings at `deadline_us` (of time_now_us()) or earlier, never later. A later deadline does not
 * replace an earlier one. Interrupts off. */
void alarm_set(uint64_t deadline_us);

#endif

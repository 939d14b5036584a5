/*
 * alarm.h - an interrupt at a given time.
 *
 * Model       One of three timers, the first that works:
 *               the local APIC's with a deadline of the time stamp counter
 *               the local APIC's with a count, calibrated against the clock
 *               the PIT's channel 0, whose count has 16 bits
 *             All ring once, so that without a deadline there are no interrupts. A deadline beyond
 *             what the timer can count (2 s, 50 ms for the PIT) is reached in steps. Each interrupt
 *             calls cpu_hooks.alarm, which sets the next alarm.
 * Status      Without a usable TSC the alarm also rings every 25 ms, for the clock's sake.
 * References  Intel SDM volume 3, 11.5.4 (APIC timer); Intel 8254 data sheet.
 */
#ifndef KERNEL_X86_ALARM_H
#define KERNEL_X86_ALARM_H

#include <stdint.h>

/* After clock_start() and apic_start(), interrupts off. Takes up to 5 ms. Panics if there is no
 * timer. */
void alarm_start(void);

/* Returns the source of its interrupts, as in interrupts.h. */
unsigned alarm_source(void);

/* Rings at `deadline_us` (of time_now_us()) or earlier; later by up to 0.2 % of the delay, where
 * the timer's frequency is only measured. A later deadline does not replace an earlier one.
 * Interrupts off. */
void alarm_set(uint64_t deadline_us);

/* Replaces the alarm by one at a later deadline, or none (TIME_NEVER), if that is much later: for a
 * processor that halts. Interrupts off. */
void alarm_postpone(uint64_t deadline_us);

#endif

/*
 * clock.h - the monotonic clock: time_now_us() of kernel/port.h.
 *
 * Model       The time stamp counter, calibrated against the PIT once. If the processor has none,
 *             or the calibration makes no sense, the PIT's channel 2 itself, which counts 16 bits
 *             and therefore must be read at least every 54 ms: alarm.c sees to that.
 * Invariant   time_now_us() never decreases; it is 0 until clock_start().
 * References  Intel SDM volume 3, 17.17 (time stamp counter); Intel 8254 data sheet.
 */
#ifndef KERNEL_X86_CLOCK_H
#define KERNEL_X86_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Starts and calibrates the clock, which takes about 5 ms. Panics if the PIT does not count. */
void clock_start(void);

uint64_t clock_frequency_hz(void); /* of the counter in use */
bool clock_is_tsc(void);
/* Returns the time stamp at a time of time_now_us(), or one that is up to 1 us earlier. Only if
 * clock_is_tsc(). */
uint64_t clock_tsc_at(uint64_t time_us);

#endif

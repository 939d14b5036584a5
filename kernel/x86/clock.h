/*
 * clock.h - the monotonic clock: time_now_us() of kernel/port.h.
 *
 * Model       The time stamp counter, calibrated once against the PIT's channel 2, or against
 *             ACPI's timer where the PIT does not count. If the processor has none, or the
 *             calibration makes no sense, the reference itself. The PIT counts 16 bits and
 *             therefore must be read at least every 54 ms: alarm.c sees to that.
 * Invariant   time_now_us() never decreases; it is 0 until clock_start().
 * References  Intel SDM volume 3, 17.17 (time stamp counter); Intel 8254 data sheet; ACPI
 *             6.4, 4.8.3.3 (power management timer).
 */
#ifndef KERNEL_X86_CLOCK_H
#define KERNEL_X86_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Starts and calibrates the clock, which takes about 5 ms. The port of ACPI's timer may be 0: none.
 * Panics if nothing counts. */
void clock_start(uint16_t acpi_timer_port);

uint64_t clock_frequency_hz(void); /* of the counter in use */
bool clock_is_tsc(void);
bool clock_has_pit(void); /* the PIT counts */
/* Returns the time stamp at a time of time_now_us(), or one that is up to 1 us earlier. Only if
 * clock_is_tsc(). */
uint64_t clock_tsc_at(uint64_t time_us);

#endif

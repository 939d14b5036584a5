/*
 * rtc.h - the clock that runs while the machine is off: time_wall_s() of kernel/port.h.
 *
 * The date is read once, at start-up; time_now_us() is added to it from then on. The clock is
 * assumed to be in UTC.
 *
 * References  Motorola MC146818A data sheet; ACPI 6.4, 5.2.9 (the FADT's CENTURY).
 */
#ifndef KERNEL_X86_RTC_H
#define KERNEL_X86_RTC_H

#include <stdbool.h>
#include <stdint.h>

/* The registers, not decoded. */
struct rtc_registers {
    uint8_t second, minute, hour, day, month, year;
    uint8_t century; /* 0: none */
    uint8_t mode;    /* status register B */
};

enum { RTC_MODE_24_HOURS = 1 << 1, RTC_MODE_BINARY = 1 << 2, RTC_HOUR_AFTERNOON = 0x80 };

/* Reads the date. `century_register` is the FADT's; 0: none. After clock_start(). */
void rtc_start(unsigned century_register);
/* Converts registers to seconds since 1970; returns false if they contain no valid date. */
bool rtc_decode(const struct rtc_registers *registers, int64_t *seconds);

#endif

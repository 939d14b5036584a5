/*
 * rtc.h - the clock that runs while the machine is off; time_wall_s() of kernel/port.h.
 *
 * The date is read once; from then on time_now_us() counts on. The clock is taken to be UTC.
 *
 * References  Motorola MC146818A data sheet; ACPI 6.4, 5.2.9 (the FADT's CENTURY).
 */
#ifndef KERNEL_X86_RTC_H
#define KERNEL_X86_RTC_H

#include <stdbool.h>
#include <stdint.h>

/* The registers as they read. */
struct rtc_registers {
    uint8_t second, minute, hour, day, month, year;
    uint8_t century; /* 0: none */
    uint8_t mode;    /* status register B */
};

enum { RTC_MODE_24_HOURS = 1 << 1, RTC_MODE_BINARY = 1 << 2, RTC_HOUR_AFTERNOON = 0x80 };

/* Reads the date. `century_register` as ACPI tells it, 0 when there is none. */
void rtc_start(unsigned century_register);
/* What registers mean: seconds since 1970. False: no date. */
bool rtc_decode(const struct rtc_registers *registers, int64_t *seconds);

#endif

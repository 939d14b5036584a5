/*
 * hardware.c - self tests of decisions about hardware that this machine may not have: the encodings
 * of the real-time clock.
 */
#include "kernel/selftest.h"
#include "kernel/x86/rtc.h"
#include "lib/civil.h"
#include "lib/string.h"

static bool reads_as(struct rtc_registers registers, const char *date)
{
    int64_t seconds;
    char text[CIVIL_TEXT_BYTES];

    if (!rtc_decode(&registers, &seconds))
        return !date;
    civil_format(text, sizeof(text), seconds);
    return date && strcmp(text, date) == 0;
}

SELFTEST(rtc_registers_in_every_form)
{
    const uint8_t decimal = RTC_MODE_24_HOURS, binary = RTC_MODE_24_HOURS | RTC_MODE_BINARY;

    SELFTEST_CHECK(reads_as((struct rtc_registers){ 0x59, 0x58, 0x23, 0x29, 0x02, 0x24, 0x20,
                                                    decimal }, "2024-02-29T23:58:59Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 59, 58, 23, 31, 12, 99, 19, binary },
                            "1999-12-31T23:58:59Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 0x92, 4, 5, 6, 0x20, 0 },
                            "2006-05-04T12:02:01Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 0x12, 4, 5, 6, 0x20, 0 },
                            "2006-05-04T00:02:01Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 0x8b, 4, 5, 6, 20, RTC_MODE_BINARY },
                            "2006-05-04T23:02:01Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 3, 4, 5, 0x70, 0, decimal },
                            "1970-05-04T03:02:01Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 3, 4, 5, 0x69, 0, decimal },
                            "2069-05-04T03:02:01Z"));
}

SELFTEST(rtc_registers_without_a_valid_date)
{
    const uint8_t decimal = RTC_MODE_24_HOURS;

    SELFTEST_CHECK(reads_as((struct rtc_registers){ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                    0xff }, NULL));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 3, 0x30, 2, 0x24, 0x20, decimal }, NULL));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 0x13, 4, 5, 6, 0x20, 0 }, NULL));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 0x1a, 2, 3, 4, 5, 6, 0x20, decimal }, NULL));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 3, 0, 0, 0, 0x20, decimal }, NULL));
}

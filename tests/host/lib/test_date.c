/*
 * test_date.c - dates as people write them. The differential test compares more of them with GNU's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/civil.h"
#include "lib/date.h"
#include "lib/macros.h"

static void parses(void **state)
{
    /* Relative to Wednesday, 15 May 2024, 10:20:30. */
    static const struct { const char *text, *date; } cases[] = {
        { "now", "2024-05-15T10:20:30Z" },       { "", "2024-05-15T00:00:00Z" },
        { "tomorrow", "2024-05-16T10:20:30Z" },  { "12:30", "2024-05-15T12:30:00Z" },
        { "monday", "2024-05-20T00:00:00Z" },    { "wednesday", "2024-05-15T00:00:00Z" },
        { "next wed", "2024-05-22T00:00:00Z" },  { "last friday", "2024-05-10T00:00:00Z" },
        { "6 months ago", "2023-11-15T10:20:30Z" }, { "-3 days 2 hours", "2024-05-12T12:20:30Z" },
        { "@-2.5", "1969-12-31T23:59:57Z" },     { "20010203 04:05", "2001-02-03T04:05:00Z" },
        { "31 Jan 2023 +1 month", "2023-03-03T00:00:00Z" },
        { "2024-05-01T10:00:00.5+02:00", "2024-05-01T08:00:00Z" },
        { "may 3", "2024-05-03T00:00:00Z" },     { "May 3 11pm", "2024-05-03T23:00:00Z" },
    };
    static const char *const invalid[] = {
        "x", "2024-13-01", "2023-02-29", "25:00", "12:60", "2024-05-01 2024-05-02", "+", "@", "@1x",
        "13 pm", "next", "+3", "99999999999999999999", "3 ago", "monday tuesday", "1/2/3/4",
    };
    (void)state;
    int64_t now = civil_to_seconds(2024, 5, 15, 10, 20, 30), seconds;
    char text[CIVIL_TEXT_BYTES];
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(date_parse(cases[i].text, now, &seconds), 0);
        civil_format(text, sizeof(text), seconds);
        assert_string_equal(text, cases[i].date);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(invalid); i++)
        assert_int_equal(date_parse(invalid[i], now, &seconds), -EINVAL);
}

/* Zones of TZ: around the changes of the clocks, as the C library has them. */
static void knows_zones(void **state)
{
    static const struct { const char *zone, *text, *shown; } cases[] = {
        { "EET-2EEST,M3.5.0/3,M10.5.0/4", "@1269737999", "02:59:59 EET +0200" },
        { "EET-2EEST,M3.5.0/3,M10.5.0/4", "@1269738001", "04:00:01 EEST +0300" },
        { "GMT0BST,M3.5.0/1,M10.5.0/2", "2021-10-31 00:00:01 +0000", "01:00:01 BST +0100" },
        { "GMT0BST,M3.5.0/1,M10.5.0/2", "2021-10-31 01:00:01 +0000", "01:00:01 GMT +0000" },
        { "EST5EDT", "2024-07-01 12:00", "12:00:00 EDT -0400" },
        { "NZST-12NZDT,M9.5.0,M4.1.0/3", "2024-01-01 00:00 UTC", "13:00:00 NZDT +1300" },
        { "<+0530>-5:30", "2024-01-01 00:00Z", "05:30:00 +0530 +0530" },
        { "ABC3DEF1,J60,J300/1:30", "2024-03-01 02:00:00", "04:00:00 DEF -0100" },
        { "XYZ0ABC,59/0,300/25", "2023-03-01 12:00Z", "13:00:00 ABC +0100" },
        { "EST5", "TZ=\"EET-2\" 2024-01-01 12:00", "05:00:00 EST -0500" },
        { "EST5", "TZ=\"none\" 2024-01-01 12:00", "07:00:00 EST -0500" },
    };
    static const char *const invalid[] = { "", "E5", "EST", "Europe/Berlin", "EST5EDT,M3", "EST168",
                                           "EST5EDT,M13.1.0,M1.1.0", "EST5EDT,J1", "EST5x", "<AB" };
    int64_t seconds;
    uint32_t ns;
    struct zone zone;
    char text[64];
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_true(zone_parse(cases[i].zone, &zone));
        assert_int_equal(date_parse_in(&zone, cases[i].text, 0, &seconds, &ns), 0);
        date_format_in(&zone, text, sizeof(text), "%T %Z %z", seconds, ns);
        assert_string_equal(text, cases[i].shown);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(invalid); i++)
        assert_false(zone_parse(invalid[i], &zone));
}

static void parses_stamps(void **state)
{
    int64_t now = civil_to_seconds(2024, 5, 15, 10, 20, 30), seconds;
    (void)state;
    uint32_t ns;
    assert_int_equal(date_parse_ns("1970-01-02 00:00:01.25", now, &seconds, &ns), 0);
    assert_true(seconds == 86401 && ns == 250000000);
    assert_int_equal(date_parse_ns("@-1.25", now, &seconds, &ns), 0);
    assert_true(seconds == -2 && ns == 750000000);
    assert_int_equal(date_parse_ns("@1.0123456789", now, &seconds, &ns), 0);
    assert_true(seconds == 1 && ns == 12345678);
    assert_int_equal(date_parse_stamp("202002291213.14", now, &seconds), 0);
    assert_true(seconds == civil_to_seconds(2020, 2, 29, 12, 13, 14));
    assert_int_equal(date_parse_stamp("6901010000", now, &seconds), 0);
    assert_true(seconds == civil_to_seconds(1969, 1, 1, 0, 0, 0));
    assert_int_equal(date_parse_stamp("12312359", now, &seconds), 0);
    assert_true(seconds == civil_to_seconds(2024, 12, 31, 23, 59, 0));
    static const char *const invalid[] = {
        "", "1", "13010000", "01010000.", "01010000.5", "0101000x", "202302290000", "01010000.61",
        "20200101000000",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(invalid); i++)
        assert_int_equal(date_parse_stamp(invalid[i], now, &seconds), -EINVAL);
}

/* A format is cut at the end of the memory, and its length is that of the whole. */
static void formats(void **state)
{
    char text[8];
    (void)state;
    assert_int_equal(date_format(text, sizeof(text), "%F %T", 0), 19);
    assert_string_equal(text, "1970-01");
    assert_int_equal(date_format(text, 0, "%1000d%", 0), 1001);
    assert_int_equal(date_format(text, sizeof(text), "", 0), 0);
    assert_string_equal(text, "");
}

/* Any text is a date or an error, whatever it contains (UBSan finds overflows). */
static void any_text(void **state)
{
    static const char *const words[] = {
        "@", "-", "+", "9", "99999999999999999", ":", "/", ".", " ", "year", "ago", "next", "mon",
        "may", "pm", "utc", "t", "2024-05-01", ",", "1000000000", "12:", "-9:",
    };
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 200000; round++) {
        char text[256] = "";
        int64_t seconds;
        for (int i = rand() % 8; i >= 0; i--)
            strcat(text, words[(size_t)rand() % ARRAY_LENGTH(words)]);
        if (!date_parse(text, 0, &seconds))
            date_format(text, sizeof(text), "%c %j %V %G %U %s", seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses), cmocka_unit_test(parses_stamps),
        cmocka_unit_test(knows_zones), cmocka_unit_test(formats),
        cmocka_unit_test(any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * civil.h - dates and times of day, as people write them, and seconds since 1970.
 *
 * The proleptic Gregorian calendar in UTC, without leap seconds, for the years 1 to 9999 (the
 * arithmetic itself holds for any year whose seconds fit).
 */
#ifndef LIB_CIVIL_H
#define LIB_CIVIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct civil {
    int64_t year;
    unsigned month, day;           /* from 1 */
    unsigned hour, minute, second; /* from 0 */
};

enum { CIVIL_TEXT_BYTES = 21 }; /* "YYYY-MM-DDTHH:MM:SSZ" and its NUL */

/* Seconds since 1970-01-01T00:00:00Z. The month is 1..12; the others may be beyond their range
 * and then count on. */
int64_t civil_to_seconds(int64_t year, unsigned month, unsigned day, unsigned hour,
                         unsigned minute, unsigned second);
struct civil seconds_to_civil(int64_t seconds);

/* Is it a moment that exists: year 1..9999, a day of that month, a second below 60? */
bool civil_valid(const struct civil *civil);

/* YYYY-MM-DDTHH:MM:SSZ into out[bytes], cut when it does not fit; returns its length. */
size_t civil_format(char *out, size_t bytes, int64_t seconds);

#endif

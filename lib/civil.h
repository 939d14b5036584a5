/*
 * civil.h - converts between calendar dates with a time of day and seconds since 1970.
 *
 * The proleptic Gregorian calendar in UTC, without leap seconds, for the years 1 to 9999 (the
 * arithmetic itself holds for any year whose seconds fit).
 */
#ifndef LIB_CIVIL_H
#define LIB_CIVIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/status.h"

struct civil {
    int64_t year;
    unsigned month, day;           /* from 1 */
    unsigned hour, minute, second; /* from 0 */
};

enum { CIVIL_TEXT_BYTES = 21 }; /* "YYYY-MM-DDTHH:MM:SSZ" and its NUL */

/* Returns the seconds since 1970-01-01T00:00:00Z. The month must be 1..12; the others may exceed
 * their range and then carry over. */
int64_t civil_to_seconds(int64_t year, unsigned month, unsigned day, unsigned hour,
                         unsigned minute, unsigned second);
struct civil seconds_to_civil(int64_t seconds);

/* Returns whether the date exists: a year 1..9999, a day of that month, a second below 60. */
bool civil_valid(const struct civil *civil);

/* Stores YYYY-MM-DDTHH:MM:SSZ in out[bytes], truncated if it does not fit. Returns its length. */
size_t civil_format(char *out, size_t bytes, int64_t seconds);

/* Parses how far a zone is ahead of UTC, +HH:MM or -HH:MM, in text[length]. -EINVAL. */
status_t civil_parse_zone(const char *text, size_t length, int64_t *seconds) MUST_CHECK;

#endif

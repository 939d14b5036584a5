/*
 * date.h - dates as people write them: parsed from words, and formatted by patterns.
 *
 * Parsing     "2024-05-01 12:30", "@1714566600", "1 May 2024", "May 1", "5/1/2024", "20240501",
 *             "12:30 pm", "tomorrow", "next month", "3 days ago", "monday", "+2 hours",
 *             "2024-05-01T12:30:00Z", "... +02:00". Items may follow each other in any order. What
 *             is not given is taken from `now`; a date without a time is at 00:00.
 * Formatting  the conversions of date(1), with the flags - _ 0 ^ # and a width.
 * Zone        UTC, unless a zone is given, or a text names a distance to UTC or begins with
 *             TZ="...".
 * References  POSIX.1-2017, date and touch; GNU coreutils, "Date input formats".
 */
#ifndef LIB_DATE_H
#define LIB_DATE_H

#include <stddef.h>
#include <stdint.h>
#include "lib/status.h"
#include "lib/zone.h"

/* Parses a text. -EINVAL if it contains something else than the above, or the date is invalid. */
status_t date_parse(const char *text, int64_t now, int64_t *seconds) MUST_CHECK;
/* As date_parse(), with the fraction of a second. */
status_t date_parse_ns(const char *text, int64_t now, int64_t *seconds, uint32_t *ns) MUST_CHECK;
/* The same for the clocks of a zone; NULL: UTC. */
status_t date_parse_in(const struct zone *zone, const char *text, int64_t now, int64_t *seconds,
                       uint32_t *ns) MUST_CHECK;
/* Parses the [[CC]YY]MMDDhhmm[.ss] of touch -t. -EINVAL. */
status_t date_parse_stamp(const char *text, int64_t now, int64_t *seconds) MUST_CHECK;

/* Stores the time as `format` describes it in out[bytes], truncated and terminated. Returns the
 * whole length. An unknown conversion is copied as it is. */
size_t date_format(char *out, size_t bytes, const char *format, int64_t seconds);
/* As date_format(), with the nanoseconds that %N shows. */
size_t date_format_ns(char *out, size_t bytes, const char *format, int64_t seconds, uint32_t ns);
/* The same for the clocks of a zone; NULL: UTC. */
size_t date_format_in(const struct zone *zone, char *out, size_t bytes, const char *format,
                      int64_t seconds, uint32_t ns);

#endif

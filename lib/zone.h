/*
 * zone.h - time zones as POSIX's variable TZ describes them: "EST5EDT,M3.2.0,M11.1.0".
 *
 * Model       A zone has a standard time, and perhaps a summer time between two moments of each
 *             year. Its rules hold for all years. It has no database: names such as Europe/Berlin
 *             are not zones.
 * References  POSIX.1-2017, Base Definitions, 8.3 Other Environment Variables, TZ.
 */
#ifndef LIB_ZONE_H
#define LIB_ZONE_H

#include <stdbool.h>
#include <stdint.h>

enum { ZONE_NAME_BYTES = 16 };

/* When the clocks change: on a day of each year, at a time of that day. */
struct zone_rule {
    char kind;            /* 'M': weekday of month; 'J': 1 to 365, no leap day; 'N': 0 to 365 */
    unsigned month, week; /* of 'M'; week 5 is the last one */
    unsigned day;         /* of 'M': 0 is Sunday */
    int32_t time_s;       /* after midnight of the clock that is valid before; may be negative */
};

struct zone {
    char standard[ZONE_NAME_BYTES], summer[ZONE_NAME_BYTES];
    int32_t standard_s, summer_s; /* ahead of UTC */
    bool has_summer;
    struct zone_rule begins, ends; /* of the summer time */
};

/* Parses a text. Without rules, the summer time is that of the United States, as elsewhere. Returns
 * false if it does not describe a zone. */
bool zone_parse(const char *text, struct zone *zone);
/* Returns how many seconds the clocks are ahead of UTC at a time, and the name of that time. */
int32_t zone_offset(const struct zone *zone, int64_t seconds, const char **name);
/* Returns the time at which the clocks show `local`, the earlier one of two; of a time that is
 * left out, that of the clocks before the change. */
int64_t zone_from_local(const struct zone *zone, int64_t local);

#endif

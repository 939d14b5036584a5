/*
 * zone.c - time zones; see zone.h.
 */
#include "lib/zone.h"
#include <stddef.h>
#include "lib/civil.h"
#include "lib/macros.h"
#include "lib/text.h"

enum { DAY_S = 86400, HOUR_S = 3600 };

static bool is_letter(char c)
{
    return text_lower(c) >= 'a' && text_lower(c) <= 'z';
}

/* Parses a name: at least three letters, or <letters, digits and signs>. */
static const char *parse_name(const char *at, char name[ZONE_NAME_BYTES])
{
    bool quoted = *at == '<';
    size_t length = 0;
    for (at += quoted; is_letter(*at) || (quoted && (text_is_digit(*at) || *at == '+' ||
                                                    *at == '-')); at++)
        if (length < ZONE_NAME_BYTES - 1)
            name[length++] = *at;
    name[length] = '\0';
    if (length < 3 || (quoted && *at++ != '>'))
        return NULL;
    return at;
}

static const char *parse_number(const char *at, unsigned most, unsigned *number)
{
    const char *start = at;
    for (*number = 0; text_is_digit(*at) && *number <= most; at++)
        *number = *number * 10 + (unsigned)(*at - '0');
    return at > start && *number <= most ? at : NULL;
}

/* Parses [+-]hh[:mm[:ss]]. */
static const char *parse_time(const char *at, int32_t *time_s)
{
    unsigned parts[3] = { 0 };
    bool negative = *at == '-';
    at += *at == '-' || *at == '+';
    for (unsigned i = 0; at && i < ARRAY_LENGTH(parts); i++) {
        at = parse_number(at, i ? 59 : 167, &parts[i]);
        if (!at || *at != ':')
            break;
        at += i + 1 < ARRAY_LENGTH(parts);
    }
    *time_s = (int32_t)(parts[0] * HOUR_S + parts[1] * 60 + parts[2]) * (negative ? -1 : 1);
    return at;
}

/* Parses the rule after a comma: Mm.w.d, Jn or n, and perhaps /time. */
static const char *parse_rule(const char *at, struct zone_rule *rule)
{
    *rule = (struct zone_rule){ .kind = 'N', .time_s = 2 * HOUR_S };
    if (*at == 'M' || *at == 'J')
        rule->kind = *at++;
    if (rule->kind == 'M') {
        at = parse_number(at, 12, &rule->month);
        at = at && *at == '.' ? parse_number(at + 1, 5, &rule->week) : NULL;
        at = at && *at == '.' ? parse_number(at + 1, 6, &rule->day) : NULL;
        if (at && (!rule->month || !rule->week))
            return NULL;
    } else {
        at = parse_number(at, 365, &rule->day);
    }
    return at && *at == '/' ? parse_time(at + 1, &rule->time_s) : at;
}

bool zone_parse(const char *text, struct zone *zone)
{
    int32_t west;
    *zone = (struct zone){ 0 };
    const char *at = parse_name(text, zone->standard);
    at = at ? parse_time(at, &west) : NULL;
    if (!at)
        return false;
    zone->standard_s = -west;
    if (!*at)
        return true;

    /* The summer time is one hour ahead unless its distance is given. */
    zone->has_summer = true;
    zone->summer_s = zone->standard_s + HOUR_S;
    at = parse_name(at, zone->summer);
    if (at && *at && *at != ',') {
        at = parse_time(at, &west);
        zone->summer_s = -west;
    }
    const char *rules = at && *at ? at : ",M3.2.0,M11.1.0";
    const char *rest = *rules == ',' ? parse_rule(rules + 1, &zone->begins) : NULL;
    rest = rest && *rest == ',' ? parse_rule(rest + 1, &zone->ends) : NULL;
    return at && rest && !*rest;
}

/* Returns the time of a rule in a year, by the clock that is valid before it. */
static int64_t rule_time(const struct zone_rule *rule, int64_t year)
{
    int64_t start = civil_to_seconds(year, 1, 1, 0, 0, 0);
    if (rule->kind == 'N')
        return start + (int64_t)rule->day * DAY_S + rule->time_s;

    /* Day 60 of 'J' is 1 March in every year. */
    if (rule->kind == 'J') {
        bool leap = civil_to_seconds(year + 1, 1, 1, 0, 0, 0) - start > (int64_t)365 * DAY_S;
        return start + ((int64_t)rule->day - 1 + (leap && rule->day >= 60)) * DAY_S + rule->time_s;
    }

    /* 1 January 1970 was a Thursday: the first such weekday, and then whole weeks. */
    int64_t month = civil_to_seconds(year, rule->month, 1, 0, 0, 0);
    int64_t next = rule->month == 12 ? civil_to_seconds(year + 1, 1, 1, 0, 0, 0)
                                     : civil_to_seconds(year, rule->month + 1, 1, 0, 0, 0);
    int64_t weekday = ((month / DAY_S + 4) % 7 + 7) % 7;
    int64_t day = month + (rule->day + 7 - weekday) % 7 * DAY_S +
                  (int64_t)(rule->week - 1) * 7 * DAY_S;
    return (day >= next ? day - 7 * DAY_S : day) + rule->time_s;
}

static bool is_summer(const struct zone *zone, int64_t seconds)
{
    if (!zone->has_summer)
        return false;
    int64_t year = seconds_to_civil(seconds + zone->standard_s).year;
    int64_t begins = rule_time(&zone->begins, year) - zone->standard_s;
    int64_t ends = rule_time(&zone->ends, year) - zone->summer_s;

    /* South of the equator the summer contains the new year. */
    return begins < ends ? seconds >= begins && seconds < ends
                         : seconds >= begins || seconds < ends;
}

int32_t zone_offset(const struct zone *zone, int64_t seconds, const char **name)
{
    bool summer = is_summer(zone, seconds);
    *name = summer ? zone->summer : zone->standard;
    return summer ? zone->summer_s : zone->standard_s;
}

int64_t zone_from_local(const struct zone *zone, int64_t local)
{
    int64_t summer = local - zone->summer_s, standard = local - zone->standard_s;
    return zone->has_summer && is_summer(zone, summer) ? summer : standard;
}

/*
 * civil.c - the proleptic Gregorian calendar.
 *
 * Years begin in March here, so that the leap day is the last day of a year, and (153 m + 2) / 5
 * days precede month m (March is 0). A period of 400 years, an era, has 146097 days.
 */
#include "lib/civil.h"
#include "lib/text.h"
#include "lib/format.h"

enum {
    ERA_YEARS = 400,
    ERA_DAYS = 146097,
    DAY_SECONDS = 86400,
    EPOCH_DAYS = 719468, /* from 0000-03-01 to 1970-01-01 */
};

static int64_t floor_divide(int64_t number, int64_t divisor)
{
    int64_t quotient = number / divisor;

    /* C rounds towards zero, but the days before an era belong to the era before. */
    return number % divisor < 0 ? quotient - 1 : quotient;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in_month(int64_t year, unsigned month)
{
    static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

int64_t civil_to_seconds(int64_t year, unsigned month, unsigned day, unsigned hour,
                         unsigned minute, unsigned second)
{
    /* January and February belong to the year before. */
    if (month <= 2)
        year--;

    /* Split the date into the era, the year of the era, and the day of that year. */
    int64_t era = floor_divide(year, ERA_YEARS);
    int64_t year_of_era = year - era * ERA_YEARS;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    /* Every day has 86400 seconds: POSIX does not count leap seconds. */
    int64_t days = era * ERA_DAYS + day_of_era - EPOCH_DAYS;
    return days * DAY_SECONDS + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
}

struct civil seconds_to_civil(int64_t seconds)
{
    /* The time of day is positive before 1970, too, because the division rounds down. */
    int64_t days = floor_divide(seconds, DAY_SECONDS);

    /* Unsigned: the day of the least number begins before it. */
    unsigned rest = (unsigned)((uint64_t)seconds - (uint64_t)days * DAY_SECONDS);
    days += EPOCH_DAYS;

    /* The leap years repeat with each era, so the rest needs no knowledge of the year. */
    int64_t era = floor_divide(days, ERA_DAYS);
    unsigned day_of_era = (unsigned)(days - era * ERA_DAYS);

    /* Subtract the leap days before this one: one in 4 years, none in 100, one in 400. */
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);

    /* The inverse of (153 m + 2) / 5. Months 10 and 11 begin the next year. */
    unsigned month_from_march = (5 * day_of_year + 2) / 153;
    unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct civil){
        .year = era * ERA_YEARS + year_of_era + (month <= 2 ? 1 : 0),
        .month = month,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
        .hour = rest / 3600,
        .minute = rest / 60 % 60,
        .second = rest % 60,
    };
}

bool civil_valid(const struct civil *civil)
{
    return civil->year >= 1 && civil->year <= 9999 && civil->month >= 1 && civil->month <= 12 &&
           civil->day >= 1 && civil->day <= days_in_month(civil->year, civil->month) &&
           civil->hour < 24 && civil->minute < 60 && civil->second < 60;
}

size_t civil_format(char *out, size_t bytes, int64_t seconds)
{
    struct civil c = seconds_to_civil(seconds);
    return (size_t)format_text(out, bytes, "%04lld-%02u-%02uT%02u:%02u:%02uZ", (long long)c.year,
                               c.month, c.day, c.hour, c.minute, c.second);
}

status_t civil_parse_zone(const char *text, size_t length, int64_t *seconds)
{
    if (length != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':')
        return -EINVAL;
    for (size_t i = 1; i < length; i++)
        if (i != 3 && !text_is_digit(text[i]))
            return -EINVAL;

    int hours = (text[1] - '0') * 10 + text[2] - '0';
    int minutes = (text[4] - '0') * 10 + text[5] - '0';
    if (hours > 15 || minutes > 59)
        return -EINVAL;
    *seconds = (hours * 60 + minutes) * 60 * (text[0] == '-' ? -1 : 1);
    return 0;
}

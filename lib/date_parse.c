/*
 * date_parse.c - parses dates as people write them; see date.h.
 */
#include "lib/civil.h"
#include "lib/date.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum { WORD_BYTES = 16 };

/* What the text has given so far. */
struct parse {
    const char *at;
    struct civil date;      /* from `now` where it was not given */
    bool has_date, has_time, has_year, has_zone, has_day;
    int64_t zone_s;         /* ahead of UTC */
    unsigned weekday;       /* if has_day; 0: Sunday */
    int64_t day_ordinal;    /* 1: "next monday", -1: "last monday" */
    int64_t months, rest_s; /* relative: "+2 months", "3 days ago" */
    int64_t last_months, last_s; /* of them, what the last item added: "ago" negates it */
    bool has_relative;
    uint32_t ns;            /* the fraction of a second */
};

static const char *const months[] = { "january", "february", "march", "april", "may", "june",
                                      "july", "august", "september", "october", "november",
                                      "december" };
static const char *const days[] = { "sunday", "monday", "tuesday", "wednesday", "thursday",
                                    "friday", "saturday" };
static const struct unit { const char *name; int months; int32_t seconds; } units[] = {
    { "year", 12, 0 }, { "month", 1, 0 }, { "fortnight", 0, 14 * 86400 }, { "week", 0, 7 * 86400 },
    { "day", 0, 86400 }, { "hour", 0, 3600 }, { "minute", 0, 60 }, { "min", 0, 60 },
    { "second", 0, 1 }, { "sec", 0, 1 },
};

/* ---- words and numbers -------------------------------------------------------------------- */

static void skip_blanks(struct parse *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == ',')
        p->at++;
}

static bool is_letter(char c)
{
    return text_lower(c) >= 'a' && text_lower(c) <= 'z';
}

/* Stores the word at `at` in lower case, without dots, and returns what follows it. */
static const char *read_word(const char *at, char word[WORD_BYTES])
{
    size_t used = 0;
    for (; is_letter(*at) || (*at == '.' && used); at++)
        if (*at != '.' && used < WORD_BYTES - 1)
            word[used++] = text_lower(*at);
    word[used] = '\0';
    return at;
}

/* Parses digits, of which *digits is the number. Returns false if they are too many. */
static bool read_number(const char **at, int64_t *number, unsigned *digits)
{
    enum { DIGITS_MAX = 17 };
    *number = *digits = 0;
    for (; text_is_digit(**at) && *digits <= DIGITS_MAX; ++*at, ++*digits)
        *number = *number * 10 + (**at - '0');
    return *digits && *digits <= DIGITS_MAX;
}

/* Parses the digits of a fraction, of which nine count. Returns false if there is none. */
static bool read_fraction(const char **at, uint32_t *ns)
{
    uint32_t unit = 100000000;
    const char *start = *at;
    for (*ns = 0; text_is_digit(**at); ++*at, unit /= 10)
        *ns += (uint32_t)(**at - '0') * unit;
    return *at > start;
}

/* Finds a word or its first three letters, as for months and days. Returns -1 if it is neither. */
static int find_name(const char *const *names, size_t count, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < count; i++)
        if (text_equal(names[i], word) || (length == 3 && text_starts(names[i], word)) ||
            (length == 4 && text_equal(word, "sept") && i == 8 && count == 12))
            return (int)i;
    return -1;
}

static const struct unit *find_unit(const char *word)
{
    size_t length = strlen(word);
    if (length && word[length - 1] == 's' && length > 1)
        length--;
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
        if (text_equal_n(units[i].name, strlen(units[i].name), word, length))
            return &units[i];
    return NULL;
}

/* ---- items -------------------------------------------------------------------------------- */

static bool add_relative(struct parse *p, const struct unit *unit, int64_t count)
{
    /* So small that no sum of a text's items overflows. */
    const int64_t most = 1000000000;
    if (count > most || count < -most)
        return false;
    p->has_relative = true;
    p->last_months = count * unit->months;
    p->last_s = count * unit->seconds;
    p->months += p->last_months;
    p->rest_s += p->last_s;
    return true;
}

static bool set_date(struct parse *p, int64_t year, unsigned digits, int64_t month, int64_t day)
{
    /* Two digits are a year from 1969 to 2068 (POSIX). No digits: the present year. */
    if (digits && digits <= 2)
        year += year < 69 ? 2000 : 1900;
    if (p->has_date || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    if (digits)
        p->date.year = year;
    p->date.month = (unsigned)month;
    p->date.day = (unsigned)day;
    p->has_date = true;
    p->has_year = digits != 0;
    return true;
}

/* Parses +HH, +HHMM or +HH:MM at `at`, after a time. */
static bool read_zone(struct parse *p)
{
    int64_t hours, minutes = 0;
    unsigned digits, more;
    bool west = *p->at++ == '-';
    if (!read_number(&p->at, &hours, &digits) || p->has_zone)
        return false;
    if (digits > 2) {
        minutes = hours % 100;
        hours /= 100;
    }
    if (*p->at == ':') {
        p->at++;
        if (digits > 2 || !read_number(&p->at, &minutes, &more))
            return false;
    }
    p->zone_s = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
    p->has_zone = true;
    return hours <= 24 && minutes < 60;
}

/* Parses am or pm, if it follows, and sets the time. */
static bool set_time(struct parse *p, int64_t hour, int64_t minute, int64_t second)
{
    char word[WORD_BYTES];
    skip_blanks(p);
    const char *after = read_word(p->at, word);
    bool am = text_equal(word, "am"), pm = text_equal(word, "pm");
    if (am || pm) {
        p->at = after;
        if (hour < 1 || hour > 12)
            return false;
        hour = hour % 12 + (pm ? 12 : 0);
    }
    if (p->has_time || hour > 23 || minute > 59 || second > 59)
        return false;
    p->date.hour = (unsigned)hour;
    p->date.minute = (unsigned)minute;
    p->date.second = (unsigned)second;
    p->has_time = true;

    /* A signed number right after a time is a zone, even in "10:00 +1 day", which is a day after
     * 10:00 in the zone +01 (GNU). */
    skip_blanks(p);
    bool zone = !am && !pm && (*p->at == '+' || *p->at == '-') && text_is_digit(p->at[1]);
    return !zone || read_zone(p);
}

/* Parses what follows "HH:". */
static bool read_time(struct parse *p, int64_t hour)
{
    int64_t minute, second = 0;
    unsigned digits;
    p->at++;
    if (!read_number(&p->at, &minute, &digits) || digits > 2)
        return false;
    if (*p->at == ':') {
        p->at++;
        if (!read_number(&p->at, &second, &digits) || digits > 2)
            return false;

        if (*p->at == '.' || (*p->at == ',' && text_is_digit(p->at[1]))) {
            p->at++;
            if (!read_fraction(&p->at, &p->ns))
                return false;
        }
    }
    return set_time(p, hour, minute, second);
}

/* Parses what follows "N-" or "N/": the rest of a date. */
static bool read_date(struct parse *p, int64_t first, unsigned digits)
{
    int64_t second, third = 0;
    unsigned second_digits, third_digits = 0;
    char separator = *p->at++, word[WORD_BYTES];

    /* 1-May-2024 */
    if (separator == '-' && is_letter(*p->at)) {
        p->at = read_word(p->at, word);
        int month = find_name(months, 12, word);
        if (month < 0 || *p->at++ != '-' || !read_number(&p->at, &third, &third_digits))
            return false;
        return set_date(p, third, third_digits, month + 1, first);
    }

    if (!read_number(&p->at, &second, &second_digits))
        return false;
    if (*p->at == separator) {
        p->at++;
        if (!read_number(&p->at, &third, &third_digits))
            return false;
    }

    /* Year first with dashes, or with four digits; else month/day/year. */
    if (separator == '-' || digits >= 4)
        return third_digits && set_date(p, first, digits, second, third);
    return set_date(p, third, third_digits, first, second);
}

/* Handles a number with nothing after it that explains it. */
static bool set_number(struct parse *p, int64_t number, unsigned digits)
{
    if (p->has_date && !p->has_year && !p->has_relative && (p->has_time || digits > 2)) {
        p->date.year = number;
        p->has_year = true;
        return true;
    }
    if (digits > 4)
        return set_date(p, number / 10000, digits - 4, number / 100 % 100, number % 100);
    return digits <= 2 ? set_time(p, number, 0, 0) : set_time(p, number / 100, number % 100, 0);
}

static bool read_digits(struct parse *p)
{
    char word[WORD_BYTES];
    int64_t number;
    unsigned digits;
    if (!read_number(&p->at, &number, &digits))
        return false;
    if (*p->at == ':')
        return read_time(p, number);
    if ((*p->at == '-' && (text_is_digit(p->at[1]) || is_letter(p->at[1]))) || *p->at == '/')
        return read_date(p, number, digits);

    /* What a number means depends on the word after it. */
    const char *after = p->at;
    while (*after == ' ' || *after == '\t')
        after++;
    after = read_word(after, word);
    const struct unit *unit = find_unit(word);
    int month = find_name(months, 12, word);
    if (unit) {
        p->at = after;
        return add_relative(p, unit, number);
    }
    if (month >= 0) {
        p->at = after;
        return set_date(p, 0, 0, month + 1, number);
    }
    if (text_equal(word, "am") || text_equal(word, "pm"))
        return set_time(p, number, 0, 0);
    return set_number(p, number, digits);
}

/* Parses a signed number, which must be relative: "+2 days". */
static bool read_signed(struct parse *p)
{
    char word[WORD_BYTES];
    int64_t number;
    unsigned digits;
    bool negative = *p->at++ == '-';
    skip_blanks(p);
    if (!read_number(&p->at, &number, &digits))
        return false;
    skip_blanks(p);
    p->at = read_word(p->at, word);
    const struct unit *unit = find_unit(word);
    return unit && add_relative(p, unit, negative ? -number : number);
}

/* Parses what follows "next", "last" or "this": a unit or a day. */
static bool read_ordinal(struct parse *p, int64_t ordinal)
{
    char word[WORD_BYTES];
    skip_blanks(p);
    p->at = read_word(p->at, word);
    const struct unit *unit = find_unit(word);
    if (unit)
        return add_relative(p, unit, ordinal);
    int day = find_name(days, 7, word);
    if (day < 0 || p->has_day)
        return false;
    p->has_day = true;
    p->weekday = (unsigned)day;
    p->day_ordinal = ordinal;
    return true;
}

/* Parses what follows the name of a month: a day, and perhaps a year. */
static bool read_month(struct parse *p, int month)
{
    int64_t day, year = 0;
    unsigned digits;
    skip_blanks(p);
    if (!read_number(&p->at, &day, &digits) || digits > 2)
        return false;

    /* Four digits after the day are the year, unless they begin a time. */
    const char *after = p->at;
    while (*after == ' ' || *after == ',')
        after++;
    if (!read_number(&after, &year, &digits) || digits != 4 || *after == ':')
        return set_date(p, 0, 0, month + 1, day);
    p->at = after;
    return set_date(p, year, digits, month + 1, day);
}

static bool read_name(struct parse *p)
{
    char word[WORD_BYTES];
    p->at = read_word(p->at, word);
    int month = find_name(months, 12, word), day = find_name(days, 7, word);
    const struct unit *unit = find_unit(word);

    if (month >= 0)
        return read_month(p, month);
    if (day >= 0) {
        bool again = p->has_day;
        p->has_day = true;
        p->weekday = (unsigned)day;
        return !again;
    }
    if (unit)
        return add_relative(p, unit, 1);
    if (text_equal(word, "now") || text_equal(word, "today"))
        return true;
    if (text_equal(word, "yesterday") || text_equal(word, "tomorrow"))
        return add_relative(p, find_unit("day"), *word == 'y' ? -1 : 1);
    if (text_equal(word, "next") || text_equal(word, "last") || text_equal(word, "this"))
        return read_ordinal(p, *word == 'n' ? 1 : *word == 'l' ? -1 : 0);
    if (text_equal(word, "ago")) {
        p->months -= 2 * p->last_months;
        p->rest_s -= 2 * p->last_s;
        return p->has_relative;
    }
    if (text_equal(word, "utc") || text_equal(word, "gmt") || text_equal(word, "z")) {
        bool again = p->has_zone;
        p->has_zone = true;
        return !again;
    }
    return text_equal(word, "t") && p->has_date && text_is_digit(*p->at);
}

/* ---- the whole ---------------------------------------------------------------------------- */

/* Parses "@" and seconds since 1970, and a fraction. */
static bool read_seconds(const char *at, int64_t *seconds, uint32_t *ns)
{
    bool negative = *at == '-';
    unsigned digits;
    at += *at == '-' || *at == '+';
    if (!read_number(&at, seconds, &digits))
        return false;
    *seconds = negative ? -*seconds : *seconds;
    if (*at == '.' || *at == ',') {
        at++;
        if (!read_fraction(&at, ns))
            return false;

        /* The fraction counts upwards from the second below. */
        if (negative && *ns) {
            --*seconds;
            *ns = 1000000000 - *ns;
        }
    }
    return !*at;
}

/* Moves the date by the months that were given, which carry into years. */
static int64_t add_months(struct parse *p)
{
    int64_t months_since = p->date.year * 12 + p->date.month - 1 + p->months;
    int64_t year = months_since / 12 - (months_since % 12 < 0);
    return civil_to_seconds(year, (unsigned)(months_since - year * 12) + 1, p->date.day,
                            p->date.hour, p->date.minute, p->date.second);
}

status_t date_parse(const char *text, int64_t now, int64_t *seconds)
{
    uint32_t ns;
    return date_parse_ns(text, now, seconds, &ns);
}

status_t date_parse_ns(const char *text, int64_t now, int64_t *seconds, uint32_t *ns)
{
    return date_parse_in(NULL, text, now, seconds, ns);
}

/* Parses TZ="..." at the start, and returns what follows it. A name without a zone is UTC. */
static const char *read_own_zone(const char *at, struct zone *own, const struct zone **zone)
{
    char name[48];
    size_t length = 0;
    if (!text_starts(at, "TZ=\""))
        return at;
    for (at += 4; *at && *at != '"'; at++)
        if (length < sizeof(name) - 1)
            name[length++] = *at;
    name[length] = '\0';
    *zone = zone_parse(name, own) ? own : NULL;
    return at + (*at == '"');
}

status_t date_parse_in(const struct zone *zone, const char *text, int64_t now, int64_t *seconds,
                       uint32_t *ns)
{
    const char *name;
    struct zone own;
    *ns = 0;
    struct parse p = { .at = text };
    skip_blanks(&p);
    p.at = read_own_zone(p.at, &own, &zone);
    p.date = seconds_to_civil(zone ? now + zone_offset(zone, now, &name) : now);
    skip_blanks(&p);
    if (*p.at == '@')
        return read_seconds(p.at + 1, seconds, ns) ? 0 : -EINVAL;

    bool any = false;
    for (; *p.at; skip_blanks(&p)) {
        bool good = text_is_digit(*p.at) ? read_digits(&p)
                    : *p.at == '+' || *p.at == '-' ? read_signed(&p)
                    : is_letter(*p.at) && read_name(&p);
        if (!good)
            return -EINVAL;
        any = true;
    }

    /* A day without a time begins at midnight. An empty text is today (GNU). */
    if (!p.has_time && (p.has_date || p.has_day || !any))
        p.date.hour = p.date.minute = p.date.second = 0;
    if (!civil_valid(&p.date) || (!p.has_time && p.has_zone && !p.has_date))
        return -EINVAL;
    if (__builtin_expect(p.months > 120000 || p.months < -120000, 0))
        return -EINVAL;

    int64_t result = add_months(&p);
    if (p.has_day && !p.has_date) {
        /* The next such day, which may be today; "next" and "last" exclude today. */
        int64_t today = (result / 86400 - (result % 86400 < 0) + 4) % 7;
        int64_t ahead = ((int64_t)p.weekday - (today + 7) % 7 + 7) % 7;
        result += 86400 * (ahead + 7 * (p.day_ordinal - (p.day_ordinal > 0 && ahead)));
    }
    if (__builtin_add_overflow(result, p.rest_s, &result) ||
        __builtin_sub_overflow(result, p.zone_s, &result))
        return -EINVAL;
    *seconds = zone && !p.has_zone ? zone_from_local(zone, result) : result;
    *ns = p.ns;
    return 0;
}

status_t date_parse_stamp(const char *text, int64_t now, int64_t *seconds)
{
    size_t length = 0;
    while (text_is_digit(text[length]))
        length++;
    bool has_seconds = text[length] == '.';
    if ((length != 8 && length != 10 && length != 12) ||
        (has_seconds ? strlen(text + length) != 3 || !text_all_digits(text + length + 1, 2)
                     : text[length] != '\0'))
        return -EINVAL;

    unsigned pairs[7];
    for (size_t i = 0; i < length / 2; i++)
        pairs[i] = (unsigned)((text[2 * i] - '0') * 10 + text[2 * i + 1] - '0');

    /* MMDDhhmm are the last four pairs. The century may be left out, and the year. */
    const unsigned *last = pairs + length / 2 - 4;
    struct civil c = { .year = seconds_to_civil(now).year, .month = last[0], .day = last[1],
                       .hour = last[2], .minute = last[3] };
    if (length == 10)
        c.year = pairs[0] + (pairs[0] < 69 ? 2000 : 1900);
    else if (length == 12)
        c.year = pairs[0] * 100 + pairs[1];
    if (has_seconds)
        c.second = (unsigned)((text[length + 1] - '0') * 10 + text[length + 2] - '0');

    /* A leap second is the second after it. */
    bool leap = c.second == 60;
    c.second -= leap;
    if (!civil_valid(&c))
        return -EINVAL;
    *seconds = civil_to_seconds(c.year, c.month, c.day, c.hour, c.minute, c.second) + leap;
    return 0;
}

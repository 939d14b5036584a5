/*
 * date.c - formats dates by patterns; see date.h.
 */
#include "lib/date.h"
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum { DATE_PIECE_BYTES = 128 };

/* The time, in all the ways in which conversions show it. */
struct shown {
    struct civil c;
    int64_t seconds;    /* UTC */
    uint32_t ns;
    const struct zone *zone;
    int32_t offset_s;      /* ahead of UTC */
    const char *zone_name;
    unsigned weekday;  /* 0: Sunday */
    unsigned year_day; /* from 0 */
};

/* Where the text goes, and how the conversion at hand is to be changed. */
struct piece {
    char *out;
    size_t bytes, used;
    char pad;       /* '0', '_', '-' (none), '+', or 0: as the conversion does */
    bool upper, swap;
    unsigned width; /* 0: as the conversion does */
};

static const char *const months[] = { "January", "February", "March", "April", "May", "June",
                                      "July", "August", "September", "October", "November",
                                      "December" };
static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
                                    "Friday", "Saturday" };

static void put(struct piece *piece, char c)
{
    if (piece->used + 1 < piece->bytes)
        piece->out[piece->used] = c;
    piece->used++;
}

/* Appends a text, padded to the width in front, in upper case after ^. */
static void put_text(struct piece *piece, const char *text, size_t length, char pad)
{
    pad = piece->pad ? piece->pad : pad;
    for (size_t i = length; pad != '-' && i < piece->width; i++)
        put(piece, pad == '0' || pad == '+' ? '0' : ' ');
    for (size_t i = 0; i < length; i++)
        put(piece, piece->upper ? text_upper(text[i]) : text[i]);
}

static void put_number(struct piece *piece, int64_t value, unsigned width, char pad, bool year)
{
    char digits[24];
    bool negative = value < 0;
    format_text(digits, sizeof(digits), "%llu",
                negative ? 0 - (unsigned long long)value : (unsigned long long)value);
    pad = piece->pad ? piece->pad : pad;

    /* + is 0, and a sign for a year that needs more than four digits or has more room (POSIX). */
    bool plus = pad == '+' && year && piece->width > width && !negative;
    pad = pad == '+' ? '0' : pad;
    width = piece->width ? piece->width : width;

    /* The sign precedes zeroes, but follows blanks. */
    size_t length = strlen(digits) + (negative || plus);
    for (size_t i = length; pad == '_' && i < width; i++)
        put(piece, ' ');
    if (negative || plus)
        put(piece, negative ? '-' : '+');
    for (size_t i = length; pad == '0' && i < width; i++)
        put(piece, '0');
    for (const char *at = digits; *at; at++)
        put(piece, *at);
}

/* Returns the number of weeks before the day, if weeks begin on `first` (0: Sunday). */
static unsigned week_of(const struct shown *shown, unsigned first)
{
    return (shown->year_day + 7 - (shown->weekday + 7 - first) % 7) / 7;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Returns the week of ISO 8601, and the year that it belongs to: that of its Thursday. */
static unsigned iso_week(const struct shown *shown, int64_t *year)
{
    int day = (int)shown->year_day - (int)(shown->weekday + 6) % 7 + 3;
    *year = shown->c.year;
    if (day < 0)
        day += is_leap(--*year) ? 366 : 365;
    else if (day >= (is_leap(*year) ? 366 : 365))
        day -= is_leap((*year)++) ? 366 : 365;
    return (unsigned)day / 7 + 1;
}

static unsigned hour_of_12(const struct shown *shown)
{
    return shown->c.hour % 12 ? shown->c.hour % 12 : 12;
}

/* Returns the conversions that a conversion abbreviates, in the POSIX locale; or NULL. */
static const char *expansion(char c)
{
    switch (c) {
    case 'c': return "%a %b %e %H:%M:%S %Y";
    case 'D': case 'x': return "%m/%d/%y";
    case 'F': return "%+4Y-%m-%d";
    case 'r': return "%I:%M:%S %p";
    case 'R': return "%H:%M";
    case 'T': case 'X': return "%H:%M:%S";
    default: return NULL;
    }
}

/* Appends a conversion that is text. Returns false for another one. */
static bool put_word(struct piece *piece, char c, const struct shown *shown)
{
    const char *text = shown->zone_name;
    size_t length = strlen(text);
    switch (c) {
    case 'a': text = days[shown->weekday]; length = 3; break;
    case 'A': text = days[shown->weekday]; length = strlen(text); break;
    case 'b': case 'h': text = months[shown->c.month - 1]; length = 3; break;
    case 'B': text = months[shown->c.month - 1]; length = strlen(text); break;
    case 'p': text = shown->c.hour < 12 ? "AM" : "PM"; length = 2; break;
    case 'P': text = shown->c.hour < 12 ? "am" : "pm"; length = 2; break;
    case 'Z': break;
    case 'n': text = "\n"; length = 1; break;
    case 't': text = "\t"; length = 1; break;
    case '%': text = "%"; length = 1; break;
    default: return false;
    }

    /* # changes the case: names to upper, AM and UTC to lower. %P is always in lower case. */
    char zone[ZONE_NAME_BYTES];
    for (size_t i = 0; c == 'Z' && i <= length; i++)
        zone[i] = piece->swap ? text_lower(text[i]) : text[i];
    text = c == 'Z' ? zone : text;
    if (piece->swap && c == 'p')
        text = shown->c.hour < 12 ? "am" : "pm";
    piece->upper &= c != 'P' && !(piece->swap && (c == 'p' || c == 'Z'));
    put_text(piece, text, length, '_');
    return true;
}

/* Appends %z with this many colons: +hhmm, +hh:mm, +hh:mm:ss, or as much as is needed. */
static void put_zone(struct piece *piece, int32_t offset_s, size_t colons)
{
    char text[16];
    char sign = offset_s < 0 ? '-' : '+';
    unsigned distance = offset_s < 0 ? (unsigned)-offset_s : (unsigned)offset_s;
    unsigned hours = distance / 3600, minutes = distance / 60 % 60, seconds = distance % 60;

    if (colons == 0)
        format_text(text, sizeof(text), "%c%02u%02u", sign, hours, minutes);
    else if (colons == 2 || (colons == 3 && seconds))
        format_text(text, sizeof(text), "%c%02u:%02u:%02u", sign, hours, minutes, seconds);
    else if (colons == 1 || minutes)
        format_text(text, sizeof(text), "%c%02u:%02u", sign, hours, minutes);
    else
        format_text(text, sizeof(text), "%c%02u", sign, hours);
    put_text(piece, text, strlen(text), '_');
}

/* Appends %N: the first digits of the nanoseconds, as many as the width says, or zeroes after
 * them. */
static void put_nanoseconds(struct piece *piece, uint32_t ns)
{
    char digits[10];
    unsigned width = piece->width ? piece->width : 9;
    format_text(digits, sizeof(digits), "%09u", (unsigned)ns);
    for (unsigned i = 0; i < width; i++)
        put(piece, i < 9 ? digits[i] : '0');
}

/* Appends a conversion that is a number. Returns false for another one. */
static bool put_value(struct piece *piece, char c, const struct shown *shown)
{
    const struct civil *t = &shown->c;
    int64_t iso_year;
    unsigned week = iso_week(shown, &iso_year);
    const struct { char letter, pad; uint8_t width; int64_t value; } values[] = {
        { 'C', '0', 2, t->year / 100 }, { 'd', '0', 2, t->day }, { 'e', '_', 2, t->day },
        { 'g', '0', 2, iso_year % 100 }, { 'G', '0', 4, iso_year }, { 'H', '0', 2, t->hour },
        { 'I', '0', 2, hour_of_12(shown) }, { 'j', '0', 3, shown->year_day + 1 },
        { 'k', '_', 2, t->hour }, { 'l', '_', 2, hour_of_12(shown) }, { 'm', '0', 2, t->month },
        { 'M', '0', 2, t->minute }, { 'q', '0', 1, (t->month + 2) / 3 },
        { 's', '0', 1, shown->seconds }, { 'S', '0', 2, t->second },
        { 'u', '0', 1, shown->weekday ? shown->weekday : 7 },
        { 'U', '0', 2, week_of(shown, 0) }, { 'V', '0', 2, week },
        { 'w', '0', 1, shown->weekday }, { 'W', '0', 2, week_of(shown, 1) },
        { 'y', '0', 2, t->year % 100 }, { 'Y', '0', 4, t->year },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
        if (values[i].letter == c) {
            put_number(piece, values[i].value, values[i].width, values[i].pad,
                       strchr("CGgYy", c) != NULL);
            return true;
        }
    return false;
}

/* Appends the conversion at `at`, after the %, and returns what follows it. */
static const char *put_conversion(struct piece *piece, const char *at, const struct shown *shown)
{
    const char *start = at;
    piece->pad = 0;
    piece->upper = piece->swap = false;
    piece->width = 0;

    for (; *at && strchr("-_0^#+", *at); at++) {
        piece->upper |= *at == '^' || *at == '#';
        piece->swap |= *at == '#';
        if (*at != '^' && *at != '#')
            piece->pad = *at;
    }
    for (; text_is_digit(*at); at++) {
        unsigned width = piece->width * 10 + (unsigned)(*at - '0');
        piece->width = min(width, 1000u);
    }
    if (*at == 'E' || *at == 'O')
        at++; /* the locale's other forms, which the POSIX locale does not have */

    /* Colons choose the form of the zone. */
    size_t colons = 0;
    while (at[colons] == ':' && colons < 3)
        colons++;
    if (at[colons] == 'z') {
        put_zone(piece, shown->offset_s, colons);
        return at + colons + 1;
    }

    if (*at == 'N') {
        put_nanoseconds(piece, shown->ns);
        return at + 1;
    }

    const char *longer = expansion(*at);
    if (longer) {
        /* The flags apply to the whole. */
        char whole[DATE_PIECE_BYTES];
        struct piece outer = *piece;
        size_t length = date_format_in(shown->zone, whole, sizeof(whole), longer, shown->seconds,
                                       shown->ns);
        put_text(&outer, whole, length, '_');
        piece->used = outer.used;
    } else if (!*at || (!put_word(piece, *at, shown) && !put_value(piece, *at, shown))) {
        /* Unknown: copied with its %. */
        put(piece, '%');
        for (; start < at + (*at != '\0'); start++)
            put(piece, *start);
    }
    return at + (*at != '\0');
}

size_t date_format(char *out, size_t bytes, const char *format, int64_t seconds)
{
    return date_format_ns(out, bytes, format, seconds, 0);
}

size_t date_format_ns(char *out, size_t bytes, const char *format, int64_t seconds, uint32_t ns)
{
    return date_format_in(NULL, out, bytes, format, seconds, ns);
}

size_t date_format_in(const struct zone *zone, char *out, size_t bytes, const char *format,
                      int64_t seconds, uint32_t ns)
{
    struct shown shown = { .seconds = seconds, .ns = ns, .zone = zone, .zone_name = "UTC" };
    if (zone)
        shown.offset_s = zone_offset(zone, seconds, &shown.zone_name);

    /* From here on, the seconds of the local clock. */
    if (__builtin_add_overflow(seconds, shown.offset_s, &seconds))
        seconds = shown.seconds;
    shown.c = seconds_to_civil(seconds);
    int64_t year_start = civil_to_seconds(shown.c.year, 1, 1, 0, 0, 0);
    struct piece piece = { .out = out, .bytes = bytes };

    /* 1 January 1970 was a Thursday. The remainder of a time before it is negative. */
    int64_t days_since = (seconds - civil_to_seconds(1970, 1, 1, shown.c.hour, shown.c.minute,
                                                     shown.c.second)) / 86400;
    shown.weekday = (unsigned)((days_since % 7 + 7 + 4) % 7);
    shown.year_day = (unsigned)((seconds - year_start) / 86400);

    while (*format) {
        if (*format == '%') {
            format = put_conversion(&piece, format + 1, &shown);
        } else {
            put(&piece, *format++);
        }
    }
    if (bytes)
        out[min(piece.used, bytes - 1)] = '\0';
    return piece.used;
}

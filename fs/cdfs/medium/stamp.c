/*
 * stamp.c - dates: of 7 bytes in directory records (9.1.5), of 17 bytes in descriptors (8.4.26.1).
 */
#include "fs/cdfs/cdfs.h"
#include "lib/civil.h"
#include "lib/string.h"

enum { ZONE_MIN = -48, ZONE_MAX = 52, ZONE_SECONDS = 15 * 60 };

/* Converts local time to UTC. A zone outside 9.1.5's range counts as 0. */
static bool civil_utc(const struct civil *civil, uint8_t zone, int64_t *seconds)
{
    int quarters = (int8_t)zone;

    if (!civil_valid(civil))
        return false;
    if (quarters < ZONE_MIN || quarters > ZONE_MAX)
        quarters = 0;

    /* The zone is in quarters of an hour, positive to the east (9.1.5). */
    *seconds = civil_to_seconds(civil->year, civil->month, civil->day, civil->hour,
                                civil->minute, civil->second) - quarters * ZONE_SECONDS;
    return true;
}

static bool time_short(const uint8_t date[STAMP_SHORT_BYTES], int64_t *seconds)
{
    const struct civil civil = {
        .year = 1900 + date[SHORT_YEAR],
        .month = date[SHORT_MONTH],
        .day = date[SHORT_DAY],
        .hour = date[SHORT_HOUR],
        .minute = date[SHORT_MINUTE],
        .second = date[SHORT_SECOND],
    };
    return civil_utc(&civil, date[SHORT_ZONE], seconds);
}

/* Parses exactly `count` decimal digits. */
static bool digits(struct bytes b, size_t offset, size_t count, unsigned *value)
{
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t digit = bytes_u8(b, offset + i);
        if (digit < '0' || digit > '9')
            return false;
        *value = *value * 10 + digit - '0';
    }
    return true;
}

bool cdfs_time_long(struct bytes b, size_t offset, int64_t *seconds)
{
    struct civil civil;
    unsigned year, hundredths;
    struct bytes date = bytes_slice(b, offset, STAMP_LONG_BYTES);

    /* All fields are decimal digits, except the zone. Hundredths are checked, but not kept. */
    if (date.length < STAMP_LONG_BYTES || !digits(date, LONG_YEAR, 4, &year) ||
        !digits(date, LONG_MONTH, 2, &civil.month) || !digits(date, LONG_DAY, 2, &civil.day) ||
        !digits(date, LONG_HOUR, 2, &civil.hour) || !digits(date, LONG_MINUTE, 2, &civil.minute) ||
        !digits(date, LONG_SECOND, 2, &civil.second) ||
        !digits(date, LONG_HUNDREDTHS, 2, &hundredths))
        return false;
    civil.year = year;
    return civil_utc(&civil, bytes_u8(date, LONG_ZONE), seconds);
}

/* ---- as recorded -------------------------------------------------------------------------- */

struct cdfs_stamp cdfs_stamp_make(struct bytes b, size_t offset, size_t width)
{
    struct cdfs_stamp stamp = { .kind = STAMP_INVALID };
    int64_t seconds;

    /* A date of 7 bytes is kept as it is: most are never converted. */
    if (width == STAMP_SHORT_BYTES && bytes_has(b, offset, width)) {
        stamp.kind = STAMP_SHORT;
        memcpy(stamp.date, b.data + offset, sizeof(stamp.date));
    } else if (cdfs_time_long(b, offset, &seconds)) {
        /* The years 0 to 9999 need 39 bits and a sign, so seven bytes hold the seconds: the lowest
         * first, whatever the order of the processor. */
        stamp.kind = STAMP_SECONDS;
        for (size_t i = 0; i < sizeof(stamp.date); i++)
            stamp.date[i] = (uint8_t)((uint64_t)seconds >> 8 * i);
    }
    return stamp;
}

bool cdfs_stamp_seconds(const struct cdfs_stamp *stamp, int64_t *seconds)
{
    if (stamp->kind == STAMP_SHORT)
        return time_short(stamp->date, seconds);
    if (stamp->kind != STAMP_SECONDS)
        return false;

    /* The shift back extends the sign. */
    uint64_t shifted = 0;
    for (size_t i = 0; i < sizeof(stamp->date); i++)
        shifted |= (uint64_t)stamp->date[i] << 8 * (i + 1);
    *seconds = (int64_t)shifted >> 8;
    return true;
}

/*
 * stamp.c - dates, of 7 bytes (9.1.5) and of 17 (8.4.26.1).
 */
#include "fs/cdfs/cdfs.h"
#include "lib/civil.h"
#include "lib/string.h"

/* Quarter hours from GMT; what lies outside -48..52 counts as 0. */
static int64_t zone_seconds(uint8_t zone)
{
    int quarters = (int8_t)zone;
    return quarters >= -48 && quarters <= 52 ? quarters * 900 : 0;
}

static bool civil_utc(const struct civil *civil, uint8_t zone, int64_t *seconds)
{
    if (!civil_valid(civil))
        return false;
    *seconds = civil_to_seconds(civil->year, civil->month, civil->day, civil->hour,
                                civil->minute, civil->second) - zone_seconds(zone);
    return true;
}

static bool time_short(const uint8_t date[7], int64_t *seconds)
{
    const struct civil civil = {
        .year = 1900 + date[0],
        .month = date[1],
        .day = date[2],
        .hour = date[3],
        .minute = date[4],
        .second = date[5],
    };
    return civil_utc(&civil, date[6], seconds);
}

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
    if (!bytes_has(b, offset, 17) || !digits(b, offset, 4, &year) ||
        !digits(b, offset + 4, 2, &civil.month) || !digits(b, offset + 6, 2, &civil.day) ||
        !digits(b, offset + 8, 2, &civil.hour) || !digits(b, offset + 10, 2, &civil.minute) ||
        !digits(b, offset + 12, 2, &civil.second) || !digits(b, offset + 14, 2, &hundredths))
        return false;
    civil.year = year;
    return civil_utc(&civil, bytes_u8(b, offset + 16), seconds);
}

/* ---- as recorded -------------------------------------------------------------------------- */

struct cdfs_stamp cdfs_stamp_make(struct bytes b, size_t offset, size_t width)
{
    struct cdfs_stamp stamp = { .kind = STAMP_INVALID };
    int64_t seconds;
    if (width == sizeof(stamp.date) && bytes_has(b, offset, width)) {
        stamp.kind = STAMP_SHORT;
        memcpy(stamp.date, b.data + offset, sizeof(stamp.date));
    } else if (cdfs_time_long(b, offset, &seconds)) { /* years 1 to 9999: 39 bits and a sign */
        stamp.kind = STAMP_SECONDS;
        memcpy(stamp.date, &seconds, sizeof(stamp.date));
    }
    return stamp;
}

bool cdfs_stamp_seconds(const struct cdfs_stamp *stamp, int64_t *seconds)
{
    if (stamp->kind == STAMP_SHORT)
        return time_short(stamp->date, seconds);
    if (stamp->kind != STAMP_SECONDS)
        return false;
    int64_t shifted = 0;
    memcpy((char *)&shifted + 1, stamp->date, sizeof(stamp->date));
    *seconds = shifted >> 8; /* with its sign */
    return true;
}

/*
 * encode.c - directory records as they are stored: times, attributes, and the parts of long names.
 */
#include "fs/fat/fat.h"
#include "fs/fat/record.h"
#include "lib/civil.h"
#include "lib/macros.h"
#include "lib/string.h"

/* ---- times -------------------------------------------------------------------------------- */

/* A time of the format: 2 seconds, and hundredths of a second beside it for the creation. */
struct stamp {
    uint16_t date, time;
    uint8_t centiseconds;
};

/* Encodes seconds of UTC in the volume's zone. The format holds the years 1980 to 2107: a time
 * before or after is stored as the nearest one. */
static struct stamp stamp_encode(int64_t zone_s, int64_t seconds)
{
    struct civil civil = seconds_to_civil(seconds + zone_s);
    if (civil.year < 1980)
        civil = (struct civil){ .year = 1980, .month = 1, .day = 1 };
    if (civil.year > 2107)
        civil = (struct civil){ 2107, 12, 31, 23, 59, 59 };
    return (struct stamp){
        .date = (uint16_t)((unsigned)(civil.year - 1980) << 9 | civil.month << 5 | civil.day),
        .time = (uint16_t)(civil.hour << 11 | civil.minute << 5 | civil.second / 2),
        .centiseconds = (uint8_t)(civil.second % 2 * 100),
    };
}

bool fat_time_fits(const struct fat *fat, int64_t seconds)
{
    int64_t local = seconds + fat->zone_s;
    return local >= civil_to_seconds(1980, 1, 1, 0, 0, 0) &&
           local < civil_to_seconds(2108, 1, 1, 0, 0, 0);
}

/* ---- short records ------------------------------------------------------------------------ */

int64_t fat_now(void)
{
    return time_wall_s() & ~(int64_t)1;
}

void fat_record_set_cluster(const struct fat *fat, uint32_t cluster,
                            uint8_t record[FAT_RECORD_BYTES])
{
    bytes_put_le16(record + RECORD_CLUSTER_LOW, (uint16_t)cluster);
    if (fat->geometry.bits == 32)
        bytes_put_le16(record + RECORD_CLUSTER_HIGH, (uint16_t)(cluster >> 16));
}

void fat_record_update(const struct fat *fat, const struct fat_attributes *attributes,
                       uint8_t record[FAT_RECORD_BYTES])
{
    record[RECORD_ATTRIBUTES] = attributes->attributes;
    fat_record_set_cluster(fat, attributes->cluster, record);
    bytes_put_le32(record + RECORD_SIZE, attributes->size_bytes);

    /* A time that is not known is left as it is: the bytes may mean something to another system. */
    if (attributes->has_modified) {
        struct stamp stamp = stamp_encode(fat->zone_s, attributes->modified_s);
        bytes_put_le16(record + RECORD_MODIFIED_TIME, stamp.time);
        bytes_put_le16(record + RECORD_MODIFIED_DATE, stamp.date);
    }
    if (attributes->has_created) {
        struct stamp stamp = stamp_encode(fat->zone_s, attributes->created_s);
        record[RECORD_CREATED_CENTISECONDS] = stamp.centiseconds;
        bytes_put_le16(record + RECORD_CREATED_TIME, stamp.time);
        bytes_put_le16(record + RECORD_CREATED_DATE, stamp.date);
    }
    if (attributes->has_accessed)
        bytes_put_le16(record + RECORD_ACCESSED_DATE,
                       stamp_encode(fat->zone_s, attributes->accessed_s).date);
}

void fat_record_encode_label(uint8_t record[FAT_RECORD_BYTES], const char *label, int64_t seconds)
{
    struct stamp stamp = stamp_encode(0, seconds);
    memset(record, 0, FAT_RECORD_BYTES);
    memcpy(record + RECORD_NAME, label, STEM_BYTES + EXTENSION_BYTES);
    record[RECORD_ATTRIBUTES] = FAT_VOLUME;
    bytes_put_le16(record + RECORD_MODIFIED_TIME, stamp.time);
    bytes_put_le16(record + RECORD_MODIFIED_DATE, stamp.date);
}

void fat_record_encode_dot(const struct fat *fat, const char *dots,
                           const struct fat_attributes *attributes,
                           uint8_t record[FAT_RECORD_BYTES])
{
    memset(record, 0, FAT_RECORD_BYTES);
    memset(record + RECORD_NAME, ' ', STEM_BYTES + EXTENSION_BYTES);
    memcpy(record + RECORD_NAME, dots, strlen(dots));
    fat_record_update(fat, attributes, record);
}

/* ---- a node's records --------------------------------------------------------------------- */

/* Encodes part number `part`, from 1. After the name come a NUL and units of FFFF (7). */
static void long_encode(const struct fat_name *name, unsigned part, bool last, uint8_t checksum,
                        uint8_t *record)
{
    memset(record, 0, FAT_RECORD_BYTES);
    record[LONG_ORDER] = (uint8_t)(part | (last ? LONG_LAST : 0));
    record[LONG_ATTRIBUTES] = FAT_LONG_NAME;
    record[LONG_CHECKSUM] = checksum;
    for (unsigned i = 0; i < LONG_PART_UNITS; i++) {
        unsigned n = (part - 1) * LONG_PART_UNITS + i;
        uint16_t unit = n < name->unit_count ? name->units[n] : n == name->unit_count ? 0 : 0xffff;
        bytes_put_le16(record + long_unit_offsets[i], unit);
    }
}

unsigned fat_name_records(const struct fat_name *name)
{
    return name->is_long ? (name->unit_count + LONG_PART_UNITS - 1) / LONG_PART_UNITS + 1 : 1;
}

void fat_name_encode(const struct fat_name *name, const uint8_t source[FAT_RECORD_BYTES],
                     uint8_t *records)
{
    unsigned parts = fat_name_records(name) - 1;
    uint8_t *record = records + parts * FAT_RECORD_BYTES;
    memcpy(record, source, FAT_RECORD_BYTES);
    memcpy(record + RECORD_NAME, name->raw, sizeof(name->raw));
    record[RECORD_CASE] = name->lower;

    /* The last part comes first. */
    uint8_t checksum = fat_short_checksum((struct bytes){ record, FAT_RECORD_BYTES });
    for (unsigned part = parts; part; part--, records += FAT_RECORD_BYTES)
        long_encode(name, part, part == parts, checksum, records);
}

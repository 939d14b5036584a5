/*
 * encode.c - makes and changes sets of directory entries (specification 7.4 to 7.7).
 */
#include "fs/exfat/exfat.h"
#include "fs/exfat/record.h"
#include "lib/civil.h"
#include "lib/macros.h"
#include "lib/string.h"

/* ---- times -------------------------------------------------------------------------------- */

/* From 1980 to 2107. */
enum { YEAR_FIRST = 1980, YEAR_LAST = 2107 };

bool exfat_time_fits(int64_t seconds)
{
    return seconds >= civil_to_seconds(YEAR_FIRST, 1, 1, 0, 0, 0) &&
           seconds < civil_to_seconds(YEAR_LAST + 1, 1, 1, 0, 0, 0);
}

/* Encodes a time in UTC (7.4.8). `centiseconds`: where the odd second goes; 0: it has no field. */
static void stamp_encode(uint8_t *file, size_t at, size_t centiseconds, size_t zone,
                         int64_t seconds)
{
    struct civil civil = seconds_to_civil(seconds);
    uint32_t date = (uint32_t)(civil.year - YEAR_FIRST) << 25 | civil.month << 21 |
                    civil.day << 16;
    bytes_put_le32(file + at, date | civil.hour << 11 | civil.minute << 5 | civil.second / 2);
    if (centiseconds)
        file[centiseconds] = civil.second % 2 ? 100 : 0;
    file[zone] = ZONE_VALID;
}

/* Stores the times that are known and differ from those in the entry, whose fractions of a second
 * and zones stay otherwise. */
static void times_encode(const struct exfat *exfat, const struct exfat_attributes *attributes,
                         uint8_t *file)
{
    struct exfat_attributes old;
    exfat_times_decode(exfat, (struct bytes){ file, EXFAT_ENTRY_BYTES }, &old);
    if (attributes->has_created && (!old.has_created || old.created_s != attributes->created_s))
        stamp_encode(file, FILE_CREATED, FILE_CREATED_CENTISECONDS, FILE_CREATED_ZONE,
                     attributes->created_s);
    if (attributes->has_modified &&
        (!old.has_modified || old.modified_s != attributes->modified_s))
        stamp_encode(file, FILE_MODIFIED, FILE_MODIFIED_CENTISECONDS, FILE_MODIFIED_ZONE,
                     attributes->modified_s);
    if (attributes->has_accessed &&
        (!old.has_accessed || old.accessed_s != attributes->accessed_s))
        stamp_encode(file, FILE_ACCESSED, 0, FILE_ACCESSED_ZONE, attributes->accessed_s);
}

/* ---- sets --------------------------------------------------------------------------------- */

void exfat_set_patch(const struct exfat *exfat, const struct exfat_attributes *attributes,
                     uint8_t *set, unsigned entries)
{
    /* A file without bytes has neither a first cluster nor a kind of chain (7.6.2, 7.6.5). Its
     * clusters may be allocated already, for bytes that are not written yet. */
    uint8_t *stream = set + EXFAT_ENTRY_BYTES;
    bool placed = attributes->cluster && attributes->size_bytes;
    stream[STREAM_FLAGS] = (uint8_t)(FLAG_ALLOCATED |
                                     (placed && attributes->consecutive ? FLAG_CONSECUTIVE : 0));
    bytes_put_le64(stream + STREAM_VALID_BYTES, attributes->valid_bytes);
    bytes_put_le32(stream + STREAM_CLUSTER, placed ? attributes->cluster : 0);
    bytes_put_le64(stream + STREAM_BYTES, attributes->size_bytes);
    bytes_put_le16(set + FILE_ATTRIBUTES, attributes->attributes);
    times_encode(exfat, attributes, set);

    struct bytes whole = { set, entries * (size_t)EXFAT_ENTRY_BYTES };
    bytes_put_le16(set + FILE_CHECKSUM, exfat_set_checksum(whole));
}

unsigned exfat_set_entries(const struct wide_name *name)
{
    return 2 + (name->count + NAME_UNITS_PER_ENTRY - 1) / NAME_UNITS_PER_ENTRY;
}

void exfat_set_name(const struct exfat *exfat, const struct wide_name *name, uint8_t *set)
{
    unsigned entries = exfat_set_entries(name);
    set[0] = EXFAT_ENTRY_FILE;
    set[FILE_SECONDARIES] = (uint8_t)(entries - 1);
    uint8_t *stream = set + EXFAT_ENTRY_BYTES;
    stream[0] = EXFAT_ENTRY_STREAM;
    stream[STREAM_NAME_UNITS] = (uint8_t)name->count;
    bytes_put_le16(stream + STREAM_NAME_HASH, exfat_name_hash(exfat, name));

    /* The last part is padded with zeroes. */
    memset(set + (size_t)2 * EXFAT_ENTRY_BYTES, 0, (entries - 2) * (size_t)EXFAT_ENTRY_BYTES);
    for (unsigned i = 0; i < name->count; i++) {
        uint8_t *part = set + (2 + i / NAME_UNITS_PER_ENTRY) * (size_t)EXFAT_ENTRY_BYTES;
        part[0] = EXFAT_ENTRY_NAME;
        bytes_put_le16(part + NAME_UNITS + i % NAME_UNITS_PER_ENTRY * 2, name->units[i]);
    }
    struct bytes whole = { set, entries * (size_t)EXFAT_ENTRY_BYTES };
    bytes_put_le16(set + FILE_CHECKSUM, exfat_set_checksum(whole));
}

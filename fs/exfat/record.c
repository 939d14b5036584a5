/*
 * record.c - sets of directory entries: checksum, attributes, times and name (specification 7.4 to
 * 7.7).
 */
#include "fs/exfat/exfat.h"
#include "fs/exfat/record.h"
#include "lib/civil.h"
#include "lib/macros.h"
#include "lib/utf8.h"

unsigned exfat_set_secondaries(struct bytes file_entry)
{
    return bytes_u8(file_entry, FILE_SECONDARIES);
}

uint16_t exfat_set_checksum(struct bytes set)
{
    /* The two bytes of the checksum itself are left out (6.3.3). */
    uint16_t sum = 0;
    for (size_t i = 0; i < set.length; i++)
        if (i != FILE_CHECKSUM && i != FILE_CHECKSUM + 1)
            sum = (uint16_t)(((uint32_t)sum << 15 | sum >> 1) + set.data[i]);
    return sum;
}

/* ---- times -------------------------------------------------------------------------------- */

/* Decodes a time (7.4.8). One with a zone says how far it is ahead of UTC, in quarters of an hour;
 * one without is in the mount's zone. Returns false for a date that does not exist. */
static bool stamp_decode(const struct exfat *exfat, struct bytes file, size_t at,
                         unsigned centiseconds, uint8_t zone, int64_t *seconds)
{
    /* Seconds are stored in steps of two. The field of centiseconds, 0 to 199, has the odd one;
     * a value outside of that is ignored. */
    uint32_t stamp = bytes_le32(file, at);
    struct civil civil = {
        .year = 1980 + (stamp >> 25),
        .month = stamp >> 21 & 15,
        .day = stamp >> 16 & 31,
        .hour = stamp >> 11 & 31,
        .minute = stamp >> 5 & 63,
        .second = (stamp & 31) * 2 + (centiseconds < 200 ? centiseconds / 100 : 0),
    };
    if (!civil_valid(&civil))
        return false;

    /* Seven bits with a sign. */
    int quarters = (zone & 0x7f) - (zone & 0x40 ? 0x80 : 0);
    int64_t ahead = zone & ZONE_VALID ? (int64_t)quarters * ZONE_QUARTER_S : exfat->zone_s;
    *seconds = civil_to_seconds(civil.year, civil.month, civil.day, civil.hour, civil.minute,
                                civil.second) - ahead;
    return true;
}

void exfat_times_decode(const struct exfat *exfat, struct bytes file,
                        struct exfat_attributes *attributes)
{
    /* The time of the last access has no field of centiseconds. */
    attributes->has_created = stamp_decode(
        exfat, file, FILE_CREATED, bytes_u8(file, FILE_CREATED_CENTISECONDS),
        bytes_u8(file, FILE_CREATED_ZONE), &attributes->created_s);
    attributes->has_modified = stamp_decode(
        exfat, file, FILE_MODIFIED, bytes_u8(file, FILE_MODIFIED_CENTISECONDS),
        bytes_u8(file, FILE_MODIFIED_ZONE), &attributes->modified_s);
    attributes->has_accessed = stamp_decode(
        exfat, file, FILE_ACCESSED, 0, bytes_u8(file, FILE_ACCESSED_ZONE),
        &attributes->accessed_s);
}

/* ---- names -------------------------------------------------------------------------------- */

/* Appends a code point. One that UTF-8 cannot express becomes `_`. */
static size_t put_code(struct exfat *exfat, uint32_t code, char *text)
{
    /* Half a surrogate pair, or a NUL, which would end the name early for its readers. */
    int bytes = code ? utf8_encode(code, text) : -1;
    if (bytes > 0)
        return (size_t)bytes;
    exfat_count(exfat, EXFAT_ANOMALY_NAME);
    *text = '_';
    return 1;
}

/* Converts UTF-16 to UTF-8. */
static size_t units_to_utf8(struct exfat *exfat, const uint16_t *units, size_t count, char *text)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t code = units[i];

        /* A pair takes two units but fewer bytes than two units of three bytes each, so the
         * buffer of three bytes a unit is large enough. */
        bool pair = code >= 0xd800 && code < 0xdc00 && i + 1 < count &&
                    units[i + 1] >= 0xdc00 && units[i + 1] < 0xe000;
        if (pair)
            code = 0x10000 + ((code - 0xd800) << 10) + (units[++i] - 0xdc00u);
        length += put_code(exfat, code, text + length);
    }
    text[length] = '\0';
    return length;
}

/* Collects the name's units from its entries. Returns false if there are too few of them. */
static bool name_decode(struct exfat *exfat, struct bytes set, size_t count, char *name,
                        size_t *name_bytes)
{
    uint16_t units[EXFAT_NAME_UNITS_MAX];
    size_t done = 0;

    /* The stream extension gives the name's length; its parts begin at the third entry. */
    for (size_t at = 2 * EXFAT_ENTRY_BYTES; at < set.length && done < count;
         at += EXFAT_ENTRY_BYTES) {
        /* Entries of vendors may follow the name, not come before its end. */
        if (bytes_u8(set, at) != EXFAT_ENTRY_NAME)
            return false;
        for (size_t i = 0; i < NAME_UNITS_PER_ENTRY && done < count; i++)
            units[done++] = bytes_le16(set, at + NAME_UNITS + 2 * i);
    }
    if (done < count)
        return false;
    *name_bytes = units_to_utf8(exfat, units, count, name);
    return true;
}

/* ---- sets --------------------------------------------------------------------------------- */

bool exfat_set_decode(struct exfat *exfat, struct bytes set, struct exfat_attributes *attributes,
                      char *name, size_t *name_bytes)
{
    /* The checksum covers all entries, so a set that was damaged, or that changed while it was
     * read, is refused as a whole. */
    struct bytes stream = bytes_slice(set, EXFAT_ENTRY_BYTES, EXFAT_ENTRY_BYTES);
    size_t units = bytes_u8(stream, STREAM_NAME_UNITS);
    if (bytes_le16(set, FILE_CHECKSUM) != exfat_set_checksum(set) ||
        bytes_u8(stream, 0) != EXFAT_ENTRY_STREAM || !units ||
        !name_decode(exfat, set, units, name, name_bytes))
        return false;

    /* Without FLAG_ALLOCATED the first cluster has no meaning (section 6.4.2.1). */
    uint8_t flags = bytes_u8(stream, STREAM_FLAGS);
    *attributes = (struct exfat_attributes){
        .attributes = bytes_le16(set, FILE_ATTRIBUTES),
        .cluster = flags & FLAG_ALLOCATED ? bytes_le32(stream, STREAM_CLUSTER) : 0,
        .consecutive = flags & FLAG_CONSECUTIVE,
        .size_bytes = bytes_le64(stream, STREAM_BYTES),
        .valid_bytes = bytes_le64(stream, STREAM_VALID_BYTES),
    };
    exfat_times_decode(exfat, set, attributes);

    /* The valid data are a part of the file, and a size is a signed number to its users. */
    bool directory = attributes->attributes & EXFAT_DIRECTORY;
    return attributes->valid_bytes <= attributes->size_bytes &&
           attributes->size_bytes <= (directory ? EXFAT_DIRECTORY_BYTES_MAX : INT64_MAX);
}

void exfat_bitmap_decode(struct bytes entry, struct exfat_attributes *attributes)
{
    *attributes = (struct exfat_attributes){
        .cluster = bytes_le32(entry, BITMAP_CLUSTER),
        .size_bytes = bytes_le64(entry, BITMAP_BYTES),
    };
}

void exfat_upcase_decode(struct bytes entry, struct exfat_attributes *attributes,
                         uint32_t *checksum)
{
    *attributes = (struct exfat_attributes){
        .cluster = bytes_le32(entry, UPCASE_CLUSTER),
        .size_bytes = bytes_le64(entry, UPCASE_BYTES),
    };
    *checksum = bytes_le32(entry, UPCASE_CHECKSUM);
}

void exfat_label_decode(struct exfat *exfat, struct bytes entry)
{
    /* The count is one byte of the medium, the array has 11 units. */
    uint16_t units[EXFAT_LABEL_UNITS_MAX];
    size_t count = min(bytes_u8(entry, LABEL_COUNT), EXFAT_LABEL_UNITS_MAX);
    for (size_t i = 0; i < count; i++)
        units[i] = bytes_le16(entry, LABEL_UNITS + 2 * i);
    (void)units_to_utf8(exfat, units, count, exfat->label);
}

/*
 * record.c - directory records: attributes, times, short names, and the parts of long names.
 */
#include "fs/fat/fat.h"
#include "fs/fat/record.h"
#include "lib/civil.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/utf8.h"

/* ---- kinds -------------------------------------------------------------------------------- */

enum fat_record_kind fat_record_kind(struct bytes record)
{
    uint8_t first = bytes_u8(record, RECORD_NAME);
    uint8_t attributes = bytes_u8(record, RECORD_ATTRIBUTES) & FAT_ATTRIBUTES;
    if (first == FIRST_END)
        return FAT_RECORD_END;
    if (first == FIRST_FREE)
        return FAT_RECORD_FREE;
    if ((attributes & FAT_LONG_NAME) == FAT_LONG_NAME && !(attributes & FAT_DIRECTORY))
        return FAT_RECORD_LONG;
    if (attributes & FAT_VOLUME)
        return attributes & FAT_DIRECTORY ? FAT_RECORD_INVALID : FAT_RECORD_LABEL;
    if (first == '.')
        return FAT_RECORD_DOT;

    /* No short name begins with a blank or contains a control character (6.1). */
    for (unsigned i = 0; i < STEM_BYTES + EXTENSION_BYTES; i++) {
        uint8_t byte = bytes_u8(record, RECORD_NAME + i);
        if ((byte < ' ' && !(i == 0 && byte == FIRST_E5)) || byte == 0x7f || (!i && byte == ' '))
            return FAT_RECORD_INVALID;
    }
    return FAT_RECORD_NODE;
}

/* ---- attributes --------------------------------------------------------------------------- */

/* Decodes a date and a time of day, in the volume's zone. Returns false for a date that does not
 * exist; 0 means that the time is not recorded. */
static bool stamp_decode(const struct fat *fat, uint16_t date, uint16_t time,
                         unsigned centiseconds, int64_t *seconds)
{
    struct civil civil = {
        .year = 1980 + (date >> 9),
        .month = date >> 5 & 15,
        .day = date & 31,
        .hour = time >> 11,
        .minute = time >> 5 & 63,
        .second = (time & 31) * 2u + (centiseconds < 200 ? centiseconds / 100 : 0),
    };
    if (!date || !civil_valid(&civil))
        return false;
    *seconds = civil_to_seconds(civil.year, civil.month, civil.day, civil.hour, civil.minute,
                                civil.second) - fat->zone_s;
    return true;
}

void fat_record_attributes(const struct fat *fat, struct bytes record,
                           struct fat_attributes *attributes)
{
    uint32_t high = fat->geometry.bits == 32 ? bytes_le16(record, RECORD_CLUSTER_HIGH) : 0;
    *attributes = (struct fat_attributes){
        .attributes = bytes_u8(record, RECORD_ATTRIBUTES) & FAT_ATTRIBUTES,
        .cluster = high << 16 | bytes_le16(record, RECORD_CLUSTER_LOW),
        .size_bytes = bytes_le32(record, RECORD_SIZE),
    };
    attributes->has_modified =
        stamp_decode(fat, bytes_le16(record, RECORD_MODIFIED_DATE),
                     bytes_le16(record, RECORD_MODIFIED_TIME), 0, &attributes->modified_s);
    attributes->has_created =
        stamp_decode(fat, bytes_le16(record, RECORD_CREATED_DATE),
                     bytes_le16(record, RECORD_CREATED_TIME),
                     bytes_u8(record, RECORD_CREATED_CENTISECONDS), &attributes->created_s);
    attributes->has_accessed =
        stamp_decode(fat, bytes_le16(record, RECORD_ACCESSED_DATE), 0, 0,
                     &attributes->accessed_s);
}

/* ---- short names -------------------------------------------------------------------------- */

/* Decodes one part of a short name, without the blanks at its end. */
static size_t part_decode(struct fat *fat, struct bytes record, size_t offset, size_t bytes,
                          bool lower, char *text)
{
    uint8_t raw[STEM_BYTES];
    for (size_t i = 0; i < bytes; i++)
        raw[i] = bytes_u8(record, offset + i);
    while (bytes && raw[bytes - 1] == ' ')
        bytes--;
    if (offset == RECORD_NAME && raw[0] == FIRST_E5)
        raw[0] = FIRST_FREE;

    /* Only ASCII letters are made small: no code page says what the others would be. */
    for (size_t i = 0; i < bytes && lower; i++)
        if (raw[i] >= 'A' && raw[i] <= 'Z')
            raw[i] = (uint8_t)(raw[i] - 'A' + 'a');

    bool replaced = false;
    size_t length = charset_to_utf8(fat->charset, (struct bytes){ raw, bytes }, text,
                                    FAT_SHORT_BYTES * 3, &replaced);
    if (replaced)
        fat_count(fat, FAT_ANOMALY_NAME);
    return length;
}

size_t fat_record_name(struct fat *fat, struct bytes record, char *name)
{
    uint8_t lower = bytes_u8(record, RECORD_CASE);
    size_t length = part_decode(fat, record, RECORD_NAME, STEM_BYTES, lower & CASE_STEM, name);
    size_t extension = part_decode(fat, record, RECORD_NAME + STEM_BYTES, EXTENSION_BYTES,
                                   lower & CASE_EXTENSION, name + length + 1);

    if (extension)
        name[length] = '.';
    length += extension ? extension + 1 : 0;
    name[length] = '\0';
    return length;
}

void fat_record_label(struct bytes record, char label[FAT_SHORT_BYTES])
{
    size_t length = STEM_BYTES + EXTENSION_BYTES;
    for (size_t i = 0; i < length; i++)
        label[i] = (char)bytes_u8(record, RECORD_NAME + i);
    while (length && label[length - 1] == ' ')
        length--;
    label[length] = '\0';
}

/* ---- long names --------------------------------------------------------------------------- */

uint8_t fat_short_checksum(struct bytes record)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < STEM_BYTES + EXTENSION_BYTES; i++)
        sum = (uint8_t)((sum << 7 | sum >> 1) + bytes_u8(record, RECORD_NAME + i));
    return sum;
}

/* Copies the 13 units of a part, which are in three places of the record. */
static void units_copy(struct bytes record, uint16_t units[LONG_PART_UNITS])
{
    for (unsigned i = 0; i < LONG_PART_UNITS; i++)
        units[i] = bytes_le16(record, long_unit_offsets[i]);
}

bool fat_long_name_take(struct fat_long_name *name, struct bytes record)
{
    uint8_t order = bytes_u8(record, LONG_ORDER);
    unsigned part = order & LONG_ORDER_MASK;
    bool complete = !name->parts; /* a name that still misses parts ends here */

    /* The part with the highest number comes first, and is marked. */
    if (order & LONG_LAST) {
        *name = (struct fat_long_name){ .parts = part, .missing = part };
        name->checksum = bytes_u8(record, LONG_CHECKSUM);
    }
    if (!part || part > LONG_PARTS_MAX || part != name->missing ||
        bytes_u8(record, LONG_CHECKSUM) != name->checksum || bytes_u8(record, LONG_TYPE) ||
        bytes_le16(record, LONG_CLUSTER)) {
        name->parts = 0;
        return false;
    }
    units_copy(record, name->units + (part - 1) * LONG_PART_UNITS);
    name->missing--;
    return complete || !(order & LONG_LAST);
}

/* Converts UTF-16, up to its NUL. A surrogate without its partner becomes `_`. */
static size_t units_to_utf8(struct fat *fat, const uint16_t *units, size_t count, char *text)
{
    size_t length = 0;
    bool replaced = false;
    for (size_t i = 0; i < count && units[i]; i++) {
        uint32_t code = units[i];
        bool high = code >= 0xd800 && code < 0xdc00;
        if (high && i + 1 < count && units[i + 1] >= 0xdc00 && units[i + 1] < 0xe000)
            code = 0x10000 + ((code - 0xd800) << 10) + (units[++i] - 0xdc00u);

        int bytes = utf8_encode(code, text + length);
        if (bytes < 0) {
            text[length] = '_';
            bytes = 1;
            replaced = true;
        }
        length += (size_t)bytes;
    }
    if (replaced)
        fat_count(fat, FAT_ANOMALY_NAME);
    text[length] = '\0';
    return length;
}

size_t fat_long_name_end(struct fat *fat, struct fat_long_name *name, struct bytes record,
                         char *text)
{
    unsigned parts = name->parts;
    bool belongs = parts && !name->missing && name->checksum == fat_short_checksum(record);
    name->parts = 0;
    if (!parts)
        return 0;

    /* Programs that know only short names may have replaced the record. */
    if (!belongs) {
        fat_count(fat, FAT_ANOMALY_LONG_NAME);
        return 0;
    }
    return units_to_utf8(fat, name->units, min(parts * LONG_PART_UNITS, FAT_LONG_UNITS_MAX),
                         text);
}

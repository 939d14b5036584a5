/*
 * tar_header.c - encodes and decodes the headers of members; see tar.h.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/tar.h"

/* ustar: offsets and lengths of the fields. */
enum {
    NAME = 0, NAME_BYTES = 100,
    MODE = 100, UID = 108, GID = 116, SHORT_BYTES = 8,
    SIZE = 124, MODIFIED = 136, LONG_BYTES = 12,
    CHECKSUM = 148,
    TYPE = 156,
    LINK = 157,
    MAGIC = 257,
    USER = 265, GROUP = 297, OWNER_BYTES = 32,
    PREFIX = 345, PREFIX_BYTES = 155,
};

/* The number is binary if the top bit of the first byte is set. */
int64_t tar_decode_number(const uint8_t *field, size_t bytes)
{
    uint64_t value = 0;
    if (field[0] & 0x80) {
        value = field[0] & 0x40 ? UINT64_MAX << 6 | (field[0] & 0x3f) : field[0] & 0x3f;
        for (size_t i = 1; i < bytes; i++)
            value = value << 8 | field[i];
        return (int64_t)value;
    }
    for (; bytes && *field == ' '; bytes--)
        field++;
    for (size_t i = 0; i < bytes && field[i] >= '0' && field[i] <= '7'; i++)
        value = value << 3 | (field[i] - '0');
    return (int64_t)value;
}

/* The sum of all bytes, those of the checksum itself counted as blanks. */
static uint32_t sum(const uint8_t block[TAR_BLOCK])
{
    uint32_t total = 0;
    for (unsigned i = 0; i < TAR_BLOCK; i++)
        total += i >= CHECKSUM && i < CHECKSUM + SHORT_BYTES ? ' ' : block[i];
    return total;
}

static void take_text(char *to, size_t room, const uint8_t *field, size_t bytes)
{
    size_t length = strnlen((const char *)field, bytes);
    length = min(length, room - 1);
    memcpy(to, field, length);
    to[length] = '\0';
}

int tar_decode(struct tar_member *member, const uint8_t block[TAR_BLOCK])
{
    bool zeroes = true;
    for (unsigned i = 0; i < TAR_BLOCK && zeroes; i++)
        zeroes = !block[i];
    if (zeroes)
        return 0;
    if ((uint64_t)tar_decode_number(block + CHECKSUM, SHORT_BYTES) != sum(block))
        return -EUCLEAN;

    /* A long name is divided at a slash: its first part is the prefix. */
    size_t used = 0;
    if (!memcmp(block + MAGIC, "ustar\0", 6) && block[PREFIX]) {
        take_text(member->name, sizeof(member->name), block + PREFIX, PREFIX_BYTES);
        used = strlen(member->name);
        member->name[used++] = '/';
    }
    take_text(member->name + used, sizeof(member->name) - used, block + NAME, NAME_BYTES);
    take_text(member->link, sizeof(member->link), block + LINK, NAME_BYTES);
    take_text(member->user, sizeof(member->user), block + USER, OWNER_BYTES);
    take_text(member->group, sizeof(member->group), block + GROUP, OWNER_BYTES);

    int64_t size = tar_decode_number(block + SIZE, LONG_BYTES);
    member->type = block[TYPE] ? (char)block[TYPE] : '0';
    member->mode = (uint32_t)tar_decode_number(block + MODE, SHORT_BYTES) & 07777;
    member->uid = (uint32_t)tar_decode_number(block + UID, SHORT_BYTES);
    member->gid = (uint32_t)tar_decode_number(block + GID, SHORT_BYTES);
    member->size = (uint64_t)size;
    member->modified_s = tar_decode_number(block + MODIFIED, LONG_BYTES);
    member->sparse = member->map_in_content = false;
    member->full_size = 0;

    /* Before ustar, a name that ends with a slash was a directory. Links have no content. */
    size_t length = strlen(member->name);
    if (member->type == '0' && length && member->name[length - 1] == '/')
        member->type = '5';
    if (member->type >= '1' && member->type <= '6')
        member->size = 0;
    return size < 0 || size > INT64_MAX - TAR_BLOCK ? -EUCLEAN : 1;
}

static bool put_octal(uint8_t *field, size_t bytes, uint64_t value)
{
    if (value >> (3 * (bytes - 1)))
        return false;
    char text[24];
    format_text(text, sizeof(text), "%0*llo", (int)bytes - 1, (unsigned long long)value);
    memcpy(field, text, bytes);
    return true;
}

/* Divides a name at a slash so that both parts fit. */
static bool put_name(uint8_t block[TAR_BLOCK], const char *name)
{
    size_t length = strlen(name);
    if (length <= NAME_BYTES) {
        memcpy(block + NAME, name, length);
        return true;
    }
    for (size_t at = min(length - 2, (size_t)PREFIX_BYTES); at; at--)
        if (name[at] == '/' && length - at - 1 <= NAME_BYTES) {
            memcpy(block + PREFIX, name, at);
            memcpy(block + NAME, name + at + 1, length - at - 1);
            return true;
        }
    return false;
}

bool tar_encode(const struct tar_member *member, uint8_t block[TAR_BLOCK])
{
    size_t link = strlen(member->link);
    char text[8];
    memset(block, 0, TAR_BLOCK);

    bool fits = put_name(block, member->name) && link <= NAME_BYTES && member->modified_s >= 0;
    fits = put_octal(block + MODE, SHORT_BYTES, member->mode & 07777) && fits;
    fits = put_octal(block + UID, SHORT_BYTES, member->uid) && fits;
    fits = put_octal(block + GID, SHORT_BYTES, member->gid) && fits;
    fits = put_octal(block + SIZE, LONG_BYTES, member->size) && fits;
    fits = put_octal(block + MODIFIED, LONG_BYTES, (uint64_t)max(member->modified_s, 0)) && fits;
    memcpy(block + LINK, member->link, min(link, (size_t)NAME_BYTES));
    memcpy(block + USER, member->user, strlen(member->user));
    memcpy(block + GROUP, member->group, strlen(member->group));
    memcpy(block + MAGIC, "ustar\00000", 8);
    block[TYPE] = (uint8_t)member->type;

    /* Six digits, a NUL and a blank. */
    format_text(text, sizeof(text), "%06o", sum(block));
    memcpy(block + CHECKSUM, text, 7);
    block[CHECKSUM + 7] = ' ';
    return fits;
}

/* ---- pax ---------------------------------------------------------------------------------- */

/* Parses decimal digits up to a dot or the end: the fraction of a time is dropped. */
static int64_t take_decimal(const char *text, size_t bytes)
{
    bool negative = bytes && *text == '-';
    int64_t value = 0;
    for (size_t i = negative; i < bytes && text_is_digit(text[i]); i++)
        if (value < INT64_MAX / 20)
            value = value * 10 + (text[i] - '0');
    return negative ? -value : value;
}

/* Adds the areas of "OFFSET,BYTES,OFFSET,BYTES...". */
static bool add_areas(struct buffer *map, const char *text, size_t bytes)
{
    uint64_t numbers[2];
    unsigned have = 0;
    while (bytes) {
        const char *comma = memchr(text, ',', bytes);
        size_t length = comma ? (size_t)(comma - text) : bytes;
        numbers[have++] = (uint64_t)max(take_decimal(text, length), 0);
        if (have == 2 && !tar_add_area(map, numbers[0], numbers[1]))
            return false;
        have %= 2;
        length += comma != NULL;
        text += length;
        bytes -= length;
    }
    return !have;
}

/* A record of a pax header. */
struct record {
    const char *key, *value;
    size_t key_bytes, bytes;
};

static bool record_is(const struct record *record, const char *key)
{
    return text_equal_n(record->key, record->key_bytes, key, strlen(key));
}

/* Applies a record about a sparse file: GNU's forms 0.0, 0.1 and 1.0. */
static bool apply_sparse(struct tar_member *member, struct buffer *map,
                         const struct record *record)
{
    uint64_t number = (uint64_t)max(take_decimal(record->value, record->bytes), 0);
    if (record_is(record, "GNU.sparse.name"))
        take_text(member->name, sizeof(member->name), (const uint8_t *)record->value,
                  record->bytes);
    else if (record_is(record, "GNU.sparse.size") || record_is(record, "GNU.sparse.realsize"))
        member->full_size = number;
    else if (record_is(record, "GNU.sparse.major"))
        member->map_in_content = number == 1;
    else if (record_is(record, "GNU.sparse.map"))
        return add_areas(map, record->value, record->bytes);
    else if (record_is(record, "GNU.sparse.offset"))
        member->area_offset = number;
    else if (record_is(record, "GNU.sparse.numbytes"))
        return tar_add_area(map, member->area_offset, number);
    member->sparse = true;
    return true;
}

static bool apply(struct tar_member *member, struct buffer *map, const struct record *record)
{
    const uint8_t *value = (const uint8_t *)record->value;
    if (record_is(record, "path"))
        take_text(member->name, sizeof(member->name), value, record->bytes);
    else if (record_is(record, "linkpath"))
        take_text(member->link, sizeof(member->link), value, record->bytes);
    else if (record_is(record, "uname"))
        take_text(member->user, sizeof(member->user), value, record->bytes);
    else if (record_is(record, "gname"))
        take_text(member->group, sizeof(member->group), value, record->bytes);
    else if (record_is(record, "size"))
        member->size = (uint64_t)max(take_decimal(record->value, record->bytes), 0);
    else if (record_is(record, "mtime"))
        member->modified_s = take_decimal(record->value, record->bytes);
    else if (record->key_bytes > 11 && text_starts(record->key, "GNU.sparse."))
        return apply_sparse(member, map, record);
    return true;
}

bool tar_apply_pax(struct tar_member *member, struct buffer *map, const char *text, size_t bytes)
{
    while (bytes) {
        size_t digits = 0, length = 0;
        for (; digits < bytes && text_is_digit(text[digits]) && length < bytes; digits++)
            length = length * 10 + (size_t)(text[digits] - '0');

        /* The length counts the whole record: itself, a blank, and the newline. */
        if (length > bytes || length < digits + 3 || text[digits] != ' ' ||
            text[length - 1] != '\n')
            return false;
        const char *key = text + digits + 1, *end = text + length - 1;
        const char *equals = memchr(key, '=', (size_t)(end - key));
        if (!equals)
            return false;
        struct record record = { key, equals + 1, (size_t)(equals - key),
                                 (size_t)(end - equals - 1) };
        if (!apply(member, map, &record))
            return false;
        text += length;
        bytes -= length;
    }
    return true;
}

/* ---- messages ----------------------------------------------------------------------------- */

void tar_fail(struct tar *tar, const char *name, status_t status)
{
    int result = shell_fail(tar->shell, name, status);
    tar->result = result == SHELL_INTERRUPTED ? result : TAR_TROUBLE;
}

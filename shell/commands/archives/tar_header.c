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

/* Decodes an octal number, or a binary one if the top bit of the first byte is set (GNU). */
static int64_t take_number(const uint8_t *field, size_t bytes)
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
    if ((uint64_t)take_number(block + CHECKSUM, SHORT_BYTES) != sum(block))
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

    int64_t size = take_number(block + SIZE, LONG_BYTES);
    member->type = block[TYPE] ? (char)block[TYPE] : '0';
    member->mode = (uint32_t)take_number(block + MODE, SHORT_BYTES) & 07777;
    member->uid = (uint32_t)take_number(block + UID, SHORT_BYTES);
    member->gid = (uint32_t)take_number(block + GID, SHORT_BYTES);
    member->size = (uint64_t)size;
    member->modified_s = take_number(block + MODIFIED, LONG_BYTES);

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

static void apply(struct tar_member *member, const char *key, size_t key_bytes, const char *value,
                  size_t bytes)
{
    bool is_path = text_equal_n(key, key_bytes, "path", 4);
    if (is_path || text_equal_n(key, key_bytes, "linkpath", 8))
        take_text(is_path ? member->name : member->link, TAR_NAME_MAX + 1, (const uint8_t *)value,
                  bytes);
    else if (text_equal_n(key, key_bytes, "size", 4))
        member->size = (uint64_t)max(take_decimal(value, bytes), 0);
    else if (text_equal_n(key, key_bytes, "mtime", 5))
        member->modified_s = take_decimal(value, bytes);
}

bool tar_apply_pax(struct tar_member *member, const char *text, size_t bytes)
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
        apply(member, key, (size_t)(equals - key), equals + 1, (size_t)(end - equals - 1));
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

/*
 * names.c - from identifiers on the disc to names in a path.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/string.h"
#include "lib/utf8.h"
#include "lib/word.h"

size_t cdfs_name_split(const char *name, size_t length, int *version)
{
    size_t digits = length;
    *version = -1;
    while (digits && name[digits - 1] >= '0' && name[digits - 1] <= '9')
        digits--;
    if (digits && name[digits - 1] == ';') {
        int value = digits < length ? 0 : -1;
        for (size_t i = digits; i < length && value < 100000; i++)
            value = value * 10 + name[i] - '0';
        *version = value;
        length = digits - 1;
    }
    if (length && name[length - 1] == '.')
        length--;
    return length;
}

/* Writes a code point where there is room for it. */
static size_t put_code(char *text, size_t at, size_t bytes, uint32_t code)
{
    char encoded[4];
    int count = utf8_encode(code, encoded);
    if (count < 0 || at + (size_t)count > bytes)
        return at;
    memcpy(text + at, encoded, (size_t)count);
    return at + (size_t)count;
}

size_t cdfs_name_from_ucs2(struct bytes identifier, char *text, size_t bytes, bool *replaced)
{
    size_t length = 0;
    for (size_t i = 0; bytes_has(identifier, i, 2); i += 2) {
        uint32_t code = bytes_be16(identifier, i), low = bytes_be16(identifier, i + 2);
        bool high = code >= 0xd800 && code < 0xdc00;
        if (high && bytes_has(identifier, i + 2, 2) && low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        } else if (code >= 0xd800 && code < 0xe000) {
            code = '_'; /* half a pair */
            *replaced = true;
        }
        length = put_code(text, length, bytes, code);
    }
    return length;
}

/* Eight bytes of what nearly all names consist of: ASCII without NUL and slashes. What is
 * subtracted borrows where a byte is zero. */
static bool is_plain(uint64_t word)
{
    uint64_t other = word ^ '/' * EACH_BYTE;
    return !((word | (word - EACH_BYTE) | (other - EACH_BYTE)) & 0x80 * EACH_BYTE);
}

/* Copies the part that is plain; returns how much. */
static size_t copy_plain(char *text, const char *from, size_t length)
{
    size_t i = 0;
    uint64_t word = EACH_BYTE;
    for (; length - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, from + i, sizeof(word));
        if (!is_plain(word))
            return i;
        memcpy(text + i, &word, sizeof(word));
    }
    for (; i < length && from[i] > 0 && from[i] != '/'; i++)
        text[i] = from[i];
    return i;
}

/* Copies bytes; what is no UTF-8, NUL and slashes become `_`. */
static size_t clean(char *text, const char *from, size_t length, bool *replaced)
{
    for (size_t i = copy_plain(text, from, length); i < length;
         i += copy_plain(text + i, from + i, length - i)) {
        uint32_t code;
        int count = utf8_decode(from + i, length - i, &code);
        if (count > 0 && code && code != '/') {
            memmove(text + i, from + i, (size_t)count);
            i += (size_t)count;
            continue;
        }
        text[i++] = '_';
        *replaced = true;
    }
    return length;
}

/* No name, `.` and `..` cannot stand in a path. */
static size_t make_usable(char *text, size_t length, bool *replaced)
{
    bool dots = length <= 2 && memcmp(text, "..", length) == 0;
    if (!dots)
        return length;
    *replaced = true;
    if (!length)
        length = 1;
    memset(text, '_', length);
    return length;
}

const struct charset *cdfs_name_charset(const struct cdfs *cdfs, bool rock, const char *name,
                                        size_t length)
{
    if (cdfs->charset)
        return cdfs->charset;
    return rock || utf8_valid(name, length) ? NULL : charset_find("latin1", 6);
}

void cdfs_name_make(struct cdfs *cdfs, const struct cdfs_record *record,
                    const struct cdfs_rock *rock, struct cdfs_name *name)
{
    bool replaced = false;
    const char *from = (const char *)record->identifier.data;
    size_t length = record->identifier.length;
    name->version = -1;
    if (rock && rock->has_name) {
        from = rock->name;
        length = rock->name_length;
    } else {
        if (cdfs->tree == TREE_JOLIET) {
            length = cdfs_name_from_ucs2(record->identifier, name->text, NAME_BYTES_MAX,
                                         &replaced);
            from = name->text;
        }
        length = cdfs_name_split(from, length, &name->version);
    }
    const struct charset *charset =
        cdfs->tree == TREE_JOLIET ? NULL
                                  : cdfs_name_charset(cdfs, rock && rock->has_name, from, length);
    if (charset) {
        struct bytes encoded = { (const uint8_t *)from, length };
        length = charset_to_utf8(charset, encoded, name->text, NAME_BYTES_MAX, &replaced);
        from = name->text;
    }
    length = clean(name->text, from, length, &replaced);
    name->length = make_usable(name->text, length, &replaced);
    name->text[name->length] = '\0';
    if (replaced)
        cdfs_anomaly(cdfs, ANOMALY_NAME);
}

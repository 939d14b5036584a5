/*
 * names.c - from identifiers on the disc to names in a path.
 *
 * A name comes from Rock Ridge's NM entries literally, from a Joliet identifier in UCS-2, or from
 * a plain identifier in bytes. Listing and look-up use the same function, so whatever is listed is
 * found.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/utf8.h"
#include "lib/word.h"

size_t cdfs_name_split(const char *name, size_t length, int *version)
{
    size_t digits = length;

    *version = -1;

    /* Search for `;n` from the end. Only digits may follow the semicolon. */
    while (digits && name[digits - 1] >= '0' && name[digits - 1] <= '9')
        digits--;
    if (digits && name[digits - 1] == ';') {
        /* A version is at most 32767 (7.5.1). The limit here is against overflow. */
        int value = digits < length ? 0 : -1;
        for (size_t i = digits; i < length && value < 100000; i++)
            value = value * 10 + name[i] - '0';
        *version = value;
        length = digits - 1;
    }

    /* A name without an extension still has its dot on the disc (7.5.1). */
    if (length && name[length - 1] == '.')
        length--;
    return length;
}

/* Appends a code point if there is room for all of it. Returns the new length. */
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
    enum { HIGH_FIRST = 0xd800, LOW_FIRST = 0xdc00, LOW_END = 0xe000, PAIRS_FIRST = 0x10000 };
    size_t length = 0;

    for (size_t i = 0; bytes_has(identifier, i, 2); i += 2) {
        uint32_t code = bytes_be16(identifier, i), low = bytes_be16(identifier, i + 2);
        bool high = code >= HIGH_FIRST && code < LOW_FIRST;

        /* Joliet's UCS-2 has no surrogate pairs, but Windows writes them. */
        if (high && bytes_has(identifier, i + 2, 2) && low >= LOW_FIRST && low < LOW_END) {
            code = PAIRS_FIRST + ((code - HIGH_FIRST) << 10) + (low - LOW_FIRST);
            i += 2;
        } else if (code >= HIGH_FIRST && code < LOW_END) {
            code = '_'; /* half a pair */
            *replaced = true;
        }
        length = put_code(text, length, bytes, code);
    }
    return length;
}

/* Returns whether eight bytes are what nearly all names consist of: ASCII without NUL and slashes.
 * A subtraction borrows into the top bit of a byte that is zero. */
static bool is_plain(uint64_t word)
{
    uint64_t other = word ^ '/' * EACH_BYTE;
    return !((word | (word - EACH_BYTE) | (other - EACH_BYTE)) & 0x80 * EACH_BYTE);
}

/* Copies the plain bytes at the start of `from`. Returns how many. */
static size_t copy_plain(char *text, const char *from, size_t length)
{
    size_t i = 0;
    uint64_t word;

    /* Eight bytes at a time, copied to a word because neither text is aligned. */
    for (; length - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, from + i, sizeof(word));
        if (!is_plain(word))
            return i;
        memcpy(text + i, &word, sizeof(word));
    }

    /* The rest byte by byte. `char` is signed here, so > 0 means ASCII without NUL. */
    for (; i < length && from[i] > 0 && from[i] != '/'; i++)
        text[i] = from[i];
    return i;
}

/* Copies a name; invalid UTF-8, NUL and slashes become `_`. `text` may be `from`. */
static size_t clean(char *text, const char *from, size_t length, bool *replaced)
{
    for (size_t i = copy_plain(text, from, length); i < length;
         i += copy_plain(text + i, from + i, length - i)) {
        /* Of the others, whole UTF-8 sequences are kept. memmove(), since `text` may be `from`. */
        uint32_t code;
        int count = utf8_decode(from + i, length - i, &code);
        if (count > 0 && code && code != '/') {
            memmove(text + i, from + i, (size_t)count);
            i += (size_t)count;
            continue;
        }

        /* One invalid byte becomes one `_`, so the length stays the same. */
        text[i++] = '_';
        *replaced = true;
    }
    return length;
}

/* Replaces a name that no path can hold: an empty one, `.` and `..`. Returns the length. */
static size_t make_usable(char *text, size_t length, bool *replaced)
{
    /* The first 0, 1 and 2 bytes of ".." are exactly the three reserved names. */
    bool reserved = length <= 2 && memcmp(text, "..", length) == 0;
    if (!reserved)
        return length;

    *replaced = true;
    length = max(length, 1);
    memset(text, '_', length);
    return length;
}

const struct charset *cdfs_name_charset(const struct cdfs *cdfs, bool rock, const char *name,
                                        size_t length)
{
    /* The mount's option comes first. */
    if (cdfs->charset)
        return cdfs->charset;

    /* Rock Ridge names are UTF-8 in practice. Plain names that are not are probably Latin-1. */
    return rock || utf8_valid(name, length) ? NULL : charset_find("latin1", 6);
}

void cdfs_name_make(struct cdfs *cdfs, const struct cdfs_record *record,
                    const struct cdfs_rock *rock, struct cdfs_name *name)
{
    bool replaced = false, literal = rock && rock->has_name, joliet = cdfs->tree == TREE_JOLIET;
    const char *from = (const char *)record->identifier.data;
    size_t length = record->identifier.length;

    /* Only Rock Ridge names are literal; the others may end in `;n`. */
    name->version = -1;
    if (literal) {
        from = rock->name;
        length = rock->name_length;
    } else {
        if (joliet) {
            length = cdfs_name_from_ucs2(record->identifier, name->text, NAME_BYTES_MAX,
                                         &replaced);
            from = name->text;
        }
        length = cdfs_name_split(from, length, &name->version);
    }

    /* A Joliet name is UTF-8 by now. The others are bytes of some charset. */
    const struct charset *charset =
        joliet ? NULL : cdfs_name_charset(cdfs, literal, from, length);
    if (charset) {
        struct bytes encoded = { (const uint8_t *)from, length };
        length = charset_to_utf8(charset, encoded, name->text, NAME_BYTES_MAX, &replaced);
        from = name->text;
    }

    /* Wherever it is from, the name must fit into a path. */
    length = clean(name->text, from, length, &replaced);
    name->length = make_usable(name->text, length, &replaced);
    name->text[name->length] = '\0';
    if (replaced)
        cdfs_anomaly(cdfs, ANOMALY_NAME);
}

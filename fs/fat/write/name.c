/*
 * name.c - turns the name that a file is to have into its short and its long form.
 *
 * A name that is a short one, except for the case of its letters, needs no long form: flags record
 * which part is in lower case. Any other gets an alias as Windows makes them: LONGNA~1.TXT to ~4,
 * then LO12AB~1.TXT with a sum of the whole name, so that many similar names need few attempts.
 */
#include "fs/fat/fat.h"
#include "fs/fat/record.h"
#include "kernel/vfs/layout/wide_name.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    ALIAS_STEM_BYTES = 6, /* before ~1 */
    ALIAS_PLAIN_MAX = 4,  /* after ~4 the sum is a part of the alias */
    ALIAS_SUM_STEM_BYTES = 2,
    ALIAS_NUMBER_MAX = 99999,
};

/* ---- the long form ------------------------------------------------------------------------ */

static status_t units_encode(struct element element, struct fat_name *name)
{
    struct wide_name wide;
    status_t status = wide_name_parse(element, &wide);
    if (status)
        return status;
    memcpy(name->units, wide.units, wide.count * sizeof(wide.units[0]));
    name->unit_count = wide.count;
    return 0;
}

_Static_assert((int)WIDE_UNITS_MAX == (int)FAT_LONG_UNITS_MAX, "a long name is a wide one");

/* ---- the short form ----------------------------------------------------------------------- */

static bool is_short_character(uint16_t unit)
{
    return unit > ' ' && unit < 0x7f && !strchr("+,.;=[]", unit);
}

static uint8_t upper(uint16_t unit)
{
    return (uint8_t)(unit >= 'a' && unit <= 'z' ? unit - 'a' + 'A' : unit);
}

/* Stores one part of a short name. Returns false if it is not one as it is: wrong characters, or
 * letters of both cases. Sets *lower if the letters are small. */
static bool part_store(const uint16_t *units, size_t count, uint8_t *raw, size_t most, bool *lower)
{
    bool small = false, large = false;
    if (count > most)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_short_character(units[i]))
            return false;
        small |= units[i] >= 'a' && units[i] <= 'z';
        large |= units[i] >= 'A' && units[i] <= 'Z';
        raw[i] = upper(units[i]);
    }
    *lower = small;
    return !(small && large);
}

/* Stores the name as a short one, if it is that. */
static bool short_store(struct fat_name *name)
{
    size_t stem = 0;
    bool stem_lower, extension_lower = false;
    memset(name->raw, ' ', sizeof(name->raw));
    while (stem < name->unit_count && name->units[stem] != '.')
        stem++;

    /* One dot at most, with characters before and after it. */
    bool dotted = stem < name->unit_count;
    if (!stem || (dotted && stem + 1 == name->unit_count) ||
        !part_store(name->units, stem, name->raw, STEM_BYTES, &stem_lower))
        return false;
    if (dotted && !part_store(name->units + stem + 1, name->unit_count - stem - 1,
                              name->raw + STEM_BYTES, EXTENSION_BYTES, &extension_lower))
        return false;
    name->lower = (uint8_t)((stem_lower ? CASE_STEM : 0) | (extension_lower ? CASE_EXTENSION : 0));
    return true;
}

status_t fat_name_parse(struct element element, struct fat_name *name)
{
    name->lower = 0;
    status_t status = units_encode(element, name);
    if (!status)
        name->is_long = !short_store(name);
    return status;
}

/* ---- aliases ------------------------------------------------------------------------------ */

/* Collects up to `most` characters of units[from..to) that an alias can have. */
static size_t alias_part(const struct fat_name *name, size_t from, size_t to, char *text,
                         size_t most)
{
    size_t length = 0;
    for (size_t i = from; i < to && length < most; i++) {
        uint16_t unit = name->units[i];
        if (unit != ' ' && unit != '.')
            text[length++] = (char)(is_short_character(unit) ? upper(unit) : '_');
    }
    return length;
}

static uint16_t alias_sum(const struct fat_name *name)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < name->unit_count; i++)
        sum = sum * 37 + name->units[i];
    return (uint16_t)(sum ^ sum >> 16);
}

void fat_alias_begin(const struct fat_name *name, struct fat_alias *alias)
{
    /* The last dot, unless the name begins with it, separates the extension. */
    size_t dot = name->unit_count, begin = 0;
    while (begin < name->unit_count && (name->units[begin] == '.' || name->units[begin] == ' '))
        begin++;
    for (size_t i = begin; i < name->unit_count; i++)
        if (name->units[i] == '.')
            dot = i;

    *alias = (struct fat_alias){ .sum = alias_sum(name) };
    alias->stem_length = alias_part(name, begin, dot, alias->stem, ALIAS_STEM_BYTES);
    alias->extension_length = alias_part(name, dot, name->unit_count, alias->extension,
                                         EXTENSION_BYTES);
}

/* Makes the tail and decides how much of the stem is kept. Very short stems say little, so the sum
 * is added at once, as Windows does. */
static size_t tail_make(const struct fat_alias *alias, char *tail, size_t *stem)
{
    bool plain = alias->number <= ALIAS_PLAIN_MAX && alias->stem_length > ALIAS_SUM_STEM_BYTES;
    unsigned number = plain || alias->stem_length <= ALIAS_SUM_STEM_BYTES
                          ? alias->number
                          : alias->number - ALIAS_PLAIN_MAX;
    size_t length = plain ? (size_t)format_text(tail, STEM_BYTES + 1, "~%u", number)
                          : (size_t)format_text(tail, STEM_BYTES + 1, "%04X~%u", alias->sum,
                                                number);
    if (!plain && length > STEM_BYTES - ALIAS_SUM_STEM_BYTES)
        length = (size_t)format_text(tail, STEM_BYTES + 1, "~%u", number);
    *stem = min(alias->stem_length, STEM_BYTES - length);
    return length;
}

bool fat_alias_next(struct fat_alias *alias, struct fat_name *name)
{
    char tail[STEM_BYTES + 1];
    size_t stem;
    if (++alias->number > ALIAS_NUMBER_MAX)
        return false;

    size_t length = tail_make(alias, tail, &stem);
    memset(name->raw, ' ', sizeof(name->raw));
    memcpy(name->raw, alias->stem, stem);
    memcpy(name->raw + stem, tail, length);
    memcpy(name->raw + STEM_BYTES, alias->extension, alias->extension_length);
    return true;
}

size_t fat_short_text(const struct fat_name *name, char text[FAT_SHORT_BYTES + 1])
{
    size_t length = STEM_BYTES, extension = EXTENSION_BYTES;
    while (length && name->raw[length - 1] == ' ')
        length--;
    while (extension && name->raw[STEM_BYTES + extension - 1] == ' ')
        extension--;
    memcpy(text, name->raw, length);
    if (extension) {
        text[length++] = '.';
        memcpy(text + length, name->raw + STEM_BYTES, extension);
    }
    length += extension;
    text[length] = '\0';
    return length;
}

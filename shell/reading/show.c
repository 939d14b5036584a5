/*
 * show.c - sizes, modes and dates as columns of text; see show.h.
 */
#include "shell/reading/show.h"
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/width.h"

void size_text(char text[SIZE_TEXT_BYTES], uint64_t bytes, bool human)
{
    static const char units[] = "KMGTPE";
    if (!human || bytes < 1024) {
        format_text(text, SIZE_TEXT_BYTES, "%llu", (unsigned long long)bytes);
        return;
    }

    /* Tenths of the unit, rounded up, as `ls -h` of GNU does. */
    unsigned unit = 0;
    uint64_t tenths = bytes / 1024 * 10 + (bytes % 1024 * 10 + 1023) / 1024;

    /* 1000K would be one character too many. */
    while (tenths > 9990) {
        tenths = (tenths + 1023) / 1024;
        unit++;
    }

    /* One decimal below 10, none above: "9.9K", "10K". */
    if (tenths < 100)
        format_text(text, SIZE_TEXT_BYTES, "%u.%u%c", (unsigned)(tenths / 10),
                    (unsigned)(tenths % 10), units[unit]);
    else
        format_text(text, SIZE_TEXT_BYTES, "%u%c", (unsigned)((tenths + 9) / 10), units[unit]);
}

void space_text(char text[SIZE_TEXT_BYTES], uint64_t bytes, bool human)
{
    /* KiB, rounded up: a file of one byte takes 1. */
    size_text(text, human ? bytes : bytes / 1024 + (bytes % 1024 != 0), human);
}

enum { MODE_KIND = 0170000, MODE_BLOCK = 060000 };

void mode_text(char text[MODE_TEXT_BYTES], const struct node_info *info)
{
    static const char letters[] = "rwxrwxrwx";
    static const struct { uint32_t bit; unsigned at; char with, without; } special[] = {
        { 04000, 3, 's', 'S' }, { 02000, 6, 's', 'S' }, { 01000, 9, 't', 'T' }
    };

    /* The type, then three times rwx: user, group, others. */
    bool known = info->known & INFO_MODE;
    text[0] = "?-dl?"[info->type];

    /* A fifo, a character or block device, a socket. A drive's node can be read as a file. */
    bool special_file = info->type == NODE_OTHER ||
                        (info->type == NODE_FILE && (info->mode & MODE_KIND) == MODE_BLOCK);
    if (known && special_file)
        text[0] = "?pc???b?????s???"[info->mode >> 12 & 15];

    for (unsigned i = 0; i < 9; i++)
        text[1 + i] = !known ? '?' : info->mode >> (8 - i) & 1 ? letters[i] : '-';

    /* Set-user-ID, set-group-ID and sticky replace an x, as lower case if it was set. */
    for (unsigned i = 0; known && i < ARRAY_LENGTH(special); i++)
        if (info->mode & special[i].bit)
            text[special[i].at] = text[special[i].at] == 'x' ? special[i].with
                                                              : special[i].without;

    text[MODE_TEXT_BYTES - 1] = '\0';
}

void date_text(char text[DATE_TEXT_BYTES], bool known, int64_t seconds)
{
    struct civil c = seconds_to_civil(seconds);

    /* A medium may hold any number of seconds, also beyond year 9999. */
    if (known && civil_valid(&c))
        format_text(text, DATE_TEXT_BYTES, "%04u-%02u-%02u %02u:%02u", (unsigned)c.year, c.month,
                    c.day, c.hour, c.minute);
    else
        text_copy(text, DATE_TEXT_BYTES, "-");
}

size_t text_columns(const char *text)
{
    size_t columns = 0, length = strlen(text);
    for (size_t at = 0; at < length;) {
        unsigned char c = (unsigned char)text[at];

        /* stream_escaped() writes \xHH for these. */
        bool escaped = c < 0x20 || c == 0x7f || c == '\\';
        unsigned width = 4;

        at += escaped ? 1 : character_at(text, length, at, &width);
        columns += width;
    }
    return columns;
}

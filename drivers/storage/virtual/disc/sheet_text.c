/*
 * sheet_text.c - splits a sheet's text into lines and words, and collects the tracks, pieces and
 * files that the parsers find; sheet.h.
 */
#include "drivers/storage/virtual/disc/sheet.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- words -------------------------------------------------------------------------------- */

/* Returns how many characters precede the first of `stops`, or the end. */
static size_t length_before(const char *text, const char *stops)
{
    size_t length = 0;
    while (text[length] && !strchr(stops, text[length]))
        length++;
    return length;
}

status_t sheet_refuse(struct sheet *sheet, unsigned line, const char *format, ...)
{
    va_list arguments;
    int length = format_text(sheet->reason, VIRTUAL_REASON_BYTES, "line %u: ", line);

    /* The line comes first; the rest is cut off if it does not fit. */
    va_start(arguments, format);
    format_text_v(sheet->reason + length, VIRTUAL_REASON_BYTES - (size_t)length, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

char *sheet_line(struct sheet *sheet)
{
    char *line = sheet->at;
    if (!*line)
        return NULL;

    /* The end of the line becomes a terminator. The last line may lack its line feed. */
    char *end = line + length_before(line, "\n");
    sheet->at = *end ? end + 1 : end;
    *end = '\0';
    sheet->line++;

    while (is_blank(*line))
        line++;
    return line;
}

/* Returns the text in quotes at `at`. *end: the text after it. The end of a line ends it too. */
static char *quoted_word(char *at, char **end)
{
    char *word = ++at;
    while (*at && *at != '"' && *at != '\n')
        at++;
    *end = *at == '"' ? at + 1 : at;
    *at = '\0';
    return word;
}

char *sheet_word(char **at)
{
    char *word = *at;
    if (!word)
        return NULL;

    while (is_blank(*word))
        word++;

    if (*word == '"')
        return quoted_word(word, at);

    char *end = word;
    while (*end && !is_blank(*end))
        end++;

    /* The character after the word becomes its terminator, so the rest begins one further on. */
    *at = *end ? end + 1 : end;
    *end = '\0';
    return *word ? word : NULL;
}

/* Terminates a word. Its terminator would overwrite the first character of the next word, so the
 * word is moved down by one. */
static char *token_end(struct sheet *sheet, char *word, size_t length)
{
    memmove(word - 1, word, length);
    word[length - 1] = '\0';
    sheet->at = word + length;
    return word - 1;
}

char *sheet_token(struct sheet *sheet, bool *quoted)
{
    char *at = sheet->at, *end;
    *quoted = false;

    /* Blanks, line ends and comments may be between any two words. A comment ends before its line
     * feed, which is counted below. */
    for (;; at++) {
        if (at[0] == '/' && at[1] == '/')
            at += length_before(at, "\n");
        if (*at == '\n')
            sheet->line++;
        else if (!is_blank(*at))
            break;
    }

    sheet->at = at;
    if (!*at)
        return NULL;

    if (*at == '"') {
        *quoted = true;
        char *word = quoted_word(at, &end);
        sheet->at = end;
        return word;
    }

    /* A brace is a word, even without blanks around it. */
    size_t length = *at == '{' || *at == '}' ? 1 : length_before(at, " \t\r\n\f\v{}\"");
    return token_end(sheet, at, length);
}

bool sheet_number(const char *text, uint32_t most, uint32_t *number)
{
    uint64_t value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        /* No sign, no blanks: a sheet's numbers are plain digits. */
        if (*text < '0' || *text > '9')
            return false;
        value = 10 * value + (uint64_t)(*text - '0');

        /* Checked for each digit, so that the value cannot overflow. */
        if (value > most)
            return false;
    }
    *number = (uint32_t)value;
    return true;
}

bool sheet_time(const char *text, uint32_t *blocks)
{
    static const uint32_t limits[] = { 999, 59, 74 };
    uint32_t parts[3];

    /* Minutes, seconds and frames. Minutes may have three digits: a file can be longer than 99. */
    for (unsigned i = 0; i < 3; i++) {
        /* At most four digits, so that the value cannot overflow. */
        uint32_t value = 0, digits = 0;
        for (; *text >= '0' && *text <= '9' && digits < 4; text++, digits++)
            value = 10 * value + (uint32_t)(*text - '0');

        if (!digits || value > limits[i] || *text != (i < 2 ? ':' : '\0'))
            return false;
        parts[i] = value;
        text++;
    }
    *blocks = (parts[0] * 60 + parts[1]) * 75 + parts[2];
    return true;
}

/* ---- what a sheet lists ------------------------------------------------------------------- */

const struct sheet_type *sheet_find_type(const struct sheet_type *types, const char *name)
{
    for (; types->name; types++)
        if (text_equal_fold(name, types->name))
            return types;
    return NULL;
}

struct sheet_track *sheet_add_track(struct sheet *sheet, const struct sheet_type *type)
{
    if (sheet->track_count == DEVICE_TRACKS_MAX) {
        IGNORE(sheet_refuse(sheet, sheet->line, "more than 99 tracks"));
        return NULL;
    }

    struct sheet_track *track = &sheet->tracks[sheet->track_count++];
    *track = (struct sheet_track){ .mode = type->mode, .stride_bytes = type->stride_bytes,
                                   .format = type->format, .line = sheet->line };
    return track;
}

struct sheet_piece *sheet_add_piece(struct sheet *sheet)
{
    if (sheet->piece_count == SHEET_PIECES_MAX) {
        IGNORE(sheet_refuse(sheet, sheet->line, "more than %u parts of tracks", SHEET_PIECES_MAX));
        return NULL;
    }

    /* A piece belongs to the last track, whose command came before. */
    struct sheet_piece *piece = &sheet->pieces[sheet->piece_count++];
    *piece = (struct sheet_piece){ .track = (uint8_t)(sheet->track_count - 1),
                                   .line = sheet->line };
    return piece;
}

struct sheet_file *sheet_add_file(struct sheet *sheet)
{
    if (sheet->file_count == SHEET_FILES_MAX) {
        IGNORE(sheet_refuse(sheet, sheet->line, "more than %u files", SHEET_FILES_MAX));
        return NULL;
    }

    struct sheet_file *file = &sheet->files[sheet->file_count++];
    *file = (struct sheet_file){ .line = sheet->line };
    return file;
}

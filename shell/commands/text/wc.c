/*
 * wc.c - counts lines, words and bytes: wc.
 *
 * Lines and words are counted eight bytes at a time (lib/word.h). A word is a run of bytes that are
 * not blanks in the POSIX locale.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"
#include "lib/width.h"
#include "lib/word.h"
#include "shell/options.h"
#include "shell/reading/input.h"

struct wc {
    const char *input_name; /* of standard input; NULL: it is not an operand */
    uint64_t lines, words, bytes, characters;
    uint64_t columns, longest; /* -L: of the line so far; the most that a line takes */
    char held[4];              /* the beginning of a character whose other bytes follow */
    size_t held_bytes;
    int width;                 /* of a number in the output */
};

/* Returns the top bit of each of eight bytes that is not one of \t \n \v \f \r and space. Adding
 * 0x80 - BOUND to the low seven bits carries into the top bit of each byte from BOUND on. */
static uint64_t not_blank(uint64_t word)
{
    uint64_t low = word & 0x7f * EACH_BYTE;
    uint64_t control = (low + (0x80 - '\t') * EACH_BYTE) & ~(low + (0x7f - '\r') * EACH_BYTE);
    uint64_t space = (low + (0x80 - ' ') * EACH_BYTE) & ~(low + (0x7f - ' ') * EACH_BYTE);

    /* The sums see only seven bits of a byte. With the eighth bit it is never a blank. */
    return (~(control | space) | word) & 0x80 * EACH_BYTE;
}

/* Counts the words that begin in these bytes. The last, partial word of eight bytes is padded with
 * blanks. */
static uint64_t count_words(const char *data, size_t bytes, bool *in_word)
{
    /* `before` is 1 if the byte before belongs to a word, so that a word cut in two counts once. */
    uint64_t count = 0, before = *in_word;
    for (size_t at = 0; at < bytes; at += 8) {
        size_t left = bytes - at;
        uint64_t word = ' ' * EACH_BYTE;

        /* A copy of a constant size becomes a single load. */
        if (left >= 8)
            __builtin_memcpy(&word, data + at, 8);
        else
            memcpy(&word, data + at, left);

        /* A word begins at each byte inside one whose predecessor is not. */
        uint64_t inside = not_blank(word) >> 7;
        count += (inside & ~(inside << 8 | before)) * EACH_BYTE >> 56;
        before = inside >> 56;

        /* The last byte that is not padding decides whether the next piece continues a word. */
        *in_word = inside >> (left < 8 ? left * 8 - 8 : 56) & 1;
    }
    return count;
}

/* ---- characters and columns --------------------------------------------------------------- */

/* Counts one character: wc->columns is the column that follows it. */
static void count_character(struct wc *wc, uint32_t code)
{
    switch (code) {
    case '\n': case '\r': case '\f':
        wc->columns = 0;
        break;
    case '\t':
        wc->columns += 8 - wc->columns % 8;
        break;
    default:
        /* Control characters move nothing. */
        if (code >= ' ' && !(code >= 0x7f && code < 0xa0))
            wc->columns += character_width(code);
    }
    wc->longest = max(wc->longest, wc->columns);
}

/* Returns whether held bytes may become a character with the bytes that follow. */
static bool is_beginning(const char *held, size_t bytes)
{
    uint8_t first = (uint8_t)*held;
    size_t whole = first >= 0xf5 || first < 0xc2 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    for (size_t i = 1; i < bytes; i++)
        if (!utf8_continues(held[i]))
            return false;
    return bytes < whole;
}

/* Counts the characters of UTF-8, and the columns that lines take. A byte that belongs to none is
 * not counted (GNU). Bytes are held, since the end of a piece may cut a character in two. */
static void count_characters(struct wc *wc, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        wc->held[wc->held_bytes++] = data[i];
        while (wc->held_bytes) {
            uint32_t code;
            int length = utf8_decode(wc->held, wc->held_bytes, &code);
            if (length < 0 && is_beginning(wc->held, wc->held_bytes))
                break;
            if (length > 0) {
                wc->characters++;
                count_character(wc, code);
            }

            /* An invalid byte is dropped alone: the next one may begin a character. */
            size_t used = length > 0 ? (size_t)length : 1;
            wc->held_bytes -= used;
            memmove(wc->held, wc->held + used, wc->held_bytes);
        }
    }
}

/* ---- printing ----------------------------------------------------------------------------- */

static const char wc_letters[] = "lwmcL"; /* in the order in which they are printed (POSIX) */

/* Returns how many numbers are printed. */
static unsigned wc_numbers(const struct shell *shell)
{
    unsigned count = 0;
    for (const char *letter = wc_letters; *letter; letter++)
        count += option_given(shell, *letter);
    return count ? count : 3;
}

static bool wc_wants(const struct shell *shell, char letter)
{
    /* Without options, lines, words and bytes are printed (POSIX). */
    bool any = false;
    for (const char *at = wc_letters; *at; at++)
        any |= option_given(shell, *at);
    return any ? option_given(shell, letter) : letter == 'l' || letter == 'w' || letter == 'c';
}

/* Finds the width of the columns as GNU does: the digits of the sum of all file sizes, but at least
 * 7 if an input has no size of its own. */
static int wc_width(struct shell *shell, int count, char **words)
{
    uint64_t total = 0;
    int least = 1, width = 1;
    for (int i = 1; i < count; i++) {
        struct path *path;
        struct node_info info;

        /* A file that cannot be opened adds nothing here; input_each() reports it later. */
        if (text_equal(words[i], "-")) {
            least = 7;
        } else if (!path_walk(shell->directory, words[i], 0, &path)) {
            if (path_info(path, INFO_STANDARD, &info) || info.type != NODE_FILE)
                least = 7;
            else
                total += info.size_bytes;
            path_put(path);
        }
    }

    /* Each sum is at most the total, so the digits of the total are enough for all columns. */
    for (; total >= 10; total /= 10)
        width++;
    return max(width, least);
}

static void wc_print(struct shell *shell, const struct wc *wc, const char *name)
{
    /* This order is fixed, whatever the order of the options (POSIX). */
    const struct { bool wanted; uint64_t value; } fields[] = {
        { wc_wants(shell, 'l'), wc->lines },
        { wc_wants(shell, 'w'), wc->words },
        { wc_wants(shell, 'm'), wc->characters },
        { wc_wants(shell, 'c'), wc->bytes },
        { wc_wants(shell, 'L'), wc->longest },
    };
    bool first = true;
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
        if (fields[i].wanted) {
            stream_format(shell->out, "%s%*llu", first ? "" : " ", wc->width,
                          (unsigned long long)fields[i].value);
            first = false;
        }

    /* A name may contain control characters, so it is escaped. */
    if (name) {
        stream_text(shell->out, " ");
        stream_escaped(shell->out, name, false);
    }
    stream_text(shell->out, "\n");
}

static status_t wc_input(struct input *input, void *context)
{
    struct wc *total = context, wc = { .width = total->width };
    bool lines = wc_wants(input->shell, 'l'), words = wc_wants(input->shell, 'w');
    bool in_word = false;
    bool characters = option_given(input->shell, 'm') || option_given(input->shell, 'L');
    const char *data;
    ssize_t got;

    /* Count only what is printed: counting words takes longer than reading. */
    while ((got = input_piece(input, &data)) > 0) {
        wc.lines += lines ? text_count(data, (size_t)got, '\n') : 0;
        wc.words += words ? count_words(data, (size_t)got, &in_word) : 0;
        wc.bytes += (uint64_t)got;
        if (characters)
            count_characters(&wc, data, (size_t)got);
    }
    if (got < 0)
        return (status_t)got;

    /* Standard input is printed without a name, unless it is an operand. */
    wc_print(input->shell, &wc, input->file ? input->name : total->input_name);
    total->lines += wc.lines;
    total->words += wc.words;
    total->bytes += wc.bytes;
    total->characters += wc.characters;
    total->longest = max(total->longest, wc.longest);
    return 0;
}

static int run_wc(struct shell *shell, int count, char **words)
{
    /* GNU aligns the columns if there is more than one number to print. */
    bool one_number = wc_numbers(shell) == 1;
    struct wc total = { .input_name = count > 1 ? "-" : NULL };

    /* A single number is not padded (GNU). */
    if (count > 2 || (count == 2 && !one_number))
        total.width = wc_width(shell, count, words);
    else
        total.width = one_number ? 1 : 7;

    /* The total is printed even if some of the files could not be read, but not after ^C. */
    int result = input_each(shell, 1, count, words, wc_input, &total);
    if (count > 2 && result != SHELL_INTERRUPTED)
        wc_print(shell, &total, "total");
    return result;
}

static const struct shell_option wc_options[] = {
    { 'l', "lines", NULL, "print the number of lines" },
    { 'w', "words", NULL, "print the number of words" },
    { 'c', "bytes", NULL, "print the number of bytes" },
    { 'm', "chars", NULL, "print the number of characters" },
    { 'L', "max-line-length", NULL, "print the columns of the longest line" },
    { 0 },
};

static const struct shell_command command_wc = {
    .name = "wc",
    .arguments = "[-lwmcL] [FILE...]",
    .summary = "count lines, words, characters and bytes",
    .arguments_max = -1,
    .run = run_wc,
    .options = wc_options,
    .group = "Text",
};
SHELL_COMMAND(command_wc);

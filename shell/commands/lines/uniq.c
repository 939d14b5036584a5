/*
 * uniq.c - reports or drops repeated lines that follow each other: uniq.
 *
 * Memory      Two lines: the first of a group, and the one that is compared with it.
 * References  POSIX.1-2017, uniq.
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/output_file.h"
#include "shell/options.h"
#include "shell/reading/input.h"
#include "shell/words.h"

struct uniq {
    struct shell *shell;
    struct stream *out;
    uint64_t fields, characters, width; /* -f, -s, -w */
    bool fold, counts, all;
    bool repeated, unique;  /* which groups are printed: those of several lines, of one */
    char line_end;
    struct buffer kept;     /* the first line of the group; -D: the line before */
    uint64_t lines;         /* of the group; 0: there is none yet */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Returns the part of a line that is compared. */
static const char *key_of(const struct uniq *uniq, const char *line, size_t bytes, size_t *length)
{
    size_t at = 0;

    /* A field is a run of blanks and the run of other characters that follows it (POSIX). */
    for (uint64_t field = 0; field < uniq->fields && at < bytes; field++) {
        while (at < bytes && is_blank(line[at]))
            at++;
        while (at < bytes && !is_blank(line[at]))
            at++;
    }
    at += (size_t)min(uniq->characters, bytes - at);
    *length = (size_t)min(uniq->width, bytes - at);
    return line + at;
}

static bool is_same(const struct uniq *uniq, const char *line, size_t bytes)
{
    size_t a_length, b_length;
    const char *a = key_of(uniq, uniq->kept.text, uniq->kept.length, &a_length);
    const char *b = key_of(uniq, line, bytes, &b_length);

    if (a_length != b_length)
        return false;
    if (!uniq->fold)
        return !memcmp(a, b, a_length);
    for (size_t i = 0; i < a_length; i++)
        if (text_lower(a[i]) != text_lower(b[i]))
            return false;
    return true;
}

static void print(const struct uniq *uniq, const char *line, size_t bytes)
{
    if (uniq->counts)
        stream_format(uniq->out, "%7llu ", (unsigned long long)uniq->lines);
    stream_write(uniq->out, line, bytes);
    stream_write(uniq->out, &uniq->line_end, 1);
}

static void end_group(const struct uniq *uniq)
{
    if (uniq->lines && (uniq->lines > 1 ? uniq->repeated : uniq->unique))
        print(uniq, uniq->kept.text, uniq->kept.length);
}

static status_t uniq_input(struct input *input, void *context)
{
    struct uniq *uniq = context;
    char *line;
    size_t bytes;
    int got;

    input->line_end = uniq->line_end;
    while ((got = input_line(input, &line, &bytes)) > 0 && !uniq->out->status) {
        if (uniq->lines && is_same(uniq, line, bytes)) {
            uniq->lines++;
            if (!uniq->all)
                continue;

            /* -D prints a line when the next one is known: -u omits the last of a group (GNU). */
            print(uniq, uniq->kept.text, uniq->kept.length);
        } else {
            end_group(uniq);
            uniq->lines = 1;
        }
        buffer_clear(&uniq->kept);
        buffer_put(&uniq->kept, line, bytes);
        if (uniq->kept.status)
            return uniq->kept.status;
    }
    if (!got)
        end_group(uniq);
    return got;
}

/* Writes to the second operand, which is emptied even if there is nothing to write. */
static int uniq_to_file(struct uniq *uniq, char **words)
{
    struct output_file *output;
    enum output_file_end end;
    status_t status = output_file_open(uniq->shell, NULL, words[2], false, &output);
    if (status)
        return shell_fail(uniq->shell, words[2], status);

    uniq->out = output_file_stream(output);
    int result = input_each(uniq->shell, 1, 2, words, uniq_input, uniq);
    status = output_file_close(output, result != SHELL_DONE, &end);
    if (!status && end != OUTPUT_FILE_WRITTEN)
        status = -ETXTBSY;
    return status ? shell_fail(uniq->shell, words[2], status) : result;
}

static int run_uniq(struct shell *shell, int count, char **words)
{
    struct uniq uniq = {
        .shell = shell,
        .out = shell->out,
        .width = UINT64_MAX,
        .fold = option_given(shell, 'i'),
        .counts = option_given(shell, 'c'),
        .all = option_given(shell, 'D'),
        .repeated = !option_given(shell, 'u'),
        .unique = !option_given(shell, 'd') && !option_given(shell, 'D'),
        .line_end = option_given(shell, 'z') ? '\0' : '\n',
    };
    if (!option_number(shell, 'f', 0, UINT64_MAX, &uniq.fields) ||
        !option_number(shell, 's', 0, UINT64_MAX, &uniq.characters) ||
        !option_number(shell, 'w', 0, UINT64_MAX, &uniq.width))
        return SHELL_USAGE;
    if (uniq.all && uniq.counts)
        return shell_complain(shell, "printing all duplicated lines and repeat counts is "
                                     "meaningless");

    int result = count > 2 && !text_equal(words[2], "-")
                     ? uniq_to_file(&uniq, words)
                     : input_each(shell, 1, min(count, 2), words, uniq_input, &uniq);
    buffer_free(&uniq.kept);
    return result;
}

static const struct shell_option uniq_options[] = {
    { 'c', "count", NULL, "precede each line by how often it occurs" },
    { 'd', "repeated", NULL, "print only lines that are repeated, once each" },
    { 'D', NULL, NULL, "print all lines that are repeated" },
    { 'u', "unique", NULL, "print only lines that are not repeated" },
    { 'f', "skip-fields", "N", "do not compare the first N fields" },
    { 's', "skip-chars", "N", "do not compare the first N characters, after the fields" },
    { 'w', "check-chars", "N", "compare at most N characters" },
    { 'i', "ignore-case", NULL, "ignore the case of letters" },
    { 'z', "zero-terminated", NULL, "lines end with NUL, not newline" },
    { 0 },
};

static const struct shell_command command_uniq = {
    .name = "uniq",
    .arguments = "[-cdDiuz] [-f N] [-s N] [-w N] [INPUT [OUTPUT]]",
    .summary = "report or drop repeated lines",
    .arguments_max = 2,
    .run = run_uniq,
    .options = uniq_options,
    .group = "Text",
};
SHELL_COMMAND(command_uniq);
DRIVER_DRIVES("command uniq Text: report or drop repeated lines");

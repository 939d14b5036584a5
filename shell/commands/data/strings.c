/*
 * strings.c - prints the printable text in files: strings.
 *
 * A string is a run of at least N printable ASCII characters, tabs included, as in GNU's.
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/input.h"

enum { LEAST_MAX = 1024 };

struct strings {
    struct shell *shell;
    uint64_t least;
    char radix;      /* of offsets: 'd', 'o', 'x'; 0: none */
    bool names;
    char *begun;     /* the first bytes of a run that may be too short */
    uint64_t length; /* of the run */
};

static void begin_line(const struct strings *strings, const char *name, uint64_t offset)
{
    struct stream *out = strings->shell->out;
    if (strings->names) {
        stream_escaped(out, name, false);
        stream_text(out, ": ");
    }
    if (strings->radix == 'x')
        stream_format(out, "%7llx ", (unsigned long long)offset);
    else if (strings->radix == 'o')
        stream_format(out, "%7llo ", (unsigned long long)offset);
    else if (strings->radix)
        stream_format(out, "%7llu ", (unsigned long long)offset);
}

static status_t strings_input(struct input *input, void *context)
{
    struct strings *strings = context;
    struct stream *out = strings->shell->out;
    const char *data, *name = input->file ? input->name : "{standard input}";
    uint64_t offset = 0;
    ssize_t got;

    strings->length = 0;
    while ((got = input_piece(input, &data)) > 0 && !out->status)
        for (ssize_t i = 0; i < got; i++, offset++) {
            char c = data[i];
            if ((c < ' ' || c == 0x7f) && c != '\t') {
                if (strings->length >= strings->least)
                    stream_text(out, "\n");
                strings->length = 0;
                continue;
            }

            /* A run is written once it is long enough, and from then on byte by byte. */
            if (strings->length < strings->least)
                strings->begun[strings->length] = c;
            if (++strings->length == strings->least) {
                begin_line(strings, name, offset + 1 - strings->least);
                stream_write(out, strings->begun, (size_t)strings->least);
            } else if (strings->length > strings->least) {
                stream_write(out, &c, 1);
            }
        }
    if (strings->length >= strings->least)
        stream_text(out, "\n");
    return got < 0 ? (status_t)got : 0;
}

static int run_strings(struct shell *shell, int count, char **words)
{
    const char *radix = option_value(shell, 't');
    struct strings strings = { .shell = shell, .least = 4, .names = option_given(shell, 'f') };
    if (!option_number(shell, 'n', 1, LEAST_MAX, &strings.least))
        return SHELL_FAILED;
    if (radix && !text_equal(radix, "d") && !text_equal(radix, "o") && !text_equal(radix, "x"))
        return shell_usage(shell);
    char last = option_last(shell, "to");
    strings.radix = last == 't' ? *radix : last;
    strings.begun = mem_alloc((size_t)strings.least);
    if (!strings.begun)
        return shell_fail(shell, NULL, -ENOMEM);
    int result = input_each(shell, 1, count, words, strings_input, &strings);
    mem_free(strings.begun);
    return result;
}

static const struct shell_option strings_options[] = {
    { 'a', "all", NULL, "no effect: all of a file is searched" },
    { 'f', "print-file-name", NULL, "precede each string by its file" },
    { 'n', "bytes", "N", "print strings of at least N characters instead of 4" },
    { 'o', NULL, NULL, "same as -t o" },
    { 't', "radix", "RADIX", "precede each string by its offset: d, o or x" },
    { 0 },
};

static const struct shell_command command_strings = {
    .name = "strings",
    .arguments = "[-afo] [-n N] [-t RADIX] [FILE...]",
    .summary = "print the printable text in files",
    .arguments_max = -1,
    .run = run_strings,
    .options = strings_options,
    .group = "Text",
};
SHELL_COMMAND(command_strings);
DRIVER_DRIVES("command strings Text: print the printable text in files");

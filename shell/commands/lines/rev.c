/*
 * rev.c - reverses the characters of each line: rev.
 *
 * Each byte that is not part of valid UTF-8 is a character of its own.
 */
#include "kernel/module/info.h"
#include "lib/utf8.h"
#include "shell/options.h"
#include "shell/reading/input.h"

static status_t rev_input(struct input *input, void *context)
{
    struct stream *out = input->shell->out;
    char *line;
    size_t bytes;
    int got;
    (void)context;

    input->line_end = option_given(input->shell, '0') ? '\0' : '\n';
    while ((got = input_line(input, &line, &bytes)) > 0 && !out->status) {
        /* Step back to the first byte of each character; a longer step than a character has
         * bytes, or an invalid one, is a single byte. */
        for (size_t end = bytes; end;) {
            size_t start = end - 1;
            uint32_t code;
            while (start && end - start < 4 && utf8_continues(line[start]))
                start--;
            if (utf8_decode(line + start, end - start, &code) != (int)(end - start))
                start = end - 1;
            stream_write(out, line + start, end - start);
            end = start;
        }
        if (input->line_ended)
            stream_write(out, &input->line_end, 1);
    }
    return got;
}

static int run_rev(struct shell *shell, int count, char **words)
{
    return input_each(shell, 1, count, words, rev_input, NULL);
}

static const struct shell_option rev_options[] = {
    { '0', "zero", NULL, "lines end with NUL, not newline" },
    { 0 },
};

static const struct shell_command command_rev = {
    .name = "rev",
    .arguments = "[-0] [FILE...]",
    .summary = "reverse the characters of each line",
    .arguments_max = -1,
    .run = run_rev,
    .options = rev_options,
    .group = "Text",
};
SHELL_COMMAND(command_rev);
DRIVER_DRIVES("command rev Text: reverse the characters of each line");

/*
 * builtins.c - commands that belong to the shell itself, but not to its language: echo, sleep,
 * time, clear, history.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/editor/history.h"
#include "shell/escapes.h"
#include "shell/options.h"
#include "shell/shell.h"

/* ---- echo --------------------------------------------------------------------------------- */

/* Returns whether a word is an option of echo: a dash and letters that are all known. */
static bool is_echo_option(const char *word)
{
    const char *at = word + 1;
    if (word[0] != '-' || !*at)
        return false;
    while (*at && strchr("neE", *at))
        at++;
    return !*at;
}

/* Writes a word whose escape sequences are decoded. Returns false after \c, which ends all. */
static bool echo_decoded(struct shell *shell, const char *word, struct buffer *text)
{
    enum escape_result result = ESCAPE_DONE;
    buffer_clear(text);
    while (*word && result != ESCAPE_STOP) {
        if (*word == '\\') {
            word++;
            result = escape_put(&word, true, text);
        } else {
            buffer_put(text, word++, 1);
        }
    }
    if (text->length)
        stream_write(shell->out, text->text, text->length);
    return result != ESCAPE_STOP;
}

static int run_echo(struct shell *shell, int count, char **words)
{
    struct buffer text = { 0 };
    bool decodes = false, ends_line = true, open = true;
    int first = 1;

    /* Of -e and -E the last one counts. */
    for (; first < count && is_echo_option(words[first]); first++)
        for (const char *letter = words[first] + 1; *letter; letter++) {
            if (*letter == 'n')
                ends_line = false;
            else
                decodes = *letter == 'e';
        }

    for (int i = first; i < count && open; i++) {
        if (i > first)
            stream_text(shell->out, " ");
        if (decodes)
            open = echo_decoded(shell, words[i], &text);
        else
            stream_text(shell->out, words[i]);
    }
    if (ends_line && open)
        stream_text(shell->out, "\n");
    int result = text.status ? shell_fail(shell, NULL, text.status) : SHELL_DONE;
    buffer_free(&text);
    return result;
}

static const struct shell_option echo_options[] = {
    { 'n', NULL, NULL, "do not end with a newline" },
    { 'e', NULL, NULL, "decode \\n, \\t, \\0NNN, \\xHH and so on; \\c ends the output" },
    { 'E', NULL, NULL, "do not, which is the default" },
    { 0 },
};

static const struct shell_command command_echo = {
    .name = "echo",
    .arguments = "[-neE] [WORD...]",
    .summary = "print the words",
    .arguments_max = -1,
    .run = run_echo,
    .options = echo_options,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_echo);

/* ---- sleep -------------------------------------------------------------------------------- */

static int run_sleep(struct shell *shell, int count, char **words)
{
    uint64_t deadline = 0, us;

    /* Several times are added (GNU). */
    for (int i = 1; i < count; i++) {
        status_t status = text_parse_time(words[i], &us);
        if (!status && __builtin_add_overflow(deadline, us, &deadline))
            status = -ERANGE;
        if (status)
            return shell_refuse_number(shell, "TIME", words[i], status);
    }

    /* What earlier commands printed is shown before the wait. */
    IGNORE(stream_flush(shell->out));

    /* A time that is too large for the clock means to wait until ^C. */
    if (__builtin_add_overflow(deadline, time_now_us(), &deadline))
        deadline = UINT64_MAX;
    while (!shell_interrupted() && time_now_us() < deadline)
        thread_park(deadline); /* ^C ends it, unlike thread_sleep_until() */
    return shell_interrupted() ? SHELL_INTERRUPTED : SHELL_DONE;
}

static const struct shell_command command_sleep = {
    .name = "sleep",
    .arguments = "TIME...",
    .summary = "wait: 2, 0.5 or 2s is seconds, 1.5m minutes, 1h hours, 1d days",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_sleep,
};
SHELL_COMMAND(command_sleep);

/* ---- time --------------------------------------------------------------------------------- */

static int run_time(struct shell *shell, int count, char **words)
{
    uint64_t begun_us = time_now_us();
    int status = shell_run_command(shell, count - 1, words + 1);
    shell_print_time(shell, begun_us);
    return status;
}

static const struct shell_command command_time = {
    .name = "time",
    .arguments = "COMMAND [WORD...]",
    .summary = "run a command or a whole pipeline, and report how long it took",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_time,
    .option_rules = OPTIONS_FIRST,
};
SHELL_COMMAND(command_time);

/* ---- clear -------------------------------------------------------------------------------- */

/* Does nothing unless `out` is a terminal: a file should not contain escape sequences. */
static int run_clear(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    if (!shell_out_is_terminal(shell))
        return SHELL_DONE;
    stream_text(shell->out, "\x1b[H\x1b[J");

    /* The stream has seen other bytes than a newline last, but the cursor is in the first
     * column. */
    shell->out->at_line_start = true;
    return SHELL_DONE;
}

static const struct shell_command command_clear = {
    .name = "clear",
    .arguments = "",
    .summary = "clear the screen of a terminal; ^L does the same",
    .run = run_clear,
};
SHELL_COMMAND(command_clear);

/* ---- history ------------------------------------------------------------------------------ */

static int run_history(struct shell *shell, int count, char **words)
{
    uint64_t wanted = UINT64_MAX;
    if (count > 1 && !shell_number(shell, "COUNT", words[1], 0, UINT64_MAX, &wanted))
        return SHELL_USAGE;
    unsigned first = history_first(), end = history_end();

    /* COUNT selects the last lines, which keep their numbers. */
    if (wanted < end - first)
        first = end - (unsigned)wanted;
    for (unsigned n = first; n < end && !shell_interrupted(); n++) {
        stream_format(shell->out, "%5u  ", n);
        stream_escaped(shell->out, history_get(n), false);
        stream_text(shell->out, "\n");
    }
    return SHELL_DONE;
}

static const struct shell_command command_history = {
    .name = "history",
    .arguments = "[COUNT]",
    .summary = "list the lines typed so far, or the last COUNT of them",
    .arguments_max = 1,
    .run = run_history,
};
SHELL_COMMAND(command_history);

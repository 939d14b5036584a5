/*
 * prof.c - runs a command and shows which functions took the CPU time: prof.
 *
 * A timer interrupt samples the program counter and the stack (kernel/prof.h). Only the kernel
 * build has it.
 */
#include "kernel/prof.h"
#include "lib/text.h"
#include "shell/options.h"

enum { LINES = 20, INTERVAL_US = 1000, INTERVAL_US_MIN = 100, INTERVAL_US_MAX = 1000000 };

static void show_percent(struct stream *out, uint32_t part, uint32_t whole)
{
    uint64_t tenths = whole ? (uint64_t)part * 1000 / whole : 0;
    stream_format(out, "%4llu.%llu %%", (unsigned long long)(tenths / 10),
                  (unsigned long long)(tenths % 10));
}

/* `self` is the time in the function itself, `total` includes the functions that it calls. */
static void show_run(struct shell *shell, const struct prof_run *run, uint64_t lines)
{
    struct stream *out = shell->out;
    bool by_total = option_given(shell, 't');
    struct prof_function function;
    stream_format(out, "%u sample%s, of which idle", run->samples,
                  text_plural(run->samples));
    show_percent(out, run->idle, run->samples);
    stream_text(out, "\n   self    total  function\n");

    /* Each call takes the function with the most samples of those that are left. */
    for (; lines && prof_take(by_total, &function); lines--) {
        show_percent(out, function.self, run->samples);
        show_percent(out, function.total, run->samples);
        stream_format(out, "  %s\n", function.name);
    }
}

static int run_prof(struct shell *shell, int count, char **words)
{
    uint64_t lines = LINES, interval_us = INTERVAL_US;
    if (!option_number(shell, 'n', 0, UINT64_MAX, &lines) ||
        !option_number(shell, 'i', INTERVAL_US_MIN, INTERVAL_US_MAX, &interval_us))
        return SHELL_USAGE;

    /* Only one profile can run at a time. */
    const char *callers_of = option_value(shell, 'c');
    status_t status = prof_start(interval_us, callers_of);
    if (status == -ENOENT)
        return shell_complain(shell, "%s: no such function", callers_of);
    if (status)
        return shell_fail(shell, NULL, status);

    /* Sampling stops right after the command, before anything is printed. */
    int result = shell_run_command(shell, count - 1, words + 1);
    struct prof_run run = prof_stop();
    show_run(shell, &run, lines);
    prof_end();
    return result;
}

static const struct shell_option prof_options[] = {
    { 't', "total", NULL, "sort by the time in a function and all that it calls" },
    { 'c', "callers", "FUNCTION", "list the callers of FUNCTION, by the time spent in it" },
    { 'n', "lines", "N", "print the first N functions (default 20)" },
    { 'i', "interval", "US", "take a sample every US microseconds (default 1000)" },
    { 0 },
};

static const struct shell_command command_prof = {
    .name = "prof",
    .arguments = "[-t] [-c FUNCTION] [-n N] [-i US] COMMAND [WORD...]",
    .summary = "run a command and show which functions took the CPU time",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_prof,
    .options = prof_options,
    .option_rules = OPTIONS_FIRST,
    .group = "The machine",
};
SHELL_COMMAND(command_prof);

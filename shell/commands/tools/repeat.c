/*
 * repeat.c - commands that run others: timeout, watch.
 */
#include "kernel/module/info.h"
#include "lib/date.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/run.h"
#include "shell/language/signals.h"
#include "shell/options.h"
#include "shell/words.h"

/* ---- timeout ------------------------------------------------------------------------------ */

enum { TIMEOUT_EXPIRED = 124, TIMEOUT_FAILED = 125, TIMEOUT_CANNOT_RUN = 126, SIGNAL_STATUS = 128 };

/* A thread that interrupts the command when its time is over. */
struct alarm {
    struct thread *target;
    uint64_t deadline_us;
    _Atomic bool ended;   /* the command has ended */
    _Atomic bool expired; /* it was interrupted */
};

static void alarm_work(void *argument)
{
    struct alarm *alarm = argument;
    while (!alarm->ended && time_now_us() < alarm->deadline_us && !thread_interrupted())
        thread_park(alarm->deadline_us);
    if (!alarm->ended && time_now_us() >= alarm->deadline_us) {
        alarm->expired = true;
        thread_interrupt(alarm->target);
    }
}

/* Returns the status of a command that could not be found: 126 if it is a file or a directory. */
static int not_found(struct shell *shell, const char *word)
{
    struct path *path;
    if (!strchr(word, '/') || path_walk(shell->directory, word, 0, &path))
        return SHELL_NO_COMMAND;
    path_put(path);
    return TIMEOUT_CANNOT_RUN;
}

static int run_timed(struct shell *shell, int count, char **words)
{
    int result = shell_run_command(shell, count - 2, words + 2);
    return result == SHELL_NO_COMMAND ? not_found(shell, words[2]) : result;
}

/* Returns the status after the time was over. There are no processes: the command has ended as by
 * ^C, in place of the signal that GNU's timeout sends. */
static int expired_status(int result, bool preserves, int signal)
{
    if (preserves)
        return result == SHELL_INTERRUPTED ? SIGNAL_STATUS + signal : result;
    return signal == SIGNAL_KILL ? SIGNAL_STATUS + signal : TIMEOUT_EXPIRED;
}

/* Parses the options and the time. Returns false after an error message. */
static bool parse_timeout(struct shell *shell, int count, char **words, int *signal, uint64_t *us)
{
    const char *name = option_value(shell, 's'), *kill = option_value(shell, 'k');
    uint64_t ignored;
    *signal = name ? signal_find(name) : SIGNAL_TERM;
    if (count < 3)
        shell_complain(shell, "missing operand; try timeout --help");
    else if (*signal < 0)
        shell_complain(shell, "'%s': invalid signal", name);
    else if (kill && text_parse_time(kill, &ignored))
        shell_complain(shell, "invalid time interval '%s'", kill);
    else if (text_parse_time(words[1], us))
        shell_complain(shell, "invalid time interval '%s'", words[1]);
    else
        return true;
    return false;
}

static int run_timeout(struct shell *shell, int count, char **words)
{
    struct alarm alarm = { .target = thread_current() };
    bool preserves = option_given(shell, 'p'), reports = option_given(shell, 'v');
    int signal;
    uint64_t us;
    if (!parse_timeout(shell, count, words, &signal, &us))
        return TIMEOUT_FAILED;

    /* 0 means no limit (GNU). */
    if (!us || __builtin_add_overflow(us, time_now_us(), &alarm.deadline_us))
        return run_timed(shell, count, words);
    struct thread *thread = thread_create("timeout", PRIORITY_NORMAL, alarm_work, &alarm);
    if (!thread) {
        (void)shell_fail(shell, NULL, -ENOMEM);
        return TIMEOUT_FAILED;
    }

    const struct shell_command *command = shell->command;
    int result = run_timed(shell, count, words);
    alarm.ended = true;
    thread_interrupt(thread);
    thread_join(thread);
    if (!alarm.expired)
        return result;

    /* The interrupt was for the command only, also if it came just after its end. */
    thread_clear_interrupt();
    shell->command = command;
    if (reports)
        shell_complain(shell, "sending signal %s to command '%s'", signal_name(signal), words[2]);
    return expired_status(result, preserves, signal);
}

static const struct shell_option timeout_options[] = {
    { 's', "signal", "NAME", "with KILL the status is 137; else no effect" },
    { 'k', "kill-after", "TIME", "no effect: every command can be interrupted" },
    { 'p', "preserve-status", NULL, "end with the command's status instead of 124" },
    { 'f', "foreground", NULL, "no effect" },
    { 'v', "verbose", NULL, "report that the time was over" },
    { 0 },
};

static const struct shell_command command_timeout = {
    .name = "timeout",
    .arguments = "[-fpv] [-s SIGNAL] [-k TIME] TIME COMMAND [WORD...]",
    .summary = "run a command, and interrupt it after TIME: 2, 0.5, 1m",
    .arguments_max = -1,
    .run = run_timeout,
    .options = timeout_options,
    .option_rules = OPTIONS_FIRST,
};
SHELL_COMMAND(command_timeout);
DRIVER_DRIVES("command timeout : run a command, and interrupt it after TIME: 2, 0.5, 1m");

/* ---- watch -------------------------------------------------------------------------------- */

/* Writes "Every 2s: COMMAND" and the time, on a terminal at the top of the cleared screen. */
static void watch_title(struct shell *shell, const char *text, const char *interval)
{
    char date[48];
    if (shell_out_is_terminal(shell))
        stream_text(shell->out, "\x1b[H\x1b[J");
    if (option_given(shell, 't'))
        return;
    date_format(date, sizeof(date), "%F %T", time_wall_s());
    stream_format(shell->out, "Every %ss: ", interval);
    stream_escaped(shell->out, text, false);
    stream_format(shell->out, "    %s\n\n", date);
}

static int run_watch(struct shell *shell, int count, char **words)
{
    const char *interval = option_value(shell, 'n');
    struct buffer text = { 0 };
    uint64_t us = 2000000;
    if (interval && text_parse_time(interval, &us))
        return shell_complain(shell, "failed to parse argument: '%s'", interval);

    for (int i = 1; i < count; i++) {
        buffer_put(&text, words[i], strlen(words[i]));
        buffer_put(&text, " ", i + 1 < count);
    }
    if (text.status) {
        buffer_free(&text);
        return shell_fail(shell, NULL, text.status);
    }

    /* The text is run as a line of the shell, as GNU's watch does: it may contain pipes. */
    const struct shell_command *command = shell->command;
    const struct options *options = shell->options;
    int result = SHELL_DONE;
    while (!shell_interrupted() && !shell->out->status) {
        watch_title(shell, text.text, interval ? interval : "2");
        result = shell_run_text(shell, text.text);
        shell->command = command;
        shell->options = options;
        IGNORE(stream_flush(shell->out));
        if (result && option_given(shell, 'e'))
            break;
        uint64_t deadline = time_now_us() + us;
        while (!shell_interrupted() && time_now_us() < deadline)
            thread_park(deadline);
    }
    buffer_free(&text);
    return shell_interrupted() ? SHELL_INTERRUPTED : result;
}

static const struct shell_option watch_options[] = {
    { 'n', "interval", "TIME", "wait TIME between two runs, 2 s by default" },
    { 't', "no-title", NULL, "do not print the command and the time" },
    { 'e', "errexit", NULL, "end when the command fails" },
    { 0 },
};

static const struct shell_command command_watch = {
    .name = "watch",
    .arguments = "[-et] [-n TIME] COMMAND [WORD...]",
    .summary = "run a line of the shell again and again, until ^C",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_watch,
    .options = watch_options,
    .option_rules = OPTIONS_FIRST,
};
SHELL_COMMAND(command_watch);
DRIVER_DRIVES("command watch : run a line of the shell again and again, until ^C");

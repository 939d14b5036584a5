/*
 * machine.c - the machine: help, date, time, log, ps, uptime, reboot, poweroff.
 */
#include "kernel/log.h"
#include "lib/civil.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/hints.h"
#include "shell/options.h"

/* ---- help --------------------------------------------------------------------------------- */

static const char *const groups[] = {
    NULL, "Files", "Text", "Trees", "Devices and mounts", "The machine",
};

static bool same_group(const char *a, const char *b)
{
    return a && b ? text_equal(a, b) : a == b;
}

/* The command of a group whose name follows `previous` in the alphabet; NULL at the end. */
static const struct shell_command *help_next(const char *group,
                                             const struct shell_command *previous)
{
    const struct shell_command *best = NULL;
    table_each(entry, shell_commands, struct shell_command) {
        if (!same_group((*entry)->group, group) ||
            (previous && strcmp((*entry)->name, previous->name) <= 0))
            continue;
        if (!best || strcmp((*entry)->name, best->name) < 0)
            best = *entry;
    }
    return best;
}

static int run_help(struct shell *shell, int count, char **words)
{
    if (count > 1) {
        const struct shell_command *command = shell_command_find(words[1]);
        if (!command) {
            (void)hints_no_command(shell, words[1]);
            return SHELL_FAILED;
        }
        options_help(shell, command);
        return SHELL_DONE;
    }
    for (unsigned i = 0; i < ARRAY_LENGTH(groups); i++) {
        stream_format(shell->out, "%s%s\n", i ? "\n" : "", i ? groups[i] : "The shell");
        const struct shell_command *c = NULL;
        while ((c = help_next(groups[i], c)))
            stream_format(shell->out, "  %-10s %s\n", c->name, c->summary);
    }
    stream_text(shell->out, "\n`help COMMAND` or `COMMAND --help` tells more; `book` the rest.\n");
    return SHELL_DONE;
}

static const struct shell_command command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "what there is to type",
    .arguments_max = 1,
    .run = run_help,
};
SHELL_COMMAND(command_help);

/* ---- date, time --------------------------------------------------------------------------- */

static int run_date(struct shell *shell, int count, char **words)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970 began on a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t now = time_wall_s();
    char text[CIVIL_TEXT_BYTES];
    if (count > 1 && !text_equal(words[1], "+%s"))
        return shell_usage(shell);
    if (now == INT64_MIN)
        return shell_complain(shell, "this machine has no clock of the day");
    struct civil c = seconds_to_civil(now);
    unsigned day = (unsigned)((now / 86400 % 7 + 7) % 7);
    if (count > 1) {
        stream_format(shell->out, "%lld\n", (long long)now);
    } else if (option_given(shell, 'I')) {
        civil_format(text, sizeof(text), now);
        stream_format(shell->out, "%s\n", text);
    } else {
        stream_format(shell->out, "%.3s %.3s %2u %02u:%02u:%02u UTC %lld\n", days + 3 * day,
                      months + 3 * (c.month - 1), c.day, c.hour, c.minute, c.second,
                      (long long)c.year);
    }
    return SHELL_DONE;
}

static const struct shell_option date_options[] = {
    { 'I', "iso-8601", NULL, "as 2024-05-01T12:34:56Z" },
    { 'u', "utc", NULL, "in UTC: always so" },
    { 0 },
};

static const struct shell_command command_date = {
    .name = "date",
    .arguments = "[-Iu] [+%s]",
    .summary = "day and time, in UTC; +%s: seconds since 1970",
    .arguments_max = 1,
    .run = run_date,
    .options = date_options,
    .group = "The machine",
};
SHELL_COMMAND(command_date);

static int run_time(struct shell *shell, int count, char **words)
{
    uint64_t begun_us = time_now_us();
    int status = shell_run_command(shell, count - 1, words + 1);
    shell_say_time(shell, begun_us);
    return status;
}

static const struct shell_command command_time = {
    .name = "time",
    .arguments = "COMMAND [WORD...]",
    .summary = "run a command, or all of a pipe, and say how long it took",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_time,
    .option_rules = OPTIONS_FIRST,
};
SHELL_COMMAND(command_time);

/* ---- log, ps, uptime ---------------------------------------------------------------------- */

static int run_log(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    enum { BYTES = 1024 };
    uint64_t position = 0;
    char *text = mem_alloc(BYTES);
    if (!text)
        return shell_fail(shell, NULL, -ENOMEM);
    for (size_t got; (got = log_read(&position, text, BYTES)) && !shell_interrupted();)
        stream_write(shell->out, text, got);
    mem_free(text);
    return SHELL_DONE;
}

static const struct shell_command command_log = {
    .name = "log",
    .arguments = "",
    .summary = "what the kernel has said so far",
    .run = run_log,
    .group = "The machine",
};
SHELL_COMMAND(command_log);

enum { PS_THREADS_MAX = 64 };

struct ps_list {
    unsigned count, all;
    struct {
        struct thread_info info;
        char name[16];
    } threads[PS_THREADS_MAX];
};

static void ps_take(const struct thread_info *info, void *context)
{
    struct ps_list *list = context;
    list->all++;
    if (list->count == PS_THREADS_MAX)
        return;
    list->threads[list->count].info = *info;
    text_copy(list->threads[list->count].name, 16, info->name);
    list->count++;
}

static int run_ps(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    static const char *const priorities[] = { "io", "normal", "idle" };
    struct ps_list *list = mem_zalloc(sizeof(*list));
    if (!list)
        return shell_fail(shell, NULL, -ENOMEM);
    thread_each(ps_take, list);
    stream_text(shell->out, "  ID NAME            STATE    PRIORITY     CPU ms\n");
    for (unsigned i = 0; i < list->count; i++)
        stream_format(shell->out, "%4u %-15s %-8s %-8s %10llu\n", list->threads[i].info.number,
                      list->threads[i].name, list->threads[i].info.state,
                      priorities[list->threads[i].info.priority],
                      (unsigned long long)(list->threads[i].info.cpu_us / 1000));
    if (list->all > list->count)
        stream_format(shell->out, "and %u more\n", list->all - list->count);
    mem_free(list);
    return SHELL_DONE;
}

static const struct shell_command command_ps = {
    .name = "ps",
    .arguments = "",
    .summary = "threads",
    .run = run_ps,
    .group = "The machine",
};
SHELL_COMMAND(command_ps);

static int run_uptime(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    uint64_t us = time_now_us(), seconds = us / 1000000;
    stream_format(shell->out, "up %llu:%02llu:%02llu.%03llu\n",
                  (unsigned long long)(seconds / 3600), (unsigned long long)(seconds / 60 % 60),
                  (unsigned long long)(seconds % 60), (unsigned long long)(us / 1000 % 1000));
    return SHELL_DONE;
}

static const struct shell_command command_uptime = {
    .name = "uptime",
    .arguments = "",
    .summary = "time since the kernel started",
    .run = run_uptime,
    .group = "The machine",
};
SHELL_COMMAND(command_uptime);

/* ---- the end ------------------------------------------------------------------------------ */

static int run_reboot(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    IGNORE(stream_flush(shell->out));
    machine_reboot();
}

static const struct shell_command command_reboot = {
    .name = "reboot",
    .arguments = "",
    .summary = "start the machine again",
    .run = run_reboot,
    .group = "The machine",
};
SHELL_COMMAND(command_reboot);

static int run_poweroff(struct shell *shell, int count, char **words)
{
    uint64_t code = 0;
    if (count > 1 && !shell_number(shell, "CODE", words[1], 0, 125, &code))
        return SHELL_USAGE;
    IGNORE(stream_flush(shell->out));
    machine_poweroff((int)code);
}

static const struct shell_command command_poweroff = {
    .name = "poweroff",
    .arguments = "[CODE]",
    .summary = "switch off; CODE (0..125) is the exit status under an emulator",
    .arguments_max = 1,
    .run = run_poweroff,
    .group = "The machine",
};
SHELL_COMMAND(command_poweroff);

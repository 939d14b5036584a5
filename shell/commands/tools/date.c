/*
 * date.c - shows the time of day and the time since the start: date, uptime.
 *
 * All times are UTC: Spindle has no time zones, and takes the real-time clock to be in UTC.
 */
#include "lib/date.h"
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"

enum { DATE_TEXT_MAX = 4096 };

/* Returns the format that the options ask for. */
static status_t choose_format(struct shell *shell, const char **format)
{
    static const struct { const char *name, *iso, *rfc; } precisions[] = {
        { "date", "%Y-%m-%d", "%Y-%m-%d" },
        { "hours", "%Y-%m-%dT%H%:z", NULL },
        { "minutes", "%Y-%m-%dT%H:%M%:z", NULL },
        { "seconds", "%Y-%m-%dT%H:%M:%S%:z", "%Y-%m-%d %H:%M:%S%:z" },
        { "ns", "%Y-%m-%dT%H:%M:%S,%N%:z", "%Y-%m-%d %H:%M:%S.%N%:z" },
    };
    const char *rfc = option_value_name(shell, "rfc-3339"), *iso = option_value(shell, 'I');
    const char *wanted = rfc ? rfc : iso ? iso : "date";

    *format = option_given(shell, 'R') ? "%a, %d %b %Y %H:%M:%S %z" : "%a %b %e %H:%M:%S %Z %Y";
    if (!rfc && !option_given(shell, 'I'))
        return 0;
    for (size_t i = 0; i < ARRAY_LENGTH(precisions); i++) {
        const char *found = rfc ? precisions[i].rfc : precisions[i].iso;

        /* A name may be abbreviated, as options may. */
        if (found && *wanted && text_starts(precisions[i].name, wanted)) {
            *format = found;
            return 0;
        }
    }
    shell_complain(shell, "invalid argument '%s' for '--%s'", wanted,
                   rfc ? "rfc-3339" : "iso-8601");
    return -EINVAL;
}

/* Finds the time to be shown: now, the one described by -d, or that of the file of -r. */
static int choose_time(struct shell *shell, const struct zone *zone, int64_t *seconds,
                       uint32_t *ns)
{
    const char *text = option_value(shell, 'd'), *name = option_value(shell, 'r');
    int64_t now = time_wall_s();
    *ns = 0;
    if (text && name)
        return shell_complain(shell, "the options to specify dates for printing are mutually "
                                     "exclusive");

    if (name) {
        struct path *path;
        struct node_info info;
        status_t status = path_walk(shell->directory, name, 0, &path);
        if (status)
            return shell_fail(shell, name, status);
        status = path_info(path, INFO_TIMES, &info);
        path_put(path);
        if (status)
            return shell_fail(shell, name, status);
        if (!info.has_modified)
            return shell_complain(shell, "%s: the file system stores no time", name);
        *seconds = info.modified_s;
        *ns = info.modified_ns;
        return SHELL_DONE;
    }

    if (now == INT64_MIN && !text)
        return shell_complain(shell, "no real-time clock found");
    *seconds = now;
    if (text && date_parse_in(zone, text, now == INT64_MIN ? 0 : now, seconds, ns))
        return shell_complain(shell, "invalid date '%s'", text);
    return SHELL_DONE;
}

static int run_date(struct shell *shell, int count, char **words)
{
    const char *format;
    int64_t seconds;
    uint32_t ns;
    struct zone zone;
    const char *name = shell_variable(shell, "TZ");
    bool local = !option_given(shell, 'u') && name && zone_parse(name, &zone);
    if (choose_format(shell, &format))
        return SHELL_FAILED;
    if (count > 1 && words[1][0] != '+')
        return shell_complain(shell, "%s: the clock cannot be set", words[1]);
    bool chosen = option_given(shell, 'R') || option_given(shell, 'I') ||
                  option_given_name(shell, "rfc-3339");
    if (count > 1 && chosen)
        return shell_complain(shell, "multiple output formats specified");
    if (count > 1)
        format = words[1] + 1;

    int result = choose_time(shell, local ? &zone : NULL, &seconds, &ns);
    char *text = result ? NULL : mem_alloc(DATE_TEXT_MAX);
    if (result)
        return result;
    if (!text)
        return shell_fail(shell, NULL, -ENOMEM);
    date_format_in(local ? &zone : NULL, text, DATE_TEXT_MAX, format, seconds, ns);
    stream_format(shell->out, "%s\n", text);
    mem_free(text);
    return SHELL_DONE;
}

static const struct shell_option date_options[] = {
    { 'd', "date", "TEXT", "show this time: '2024-05-01 12:30', 'tomorrow', '@0'" },
    { 'r', "reference", "FILE", "show the modification time of FILE" },
    { 'I', "iso-8601", "[FMT]", "as 2024-05-01; FMT: hours, minutes, seconds, ns" },
    { 'R', "rfc-email", NULL, "as Wed, 01 May 2024 12:34:56 +0000" },
    { 0, "rfc-3339", "FMT", "as 2024-05-01 12:34:56+00:00; FMT: date, seconds, ns" },
    { 'u', "utc", NULL, "use UTC, also if TZ names another zone" },
    { 0 },
};

static const struct shell_command command_date = {
    .name = "date",
    .arguments = "[-Ru] [-I[FMT]] [-d TEXT | -r FILE] [+FORMAT]",
    .summary = "show the date and time, as 2024-05-01 12:34 with '+%F %R'",
    .arguments_max = 1,
    .run = run_date,
    .options = date_options,
    .group = "The machine",
};
SHELL_COMMAND(command_date);
DRIVER_DRIVES("command date The machine: "
              "show the date and time, as 2024-05-01 12:34 with '+%F %R'");

static int run_uptime(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;

    /* The monotonic clock starts at 0, with the kernel. */
    uint64_t us = time_now_us(), seconds = us / 1000000;
    int64_t now = time_wall_s();
    if (option_given(shell, 's')) {
        char text[32];
        if (now == INT64_MIN)
            return shell_complain(shell, "no real-time clock found");
        date_format(text, sizeof(text), "%F %T", now - (int64_t)seconds);
        stream_format(shell->out, "%s\n", text);
        return SHELL_DONE;
    }
    stream_format(shell->out, "up %llu:%02llu:%02llu.%03llu\n",
                  (unsigned long long)(seconds / 3600), (unsigned long long)(seconds / 60 % 60),
                  (unsigned long long)(seconds % 60), (unsigned long long)(us / 1000 % 1000));
    return SHELL_DONE;
}

static const struct shell_option uptime_options[] = {
    { 's', "since", NULL, "show when the kernel started" },
    { 0 },
};

static const struct shell_command command_uptime = {
    .name = "uptime",
    .arguments = "[-s]",
    .summary = "show the time since the kernel started",
    .run = run_uptime,
    .options = uptime_options,
    .group = "The machine",
};
SHELL_COMMAND(command_uptime);
DRIVER_DRIVES("command uptime The machine: show the time since the kernel started");

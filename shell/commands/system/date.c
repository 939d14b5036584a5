/*
 * date.c - shows the time of day and the time since the start: date, uptime.
 *
 * All times are UTC: Spindle has no time zones, and takes the real-time clock to be in UTC.
 */
#include "lib/civil.h"
#include "lib/text.h"
#include "shell/options.h"

static int run_date(struct shell *shell, int count, char **words)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t now = time_wall_s();
    char text[CIVIL_TEXT_BYTES];

    /* Of the formats of date(1), only the one that scripts calculate with is supported. */
    if (count > 1 && !text_equal(words[1], "+%s"))
        return shell_usage(shell);
    if (now == INT64_MIN)
        return shell_complain(shell, "no real-time clock found");

    if (count > 1) {
        stream_format(shell->out, "%lld\n", (long long)now);
    } else if (option_given(shell, 'I')) {
        civil_format(text, sizeof(text), now);
        stream_format(shell->out, "%s\n", text);
    } else {
        /* The format of date(1) in the POSIX locale: "Wed May  1 12:34:56 UTC 2024". */
        struct civil c = seconds_to_civil(now);

        /* The remainder of a time before 1970 is negative, so 7 is added to it. */
        unsigned day = (unsigned)((now / 86400 % 7 + 7) % 7);
        stream_format(shell->out, "%.3s %.3s %2u %02u:%02u:%02u UTC %lld\n", days + 3 * day,
                      months + 3 * (c.month - 1), c.day, c.hour, c.minute, c.second,
                      (long long)c.year);
    }
    return SHELL_DONE;
}

static const struct shell_option date_options[] = {
    { 'I', "iso-8601", NULL, "print it as 2024-05-01T12:34:56Z" },
    { 'u', "utc", NULL, "use UTC (always on)" },
    { 0 },
};

static const struct shell_command command_date = {
    .name = "date",
    .arguments = "[-Iu] [+%s]",
    .summary = "show the date and time in UTC; +%s: the seconds since 1970",
    .arguments_max = 1,
    .run = run_date,
    .options = date_options,
    .group = "The machine",
};
SHELL_COMMAND(command_date);

static int run_uptime(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;

    /* The monotonic clock starts at 0, with the kernel. */
    uint64_t us = time_now_us(), seconds = us / 1000000;
    stream_format(shell->out, "up %llu:%02llu:%02llu.%03llu\n",
                  (unsigned long long)(seconds / 3600), (unsigned long long)(seconds / 60 % 60),
                  (unsigned long long)(seconds % 60), (unsigned long long)(us / 1000 % 1000));
    return SHELL_DONE;
}

static const struct shell_command command_uptime = {
    .name = "uptime",
    .arguments = "",
    .summary = "show the time since the kernel started",
    .run = run_uptime,
    .group = "The machine",
};
SHELL_COMMAND(command_uptime);

/*
 * iostat.c - shows what the devices have done: iostat.
 */
#include "kernel/dev/queue/statistics.h"
#include "lib/format.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/show.h"

enum { LATENCY_TEXT_BYTES = 16 };

/* One device's counts when they were last printed. */
struct reading {
    unsigned device_number;
    struct device_statistics counts;
};

/* The readings of all devices, in the order of their numbers. */
struct readings {
    struct reading *list;
    unsigned count;
};

/* Writes "850us", "12.3ms" or "4.2s". */
static void latency_text(char text[LATENCY_TEXT_BYTES], uint64_t us)
{
    uint64_t tenths_ms = us / 100, tenths_s = us / 100000;
    if (us < 1000)
        format_text(text, LATENCY_TEXT_BYTES, "%lluus", (unsigned long long)us);
    else if (us < 1000000)
        format_text(text, LATENCY_TEXT_BYTES, "%llu.%llums", (unsigned long long)tenths_ms / 10,
                    (unsigned long long)tenths_ms % 10);
    else
        format_text(text, LATENCY_TEXT_BYTES, "%llu.%llus", (unsigned long long)tenths_s / 10,
                    (unsigned long long)tenths_s % 10);
}

static void print_line(struct shell *shell, const struct device *device,
                       const struct device_statistics *counts)
{
    char bytes[SIZE_TEXT_BYTES], depth[32], latency[3][LATENCY_TEXT_BYTES];
    static const unsigned percents[3] = { 50, 99, 100 };
    size_text(bytes, counts->bytes, option_given(shell, 'h'));
    format_text(depth, sizeof(depth), "%u/%u/%u", counts->in_flight, counts->highest,
                counts->depth);
    for (unsigned i = 0; i < 3; i++)
        latency_text(latency[i], statistics_latency_us(counts, percents[i]));

    stream_format(shell->out, "%-9s %8llu %13s %7llu %6llu %10s %6s %6s %6s\n",
                  device_label(device), (unsigned long long)counts->requests, bytes,
                  (unsigned long long)counts->merges, (unsigned long long)counts->errors, depth,
                  latency[0], latency[1], latency[2]);
}

/* Returns the reading of a device in the list; NULL if it is not there. */
static const struct reading *readings_find(const struct readings *readings, unsigned number)
{
    for (unsigned i = 0; i < readings->count; i++)
        if (readings->list[i].device_number == number)
            return &readings->list[i];
    return NULL;
}

/* Visits the devices that have a queue. */
static unsigned count_devices(void)
{
    unsigned count = 0;
    struct device *device;
    for (unsigned after = 0; (device = device_by_class(after)); device_put(device)) {
        after = device_number(device);
        count++;
    }
    return count;
}

/* Reads all devices and prints what changed since `before`, which the new readings replace.
 * -ENOMEM. */
static status_t report(struct shell *shell, struct readings *before)
{
    unsigned most = count_devices();
    struct readings now = { .list = mem_alloc((most + 1) * sizeof(struct reading)) };
    struct device_statistics *difference = mem_alloc(sizeof(*difference));
    struct device *device;
    if (!now.list || !difference)
        goto no_memory;

    stream_format(shell->out, "%-9s %8s %13s %7s %6s %10s %6s %6s %6s\n", "DEVICE", "REQUESTS",
                  "BYTES", "MERGED", "ERRORS", "DEPTH", "50%", "99%", "100%");
    for (unsigned after = 0; now.count < most && (device = device_by_class(after));
         device_put(device)) {
        after = device_number(device);
        struct reading *reading = &now.list[now.count];
        reading->device_number = after;

        /* A part has no queue of its own: its requests are those of the disk. */
        if (device_statistics(device, &reading->counts))
            continue;
        now.count++;

        /* A device that appeared meanwhile is compared with nothing. */
        const struct reading *old = readings_find(before, after);
        *difference = reading->counts;
        if (old)
            statistics_subtract(difference, &old->counts);
        if (difference->requests || difference->in_flight || !option_given(shell, 'z'))
            print_line(shell, device, difference);
    }

    mem_free(difference);
    mem_free(before->list);
    *before = now;
    return stream_flush(shell->out);

no_memory:
    mem_free(difference);
    mem_free(now.list);
    return -ENOMEM;
}

static int run_iostat(struct shell *shell, int count, char **words)
{
    struct readings readings = { 0 };
    uint64_t us = 0, times = 1;
    if (count > 1) {
        status_t refused = text_parse_time(words[1], &us);
        if (refused)
            return shell_refuse_number(shell, "TIME", words[1], refused);
        times = UINT64_MAX;
    }
    if (count > 2 && !shell_number(shell, "COUNT", words[2], 1, UINT64_MAX, &times))
        return SHELL_USAGE;

    /* The first report is since start-up, each other one since the report before. */
    status_t status = report(shell, &readings);
    while (--times && !status && !shell_interrupted()) {
        uint64_t deadline_us;
        if (__builtin_add_overflow(time_now_us(), us, &deadline_us))
            deadline_us = TIME_NEVER;
        while (!shell_interrupted() && time_now_us() < deadline_us)
            thread_park(deadline_us);
        if (shell_interrupted())
            break;

        stream_text(shell->out, "\n");
        status = report(shell, &readings);
    }

    mem_free(readings.list);
    if (shell_interrupted())
        return SHELL_INTERRUPTED;
    return status ? shell_fail(shell, NULL, status) : SHELL_DONE;
}

static const struct shell_option iostat_options[] = {
    { 'h', "human", NULL, "print sizes such as 1.2K or 34M" },
    { 'z', "omit-idle", NULL, "omit devices without requests" },
    { 0 },
};

static const struct shell_command command_iostat = {
    .name = "iostat",
    .arguments = "[-hz] [TIME [COUNT]]",
    .summary = "count the requests of each device and their latency; repeat every TIME",
    .arguments_max = 2,
    .run = run_iostat,
    .options = iostat_options,
    .group = "The machine",
};
SHELL_COMMAND(command_iostat);

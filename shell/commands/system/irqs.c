/*
 * irqs.c - lists the interrupts, and how often they occur: irqs.
 *
 * Only the kernel build has it. The counts are read without a lock: each is one word.
 */
#include "kernel/dev/device.h"
#include "kernel/dev/driver.h"
#include "kernel/x86/dispatch.h"
#include "lib/text.h"
#include "shell/options.h"

enum { NAME_BYTES = 80 };

/* Prints the name of a handler, and after that of a device its driver's. */
static void show_handler(struct stream *out, const char *name)
{
    struct device *device = device_find(name);
    const struct driver *driver = device ? device_driver(device) : NULL;

    stream_text(out, name);
    if (driver)
        stream_format(out, " (%s)", driver->name);
    if (device)
        device_put(device);
}

static void show_source(struct stream *out, unsigned source, uint64_t raised, uint64_t unclaimed)
{
    char name[NAME_BYTES] = "not connected";
    bool line = source < INTERRUPT_LINES;
    unsigned handlers = 0;

    if (!interrupt_handler_name(source, 0, name, sizeof(name)) && !raised)
        return;
    stream_format(out, "%-7s %2u %10llu %10llu  ", line ? "line" : "message",
                  line ? source : source - INTERRUPT_LINES, (unsigned long long)raised,
                  (unsigned long long)unclaimed);

    /* Devices may share a line. */
    do {
        stream_text(out, handlers ? ", " : "");
        show_handler(out, name);
    } while (interrupt_handler_name(source, ++handlers, name, sizeof(name)));
    stream_text(out, "\n");
}

/* Prints what was counted since `from`, all zeroes for since start-up. */
static void show(struct stream *out, const struct interrupt_counts *from,
                 const struct interrupt_counts *to)
{
    uint64_t all = 0;
    stream_text(out, "                COUNT  UNCLAIMED  HANDLERS\n");
    for (unsigned i = 0; i < INTERRUPT_SOURCES; i++) {
        uint64_t raised = to->raised[i] - from->raised[i];
        show_source(out, i, raised, to->unclaimed[i] - from->unclaimed[i]);
        all += raised;
    }
    stream_format(out, "%llu interrupt%s, %llu spurious\n", (unsigned long long)all,
                  text_plural(all), (unsigned long long)(to->spurious - from->spurious));
}

/* Waits; ^C ends it. */
static void wait(struct shell *shell, uint64_t us)
{
    uint64_t deadline = time_now_us();
    if (__builtin_add_overflow(deadline, us, &deadline))
        deadline = TIME_NEVER;
    IGNORE(stream_flush(shell->out));
    while (!shell_interrupted() && time_now_us() < deadline)
        thread_park(deadline);
}

static int run_irqs(struct shell *shell, int count, char **words)
{
    uint64_t us = 0;
    status_t status = count > 1 ? text_parse_time(words[1], &us) : 0;
    if (status)
        return shell_refuse_number(shell, "TIME", words[1], status);

    /* Two copies are too large for the stack: at the start and at the end. */
    struct interrupt_counts *counts = mem_zalloc(2 * sizeof(*counts));
    if (!counts)
        return shell_fail(shell, NULL, -ENOMEM);
    if (count > 1) {
        counts[0] = *interrupt_counts();
        wait(shell, us);
    }

    counts[1] = *interrupt_counts();
    show(shell->out, &counts[0], &counts[1]);
    mem_free(counts);
    return shell_interrupted() ? SHELL_INTERRUPTED : SHELL_DONE;
}

static const struct shell_command command_irqs = {
    .name = "irqs",
    .arguments = "[TIME]",
    .summary = "count the interrupts since start-up, or during TIME (as for `sleep`)",
    .arguments_max = 1,
    .run = run_irqs,
    .group = "The machine",
};
SHELL_COMMAND(command_irqs);

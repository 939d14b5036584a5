/*
 * check.c - checks the file system on a device: check.
 */
#include "kernel/module/index.h"
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/text.h"
#include "shell/commands/disks/volume_tools.h"
#include "shell/options.h"
#include "shell/reading/show.h"

struct printing {
    struct check_report report;
    struct shell *shell;
    const char *word;
    unsigned found, repaired;
};

static void print_found(struct check_report *report, const char *text, bool repaired)
{
    struct printing *p = container_of(report, struct printing, report);
    p->found++;
    p->repaired += repaired;
    stream_format(p->shell->out, "%s: ", p->word);
    stream_escaped(p->shell->out, text, false);
    stream_text(p->shell->out, repaired ? "; repaired\n" : "\n");
}

/* Asks each file system driver in turn, until one knows the medium. */
static status_t check_volume(const struct device_handle *handle, bool repair,
                             struct check_report *report)
{
    status_t status = -EMEDIUMTYPE;
    const struct driver *d = driver_next(NULL);
    for (; d && status == -EMEDIUMTYPE; d = status == -EMEDIUMTYPE ? driver_next(d) : d)
        if (d->check_fs)
            status = d->check_fs(handle, repair, report);
    driver_put(d);
    return status;
}

static int report_end(struct printing *p, status_t status)
{
    char files[SIZE_TEXT_BYTES], free[SIZE_TEXT_BYTES];
    const struct check_report *report = &p->report;
    if (status == -EMEDIUMTYPE) {
        IGNORE(shell_complain(p->shell, "%s: no file system that can be checked", p->word));
        return SHELL_USAGE;
    }
    if (status)
        return shell_fail(p->shell, p->word, status);
    size_text(files, report->used_bytes, true);
    size_text(free, report->free_bytes, true);
    stream_format(p->shell->out,
                  "%s: %llu file%s, %llu director%s, %s used, %s free; %u finding%s", p->word,
                  (unsigned long long)report->files, text_plural(report->files),
                  (unsigned long long)report->directories, report->directories == 1 ? "y" : "ies",
                  files, free, p->found, text_plural(p->found));
    if (p->repaired)
        stream_format(p->shell->out, ", %u repaired", p->repaired);
    stream_text(p->shell->out, "\n");
    return p->found > p->repaired ? SHELL_FAILED : SHELL_DONE;
}

static int run_check(struct shell *shell, int count, char **words)
{
    struct printing p = { .report.found = print_found, .shell = shell, .word = words[1] };
    bool repair = option_given(shell, 'f');
    struct device *device;
    struct device_handle handle;
    (void)count;
    if (!volume_open(shell, words[1], repair, &device, &handle))
        return SHELL_USAGE;

    /* Repairing needs the device alone, since it changes what a mount has read. */
    IGNORE(index_load_for_medium(device_alias(device))); /* no driver: reported below */
    status_t status = repair ? device_claim(&handle) : 0;
    if (!status) {
        status = check_volume(&handle, repair, &p.report);
        if (repair)
            device_release(&handle);
    }
    volume_close(device, &handle);
    return report_end(&p, status);
}

static const struct shell_option check_options[] = {
    { 'f', "fix", NULL, "repair; a damaged file ends before the damage" },
    { 0 },
};

static const struct shell_command command_check = {
    .name = "check",
    .arguments = "[-f] DEVICE",
    .summary = "find errors in the file system on a device",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_check,
    .options = check_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_check);
DRIVER_DRIVES("command check Devices and mounts: find errors in the file system on a device");

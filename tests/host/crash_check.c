/*
 * crash_check.c - what checks find on a volume after a power failure: see crash_check.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/dev/driver.h"
#include "lib/macros.h"
#include "tests/host/crash_check.h"
#include "tests/host/rig.h"

/* ---- the own check ------------------------------------------------------------------------ */

struct findings {
    struct check_report report;
    bool renames;
    char wrong[200];
};

static const char *const harmless[] = {
    "belongs to no file", "belong to no file", "the volume was not unmounted", "FSInfo counts",
    "of the table differs from the first one", "has more clusters than its",
};

static void found(struct check_report *report, const char *text, bool repaired)
{
    struct findings *findings = container_of(report, struct findings, report);
    bool is_harmless = findings->renames && strstr(text, ": its cluster ");
    (void)repaired;
    for (size_t i = 0; i < ARRAY_LENGTH(harmless); i++)
        is_harmless = is_harmless || strstr(text, harmless[i]);
    if (!is_harmless && !findings->wrong[0])
        snprintf(findings->wrong, sizeof(findings->wrong), "check: %s", text);
}

const char *crash_check(struct device *device, bool renames)
{
    static struct findings findings;
    struct device_handle handle;
    findings = (struct findings){ .report.found = found, .renames = renames };
    expect("open", device_open(device, &handle), 0);

    status_t status = -EMEDIUMTYPE;
    const struct driver *d = driver_next(NULL);
    for (; d && status == -EMEDIUMTYPE; d = status == -EMEDIUMTYPE ? driver_next(d) : d)
        if (d->check_fs)
            status = d->check_fs(&handle, false, &findings.report);
    driver_put(d);
    device_close(&handle);
    if (status)
        snprintf(findings.wrong, sizeof(findings.wrong), "check: %s", status_name(status));
    return findings.wrong[0] ? findings.wrong : NULL;
}

/* ---- other programs ----------------------------------------------------------------------- */

static void write_at(int file, const uint8_t *from, uint64_t offset, size_t bytes)
{
    kassert(pwrite(file, from + offset, bytes, (off_t)offset) == (ssize_t)bytes);
}

void crash_file_create(struct crash_file *file, const struct snapshot *base)
{
    strcpy(file->path, "/tmp/spindle_crash.XXXXXX");
    file->file = mkstemp(file->path);
    file->base = snapshot_map(base);
    kassert(file->file >= 0);
    write_at(file->file, file->base, 0, base->bytes);
}

void crash_file_destroy(struct crash_file *file, const struct snapshot *base)
{
    close(file->file);
    unlink(file->path);
    snapshot_unmap(base, file->base);
}

/* Copies the blocks of all writes of a log from an image to the file. */
static void copy_blocks(const struct crash_file *file, const struct recorder *recorder,
                        const uint8_t *image)
{
    for (size_t i = 0; i < recorder->count; i++)
        if (recorder->log[i].kind == RECORD_WRITE)
            write_at(file->file, image, recorder->log[i].offset_bytes,
                     recorder->log[i].length_bytes);
}

bool crash_file_check(const struct crash_file *file, const struct replay *replay,
                      const char *command)
{
    char text[256];
    copy_blocks(file, replay->recorder, replay->image);
    snprintf(text, sizeof(text), command, file->path);
    bool succeeds = !system(text);
    copy_blocks(file, replay->recorder, file->base);
    return succeeds;
}

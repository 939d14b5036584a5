/*
 * toc.c - shows the table of contents of a disc: toc.
 */
#include "shell/reading/mounts.h"

static void toc_print(struct stream *out, const struct device_toc *toc)
{
    static const char *const kinds[] = { "data", "data, mode 1", "data, mode 2" };
    stream_text(out, "TRACK SESSION  FIRST BLOCK      BLOCKS  KIND\n");

    /* Only data tracks have a mode. Mode 0 means that the drive does not report it. */
    for (unsigned i = 0; i < toc->track_count; i++) {
        const struct device_track *track = &toc->tracks[i];
        stream_format(out, "%5u %7u %12u %11u  %s\n", track->number, track->session,
                      track->first_block, track->blocks,
                      !track->data ? "audio" : kinds[track->mode <= 2 ? track->mode : 0]);
    }
}

static int run_toc(struct shell *shell, int count, char **words)
{
    (void)count;
    struct device *device = mounts_find_device(shell, words[1]);
    struct device_toc *toc = mem_zalloc(sizeof(*toc));
    status_t status = !toc ? -ENOMEM : device ? 0 : -ENODEV;
    if (!status)
        status = device_control(device, DEVICE_CONTROL_TOC, toc, sizeof(*toc));
    if (!status)
        toc_print(shell->out, toc);

    mem_free(toc);
    device_put(device);
    /* A disk, or an image without tracks. */
    if (status == -EOPNOTSUPP)
        return shell_complain(shell, "%s: no table of contents", words[1]);
    return status ? shell_fail(shell, words[1], status) : SHELL_DONE;
}

static const struct shell_command command_toc = {
    .name = "toc",
    .arguments = "DEVICE",
    .summary = "show the tracks and sessions of a CD or CD image",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_toc,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_toc);

/*
 * version.c - identifies the kernel: version.
 */
#include "kernel/build.h"
#include "kernel/module/known.h"
#include "kernel/module/module.h"
#include "shell/shell.h"

enum { DIGITS_SHOWN = 16 };

static int run_version(struct shell *shell, int count, char **words)
{
    const char *taint = module_tainted_by();
    (void)count, (void)words;

    stream_format(shell->out, "Spindle, build %s\n", spindle_build_id);
    stream_format(shell->out, "interface for drivers: %.*s\n", DIGITS_SHOWN, driver_abi);
    if (taint)
        stream_format(shell->out, "tainted: driver %s was not built with this kernel\n", taint);
    return SHELL_DONE;
}

static const struct shell_command command_version = {
    .name = "version",
    .arguments = "",
    .summary = "identify the kernel, and what it has loaded",
    .run = run_version,
    .group = "The machine",
};
SHELL_COMMAND(command_version);

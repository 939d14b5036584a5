/*
 * power.c - restarts the machine or switches it off: reboot, poweroff. Before that, everything that
 * is only in memory is written to the disks.
 */
#include "kernel/vfs/vfs.h"
#include "lib/macros.h"
#include "shell/options.h"

struct error_sink {
    struct text_sink sink;
    struct shell *shell;
};

static void error_write(struct text_sink *sink, const char *text, size_t bytes)
{
    struct shell *shell = container_of(sink, struct error_sink, sink)->shell;
    (void)bytes;
    for (; *text; text++)
        if (*text == '\n')
            stream_text(shell->err, "\n");
        else
            stream_escaped(shell->err, (const char[]){ *text, '\0' }, false);
    IGNORE(stream_flush(shell->err));
}

/* Writes everything to the disks. What cannot be written is listed, and a person decides.
 * SHELL_DONE if the machine may stop. */
static int write_all(struct shell *shell)
{
    struct error_sink sink = { .sink.write = error_write, .shell = shell };
    bool force = option_given(shell, 'f');
    IGNORE(stream_flush(shell->out));

    status_t status = vfs_finish(force, &sink.sink);
    if (!status || force)
        return SHELL_DONE;
    if (status == -EINTR)
        return SHELL_INTERRUPTED;

    int yes = shell_ask(shell, "these bytes will be lost. Continue? [y/N] ");
    if (yes <= 0)
        return SHELL_FAILED;
    IGNORE(vfs_finish(true, &sink.sink)); /* it was listed and confirmed */
    return SHELL_DONE;
}

static int run_reboot(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    int result = write_all(shell);
    if (result)
        return result;

    /* Nothing is printed after this. */
    IGNORE(stream_flush(shell->out));
    machine_reboot();
}

static const struct shell_option power_options[] = {
    { 'f', "force", NULL, "do not ask, even if something cannot be written" },
    { 0 },
};

static const struct shell_command command_reboot = {
    .name = "reboot",
    .arguments = "[-f]",
    .summary = "write everything to the disks and restart the machine",
    .run = run_reboot,
    .options = power_options,
    .group = "The machine",
};
SHELL_COMMAND(command_reboot);

static int run_poweroff(struct shell *shell, int count, char **words)
{
    uint64_t code = 0;
    if (count > 1 && !shell_number(shell, "CODE", words[1], 0, 125, &code))
        return SHELL_USAGE;

    int result = write_all(shell);
    if (result)
        return result;

    /* The code is for an emulator: a real machine has no use for it. */
    IGNORE(stream_flush(shell->out));
    machine_poweroff((int)code);
}

static const struct shell_command command_poweroff = {
    .name = "poweroff",
    .arguments = "[-f] [CODE]",
    .summary = "write everything and switch off; CODE (0..125) is an emulator's exit status",
    .arguments_max = 1,
    .run = run_poweroff,
    .options = power_options,
    .group = "The machine",
};
SHELL_COMMAND(command_poweroff);

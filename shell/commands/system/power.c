/*
 * power.c - restarts the machine or switches it off: reboot, poweroff.
 */
#include "lib/macros.h"
#include "shell/options.h"

static int run_reboot(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;

    /* Nothing is printed after this. */
    IGNORE(stream_flush(shell->out));
    machine_reboot();
}

static const struct shell_command command_reboot = {
    .name = "reboot",
    .arguments = "",
    .summary = "restart the machine",
    .run = run_reboot,
    .group = "The machine",
};
SHELL_COMMAND(command_reboot);

static int run_poweroff(struct shell *shell, int count, char **words)
{
    uint64_t code = 0;
    if (count > 1 && !shell_number(shell, "CODE", words[1], 0, 125, &code))
        return SHELL_USAGE;

    /* The code is for an emulator: a real machine has no use for it. */
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

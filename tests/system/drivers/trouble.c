/* trouble.c - a driver for tests, built outside the tree: commands that compute, wait and fail. */
#include "kernel/module/info.h"
#include "shell/shell.h"

DRIVER_INFO("trouble", "1.0", "MIT", "commands that compute, wait and fail");
DRIVER_DRIVES("command compute");

enum { COMPUTE_US = 500000 };

__attribute__((noinline)) static uint64_t compute_step(uint64_t value)
{
    for (unsigned i = 0; i < 100000; i++)
        value = value * 6364136223846793005u + 1442695040888963407u;
    return value;
}

static int run_compute(struct shell *shell, int count, char **words)
{
    uint64_t value = (uint64_t)count, end = time_now_us() + COMPUTE_US;
    (void)words;

    while (time_now_us() < end)
        value = compute_step(value);
    stream_format(shell->out, "%s\n", value ? "done" : "zero");
    return SHELL_DONE;
}

static const struct shell_command command_compute = {
    .name = "compute",
    .arguments = "",
    .summary = "compute for half a second",
    .run = run_compute,
    .group = "Drivers",
};
SHELL_COMMAND(command_compute);

__attribute__((noinline)) static void crash_now(struct shell *shell, volatile int *nothing)
{
    stream_text(shell->out, "crashing\n");
    *nothing = 1;
}

static int run_crash(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    crash_now(shell, 0);
    return SHELL_DONE;
}

static const struct shell_command command_crash = {
    .name = "crash",
    .arguments = "",
    .summary = "write to address 0",
    .run = run_crash,
    .group = "Drivers",
};
SHELL_COMMAND(command_crash);

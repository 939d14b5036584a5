/*
 * log.c - shows the kernel's log: log.
 */
#include "kernel/log.h"
#include "shell/shell.h"

static int run_log(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    enum { BYTES = 1024 };
    uint64_t position = 0;
    char *text = mem_alloc(BYTES);
    if (!text)
        return shell_fail(shell, NULL, -ENOMEM);
    /* The log may grow while it is printed; `position` is where the next piece begins. */
    for (size_t got; (got = log_read(&position, text, BYTES)) && !shell_interrupted();)
        stream_write(shell->out, text, got);
    mem_free(text);
    return SHELL_DONE;
}

static const struct shell_command command_log = {
    .name = "log",
    .arguments = "",
    .summary = "show the kernel's messages",
    .run = run_log,
    .group = "The machine",
};
SHELL_COMMAND(command_log);

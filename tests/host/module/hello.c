/*
 * hello.c - a driver object for tests: a command and a self test, and no device. The kernel does
 * not know its digest.
 */
#include "kernel/module/info.h"
#include "kernel/selftest.h"
#include "shell/options.h"
#include "shell/shell.h"

DRIVER_INFO("hello", "0.1", "MIT", "a command that greets");
DRIVER_DRIVES("command hello");

static int run_hello(struct shell *shell, int count, char **words)
{
    stream_format(shell->out, "hello, %s%s\n", count > 1 ? words[1] : "world",
                  option_given(shell, 'l') ? "!" : "");
    return SHELL_DONE;
}

static const struct shell_option hello_options[] = {
    { 'l', "loud", NULL, "say it loudly" },
    { 0 },
};

static const struct shell_command command_hello = {
    .name = "hello",
    .arguments = "[-l] [NAME]",
    .summary = "print a greeting",
    .arguments_max = 1,
    .run = run_hello,
    .options = hello_options,
    .group = "Drivers",
};
SHELL_COMMAND(command_hello);

SELFTEST(hello_adds)
{
    SELFTEST_CHECK(1 + 1 == 2);
}

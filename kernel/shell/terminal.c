/* terminal.c - see shell.h. */
#include "kernel/shell/shell.h"

ssize_t shell_read(struct shell *shell, void *buffer, size_t bytes)
{
    (void)shell, (void)buffer, (void)bytes;
    return 0;
}

bool shell_out_is_terminal(const struct shell *shell)
{
    (void)shell;
    return false;
}

void shell_terminal_size(unsigned *columns, unsigned *rows)
{
    *columns = 80;
    *rows = 24;
}

const char *shell_variable(const struct shell *shell, const char *name)
{
    (void)shell, (void)name;
    return NULL;
}

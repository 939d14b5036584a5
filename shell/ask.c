/*
 * ask.c - asks a question at the standard input; see shell.h.
 */
#include "lib/macros.h"
#include "shell/shell.h"

int shell_ask(struct shell *shell, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    shell_write_message(shell, format, arguments);
    va_end(arguments);
    IGNORE(stream_flush(shell->err));

    /* Byte by byte: what follows the line is the next answer. */
    char c, first = '\0';
    ssize_t got;
    bool begun = false;
    while ((got = shell_read(shell, &c, 1)) > 0 && c != '\n') {
        first = begun ? first : c;
        begun = true;
    }
    return got < 0 ? (int)got : first == 'y' || first == 'Y';
}

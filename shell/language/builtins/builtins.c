/*
 * builtins.c - helpers of the language's commands; see builtins.h.
 */
#include "shell/language/builtins/builtins.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

int builtin_fail(struct shell *shell, const char *format, ...)
{
    char message[256];
    va_list arguments;
    va_start(arguments, format);
    format_text_v(message, sizeof(message), format, arguments);
    va_end(arguments);
    shell_complain(shell, "%s", message);
    return builtin_leave(shell);
}

int builtin_leave(struct shell *shell)
{
    /* The status is that of the shell, too, if it ends. */
    if (shell->command->special && !shell->language->by_command) {
        shell->leaving = true;
        shell->status = SHELL_USAGE;
    }
    return SHELL_USAGE;
}

int builtin_number(struct shell *shell, const char *text)
{
    uint64_t number = 0;
    bool valid = *text && text_all_digits(text, strlen(text)) && !text_parse_u64(text, &number) &&
                 number <= INT32_MAX;
    if (!valid) {
        (void)builtin_fail(shell, "Illegal number: %s", text);
        return -1;
    }
    return (int)number;
}

int builtin_operands(int count, char ***words)
{
    bool ends = count > 1 && text_equal((*words)[1], "--");
    *words += 1 + ends;
    return count - 1 - ends;
}

int builtin_set(struct shell *shell, const char *name, size_t length, const char *value)
{
    status_t status = variables_set(&shell->variables, name, length, value);
    if (status == -EPERM)
        return builtin_fail(shell, "%.*s: is read only", (int)length, name);
    return status ? shell_fail(shell, NULL, status) : SHELL_DONE;
}

void builtin_print_quoted(struct stream *out, const char *value)
{
    /* A single quote cannot be escaped inside single quotes: those are within double quotes. */
    for (bool first = true; *value || first; first = false) {
        char quote = *value == '\'' ? '"' : '\'';
        size_t run = 0;
        while (value[run] && (value[run] == '\'') == (quote == '"'))
            run++;
        stream_format(out, "%c%.*s%c", quote, (int)run, value, quote);
        value += run;
    }
}

struct listing {
    unsigned flags;
    struct words names;
    status_t status;
};

static void list_one(const struct variable *variable, void *context)
{
    struct listing *listing = context;
    if ((variable->flags & listing->flags) == listing->flags && !listing->status)
        listing->status = words_add(&listing->names, variable->name, variable->name_length);
}

void builtin_list_variables(struct shell *shell, unsigned flags, const char *prefix)
{
    struct listing listing = { .flags = flags };
    variables_each(&shell->variables, list_one, &listing);
    words_sort(&listing.names, 0);

    /* Without memory for all of the names, those that fit are shown. */
    for (int i = 0; i < listing.names.count; i++) {
        const char *name = listing.names.list[i];
        const char *value = variables_get(&shell->variables, name, strlen(name));
        if (!value && !flags)
            continue;
        stream_format(shell->out, "%s%s", prefix, name);
        if (value) {
            stream_text(shell->out, "=");
            builtin_print_quoted(shell->out, value);
        }
        stream_text(shell->out, "\n");
    }
    words_free(&listing.names);
    if (listing.status)
        (void)shell_fail(shell, NULL, listing.status);
}

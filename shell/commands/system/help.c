/*
 * help.c - lists the commands by group, or describes one: help.
 *
 * The table of commands is in the order in which the files were linked, so that each group is
 * sorted here; that costs nothing to keep.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/command_not_found.h"
#include "shell/options.h"

/* In the order of the list. NULL: the commands that belong to the shell itself. */
static const char *const groups[] = {
    NULL, "Files", "Text", "Trees", "Devices and mounts", "The machine",
};

static bool same_group(const char *a, const char *b)
{
    return a && b ? text_equal(a, b) : a == b;
}

/* Returns the command of a group that follows `previous` alphabetically; NULL at the end. */
static const struct shell_command *help_next(const char *group,
                                             const struct shell_command *previous)
{
    const struct shell_command *best = NULL;
    table_each(entry, shell_commands, struct shell_command) {
        if (!same_group((*entry)->group, group) ||
            (previous && strcmp((*entry)->name, previous->name) <= 0))
            continue;
        if (!best || strcmp((*entry)->name, best->name) < 0)
            best = *entry;
    }
    return best;
}

static int run_help(struct shell *shell, int count, char **words)
{
    if (count > 1) {
        const struct shell_command *command = shell_command_find(words[1]);
        if (!command) {
            (void)command_not_found(shell, words[1]);
            return SHELL_FAILED;
        }
        options_help(shell, command);
        return SHELL_DONE;
    }

    for (unsigned i = 0; i < ARRAY_LENGTH(groups); i++) {
        stream_format(shell->out, "%s%s\n", i ? "\n" : "", i ? groups[i] : "The shell");
        const struct shell_command *c = NULL;
        while ((c = help_next(groups[i], c)))
            stream_format(shell->out, "  %-10s %s\n", c->name, c->summary);
    }
    stream_text(shell->out, "\n`help COMMAND` describes a command; "
                            "`book` lists the chapters of the Book.\n");
    return SHELL_DONE;
}

static const struct shell_command command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "list the commands, or describe one",
    .arguments_max = 1,
    .run = run_help,
};
SHELL_COMMAND(command_help);

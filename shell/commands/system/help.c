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

enum { HELP_NAME_BYTES = 32, HELP_SUMMARY_BYTES = 128 };

/* In the order of the list. NULL: the commands that belong to the shell itself. */
static const char *const groups[] = {
    NULL, "Files", "Text", "Trees", "Devices and mounts", "The machine", "Drivers",
};

static bool same_group(const char *a, const char *b)
{
    return a && b ? text_equal(a, b) : a == b;
}

/* The next line of a group: the first name after `previous` in alphabetical order. Copied, since a
 * driver may be unloaded meanwhile. */
struct help_line {
    const char *group;
    char previous[HELP_NAME_BYTES], name[HELP_NAME_BYTES], summary[HELP_SUMMARY_BYTES];
};

static void consider(const struct shell_command *command, void *context)
{
    struct help_line *line = context;

    /* Names are compared as far as they are kept, so that a longer one does not follow itself. */
    enum { COMPARED_BYTES = HELP_NAME_BYTES - 1 };
    if (!same_group(command->group, line->group) ||
        strncmp(command->name, line->previous, COMPARED_BYTES) <= 0)
        return;
    if (line->name[0] && strncmp(command->name, line->name, COMPARED_BYTES) >= 0)
        return;
    text_copy(line->name, sizeof(line->name), command->name);
    text_copy(line->summary, sizeof(line->summary), command->summary);
}

static void show_group(struct shell *shell, const char *group)
{
    struct help_line line = { .group = group };

    while (shell_command_each(consider, &line), line.name[0]) {
        stream_format(shell->out, "  %-10s %s\n", line.name, line.summary);
        text_copy(line.previous, sizeof(line.previous), line.name);
        line.name[0] = '\0';
    }
}

/* Returns the number of the group that begins with this word in any case, or -1. */
static int find_group(const char *word)
{
    size_t length = strlen(word);
    for (unsigned i = 0; i < ARRAY_LENGTH(groups); i++) {
        const char *name = i ? groups[i] : "shell";
        size_t at = 0;
        while (at < length && name[at] && text_lower(name[at]) == text_lower(word[at]))
            at++;
        if (length && at == length && (!name[at] || name[at] == ' '))
            return (int)i;
    }
    return -1;
}

/* Describes a command, or lists a group. A command precedes a group of the same name. */
static int show_word(struct shell *shell, const char *word)
{
    struct code_use use = { 0 };
    status_t status;
    const struct shell_command *command = shell_command_find(word, &use, &status);
    if (command) {
        options_help(shell, command);
        code_use_end(&use);
        return SHELL_DONE;
    }

    int group = find_group(word);
    if (group < 0) {
        (void)command_not_found(shell, word, status);
        return SHELL_FAILED;
    }
    show_group(shell, groups[group]);
    return SHELL_DONE;
}

static int run_help(struct shell *shell, int count, char **words)
{
    if (count > 1)
        return show_word(shell, words[1]);

    for (unsigned i = 0; i < ARRAY_LENGTH(groups); i++) {
        stream_format(shell->out, "%s%s\n", i ? "\n" : "", i ? groups[i] : "The shell");
        show_group(shell, groups[i]);
    }
    stream_text(shell->out, "\n`help COMMAND` describes a command, `help files` lists a group; "
                            "`book` lists the\nchapters of the Book.\n");
    return SHELL_DONE;
}

static const struct shell_command command_help = {
    .name = "help",
    .arguments = "[COMMAND|GROUP]",
    .summary = "list the commands or a group of them, or describe one",
    .arguments_max = 1,
    .run = run_help,
};
SHELL_COMMAND(command_help);

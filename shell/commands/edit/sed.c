/*
 * sed.c - edits lines with a script: sed. See sed.h.
 */
#include "shell/commands/edit/sed.h"
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"

static void free_command(struct sed_command *command)
{
    struct sed_substitution *s = command->substitution;
    regex_destroy(command->from.regex);
    regex_destroy(command->to.regex);
    buffer_free(&command->text);
    buffer_free(&command->map);
    if (command->reads) {
        input_close(command->reads);
        mem_free(command->reads);
    }
    if (s) {
        regex_destroy(s->regex);
        while (s->pieces) {
            struct sed_piece *next = s->pieces->next;
            buffer_free(&s->pieces->text);
            mem_free(s->pieces);
            s->pieces = next;
        }
        mem_free(s);
    }
    mem_free(command);
}

void sed_free(struct sed *sed)
{
    while (sed->commands) {
        struct sed_command *next = sed->commands->next;
        free_command(sed->commands);
        sed->commands = next;
    }
    while (sed->outputs) {
        struct sed_output *next = sed->outputs->next;
        output_file_abandon(sed->outputs->file);
        mem_free(sed->outputs);
        sed->outputs = next;
    }
    buffer_free(&sed->space);
    buffer_free(&sed->hold);
    buffer_free(&sed->ahead);
}

/* Finds the end of each block. */
static int match_blocks(struct sed *sed)
{
    for (struct sed_command *command = sed->commands; command; command = command->next) {
        unsigned depth = 0;
        struct sed_command *at = command->next;
        if (command->name != '{')
            continue;
        for (; at && (depth || at->name != '}'); at = at->next)
            depth += (at->name == '{') - (at->name == '}');
        if (!at) {
            shell_complain(sed->shell, "-e expression #1, char 0: unmatched `{'");
            return SED_USAGE;
        }
        command->target = at->next;
    }

    unsigned depth = 0;
    for (struct sed_command *command = sed->commands; command; command = command->next) {
        if (command->name == '}' && !depth--) {
            shell_complain(sed->shell, "-e expression #1: unexpected `}'");
            return SED_USAGE;
        }
        depth += command->name == '{';
    }
    return SHELL_DONE;
}

/* Finds the labels of branches; one without a label leads to the end of the script. */
static int find_labels(struct sed *sed)
{
    for (struct sed_command *command = sed->commands; command; command = command->next) {
        if (!strchr("btT", command->name) || command->text.length <= 1)
            continue;
        struct sed_command *label = sed->commands;
        while (label && !(label->name == ':' && text_equal(label->text.text, command->text.text)))
            label = label->next;
        if (!label) {
            shell_complain(sed->shell, "can't find label for jump to `%s'", command->text.text);
            return SED_USAGE;
        }
        command->target = label;
    }
    return SHELL_DONE;
}

static status_t append_file(struct input *input, void *context)
{
    const char *data;
    ssize_t got;
    while ((got = input_piece(input, &data)) > 0)
        buffer_put(context, data, (size_t)got);
    return got < 0 ? (status_t)got : ((struct buffer *)context)->status;
}

/* Returns when the values of an option begin to be part of the script: in the order of the words,
 * all of -e come first, then all of -f. */
static int parse_scripts(struct sed *sed, const char *operand)
{
    struct shell *shell = sed->shell;
    struct buffer script = { 0 };
    int result = SHELL_DONE;
    unsigned number = 1;

    /* Several -e are the lines of one script: "-e 'a\' -e text". */
    const struct option_value *value = option_values(shell, 'e');
    if (operand)
        buffer_put(&script, operand, strlen(operand));
    for (bool first = true; value; value = value->next, first = false) {
        if (!first)
            buffer_put(&script, "\n", 1);
        buffer_put(&script, value->text, strlen(value->text));
    }
    if (script.status)
        result = shell_fail(shell, NULL, script.status);

    /* A first line of "#n" is as -n (POSIX). */
    if (script.length >= 2 && text_starts(script.text, "#n") &&
        (script.text[2] == '\n' || !script.text[2]))
        sed->quiet = true;
    if (!result)
        result = sed_parse(sed, &script, NULL, number);

    value = option_values(shell, 'f');
    for (; value && !result; value = value->next) {
        const char *name = value->text;
        buffer_clear(&script);
        status_t status = input_one(shell, name, &name, append_file, &script);
        if (status) {
            sed_complain(shell, "couldn't open file", name, status);
            result = SED_USAGE;
        } else {
            bool first = !sed->commands;
            if (first && script.length >= 2 && text_starts(script.text, "#n") &&
                (script.text[2] == '\n' || script.length == 2))
                sed->quiet = true;
            result = sed_parse(sed, &script, name, 0);
        }
    }
    buffer_free(&script);
    return result ? result : 0;
}

static int close_outputs(struct sed *sed, int result)
{
    for (struct sed_output *output = sed->outputs; output; output = output->next) {
        enum output_file_end end;
        status_t status = output_file_close(output->file, result != SHELL_DONE, &end);
        if (!status && output->file && end != OUTPUT_FILE_WRITTEN)
            status = -ETXTBSY;
        if (status) {
            (void)shell_fail(sed->shell, output->name, status);
            result = SED_TROUBLE;
        }
        output->file = NULL;
    }
    return result;
}

static int run_sed(struct shell *shell, int count, char **words)
{
    static char standard[] = "-";
    char *only[] = { standard, NULL };
    bool has_script = option_given(shell, 'e') || option_given(shell, 'f');
    struct sed *sed = mem_zalloc(sizeof(*sed));
    if (!sed)
        return shell_fail(shell, NULL, -ENOMEM);
    if (!has_script && count < 2) {
        mem_free(sed);
        return shell_usage(shell);
    }

    sed->shell = shell;
    sed->last = &sed->commands;
    sed->standard.stream = shell->out;
    sed->quiet = option_given(shell, 'n');
    sed->extended = option_given(shell, 'E') || option_given(shell, 'r');
    sed->in_place = option_given(shell, 'i');
    sed->separate = sed->in_place || option_given(shell, 's');
    sed->line_end = option_given(shell, 'z') ? '\0' : '\n';
    sed->wrap = 70;
    sed->hold_ended = true;

    int result = option_number(shell, 'l', 0, UINT64_MAX, &sed->wrap) ? SHELL_DONE : SED_USAGE;
    if (!result)
        result = parse_scripts(sed, has_script ? NULL : words[1]);
    if (!result)
        result = match_blocks(sed);
    if (!result)
        result = find_labels(sed);
    if (!result) {
        int first = has_script ? 1 : 2;
        result = count > first ? sed_run(sed, count - first, words + first)
                               : sed_run(sed, 1, only);
        result = close_outputs(sed, result);
    }
    sed_free(sed);
    mem_free(sed);
    return result;
}

static const struct shell_option sed_options[] = {
    { 'n', "quiet", NULL, "print only what the script prints" },
    { 'e', "expression", "SCRIPT...", "run these commands" },
    { 'f', "file", "FILE...", "run the commands in FILE" },
    { 'E', "regexp-extended", NULL, "use extended regular expressions" },
    { 'r', NULL, NULL, "same as -E" },
    { 'i', "in-place", NULL, "edit the files in place" },
    { 's', "separate", NULL, "$ and line numbers refer to each file" },
    { 'l', "line-length", "N", "divide the lines of l after N columns" },
    { 'u', "unbuffered", NULL, "no effect" },
    { 'z', "null-data", NULL, "lines end with NUL, not newline" },
    { 0 },
};

static const struct shell_command command_sed = {
    .name = "sed",
    .arguments = "[-nErisuz] [-e SCRIPT]... [-f FILE]... [SCRIPT] [FILE...]",
    .summary = "edit lines: s/a/b/, 2d, /x/p, ...",
    .arguments_max = -1,
    .run = run_sed,
    .options = sed_options,
    .group = "Text",
};
SHELL_COMMAND(command_sed);
DRIVER_DRIVES("command sed Text: edit lines: s/a/b/, 2d, /x/p, ...");

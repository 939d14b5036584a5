/*
 * tar.c - lists, extracts and creates archives: tar. See tar.h.
 *
 * Status      0, or 2 after an error, as GNU's.
 */
#include "shell/commands/archives/tar.h"
#include "kernel/module/info.h"
#include "lib/date.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/output_file.h"
#include "shell/options.h"

static status_t add_text(struct words *words, const char *text)
{
    return words_add(words, text, strlen(text));
}

/* Returns whether the first word is letters of options, one of which is a mode: "Ox". */
static bool is_traditional(const char *word)
{
    bool mode = false;
    for (; *word; word++) {
        if (!strchr("ctxfvCkOpXT", *word))
            return false;
        mode |= strchr("ctx", *word) != NULL;
    }
    return mode;
}

/* Adds the options that were given with a dash: "-C DIRECTORY" after the first word. */
static status_t add_given(const struct shell *shell, struct words *words)
{
    const char *strip = option_value_name(shell, "strip-components");
    status_t status = 0;
    for (const char *letter = "vkOpfC"; *letter && !status; letter++) {
        char option[] = { '-', *letter, '\0' };
        const char *value = strchr("fC", *letter) ? option_value(shell, *letter) : NULL;
        if (!option_given(shell, *letter))
            continue;
        status = add_text(words, option);
        if (!status && value)
            status = add_text(words, value);
    }
    if (!status && strip)
        status = add_text(words, "--strip-components");
    return !status && strip ? add_text(words, strip) : status;
}

/* Adds the options with values that may be given several times, or have only a long name. */
static status_t add_long(const struct shell *shell, struct words *words)
{
    static const char *const names[] = { "exclude", "owner", "group", "mtime" };
    status_t status = 0;
    for (const char *letter = "XT"; *letter; letter++) {
        char option[] = { '-', *letter, '\0' };
        const struct option_value *value = option_values(shell, *letter);
        for (; value && !status; value = value->next)
            status = add_text(words, option) ? -ENOMEM : add_text(words, value->text);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        const struct option_value *value = option_values_name(shell, names[i]);
        for (; value && !status; value = value->next) {
            char option[16] = "--";
            text_copy(option + 2, sizeof(option) - 2, names[i]);
            status = add_text(words, option);
            if (!status)
                status = add_text(words, value->text);
        }
    }
    if (!status && option_given_name(shell, "no-recursion"))
        status = add_text(words, "--no-recursion");
    return status;
}

/* Runs the traditional form "tar xvf FILE": the letters of its first word are options, whose values
 * follow in order. */
static int run_traditional(struct shell *shell, int count, char **words)
{
    struct words all = { 0 };
    int next = 2, result = SHELL_TROUBLE;
    status_t status = add_text(&all, "tar");
    for (const char *letter = words[1]; *letter && !status; letter++) {
        char option[] = { '-', *letter, '\0' };
        status = add_text(&all, option);
        if (!status && strchr("fCXT", *letter) && next < count)
            status = add_text(&all, words[next++]);
    }
    if (!status)
        status = add_given(shell, &all);
    for (; next < count && !status; next++)
        status = add_text(&all, words[next]);
    if (!status)
        status = add_long(shell, &all);

    char **list = status ? NULL : words_copy_list(&all);
    if (list)
        result = shell_run_command(shell, all.count, list);
    else
        result = shell_fail(shell, NULL, -ENOMEM);
    mem_free(list);
    words_free(&all);
    return result;
}

static status_t read_archive(struct input *input, void *context)
{
    struct tar *tar = context;
    tar->input = input;
    return tar_read(tar, option_given(tar->shell, 'x'));
}

static void read_from(struct tar *tar, const char *file)
{
    const char *shown;
    status_t status = input_one(tar->shell, file, &shown, read_archive, tar);
    if (status == -EUCLEAN) {
        shell_complain(tar->shell, "%s: This does not look like a tar archive, or it is damaged",
                       file);
        tar->result = TAR_TROUBLE;
    } else if (status) {
        tar_fail(tar, file, status);
    }
    for (int i = 0; i < tar->count && tar->result != SHELL_INTERRUPTED; i++)
        if (!tar->found[i]) {
            shell_complain(tar->shell, "%s: Not found in archive", tar->names[i]);
            tar->result = TAR_TROUBLE;
        }
}

static void write_to(struct tar *tar, const char *file)
{
    struct output_file *output;
    enum output_file_end end;

    if (text_equal(file, "-")) {
        tar->out = tar->shell->out;
        tar_write(tar);
        return;
    }
    status_t status = output_file_open(tar->shell, NULL, file, false, &output);
    if (!status) {
        tar->out = output_file_stream(output);
        tar_write(tar);
        status = output_file_close(output, false, &end);
    }
    if (status)
        tar_fail(tar, file, status);
}

static int run_mode(struct tar *tar)
{
    struct shell *shell = tar->shell;
    const char *directory = option_value(shell, 'C'), *file = option_value(shell, 'f');
    status_t status = directory ? path_walk(shell->directory, directory, 0, &tar->directory) : 0;
    if (!directory)
        tar->directory = path_get(shell->directory);
    if (status) {
        tar_fail(tar, directory, status);
        return TAR_TROUBLE;
    }

    const char *modified = option_value_name(shell, "mtime");
    status = modified ? date_parse(modified, time_wall_s(), &tar->modified_s) : 0;
    tar->has_modified = modified != NULL;
    if (status)
        tar_fail(tar, modified, status);
    file = file ? file : "-";
    if (status || !tar_collect(tar))
        tar->result = TAR_TROUBLE;
    else if (option_given(shell, 'c'))
        write_to(tar, file);
    else
        read_from(tar, file);
    path_put(tar->directory);
    words_free(&tar->excluded);
    words_free(&tar->listed);
    words_free(&tar->links);
    buffer_free(&tar->extended);
    return tar->result;
}

static int run_tar(struct shell *shell, int count, char **words)
{
    unsigned modes = option_given(shell, 'c') + option_given(shell, 't') + option_given(shell, 'x');
    if (!modes && count > 1 && is_traditional(words[1]))
        return run_traditional(shell, count, words);
    if (modes != 1) {
        shell_complain(shell, "You must specify one of the '-ctx' options");
        return TAR_TROUBLE;
    }
    if (option_given(shell, 'c') && count < 2 && !option_given(shell, 'T')) {
        shell_complain(shell, "Cowardly refusing to create an empty archive");
        return TAR_TROUBLE;
    }

    struct tar *tar = mem_zalloc(sizeof(*tar));
    bool *found = mem_zalloc((size_t)count);
    int result = TAR_TROUBLE;
    if (tar && found) {
        tar->shell = shell;
        tar->names = words + 1;
        tar->count = count - 1;
        tar->found = found;
        tar->verbose = option_given(shell, 'v');
        tar->to_output = option_given(shell, 'O');
        tar->keeps = option_given(shell, 'k');
        tar->list_width = 19;
        if (option_number_name(shell, "strip-components", 0, UINT64_MAX, &tar->strip))
            result = run_mode(tar);
    } else {
        (void)shell_fail(shell, NULL, -ENOMEM);
    }
    mem_free(found);
    mem_free(tar);
    return result;
}

static const struct shell_option tar_options[] = {
    { 'c', "create", NULL, "create an archive of files and trees" },
    { 't', "list", NULL, "list the members" },
    { 'x', "extract", NULL, "extract all members, or those named" },
    { 'f', "file", "ARCHIVE", "use this file; -: standard input or output, the default" },
    { 'v', "verbose", NULL, "print the names of members; with -t more about them" },
    { 'C', "directory", "DIRECTORY", "use names relative to DIRECTORY" },
    { 'k', "keep-old-files", NULL, "do not replace files" },
    { 'O', "to-stdout", NULL, "extract to standard output" },
    { 'T', "files-from", "FILE...", "archive the files that FILE lists, too" },
    { 'X', "exclude-from", "FILE...", "skip names that match a pattern in FILE" },
    { 0, "exclude", "PATTERN...", "skip names that match PATTERN" },
    { 0, "group", "NAME[:ID]", "the group of all members" },
    { 0, "mtime", "DATE", "the time of all members" },
    { 0, "no-recursion", NULL, "do not enter directories" },
    { 0, "owner", "NAME[:ID]", "the owner of all members" },
    { 0, "strip-components", "N", "remove the first N elements of names" },
    { 'p', "preserve-permissions", NULL, "no effect" },
    { 0 },
};

static const struct shell_command command_tar = {
    .name = "tar",
    .arguments = "-c|-t|-x [-kOpv] [-f ARCHIVE] [-C DIRECTORY] [PATH...]",
    .summary = "list, extract and create archives",
    .arguments_max = -1,
    .run = run_tar,
    .options = tar_options,
    .trouble = SHELL_TROUBLE,
    .group = "Files",
};
SHELL_COMMAND(command_tar);
DRIVER_DRIVES("command tar Files: list, extract and create archives");

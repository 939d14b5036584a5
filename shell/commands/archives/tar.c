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

/* ---- words -------------------------------------------------------------------------------- */

static const struct shell_command command_parsed;

static status_t add_text(struct words *words, const char *text)
{
    return words_add(words, text, strlen(text));
}

/* Returns whether the first word is letters of options, one of which is a mode: "Ox". */
static bool is_traditional(const char *word)
{
    bool mode = false;
    for (; *word; word++) {
        if (!strchr("ctxfvzCkOpPXTSm", *word))
            return false;
        mode |= strchr("ctx", *word) != NULL;
    }
    return mode;
}

/* Adds the options of a traditional first word, "xvf FILE": their values follow in order. Returns
 * the number of the next word. */
static int add_traditional(struct words *all, int count, char **words, status_t *status)
{
    int next = 2;
    for (const char *letter = words[1]; *letter && !*status; letter++) {
        char option[] = { '-', *letter, '\0' };
        *status = add_text(all, option);
        if (!*status && strchr("fCXT", *letter) && next < count)
            *status = add_text(all, words[next++]);
    }
    return next;
}

/* Runs the command with a first word that has a dash, so that its options can be parsed. */
static int run_tar(struct shell *shell, int count, char **words)
{
    struct words all = { 0 };
    int next = 1, result = SHELL_TROUBLE;
    status_t status = add_text(&all, "tar");
    if (!status && count > 1 && is_traditional(words[1]))
        next = add_traditional(&all, count, words, &status);
    for (; next < count && !status; next++)
        status = add_text(&all, words[next]);

    char **list = status ? NULL : words_copy_list(&all);
    if (list)
        result = shell_run_found(shell, &command_parsed, all.count, list);
    else
        result = shell_fail(shell, NULL, -ENOMEM);
    mem_free(list);
    words_free(&all);
    return result;
}

/* ---- archives ----------------------------------------------------------------------------- */

/* Reads what is left of a packed archive, which has the checksum of all of it. */
static status_t finish_packed(struct tar *tar)
{
    const char *data;
    ssize_t got = 1;
    while (tar->input.gunzip && got > 0)
        got = unpack_piece(&tar->input, &data);
    return got < 0 ? (status_t)got : 0;
}

static status_t read_archive(struct input *input, void *context)
{
    struct tar *tar = context;
    status_t status = unpack_begin(&tar->input, input, option_given(tar->shell, 'z'));
    if (!status)
        status = tar_read(tar, option_given(tar->shell, 'x'));
    if (!status)
        status = finish_packed(tar);
    if (!status && tar->input.result == GUNZIP_GARBAGE)
        (void)shell_complain(tar->shell, "%s: %s", input->name, gunzip_text(GUNZIP_GARBAGE));
    unpack_end(&tar->input);
    return status;
}

/* Reports why an archive could not be read. */
static void fail_archive(struct tar *tar, const char *file, status_t status)
{
    enum gunzip_result packed = tar->input.result;
    if (status != -EUCLEAN && status != -ENODATA) {
        tar_fail(tar, file, status);
        return;
    }
    if (status == -EUCLEAN && packed > GUNZIP_END && packed != GUNZIP_GARBAGE &&
        (packed != GUNZIP_FOREIGN || option_given(tar->shell, 'z')))
        (void)shell_complain(tar->shell, "%s: %s", file, gunzip_text(packed));
    else if (status == -ENODATA && tar->member.type) /* not the first one */
        (void)shell_complain(tar->shell, "%s: Unexpected EOF in archive", file);
    else
        (void)shell_complain(tar->shell,
                             "%s: This does not look like a tar archive, or it is damaged", file);
    tar->result = TAR_TROUBLE;
}

/* -T: its names are operands, after those that were typed. */
static status_t join_names(struct tar *tar, char ***names, bool **found)
{
    int count = tar->count + tar->listed.count;
    *names = mem_alloc(((size_t)count + 1) * sizeof(**names));
    *found = mem_zalloc((size_t)count + 1);
    if (!*names || !*found)
        return -ENOMEM;
    for (int i = 0; i < count; i++)
        (*names)[i] = i < tar->count ? tar->names[i] : tar->listed.list[i - tar->count];
    tar->names = *names;
    tar->found = *found;
    tar->count = count;
    return 0;
}

static void read_from(struct tar *tar, const char *file)
{
    char **names;
    bool *found;
    const char *shown;
    if (!tar_enter(tar, tar->count))
        return;
    status_t status = join_names(tar, &names, &found);
    if (!status)
        status = input_one(tar->shell, file, &shown, read_archive, tar);
    if (status)
        fail_archive(tar, file, status);
    for (int i = 0; tar->found && i < tar->count && tar->result != SHELL_INTERRUPTED; i++)
        if (!tar->found[i]) {
            shell_complain(tar->shell, "%s: Not found in archive", tar->names[i]);
            tar->result = TAR_TROUBLE;
        }
    mem_free(names);
    mem_free(found);
}

static void write_packed(void *context, const void *data, size_t bytes)
{
    struct tar *tar = context;
    stream_write(tar->out, data, bytes);
}

static void write_archive(struct tar *tar, struct stream *out)
{
    tar->out = out;
    if (option_given(tar->shell, 'z') || option_given(tar->shell, 'I')) {
        tar->gzipper = mem_zalloc(sizeof(*tar->gzipper));
        if (!tar->gzipper) {
            tar_fail(tar, NULL, -ENOMEM);
            return;
        }
        gzipper_begin(tar->gzipper, write_packed, tar);
    }
    tar_write(tar);
    if (tar->gzipper)
        gzipper_end(tar->gzipper);
    mem_free(tar->gzipper);
    tar->gzipper = NULL;
}

static void write_to(struct tar *tar, const char *file)
{
    struct output_file *output;
    enum output_file_end end;

    if (text_equal(file, "-")) {
        write_archive(tar, tar->shell->out);
        return;
    }
    status_t status = output_file_open(tar->shell, NULL, file, false, &output);
    if (!status) {
        write_archive(tar, output_file_stream(output));
        status = output_file_close(output, false, &end);
    }
    if (status)
        tar_fail(tar, file, status);
}

/* ---- the command -------------------------------------------------------------------------- */

/* Takes the options, except those that are asked for where they are used. Returns false after an
 * error message. */
static bool take_options(struct tar *tar)
{
    struct shell *shell = tar->shell;
    const char *modified = option_value_name(shell, "mtime");
    const char *mode = option_value_name(shell, "mode");
    const char *program = option_value(shell, 'I');
    uint32_t bits = 0;
    tar->verbose = option_given(shell, 'v');
    tar->to_output = option_given(shell, 'O');
    tar->keeps = option_given(shell, 'k');
    tar->absolute = option_given(shell, 'P');
    tar->keeps_times = !option_given(shell, 'm');
    tar->wildcards = option_given_name(shell, "wildcards");
    tar->next_directory = option_values(shell, 'C');
    tar->has_modified = modified != NULL;
    tar->list_width = 19;

    if (!option_number_name(shell, "strip-components", 0, UINT64_MAX, &tar->strip))
        return false;
    status_t status = modified ? date_parse(modified, time_wall_s(), &tar->modified_s) : 0;
    if (status) {
        tar_fail(tar, modified, status);
        return false;
    }
    if (mode && !tar_apply_mode(mode, false, &bits)) {
        (void)shell_complain(shell, "Invalid mode given on option: '%s'", mode);
        return false;
    }
    if (program && !text_equal(program, "gzip")) {
        (void)shell_complain(shell, "%s: only gzip is supported", program);
        return false;
    }
    return tar_collect(tar);
}

static int run_mode(struct tar *tar)
{
    struct shell *shell = tar->shell;
    const char *file = option_value(shell, 'f');
    tar->directory = path_get(shell->directory);
    file = file ? file : "-";
    if (!take_options(tar))
        tar->result = TAR_TROUBLE;
    else if (option_given(shell, 'c'))
        write_to(tar, file);
    else
        read_from(tar, file);
    path_put(tar->directory);
    words_free(&tar->excluded);
    words_free(&tar->excluded_names);
    words_free(&tar->listed);
    words_free(&tar->links);
    words_free(&tar->directories);
    buffer_free(&tar->extended);
    buffer_free(&tar->map);
    return tar->result;
}

/* Returns whether the options and operands make sense, or complains. */
static bool is_complete(struct shell *shell, int count)
{
    unsigned modes = option_given(shell, 'c') + option_given(shell, 't') + option_given(shell, 'x');
    if (modes != 1) {
        (void)shell_complain(shell, "You must specify one of the '-ctx' options");
        return false;
    }
    if (option_given(shell, 'c') && count < 2 && !option_given(shell, 'T')) {
        (void)shell_complain(shell, "Cowardly refusing to create an empty archive");
        return false;
    }
    return true;
}

static int run_parsed(struct shell *shell, int count, char **words)
{
    struct tar *tar = mem_zalloc(sizeof(*tar));
    int result = TAR_TROUBLE;
    if (tar && is_complete(shell, count)) {
        tar->shell = shell;
        tar->names = words + 1;
        tar->count = count - 1;
        result = run_mode(tar);
    } else if (!tar) {
        (void)shell_fail(shell, NULL, -ENOMEM);
    }
    mem_free(tar);
    return result;
}

static const struct shell_option tar_options[] = {
    { 'c', "create", NULL, "create an archive of files and trees" },
    { 't', "list", NULL, "list the members" },
    { 'x', "extract", NULL, "extract all members, or those named" },
    { 'f', "file", "ARCHIVE", "use this file; -: standard input or output, the default" },
    { 'v', "verbose", NULL, "print the names of members; with -t more about them" },
    { 'z', "gzip", NULL, "pack it by gzip; one that is read may be packed anyway" },
    { 'I', "use-compress-program", "gzip", "as -z" },
    { 'C', "directory", "DIRECTORY...", "use names after it relative to DIRECTORY" },
    { 'k', "keep-old-files", NULL, "do not replace files" },
    { 'm', "touch", NULL, "do not set the times of files" },
    { 'O', "to-stdout", NULL, "extract to standard output" },
    { 'P', "absolute-names", NULL, "keep a leading / and .. in names" },
    { 'T', "files-from", "FILE...", "archive the files that FILE lists, too" },
    { 'X', "exclude-from", "FILE...", "skip names that match a pattern in FILE" },
    { 0, "exclude", "PATTERN...", "skip names that match PATTERN" },
    { 0, "full-time", NULL, "list the seconds of times" },
    { 0, "group", "NAME[:ID]", "the group of all members" },
    { 0, "mode", "MODE", "change the modes of members: 644, a+x, go-w" },
    { 0, "mtime", "DATE", "the time of all members" },
    { 0, "no-recursion", NULL, "do not enter directories" },
    { 0, "no-wildcards", NULL, "a PATTERN after it is a name" },
    { 0, "null", NULL, "names in the FILE of -T end with NUL" },
    { 0, "numeric-owner", NULL, "list the numbers of owners" },
    { 0, "overwrite", NULL, "no effect: files are replaced" },
    { 'p', "preserve-permissions", NULL, "no effect" },
    { 0, "owner", "NAME[:ID]", "the owner of all members" },
    { 0, "show-transformed-names", NULL, "list names without stripped elements" },
    { 0, "sort", "ORDER", "no effect: names are sorted" },
    { 'S', "sparse", NULL, "no effect: holes are archived as zeroes" },
    { 0, "strip-components", "N", "remove the first N elements of names" },
    { 0, "wildcards", NULL, "the names of members to extract are patterns" },
    { 0 },
};

/* What run_tar() makes of the words is run as this command. */
static const struct shell_command command_parsed = {
    .name = "tar",
    .arguments = "-c|-t|-x [-kmOPpvz] [-f ARCHIVE] [-C DIRECTORY] [PATH...]",
    .summary = "list, extract and create archives",
    .arguments_max = -1,
    .run = run_parsed,
    .options = tar_options,
    .trouble = SHELL_TROUBLE,
    .group = "Files",
};

static const struct shell_command command_tar = {
    .name = "tar",
    .arguments = "-c|-t|-x [-kmOPpvz] [-f ARCHIVE] [-C DIRECTORY] [PATH...]",
    .summary = "list, extract and create archives",
    .arguments_max = -1,
    .run = run_tar,
    .options = tar_options,
    .option_rules = OPTIONS_RAW,
    .trouble = SHELL_TROUBLE,
    .group = "Files",
};
SHELL_COMMAND(command_tar);
DRIVER_DRIVES("command tar Files: list, extract and create archives");

/*
 * cpio.c - lists, extracts, creates and copies by lists of names: cpio. See cpio.h.
 *
 * Status      0, or 2 after an error, as GNU's.
 */
#include "shell/commands/archives/cpio.h"
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/output_file.h"
#include "shell/options.h"

/* ---- -i ----------------------------------------------------------------------------------- */

static status_t add_lines(struct input *input, void *context)
{
    char *line;
    size_t bytes;
    int got;
    while ((got = input_line(input, &line, &bytes)) > 0) {
        status_t status = bytes ? words_add(context, line, bytes) : 0;
        if (status)
            return status;
    }
    return got;
}

/* Collects the patterns of the operands and of -E. Returns false after an error message. */
static bool collect_patterns(struct cpio *cpio, int count, char **words)
{
    const char *file = option_value(cpio->shell, 'E'), *shown = NULL;
    status_t status = file ? input_one(cpio->shell, file, &shown, add_lines, &cpio->patterns) : 0;
    for (int i = 1; i < count && !status; i++)
        status = words_add(&cpio->patterns, words[i], strlen(words[i]));
    if (status)
        cpio_fail(cpio, shown, status);
    return !status;
}

static status_t read_archive(struct input *input, void *context)
{
    struct cpio *cpio = context;
    status_t status = unpack_begin(&cpio->input, input, false);
    if (!status)
        status = cpio_read(cpio);
    unpack_end(&cpio->input);
    return status;
}

static void read_from(struct cpio *cpio, const char *file)
{
    const char *shown;
    status_t status = input_one(cpio->shell, file, &shown, read_archive, cpio);
    enum gunzip_result packed = cpio->input.result;
    if (!status)
        return;
    if (status != -EUCLEAN && status != -ENODATA) {
        cpio_fail(cpio, shown, status);
        return;
    }
    if (status == -EUCLEAN && packed > GUNZIP_FOREIGN && packed != GUNZIP_GARBAGE)
        (void)shell_complain(cpio->shell, "%s: %s", shown, gunzip_text(packed));
    else
        (void)shell_complain(cpio->shell, status == -ENODATA
                                              ? "premature end of archive"
                                              : "not a cpio archive, or it is damaged");
    cpio->result = CPIO_TROUBLE;
}

/* ---- -o and -p ---------------------------------------------------------------------------- */

static bool take_form(struct cpio *cpio)
{
    static const char *const names[] = {
        [CPIO_ODC] = "odc", [CPIO_NEWC] = "newc", [CPIO_CRC] = "crc",
    };
    const char *form = option_value(cpio->shell, 'H');
    cpio->form = option_given(cpio->shell, 'c') ? CPIO_ODC : CPIO_NEWC;
    if (!form)
        return true;
    for (unsigned i = 0; i < ARRAY_LENGTH(names); i++)
        if (text_equal(form, names[i])) {
            cpio->form = (enum cpio_form)i;
            return true;
        }
    (void)shell_complain(cpio->shell, "invalid archive format '%s'; valid are newc, odc, crc",
                         form);
    return false;
}

static status_t process_list(struct input *input, void *context)
{
    struct cpio *cpio = context;
    input->line_end = option_given(cpio->shell, '0') ? '\0' : '\n';
    return option_given(cpio->shell, 'p') ? cpio_pass(cpio, input) : cpio_write(cpio, input);
}

static void process(struct cpio *cpio)
{
    const char *shown;
    status_t status = input_one(cpio->shell, "-", &shown, process_list, cpio);
    if (status)
        cpio_fail(cpio, shown, status);
}

static void write_to(struct cpio *cpio, const char *file)
{
    struct output_file *output;
    enum output_file_end end;
    if (!file || text_equal(file, "-")) {
        cpio->out = cpio->shell->out;
        process(cpio);
        return;
    }
    status_t status = output_file_open(cpio->shell, NULL, file, false, &output);
    if (!status) {
        cpio->out = output_file_stream(output);
        process(cpio);
        status = output_file_close(output, false, &end);
    }
    if (status)
        cpio_fail(cpio, file, status);
}

/* ---- the command -------------------------------------------------------------------------- */

/* Enters the directory of -p or -D, where members are made. -p -d creates it. */
static bool enter_directory(struct cpio *cpio, const char *name)
{
    struct path *start = cpio->shell->directory;
    if (option_given(cpio->shell, 'p') && cpio->makes_parents)
        IGNORE(vfs_mkdir(start, name)); /* the walk reports what prevents it */
    status_t status = name ? path_walk(start, name, 0, &cpio->directory) : 0;
    if (!name)
        cpio->directory = path_get(start);
    if (!status && path_is_directory(cpio->directory))
        return true;
    cpio_fail(cpio, name, status ? status : -ENOTDIR);
    return false;
}

static void run_mode(struct cpio *cpio, int count, char **words)
{
    struct shell *shell = cpio->shell;
    const char *file = option_value(shell, 'F');
    bool passes = option_given(shell, 'p');
    if (!enter_directory(cpio, passes ? words[1] : option_value(shell, 'D')))
        return;
    if (passes)
        process(cpio);
    else if (option_given(shell, 'o'))
        write_to(cpio, file);
    else if (collect_patterns(cpio, count, words))
        read_from(cpio, file ? file : "-");
    if (!option_given_name(shell, "quiet") && cpio->result != SHELL_INTERRUPTED) {
        uint64_t blocks = (cpio->bytes + CPIO_BLOCK - 1) / CPIO_BLOCK;
        stream_format(shell->err, "%llu block%s\n", (unsigned long long)blocks,
                      blocks == 1 ? "" : "s");
    }
}

/* Returns whether the options and operands make sense, or complains. */
static bool is_complete(struct shell *shell, int count)
{
    bool lists = option_given(shell, 't'), passes = option_given(shell, 'p');
    unsigned modes = (lists || option_given(shell, 'i')) + option_given(shell, 'o') + passes;
    if (modes != 1)
        (void)shell_complain(shell, "You must specify one of the options -o, -i, -p and -t");
    else if (passes && count != 2)
        (void)shell_complain(shell, "-p needs the name of a directory");
    else if (option_given(shell, 'o') && count > 1)
        (void)shell_complain(shell, "-o reads the names from standard input");
    else
        return true;
    return false;
}

static int run_cpio(struct shell *shell, int count, char **words)
{
    struct cpio *cpio = mem_zalloc(sizeof(*cpio));
    if (!cpio)
        return shell_fail(shell, NULL, -ENOMEM);
    *cpio = (struct cpio){
        .shell = shell,
        .lists = option_given(shell, 't'),
        .makes_parents = option_given(shell, 'd'),
        .keeps_times = option_given(shell, 'm'),
        .replaces = option_given(shell, 'u'),
        .verbose = option_given(shell, 'v'),
        .absolute = option_given_name(shell, "absolute-filenames"),
        .to_output = option_given_name(shell, "to-stdout"),
        .excludes = option_given(shell, 'f'),
        .follows = option_given(shell, 'L'),
        .result = CPIO_TROUBLE,
    };
    if (is_complete(shell, count) && take_form(cpio)) {
        cpio->result = SHELL_DONE;
        run_mode(cpio, count, words);
    }
    int result = cpio->result;
    path_put(cpio->directory);
    words_free(&cpio->patterns);
    words_free(&cpio->links);
    words_free(&cpio->waiting);
    mem_free(cpio);
    return result;
}

static const struct shell_option cpio_options[] = {
    { 'i', "extract", NULL, "extract all members, or those that match a PATTERN" },
    { 't', "list", NULL, "list the members" },
    { 'o', "create", NULL, "create an archive of the files named by standard input" },
    { 'p', "pass-through", NULL, "copy these files to DIRECTORY" },
    { '0', "null", NULL, "names of standard input end with NUL" },
    { 'c', NULL, NULL, "create the form odc" },
    { 'd', "make-directories", NULL, "create the directories of members" },
    { 'D', "directory", "DIRECTORY", "extract to DIRECTORY" },
    { 'E', "pattern-file", "FILE", "extract what matches a pattern in FILE" },
    { 'f', "nonmatching", NULL, "extract what matches no PATTERN" },
    { 'F', "file", "ARCHIVE", "use this file, not standard input or output" },
    { 'H', "format", "FORM", "create newc (the default), odc or crc" },
    { 'L', "dereference", NULL, "archive what links lead to" },
    { 'm', "preserve-modification-time", NULL, "set the times of files" },
    { 'n', "numeric-uid-gid", NULL, "list the numbers of owners" },
    { 'u', "unconditional", NULL, "replace files that are newer" },
    { 'v', "verbose", NULL, "print the names of members; with -t more about them" },
    { 0, "absolute-filenames", NULL, "keep a leading / and .. in names" },
    { 0, "no-absolute-filenames", NULL, "no effect: they are not kept" },
    { 0, "quiet", NULL, "do not print the number of blocks" },
    { 0, "to-stdout", NULL, "extract to standard output" },
    { 0 },
};

static const struct shell_command command_cpio = {
    .name = "cpio",
    .arguments = "-i|-t|-o|-p [-0cdfLmnuv] [-F ARCHIVE] [PATTERN...|DIRECTORY]",
    .summary = "list, extract and create archives by lists of names",
    .arguments_max = -1,
    .run = run_cpio,
    .options = cpio_options,
    .trouble = SHELL_TROUBLE,
    .group = "Files",
};
SHELL_COMMAND(command_cpio);
DRIVER_DRIVES("command cpio Files: list, extract and create archives by lists of names");

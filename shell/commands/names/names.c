/*
 * names.c - the parts of paths, as text: basename, dirname.
 */
#include "kernel/module/info.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/paths.h"

/* Ends a name: with NUL after -z, for names that contain newlines. */
static void end_name(struct shell *shell)
{
    stream_write(shell->out, option_given(shell, 'z') ? "" : "\n", 1);
}

/* ---- basename ----------------------------------------------------------------------------- */

/* Prints the last element of a path without `suffix`, unless that is all of it (POSIX). */
static void print_base(struct shell *shell, const char *path, const char *suffix)
{
    size_t length, tail = suffix ? strlen(suffix) : 0;
    const char *base = base_name(path, &length);

    /* The root is itself. */
    if (!length && *path == '/') {
        base = "/";
        length = 1;
    }

    if (tail && length > tail &&
        text_equal_n(base + length - tail, tail, suffix, tail))
        length -= tail;
    stream_write(shell->out, base, length);
    end_name(shell);
}

static int run_basename(struct shell *shell, int count, char **words)
{
    const char *suffix = option_value(shell, 's');
    bool all = suffix || option_given(shell, 'a');

    /* Without -a, a second operand is the suffix. */
    if (!all && count > 3) {
        shell_complain(shell, "extra operand '%s'", words[3]);
        return SHELL_FAILED;
    }
    if (!all && count > 2)
        suffix = words[2];
    for (int i = 1; i < (all ? count : 2); i++)
        print_base(shell, words[i], suffix);
    return SHELL_DONE;
}

static const struct shell_option basename_options[] = {
    { 'a', "multiple", NULL, "every operand is a path" },
    { 's', "suffix", "SUFFIX", "remove this suffix; implies -a" },
    { 'z', "zero", NULL, "end names with NUL, not newline" },
    { 0 },
};

static const struct shell_command command_basename = {
    .name = "basename",
    .arguments = "PATH [SUFFIX] | -a PATH...",
    .summary = "print the last element of a path, without the suffix",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_basename,
    .options = basename_options,
    .group = "Files",
};
SHELL_COMMAND(command_basename);
DRIVER_DRIVES("command basename Files: print the last element of a path, without the suffix");

/* ---- dirname ------------------------------------------------------------------------------ */

/* Prints a path without its last element; "." if it has no slash (POSIX). */
static void print_directory(struct shell *shell, const char *path)
{
    size_t length;
    const char *base = base_name(path, &length);
    size_t bytes = (size_t)(base - path);

    /* Slashes before the last element are removed with it, except that of the root. */
    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    if (bytes || *path == '/')
        stream_write(shell->out, path, bytes ? bytes : 1);
    else
        stream_text(shell->out, ".");
    end_name(shell);
}

static int run_dirname(struct shell *shell, int count, char **words)
{
    for (int i = 1; i < count; i++)
        print_directory(shell, words[i]);
    return SHELL_DONE;
}

static const struct shell_option dirname_options[] = {
    { 'z', "zero", NULL, "end names with NUL, not newline" },
    { 0 },
};

static const struct shell_command command_dirname = {
    .name = "dirname",
    .arguments = "PATH...",
    .summary = "print paths without their last element",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_dirname,
    .options = dirname_options,
    .group = "Files",
};
SHELL_COMMAND(command_dirname);
DRIVER_DRIVES("command dirname Files: print paths without their last element");

/*
 * small.c - commands of a few lines: truncate, yes, uname, hostname.
 */
#include "kernel/module/info.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"

/* ---- truncate ----------------------------------------------------------------------------- */

/* Calculates the new size from the present one: "10K", "+10K", "-1", "<5", ">5", "/512", "%512". */
static bool new_size(const char *text, uint64_t present, uint64_t *size)
{
    char sign = strchr("+-<>/%", *text) && *text ? *text++ : '\0';
    uint64_t value, rest;
    if (text_parse_u64(text, &value) || ((sign == '/' || sign == '%') && !value))
        return false;
    *size = value;
    rest = value && (sign == '/' || sign == '%') ? present % value : 0;
    switch (sign) {
    case '+': return !__builtin_add_overflow(present, value, size);
    case '-': *size = value < present ? present - value : 0; return true;
    case '<': *size = value < present ? value : present; return true;
    case '>': *size = value > present ? value : present; return true;
    case '/': *size = present - rest; return true;
    case '%': return !__builtin_add_overflow(present, rest ? value - rest : 0, size);
    default: return true;
    }
}

static int truncate_one(struct shell *shell, const char *name, const char *text, uint64_t base)
{
    struct file *file;
    uint64_t size = base;
    unsigned flags = OPEN_WRITE | (option_given(shell, 'c') ? 0 : OPEN_CREATE);
    status_t status = file_open(shell->directory, name, flags, &file);

    /* With -c, a file that does not exist is not an error (GNU). */
    if (status == -ENOENT && option_given(shell, 'c'))
        return SHELL_DONE;
    if (status)
        return shell_fail_with(shell, status, "cannot open '%s' for writing", name);

    uint64_t present = option_given(shell, 'r') ? base : file_size(file);
    int result = SHELL_DONE;
    if (text && !new_size(text, present, &size))
        result = shell_complain(shell, "Invalid number: '%s'", text);
    else if ((status = file_set_size(file, size)) != 0)
        result = shell_fail_with(shell, status, "failed to truncate '%s'", name);
    file_close(file);
    return result;
}

static int run_truncate(struct shell *shell, int count, char **words)
{
    const char *text = option_value(shell, 's'), *reference = option_value(shell, 'r');
    uint64_t base = 0, checked;
    int result = SHELL_DONE;
    if (!text && !reference)
        return shell_complain(shell, "you must specify either '--size' or '--reference'");

    /* An absolute size would make the other file useless; an invalid one must not create files. */
    if (text && !new_size(text, 1, &checked))
        return shell_complain(shell, "Invalid number: '%s'", text);
    if (text && reference && text_is_digit(*text))
        return shell_complain(shell, "you must specify a relative '--size' with '--reference'");

    if (reference) {
        struct path *path;
        struct node_info info;
        status_t status = path_walk(shell->directory, reference, 0, &path);
        if (!status) {
            status = path_info(path, INFO_STANDARD, &info);
            path_put(path);
        }
        if (status)
            return shell_fail_with(shell, status, "cannot stat '%s'", reference);
        base = info.size_bytes;
    }
    for (int i = 1; i < count && !shell_interrupted(); i++) {
        int one = truncate_one(shell, words[i], text, base);
        result = one ? one : result;
    }
    return result;
}

static const struct shell_option truncate_options[] = {
    { 's', "size", "SIZE", "set this size; +N -N <N >N /N %N change the present one" },
    { 'r', "reference", "FILE", "set the size of FILE, or change that" },
    { 'c', "no-create", NULL, "do not create files" },
    { 0 },
};

static const struct shell_command command_truncate = {
    .name = "truncate",
    .arguments = "[-c] {-s SIZE | -r FILE} FILE...",
    .summary = "shorten or extend files to a size",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_truncate,
    .options = truncate_options,
    .group = "Files",
};
SHELL_COMMAND(command_truncate);
DRIVER_DRIVES("command truncate Files: shorten or extend files to a size");

/* ---- yes ---------------------------------------------------------------------------------- */

static int run_yes(struct shell *shell, int count, char **words)
{
    /* Until the reader of the pipe needs no more, or ^C. */
    while (!shell_interrupted() && !shell->out->status) {
        for (int i = 1; i < count; i++) {
            stream_text(shell->out, words[i]);
            stream_text(shell->out, i + 1 < count ? " " : "\n");
        }
        if (count == 1)
            stream_text(shell->out, "y\n");
    }
    return shell_interrupted() ? SHELL_INTERRUPTED : SHELL_FAILED;
}

static const struct shell_command command_yes = {
    .name = "yes",
    .arguments = "[WORD...]",
    .summary = "print y, or the words, again and again",
    .arguments_max = -1,
    .run = run_yes,
    .group = "Text",
};
SHELL_COMMAND(command_yes);
DRIVER_DRIVES("command yes Text: print y, or the words, again and again");

/* ---- uname, hostname ---------------------------------------------------------------------- */

static int run_uname(struct shell *shell, int count, char **words)
{
    static const struct { char letter; const char *text; } parts[] = {
        { 's', "Spindle" }, { 'n', "spindle" }, { 'r', "1" }, { 'v', "#1" }, { 'm', "x86_64" },
        { 'o', "Spindle" },
    };
    bool any = false, all = option_given(shell, 'a');
    (void)count, (void)words;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        any |= option_given(shell, parts[i].letter);

    /* The order of the parts is fixed (POSIX). */
    const char *between = "";
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (all || option_given(shell, parts[i].letter) || (!any && !i)) {
            stream_format(shell->out, "%s%s", between, parts[i].text);
            between = " ";
        }
    stream_text(shell->out, "\n");
    return SHELL_DONE;
}

static const struct shell_option uname_options[] = {
    { 'a', "all", NULL, "print everything" },
    { 's', "kernel-name", NULL, "print the kernel's name (the default)" },
    { 'n', "nodename", NULL, "print the machine's name" },
    { 'r', "kernel-release", NULL, "print the release; `version` identifies the build" },
    { 'v', "kernel-version", NULL, "print the version" },
    { 'm', "machine", NULL, "print the kind of processor" },
    { 'o', "operating-system", NULL, "print the system's name" },
    { 0 },
};

static const struct shell_command command_uname = {
    .name = "uname",
    .arguments = "[-amnorsv]",
    .summary = "print the names of the system and the machine",
    .run = run_uname,
    .options = uname_options,
    .group = "The machine",
};
SHELL_COMMAND(command_uname);
DRIVER_DRIVES("command uname The machine: print the names of the system and the machine");

static int run_hostname(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    stream_text(shell->out, "spindle\n");
    return SHELL_DONE;
}

static const struct shell_command command_hostname = {
    .name = "hostname",
    .arguments = "",
    .summary = "print the machine's name, which is always spindle",
    .run = run_hostname,
    .group = "The machine",
};
SHELL_COMMAND(command_hostname);
DRIVER_DRIVES("command hostname The machine: print the machine's name, which is always spindle");

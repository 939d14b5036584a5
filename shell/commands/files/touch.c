/*
 * touch.c - creates empty files, or sets the modification time of files: touch.
 *
 * File systems that Spindle writes store a time of access that nothing updates, so that -a alone
 * changes nothing.
 */
#include "lib/date.h"
#include "lib/text.h"
#include "shell/options.h"

struct touch {
    struct shell *shell;
    int64_t seconds; /* INT64_MIN: unknown, there is no clock */
    bool now;        /* no time was given */
    bool modifies;   /* not only -a */
};

static status_t touch_set(const struct touch *touch, struct path *path)
{
    /* -EINVAL: the file system does not store times, so there is nothing to set. */
    if (!touch->modifies || touch->seconds == INT64_MIN)
        return 0;
    status_t status = path_set_modified(path, touch->seconds);
    return status == -EINVAL ? 0 : status;
}

static status_t touch_one(const struct touch *touch, const char *name)
{
    struct shell *shell = touch->shell;
    struct path *path;
    struct file *file;
    unsigned flags = option_given(shell, 'h') ? WALK_NO_FOLLOW : 0;
    status_t status = path_walk(shell->directory, name, flags, &path);

    if (status == -ENOENT) {
        if (option_given(shell, 'c') || option_given(shell, 'h'))
            return option_given(shell, 'c') ? 0 : status;
        status = file_open(shell->directory, name, OPEN_WRITE | OPEN_CREATE, &file);
        if (!status)
            file_close(file);

        /* Only a directory could have a name that ends with a slash, so "NAME/" is missing. A new
         * file has the current time already. */
        if (status == -EISDIR)
            status = -ENOENT;
        if (!status && !touch->now)
            status = path_walk(shell->directory, name, 0, &path);
        if (status || touch->now)
            return status;
    }
    if (status)
        return status;
    status = touch_set(touch, path);
    path_put(path);
    return status;
}

/* -r: the time of another file. */
static int reference_time(struct shell *shell, const char *name, int64_t *seconds)
{
    struct path *path;
    struct node_info info;
    unsigned flags = option_given(shell, 'h') ? WALK_NO_FOLLOW : 0;
    status_t status = path_walk(shell->directory, name, flags, &path);
    if (!status) {
        status = path_info(path, INFO_TIMES, &info);
        path_put(path);
    }
    if (status)
        return shell_fail_with(shell, status, "failed to get attributes of '%s'", name);
    if (info.has_modified)
        *seconds = info.modified_s;
    return SHELL_DONE;
}

/* Finds the time that the options give. -d may be relative to that of -r (GNU). */
static int choose_time(struct touch *touch)
{
    struct shell *shell = touch->shell;
    const char *text = option_value(shell, 'd'), *stamp = option_value(shell, 't');
    const char *name = option_value(shell, 'r');
    int64_t base = time_wall_s();
    if (stamp && (text || name))
        return shell_complain(shell, "cannot specify times from more than one source");

    touch->seconds = base;
    int result = name ? reference_time(shell, name, &touch->seconds) : SHELL_DONE;
    base = touch->seconds == INT64_MIN ? 0 : touch->seconds;
    if (!result && ((stamp && date_parse_stamp(stamp, base, &touch->seconds)) ||
                    (text && date_parse(text, base, &touch->seconds))))
        return shell_complain(shell, "invalid date format '%s'", stamp ? stamp : text);
    touch->now = !text && !stamp && !name;
    return result;
}

/* Returns whether the modification time is to be changed; -1 after an error message. */
static int wants_modified(struct shell *shell)
{
    static const struct { const char *name; bool modified; } times[] = {
        { "atime", false }, { "access", false }, { "use", false },
        { "mtime", true }, { "modify", true },
    };
    const char *word = option_value_name(shell, "time");
    bool access = option_given(shell, 'a'), modified = option_given(shell, 'm');
    if (!word)
        return modified || !access;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        if (*word && text_starts(times[i].name, word))
            return modified || times[i].modified;
    shell_complain(shell, "invalid argument '%s' for '--time'", word);
    return -1;
}

static int run_touch(struct shell *shell, int count, char **words)
{
    struct touch touch = { .shell = shell };
    int wants = wants_modified(shell), result = wants < 0 ? SHELL_FAILED : choose_time(&touch);
    if (result)
        return result;
    touch.modifies = wants > 0;

    for (int i = 1; i < count && !shell_interrupted(); i++) {
        /* A file that fails sets the status, and the next one is processed. */
        status_t status = touch_one(&touch, words[i]);
        if (status)
            result = shell_fail(shell, words[i], status);
    }
    return result;
}

static const struct shell_option touch_options[] = {
    { 'a', NULL, NULL, "change only the time of access, which has no effect" },
    { 'c', "no-create", NULL, "do not create files" },
    { 'd', "date", "TEXT", "set this time: '2024-05-01 12:30', 'yesterday', '@0'" },
    { 'h', "no-dereference", NULL, "change links themselves" },
    { 'm', NULL, NULL, "change the modification time (the default)" },
    { 'r', "reference", "FILE", "set the time of FILE" },
    { 't', NULL, "STAMP", "set the time [[CC]YY]MMDDhhmm[.ss]" },
    { 0, "time", "WORD", "access, atime, use: as -a; modify, mtime: as -m" },
    { 0 },
};

static const struct shell_command command_touch = {
    .name = "touch",
    .arguments = "[-achm] [-d TEXT | -r FILE | -t STAMP] FILE...",
    .summary = "create empty files, or set the times of files",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_touch,
    .options = touch_options,
    .failing = "cannot touch",
    .group = "Files",
};
SHELL_COMMAND(command_touch);

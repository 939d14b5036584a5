/*
 * touch.c - creates empty files, or sets the times of files: touch.
 *
 * File systems store a time of access where their format has one, but reading does not update it.
 */
#include "kernel/module/info.h"
#include "lib/date.h"
#include "lib/macros.h"
#include "lib/text.h"
#include "shell/options.h"

struct touch {
    struct shell *shell;
    struct node_info times; /* to be set; seconds INT64_MIN: unknown, without a clock */
    bool now;               /* no time was given */
};

static status_t touch_set(const struct touch *touch, struct path *path)
{
    /* -EINVAL: the file system does not store times, so there is nothing to set. */
    if (touch->times.modified_s == INT64_MIN)
        return 0;
    status_t status = path_set_times(path, &touch->times);
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

/* -r: the times of another file; where it has no time of access, that of its modification. */
static int reference_times(struct shell *shell, const char *name, struct node_info *times)
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
    if (info.has_modified) {
        times->modified_s = times->accessed_s = info.modified_s;
        times->modified_ns = times->accessed_ns = info.modified_ns;
    }
    if (info.has_accessed) {
        times->accessed_s = info.accessed_s;
        times->accessed_ns = info.accessed_ns;
    }
    return SHELL_DONE;
}

/* Finds the time that the options give. -d may be relative to that of -r (GNU). */
static int choose_time(struct touch *touch)
{
    struct shell *shell = touch->shell;
    const char *text = option_value(shell, 'd'), *stamp = option_value(shell, 't');
    const char *name = option_value(shell, 'r');
    struct node_info *times = &touch->times;
    int64_t now = time_wall_s();
    if (stamp && (text || name))
        return shell_complain(shell, "cannot specify times from more than one source");

    times->modified_s = times->accessed_s = now;
    int result = name ? reference_times(shell, name, times) : SHELL_DONE;
    int64_t base = times->modified_s == INT64_MIN ? 0 : times->modified_s;
    if (!result && ((stamp && date_parse_stamp(stamp, base, &times->modified_s)) ||
                    (text && date_parse_ns(text, base, &times->modified_s, &times->modified_ns))))
        return shell_complain(shell, "invalid date format '%s'", stamp ? stamp : text);
    if (stamp || text) {
        times->accessed_s = times->modified_s;
        times->accessed_ns = times->modified_ns;
    }
    touch->now = !text && !stamp && !name;
    return result;
}

/* Finds which times are to be changed. Returns false after an error message. */
static bool choose_which(struct shell *shell, struct node_info *times)
{
    static const struct { const char *name; bool modified; } words[] = {
        { "atime", false }, { "access", false }, { "use", false },
        { "mtime", true }, { "modify", true },
    };
    const char *word = option_value_name(shell, "time");
    bool access = option_given(shell, 'a'), modified = option_given(shell, 'm');
    if (!word) {
        times->has_modified = modified || !access;
        times->has_accessed = access || !modified;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (*word && text_starts(words[i].name, word)) {
            times->has_modified = modified || words[i].modified;
            times->has_accessed = access || !words[i].modified;
            return true;
        }
    shell_complain(shell, "invalid argument '%s' for '--time'", word);
    return false;
}

static int run_touch(struct shell *shell, int count, char **words)
{
    struct touch touch = { .shell = shell };
    int result = choose_which(shell, &touch.times) ? choose_time(&touch) : SHELL_FAILED;
    if (result)
        return result;

    for (int i = 1; i < count && !shell_interrupted(); i++) {
        /* A file that fails sets the status, and the next one is processed. */
        status_t status = touch_one(&touch, words[i]);
        if (status)
            result = shell_fail(shell, words[i], status);
    }
    return result;
}

static const struct shell_option touch_options[] = {
    { 'a', NULL, NULL, "change only the time of access" },
    { 'c', "no-create", NULL, "do not create files" },
    { 'd', "date", "TEXT", "set this time: '2024-05-01 12:30', 'yesterday', '@0'" },
    { 'h', "no-dereference", NULL, "change links themselves" },
    { 'm', NULL, NULL, "change only the modification time" },
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
DRIVER_DRIVES("command touch Files: create empty files, or set the times of files");

/*
 * commands_files.c - looking at files and directories: ls, cd, pwd, cat, hexdump, stat, echo.
 */
#include "kernel/shell/shell.h"
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"

static const char *type_name(enum node_type type)
{
    switch (type) {
    case NODE_FILE: return "file";
    case NODE_DIRECTORY: return "directory";
    case NODE_LINK: return "link";
    default: return "other";
    }
}

/* ---- ls ----------------------------------------------------------------------------------- */

struct ls_name {
    struct ls_name *next;
    char text[];
};

static struct ls_name *ls_merge(struct ls_name *a, struct ls_name *b)
{
    struct ls_name *merged = NULL, **end = &merged;
    while (a && b) {
        struct ls_name **least = strcmp(a->text, b->text) <= 0 ? &a : &b;
        *end = *least;
        *least = (*least)->next;
        end = &(*end)->next;
    }
    *end = a ? a : b;
    return merged;
}

/* Merge sort from below: runs[i] holds 2^i names or none. */
static struct ls_name *ls_sort(struct ls_name *names)
{
    struct ls_name *runs[32] = { 0 };
    while (names) {
        struct ls_name *run = names;
        names = names->next;
        run->next = NULL;
        unsigned i = 0;
        for (; i < 31 && runs[i]; i++) {
            run = ls_merge(runs[i], run);
            runs[i] = NULL;
        }
        runs[i] = ls_merge(runs[i], run);
    }
    struct ls_name *sorted = NULL;
    for (unsigned i = 0; i < 32; i++)
        sorted = ls_merge(runs[i], sorted);
    return sorted;
}

static status_t ls_add(struct ls_name **names, const char *text)
{
    size_t bytes = strlen(text) + 1;
    struct ls_name *name = mem_alloc(sizeof(*name) + bytes);
    if (!name)
        return -ENOMEM;
    memcpy(name->text, text, bytes);
    name->next = *names;
    *names = name;
    return 0;
}

static bool ls_has(const struct ls_name *names, const char *text)
{
    while (names && !text_equal(names->text, text))
        names = names->next;
    return names != NULL;
}

/* What the directory holds, and what is mounted in it. Returns why that is not all. */
static status_t ls_collect(struct path *path, struct ls_name **names)
{
    struct file *file;
    status_t status = file_open_path(path, OPEN_DIRECTORY | OPEN_READ, &file);
    if (status)
        return status;
    struct dir_entry *entry = mem_alloc(sizeof(*entry));
    int got = entry ? 0 : -ENOMEM;
    while (entry && !status && (got = dir_read(file, entry)) > 0)
        status = shell_interrupted() ? -EINTR : ls_add(names, entry->name);
    for (unsigned n = 0; entry && !status; n++) {
        if (vfs_mount_below(path, n, entry->name, sizeof(entry->name)))
            break;
        if (!ls_has(*names, entry->name))
            status = ls_add(names, entry->name);
    }
    mem_free(entry);
    file_close(file);
    return status ? status : got;
}

static void ls_print_long(struct shell *shell, const struct node_info *info)
{
    static const char letters[] = "?-dlo";
    char time[CIVIL_TEXT_BYTES] = "-";
    if (info->has_modified)
        civil_format(time, sizeof(time), info->modified_s);
    stream_format(shell->out, "%c %12llu %20s ", letters[info->type],
                  (unsigned long long)info->size_bytes, time);
}

static void ls_print_target(struct shell *shell, struct path *path)
{
    char *target = mem_alloc(PATH_BYTES_MAX + 1);
    if (target && path_read_link(path, target, PATH_BYTES_MAX + 1) >= 0) {
        stream_text(shell->out, " -> ");
        stream_escaped(shell->out, target, false);
    }
    mem_free(target);
}

static int ls_print(struct shell *shell, struct path *directory, const char *name, bool details)
{
    if (!details) {
        stream_escaped(shell->out, name, false);
        stream_text(shell->out, "\n");
        return SHELL_DONE;
    }
    struct path *path;
    struct node_info info;
    status_t status = path_child(directory, name, true, &path);
    if (status)
        return shell_fail(shell, name, status);
    status = path_info(path, INFO_STANDARD | INFO_TIMES, &info);
    if (!status) {
        ls_print_long(shell, &info);
        stream_escaped(shell->out, name, false);
        if (info.type == NODE_LINK)
            ls_print_target(shell, path);
        stream_text(shell->out, "\n");
    }
    path_put(path);
    return status ? shell_fail(shell, name, status) : SHELL_DONE;
}

static int ls_directory(struct shell *shell, struct path *path, const char *name, bool details)
{
    struct ls_name *names = NULL;
    status_t status = ls_collect(path, &names);
    int result = SHELL_DONE;
    names = ls_sort(names);
    while (names) {
        struct ls_name *next = names->next;
        if (result != SHELL_INTERRUPTED && !shell_interrupted()) {
            int one = ls_print(shell, path, names->text, details);
            result = one ? one : result;
        }
        mem_free(names);
        names = next;
    }
    return status ? shell_fail(shell, name, status) : result;
}

static int ls_one(struct shell *shell, const char *name, bool details)
{
    struct path *path;
    status_t status = path_walk(shell->directory, name, 0, &path);
    if (status)
        return shell_fail(shell, name, status);
    int result = SHELL_DONE;
    if (path_is_directory(path)) {
        result = ls_directory(shell, path, name, details);
    } else {
        struct node_info info;
        status = path_info(path, INFO_STANDARD | INFO_TIMES, &info);
        if (details && !status)
            ls_print_long(shell, &info);
        stream_escaped(shell->out, name, false);
        stream_text(shell->out, "\n");
    }
    path_put(path);
    return result;
}

static int run_ls(struct shell *shell, int count, char **words)
{
    int first = 1, result = SHELL_DONE;
    bool details = count > 1 && text_equal(words[1], "-l");
    first += details;
    if (first < count && words[first][0] == '-' && words[first][1])
        return shell_usage(shell);
    if (first == count)
        return ls_one(shell, ".", details);
    bool several = count - first > 1;
    for (int i = first; i < count && result != SHELL_INTERRUPTED; i++) {
        if (several)
            stream_format(shell->out, "%s%s:\n", i > first ? "\n" : "", words[i]);
        int one = ls_one(shell, words[i], details);
        result = one ? one : result;
    }
    return result;
}

static const struct shell_command command_ls = {
    .name = "ls",
    .arguments = "[-l] [PATH...]",
    .summary = "list directories; -l: type, size, time",
    .arguments_max = -1,
    .run = run_ls,
};
SHELL_COMMAND(command_ls);

/* ---- cd, pwd, echo ------------------------------------------------------------------------ */

static int run_cd(struct shell *shell, int count, char **words)
{
    struct path *path;
    const char *name = count > 1 ? words[1] : "/";
    status_t status = path_walk(shell->directory, name, 0, &path);
    if (!status && !path_is_directory(path)) {
        path_put(path);
        status = -ENOTDIR;
    }
    if (status)
        return shell_fail(shell, name, status);
    path_put(shell->directory);
    shell->directory = path;
    return SHELL_DONE;
}

static const struct shell_command command_cd = {
    .name = "cd",
    .arguments = "[DIRECTORY]",
    .summary = "go to a directory; without one, to /",
    .arguments_max = 1,
    .run = run_cd,
};
SHELL_COMMAND(command_cd);

static int run_pwd(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    size_t bytes = path_text(shell->directory, NULL, 0) + 1;
    char *text = mem_alloc(bytes);
    if (!text)
        return shell_fail(shell, NULL, -ENOMEM);
    path_text(shell->directory, text, bytes);
    stream_escaped(shell->out, text, false);
    stream_text(shell->out, "\n");
    mem_free(text);
    return SHELL_DONE;
}

static const struct shell_command command_pwd = {
    .name = "pwd",
    .arguments = "",
    .summary = "the current directory",
    .run = run_pwd,
};
SHELL_COMMAND(command_pwd);

static int run_echo(struct shell *shell, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        stream_text(shell->out, words[i]);
        if (i + 1 < count)
            stream_text(shell->out, " ");
    }
    stream_text(shell->out, "\n");
    return SHELL_DONE;
}

static const struct shell_command command_echo = {
    .name = "echo",
    .arguments = "[WORD...]",
    .summary = "say the words",
    .arguments_max = -1,
    .run = run_echo,
};
SHELL_COMMAND(command_echo);

/* ---- cat, hexdump ------------------------------------------------------------------------- */

static int cat_one(struct shell *shell, const char *name)
{
    struct file *file;
    struct cache_view view = { 0 };
    status_t status = file_open(shell->directory, name, OPEN_READ, &file);
    if (status)
        return shell_fail(shell, name, status);
    ssize_t got;
    while ((got = file_view(file, &view)) > 0 && !shell->out->status && !shell_interrupted()) {
        stream_write(shell->out, (const char *)view.data, view.length_bytes);
        file_view_close(file, &view);
        view.page = NULL;
    }
    if (got > 0)
        file_view_close(file, &view);
    file_close(file);
    return got < 0 ? shell_fail(shell, name, (status_t)got) : SHELL_DONE;
}

static int run_cat(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    for (int i = 1; i < count && !shell_interrupted(); i++) {
        int one = cat_one(shell, words[i]);
        result = one ? one : result;
    }
    return result;
}

static const struct shell_command command_cat = {
    .name = "cat",
    .arguments = "FILE...",
    .summary = "show files",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_cat,
};
SHELL_COMMAND(command_cat);

enum { DUMP_ROW = 16 };

static void dump_row(struct stream *out, uint64_t offset, const uint8_t *data, size_t bytes)
{
    stream_format(out, "%08llx ", (unsigned long long)offset);
    for (size_t i = 0; i < DUMP_ROW; i++) {
        if (i < bytes)
            stream_format(out, "%s%02x", i == DUMP_ROW / 2 ? "  " : " ", data[i]);
        else
            stream_text(out, i == DUMP_ROW / 2 ? "    " : "   ");
    }
    stream_text(out, "  |");
    for (size_t i = 0; i < bytes; i++)
        stream_format(out, "%c", data[i] >= 0x20 && data[i] < 0x7f ? data[i] : '.');
    stream_text(out, "|\n");
}

static status_t dump_file(struct shell *shell, struct file *file, uint64_t offset,
                          uint64_t length)
{
    uint8_t row[DUMP_ROW];
    while (length) {
        if (shell_interrupted())
            return -EINTR;
        size_t want = length < DUMP_ROW ? (size_t)length : DUMP_ROW;
        ssize_t got = file_read_at(file, offset, row, want);
        if (got <= 0)
            return (status_t)got;
        dump_row(shell->out, offset, row, (size_t)got);
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return 0;
}

static int run_hexdump(struct shell *shell, int count, char **words)
{
    uint64_t offset = 0, length = UINT64_MAX;
    if ((count > 2 && text_parse_u64(words[2], &offset)) ||
        (count > 3 && text_parse_u64(words[3], &length)))
        return shell_usage(shell);
    struct file *file;
    status_t status = file_open(shell->directory, words[1], OPEN_READ, &file);
    if (!status) {
        status = dump_file(shell, file, offset, length);
        file_close(file);
    }
    return status ? shell_fail(shell, words[1], status) : SHELL_DONE;
}

static const struct shell_command command_hexdump = {
    .name = "hexdump",
    .arguments = "FILE [OFFSET [LENGTH]]",
    .summary = "show bytes; devices are files too",
    .arguments_min = 1,
    .arguments_max = 3,
    .run = run_hexdump,
};
SHELL_COMMAND(command_hexdump);

/* ---- stat --------------------------------------------------------------------------------- */

static void stat_time(struct stream *out, const char *what, bool has, int64_t seconds)
{
    char text[CIVIL_TEXT_BYTES];
    if (!has)
        return;
    civil_format(text, sizeof(text), seconds);
    stream_format(out, "%10s %s\n", what, text);
}

static void stat_print(struct shell *shell, struct path *path, const struct node_info *info)
{
    struct stream *out = shell->out;
    size_t bytes = path_text(path, NULL, 0) + 1;
    char *text = mem_alloc(bytes);
    if (text)
        path_text(path, text, bytes);
    stream_text(out, "      path ");
    stream_escaped(out, text ? text : "?", false);
    stream_format(out, "\n      type %s\n", type_name(info->type));
    if (info->type == NODE_FILE && text)
        stream_format(out, "      mime %s\n", mime_type(text));
    if (info->type == NODE_LINK) {
        stream_text(out, "    target");
        ls_print_target(shell, path);
        stream_text(out, "\n");
    }
    mem_free(text);
    stream_format(out, "      size %llu\n", (unsigned long long)info->size_bytes);
    stream_format(out, "        id 0x%llx\n", (unsigned long long)info->id);
    stream_format(out, "      on   %s\n", path_fsd(path)->name);
    if (info->known & INFO_MODE)
        stream_format(out, "      mode %06o  links %u  uid %u  gid %u\n", info->mode, info->links,
                      info->uid, info->gid);
    if (info->attributes & ATTRIBUTE_HIDDEN)
        stream_text(out, "    hidden yes\n");
    stat_time(out, "modified", info->has_modified, info->modified_s);
    stat_time(out, "created", info->has_created, info->created_s);
    stat_time(out, "accessed", info->has_accessed, info->accessed_s);
    stat_time(out, "changed", info->has_changed, info->changed_s);
}

static int stat_one(struct shell *shell, const char *name)
{
    struct path *path;
    struct node_info info;
    status_t status = path_walk(shell->directory, name, WALK_NO_FOLLOW, &path);
    if (status)
        return shell_fail(shell, name, status);
    status = path_info(path, INFO_STANDARD | INFO_TIMES | INFO_MODE, &info);
    if (!status)
        stat_print(shell, path, &info);
    path_put(path);
    return status ? shell_fail(shell, name, status) : SHELL_DONE;
}

static int run_stat(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    for (int i = 1; i < count; i++) {
        int one = stat_one(shell, words[i]);
        result = one ? one : result;
    }
    return result;
}

static const struct shell_command command_stat = {
    .name = "stat",
    .arguments = "PATH...",
    .summary = "all that is known of a node; links are not followed",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_stat,
};
SHELL_COMMAND(command_stat);

/*
 * look.c - looking at single files: cd, pwd, echo, cat, hexdump, stat.
 */
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/discs/device_report.h"
#include "shell/options.h"
#include "shell/reading/input.h"
#include "shell/reading/listing.h"

/* ---- cd, pwd, echo ------------------------------------------------------------------------ */

/* PWD is the path, OLDPWD what PWD was. */
static status_t cd_remember(struct shell *shell, struct path *path)
{
    const char *before = shell_variable(shell, "PWD");
    size_t bytes = path_text(path, NULL, 0) + 1;
    char *text = mem_alloc(bytes);
    status_t status = text ? 0 : -ENOMEM;
    if (!status && before)
        status = variables_set(&shell->variables, "OLDPWD", 6, before);
    if (!status) {
        path_text(path, text, bytes);
        status = variables_set(&shell->variables, "PWD", 3, text);
    }
    mem_free(text);
    return status;
}

static status_t cd_go(struct shell *shell, const char *name)
{
    struct path *path;
    status_t status = path_walk(shell->directory, name, 0, &path);
    if (status)
        return status;
    status = path_is_directory(path) ? cd_remember(shell, path) : -ENOTDIR;
    if (status) {
        path_put(path);
        return status;
    }
    path_put(shell->directory);
    shell->directory = path;
    return 0;
}

static int cd_back(struct shell *shell)
{
    const char *before = shell_variable(shell, "OLDPWD");
    char *name = before ? join_path(before, "") : NULL; /* the variable changes on the way */
    if (!before)
        return shell_complain(shell, "OLDPWD is not set: there is nowhere to go back to");
    status_t status = name ? cd_go(shell, name) : -ENOMEM;
    int result = status ? shell_fail(shell, name, status) : SHELL_DONE;
    if (!status) {
        stream_escaped(shell->out, name, false);
        stream_text(shell->out, "\n");
    }
    mem_free(name);
    return result;
}

static int run_cd(struct shell *shell, int count, char **words)
{
    const char *home = shell_variable(shell, "HOME");
    const char *name = count > 1 ? words[1] : home ? home : "/";
    if (text_equal(name, "-"))
        return cd_back(shell);
    status_t status = cd_go(shell, name);
    return status ? shell_fail(shell, name, status) : SHELL_DONE;
}

static const struct shell_command command_cd = {
    .name = "cd",
    .arguments = "[DIRECTORY|-]",
    .summary = "go to a directory; -: back to the one before; alone: to $HOME",
    .arguments_max = 1,
    .run = run_cd,
    .group = "Files",
};
SHELL_COMMAND(command_cd);

static int run_pwd(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    /* The path is still known when the medium was removed, but not when the directory was. */
    if (path_is_unlinked(shell->directory))
        return shell_fail(shell, NULL, -ENOENT);
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
    .group = "Files",
};
SHELL_COMMAND(command_pwd);

static int run_echo(struct shell *shell, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        stream_text(shell->out, words[i]);
        if (i + 1 < count)
            stream_text(shell->out, " ");
    }
    if (!option_given(shell, 'n'))
        stream_text(shell->out, "\n");
    return SHELL_DONE;
}

static const struct shell_option echo_options[] = {
    { 'n', NULL, NULL, "no line end behind them" },
    { 0 },
};

static const struct shell_command command_echo = {
    .name = "echo",
    .arguments = "[-n] [WORD...]",
    .summary = "write the words; $'a\\tb' holds a tab, so there is no -e",
    .arguments_max = -1,
    .run = run_echo,
    .options = echo_options,
    .option_rules = OPTIONS_LENIENT,
};
SHELL_COMMAND(command_echo);

/* ---- cat, hexdump ------------------------------------------------------------------------- */

static status_t cat_plain(struct input *input)
{
    const char *data;
    ssize_t got = 0;
    while (!input->shell->out->status && (got = input_piece(input, &data)) > 0)
        stream_write(input->shell->out, data, (size_t)got);
    return got < 0 ? (status_t)got : 0; /* an error of `out` is reported where it was opened */
}

struct numbering {
    uint64_t lines;
    bool in_line; /* the last file may end within a line, which the next one continues */
};

static status_t cat_numbered(struct input *input, struct numbering *numbering)
{
    struct stream *out = input->shell->out;
    const char *data;
    ssize_t got = 0;
    while (!out->status && (got = input_piece(input, &data)) > 0)
        for (size_t left = (size_t)got; left && !out->status;) {
            if (!numbering->in_line)
                stream_format(out, "%6llu\t", (unsigned long long)++numbering->lines);
            const char *end = memchr(data, '\n', left);
            size_t bytes = end ? (size_t)(end - data) + 1 : left;
            stream_write(out, data, bytes);
            numbering->in_line = !end;
            data += bytes;
            left -= bytes;
        }
    return got < 0 ? (status_t)got : 0;
}

static status_t cat_input(struct input *input, void *numbering)
{
    return option_given(input->shell, 'n') ? cat_numbered(input, numbering) : cat_plain(input);
}

static int run_cat(struct shell *shell, int count, char **words)
{
    struct numbering numbering = { 0 };
    return input_each(shell, 1, count, words, cat_input, &numbering);
}

static const struct shell_option cat_options[] = {
    { 'n', "number", NULL, "a number before each line" },
    { 0 },
};

static const struct shell_command command_cat = {
    .name = "cat",
    .arguments = "[-n] [FILE...]",
    .summary = "show files, or standard input (also as `-`)",
    .arguments_max = -1,
    .run = run_cat,
    .options = cat_options,
    .group = "Files",
};
SHELL_COMMAND(command_cat);

enum {
    DUMP_ROW = 16,
    DUMP_ROW_TEXT = 96,     /* what a row looks like is shorter */
    DUMP_OFFSET_DIGITS = 8, /* at least */
    DUMP_BLOCK = 512,       /* read at a time */
};

static char *put_hex(char *to, uint64_t value, unsigned digits)
{
    while (digits--)
        *to++ = "0123456789abcdef"[value >> 4 * digits & 15];
    return to;
}

/* Without formats: there are as many rows as a file has bytes. */
static void dump_row(struct stream *out, uint64_t offset, const uint8_t *data, size_t bytes)
{
    char text[DUMP_ROW_TEXT];
    unsigned digits = DUMP_OFFSET_DIGITS;
    while (digits < 16 && offset >> 4 * digits)
        digits++;
    char *at = put_hex(text, offset, digits);
    *at++ = ' ';
    for (size_t i = 0; i < DUMP_ROW; i++) {
        if (i == DUMP_ROW / 2)
            *at++ = ' ';
        *at++ = ' ';
        if (i < bytes)
            at = put_hex(at, data[i], 2);
        else
            *at++ = ' ', *at++ = ' ';
    }
    *at++ = ' ', *at++ = ' ', *at++ = '|';
    for (size_t i = 0; i < bytes; i++)
        *at++ = data[i] >= 0x20 && data[i] < 0x7f ? (char)data[i] : '.';
    *at++ = '|', *at++ = '\n';
    stream_write(out, text, (size_t)(at - text));
}

static void dump_rows(struct stream *out, uint64_t offset, const uint8_t *data, size_t bytes)
{
    for (size_t at = 0; at < bytes && !out->status && !shell_interrupted(); at += DUMP_ROW)
        dump_row(out, offset + at, data + at, bytes - at < DUMP_ROW ? bytes - at : DUMP_ROW);
}

static status_t dump_file(struct shell *shell, struct file *file, uint64_t offset,
                          uint64_t length)
{
    uint8_t block[DUMP_BLOCK];
    while (length && !shell->out->status) {
        if (shell_interrupted())
            return -EINTR;
        size_t want = length < DUMP_BLOCK ? (size_t)length : DUMP_BLOCK;
        ssize_t got = file_read_at(file, offset, block, want);
        if (got <= 0)
            return (status_t)got;
        dump_rows(shell->out, offset, block, (size_t)got);
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return 0;
}

/* Standard input cannot seek: bytes before `offset` are read and left out. Bytes after the end are
 * the next command's. */
static status_t dump_input(struct shell *shell, uint64_t offset, uint64_t length)
{
    uint8_t block[DUMP_BLOCK];
    uint64_t at = 0, end = length < UINT64_MAX - offset ? offset + length : UINT64_MAX;
    size_t used = 0; /* at the front of the block: less than a row that begins at `at` */
    ssize_t got = 1;
    while (at + used < end && !shell->out->status) {
        uint64_t left = at < offset ? offset - at : end - at - used;
        size_t room = DUMP_BLOCK - used;
        if ((got = shell_read(shell, block + used, left < room ? (size_t)left : room)) <= 0)
            break;
        if (at < offset) {
            at += (uint64_t)got;
            continue;
        }
        size_t bytes = used + (size_t)got;
        used = bytes % DUMP_ROW;
        dump_rows(shell->out, at, block, bytes - used);
        memmove(block, block + bytes - used, used);
        at += bytes - used;
    }
    if (used)
        dump_row(shell->out, at, block, used);
    return got < 0 ? (status_t)got : 0;
}

static int run_hexdump(struct shell *shell, int count, char **words)
{
    uint64_t offset = 0, length = UINT64_MAX;
    const char *name = count > 1 ? words[1] : "-";
    if ((count > 2 && option_given(shell, 's')) || (count > 3 && option_given(shell, 'n')))
        return shell_usage(shell); /* one of the two would be ignored */
    if (count > 2 && !shell_number(shell, "OFFSET", words[2], 0, UINT64_MAX, &offset))
        return SHELL_USAGE;
    if (count > 3 && !shell_number(shell, "LENGTH", words[3], 0, UINT64_MAX, &length))
        return SHELL_USAGE;
    if (!option_number(shell, 's', 0, UINT64_MAX, &offset) ||
        !option_number(shell, 'n', 0, UINT64_MAX, &length))
        return SHELL_USAGE;
    struct file *file;
    status_t status;
    if (text_equal(name, "-")) {
        status = dump_input(shell, offset, length);
    } else if (!(status = file_open(shell->directory, name, OPEN_READ, &file))) {
        status = dump_file(shell, file, offset, length);
        file_close(file);
    }
    return status ? shell_fail(shell, name, status) : SHELL_DONE;
}

static const struct shell_option hexdump_options[] = {
    { 'C', "canonical", NULL, "hexadecimal and text: always so" },
    { 's', "skip", "OFFSET", "begin there" },
    { 'n', "length", "LENGTH", "so many bytes at most" },
    { 0 },
};

static const struct shell_command command_hexdump = {
    .name = "hexdump",
    .arguments = "[-C] [-s OFFSET] [-n LENGTH] [FILE [OFFSET [LENGTH]]]",
    .summary = "show bytes; devices are files too",
    .arguments_max = 3,
    .run = run_hexdump,
    .options = hexdump_options,
    .group = "Files",
};
SHELL_COMMAND(command_hexdump);

/* ---- stat --------------------------------------------------------------------------------- */

static const char *type_name(enum node_type type)
{
    switch (type) {
    case NODE_FILE: return "file";
    case NODE_DIRECTORY: return "directory";
    case NODE_LINK: return "link";
    default: return "other";
    }
}

static void stat_time(struct stream *out, const char *what, bool has, int64_t seconds)
{
    char text[CIVIL_TEXT_BYTES];
    if (!has)
        return;
    civil_format(text, sizeof(text), seconds);
    stream_format(out, "%10s %s\n", what, text);
}

static void stat_target(struct shell *shell, struct path *path)
{
    char *target = mem_alloc(PATH_BYTES_MAX + 1);
    if (target && path_read_link(path, target, PATH_BYTES_MAX + 1) >= 0) {
        stream_text(shell->out, "    target -> ");
        stream_escaped(shell->out, target, false);
        stream_text(shell->out, "\n");
    }
    mem_free(target);
}

static void stat_mode(struct stream *out, const struct node_info *info)
{
    char mode[MODE_TEXT_BYTES];
    if (!(info->known & INFO_MODE))
        return;
    mode_text(mode, info);
    stream_format(out, "      mode %06o %s  links %u  uid %u  gid %u\n", info->mode, mode,
                  info->links, info->uid, info->gid);
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
    mem_free(text);

    stream_format(out, "\n      type %s\n", type_name(info->type));
    if (info->mime) {
        stream_text(out, "      mime ");
        stream_escaped(out, info->mime, false);
        stream_text(out, "\n");
    }
    if (info->type == NODE_LINK)
        stat_target(shell, path);
    stream_format(out, "      size %llu\n", (unsigned long long)info->size_bytes);
    stream_format(out, "        id 0x%llx\n", (unsigned long long)info->id);
    stream_format(out, "      on   %s\n", path_fsd(path)->name);
    stat_mode(out, info);
    if (info->type == NODE_FILE && text_equal(path_fsd(path)->name, "devfs"))
        device_report_medium(out, path); /* of a drive's file: what the drive answers */

    if (info->attributes & ATTRIBUTE_READ_ONLY)
        stream_text(out, " read-only yes\n");
    if (info->attributes & ATTRIBUTE_HIDDEN)
        stream_text(out, "    hidden yes\n");
    if (info->attributes & ATTRIBUTE_ASSOCIATED)
        stream_text(out, "associated yes\n");

    stat_time(out, "modified", info->has_modified, info->modified_s);
    stat_time(out, "created", info->has_created, info->created_s);
    stat_time(out, "accessed", info->has_accessed, info->accessed_s);
    stat_time(out, "changed", info->has_changed, info->changed_s);
}

static int stat_one(struct shell *shell, const char *name)
{
    struct path *path;
    struct node_info info;
    status_t status = path_walk(shell->directory, name,
                                option_given(shell, 'L') ? 0 : WALK_NO_FOLLOW, &path);
    if (status)
        return shell_fail(shell, name, status);
    status = path_info(path, INFO_STANDARD | INFO_TIMES | INFO_MODE | INFO_MIME, &info);
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

static const struct shell_option stat_options[] = {
    { 'L', "dereference", NULL, "of what a link points to" },
    { 0 },
};

static const struct shell_command command_stat = {
    .name = "stat",
    .arguments = "[-L] PATH...",
    .summary = "all that is known of a node",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_stat,
    .options = stat_options,
    .group = "Files",
};
SHELL_COMMAND(command_stat);

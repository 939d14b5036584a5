/*
 * stat.c - shows all that a file system knows of a file or directory: stat.
 *
 * Each line is a name, right-aligned in ten columns, and a value. Information that the file system
 * does not have is left out, rather than shown as 0.
 */
#include "kernel/module/info.h"
#include "lib/civil.h"
#include "lib/date.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/discs/device_report.h"
#include "shell/options.h"
#include "shell/reading/show.h"

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

    /* A file system without modes has no owners and link counts either. */
    if (!(info->known & INFO_MODE))
        return;
    mode_text(mode, info);
    stream_format(out, "      mode %06o %s  links %u  uid %u  gid %u\n", info->mode, mode,
                  info->links, info->uid, info->gid);
}

static void stat_print(struct shell *shell, struct path *path, const struct node_info *info)
{
    struct stream *out = shell->out;

    /* The path is shown as the kernel knows it: absolute, and without links. */
    char *text = path_text_copy(path, NULL);
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

    /* The file of a drive has no metadata of its own; the drive answers instead. */
    if (info->type == NODE_FILE && text_equal(path_fsd(path)->name, "devfs"))
        device_report_medium(out, path);

    /* Most files have no attributes, so only those that are set are shown. */
    if (info->attributes & ATTRIBUTE_READ_ONLY)
        stream_text(out, " read-only yes\n");
    if (info->attributes & ATTRIBUTE_HIDDEN)
        stream_text(out, "    hidden yes\n");
    if (info->attributes & ATTRIBUTE_ASSOCIATED)
        stream_text(out, "associated yes\n");

    /* A file system may store any of the four times. */
    stat_time(out, "modified", info->has_modified, info->modified_s);
    stat_time(out, "created", info->has_created, info->created_s);
    stat_time(out, "accessed", info->has_accessed, info->accessed_s);
    stat_time(out, "changed", info->has_changed, info->changed_s);
}

/* ---- formats ------------------------------------------------------------------------------ */

/* What a conversion may show. */
struct shown {
    const char *name; /* as it was typed */
    struct path *path;
    const struct node_info *info;
};

static const char *gnu_type(const struct node_info *info)
{
    switch (info->type) {
    case NODE_FILE: return info->size_bytes ? "regular file" : "regular empty file";
    case NODE_DIRECTORY: return "directory";
    case NODE_LINK: return "symbolic link";
    default: return "character special file";
    }
}

/* Writes 'NAME', and for a link the name that it leads to. */
static void put_quoted_name(struct stream *out, const struct shown *shown)
{
    stream_format(out, "'%s'", shown->name);
    if (shown->info->type != NODE_LINK)
        return;
    char *target = mem_alloc(PATH_BYTES_MAX + 1);
    if (target && path_read_link(shown->path, target, PATH_BYTES_MAX + 1) >= 0)
        stream_format(out, " -> '%s'", target);
    mem_free(target);
}

/* Writes a time: seconds, or in words; "-" or 0 if it is unknown (GNU). */
static void put_time(struct stream *out, bool has, int64_t seconds, uint32_t ns, bool words)
{
    char text[48];
    if (words && has)
        date_format_ns(text, sizeof(text), "%F %T.%N %z", seconds, ns);
    else if (words)
        text_copy(text, sizeof(text), "-");
    else
        format_text(text, sizeof(text), "%lld", has ? (long long)seconds : 0);
    stream_text(out, text);
}

/* Writes the conversion. Returns false if there is none with this letter. */
static bool put_conversion(struct stream *out, char letter, const struct shown *shown)
{
    const struct node_info *i = shown->info;
    char mode[MODE_TEXT_BYTES];
    unsigned long long blocks = (i->size_bytes + 511) / 512;
    switch (letter) {
    case 'n': stream_text(out, shown->name); break;
    case 'N': put_quoted_name(out, shown); break;
    case 's': stream_format(out, "%llu", (unsigned long long)i->size_bytes); break;
    case 'F': stream_text(out, gnu_type(i)); break;
    case 'a': stream_format(out, "%o", i->mode & 07777); break;
    case 'A': mode_text(mode, i); stream_text(out, mode); break;
    case 'f': stream_format(out, "%x", i->mode); break;
    case 'i': stream_format(out, "%llu", (unsigned long long)i->id); break;
    case 'h': stream_format(out, "%u", i->known & INFO_MODE ? i->links : 1); break;
    case 'u': stream_format(out, "%u", i->uid); break;
    case 'g': stream_format(out, "%u", i->gid); break;
    case 'b': stream_format(out, "%llu", blocks); break;
    case 'B': stream_text(out, "512"); break;
    case 'x': case 'X':
        put_time(out, i->has_accessed, i->accessed_s, i->accessed_ns, letter == 'x');
        break;
    case 'y': case 'Y':
        put_time(out, i->has_modified, i->modified_s, i->modified_ns, letter == 'y');
        break;
    case 'z': case 'Z': put_time(out, i->has_changed, i->changed_s, 0, letter == 'z'); break;
    case 'w': case 'W': put_time(out, i->has_created, i->created_s, 0, letter == 'w'); break;
    case '%': stream_text(out, "%"); break;
    default: return false;
    }
    return true;
}

/* Writes the format; `escapes`: with the \n and \t of --printf. */
static void stat_format(struct stream *out, const char *format, bool escapes,
                        const struct shown *shown)
{
    for (; *format; format++) {
        if (*format == '%' && format[1]) {
            /* An unknown conversion is shown as ? (GNU). */
            if (!put_conversion(out, *++format, shown))
                stream_text(out, "?");
        } else if (escapes && *format == '\\' && format[1]) {
            char c = *++format;
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? '\0' : c;
            stream_write(out, &c, 1);
        } else {
            stream_write(out, format, 1);
        }
    }
    if (!escapes)
        stream_text(out, "\n");
}

static int stat_one(struct shell *shell, const char *name)
{
    struct path *path;
    struct node_info info = { 0 };

    /* By default a link itself is shown, not its target (GNU). */
    unsigned flags = option_given(shell, 'L') ? 0 : WALK_NO_FOLLOW;
    status_t status = path_walk(shell->directory, name, flags, &path);
    if (status)
        return shell_fail(shell, name, status);

    status = path_info(path, INFO_STANDARD | INFO_TIMES | INFO_MODE | INFO_MIME, &info);
    const char *format = option_value(shell, 'c'), *printed = option_value_name(shell, "printf");
    const struct shown shown = { .name = name, .path = path, .info = &info };
    if (!status && (format || printed))
        stat_format(shell->out, format ? format : printed, !format, &shown);
    else if (!status)
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
    { 'L', "dereference", NULL, "follow links" },
    { 'c', "format", "FORMAT", "print FORMAT: %n name, %s size, %F type, %Y %y time ..." },
    { 0, "printf", "FORMAT", "as -c, with \n and \\t, and without a newline" },
    { 0 },
};

static const struct shell_command command_stat = {
    .name = "stat",
    .arguments = "[-L] [-c FORMAT] PATH...",
    .summary = "show the metadata of files and directories",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_stat,
    .options = stat_options,
    .failing = "cannot stat",
    .group = "Files",
};
SHELL_COMMAND(command_stat);
DRIVER_DRIVES("command stat Files: show the metadata of files and directories");

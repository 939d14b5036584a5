/*
 * attributes.c - shows and changes the attributes of files: attrib, chmod.
 *
 * FAT and exFAT store four (kernel/vfs/layout/attributes.h). Of a mode, only the owner's permission
 * to write can be stored, as the lack of the read-only attribute: chmod accepts the other bits, and
 * ignores them, as on Linux's vfat.
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/walk.h"

struct change {
    unsigned set, clear; /* ATTRIBUTE_* */
};

static status_t change_path(struct path *path, const struct change *change)
{
    return change->set | change->clear ? path_set_attributes(path, change->set, change->clear)
                                       : 0;
}

/* Returns the command's status. -EINVAL of a file system: it stores no attributes. */
static int report(struct shell *shell, const char *name, status_t status)
{
    return status ? shell_fail(shell, name, status == -EINVAL ? -EOPNOTSUPP : status) : SHELL_DONE;
}

/* ---- attrib ------------------------------------------------------------------------------- */

static const struct { char letter; unsigned attribute; } letters[] = {
    { 'A', ATTRIBUTE_ARCHIVE }, { 'S', ATTRIBUTE_SYSTEM }, { 'H', ATTRIBUTE_HIDDEN },
    { 'R', ATTRIBUTE_READ_ONLY },
};

/* Parses "+RH" or "-a". Returns false if the word is not a change. */
static bool parse_attributes(const char *word, struct change *change)
{
    bool sets = *word == '+';
    if ((!sets && *word != '-') || !word[1])
        return false;
    while (*++word) {
        size_t i = 0;
        while (i < ARRAY_LENGTH(letters) && letters[i].letter != text_upper(*word))
            i++;
        if (i == ARRAY_LENGTH(letters))
            return false;

        /* The last one of two contrary changes counts. */
        *(sets ? &change->set : &change->clear) |= letters[i].attribute;
        *(sets ? &change->clear : &change->set) &= ~letters[i].attribute;
    }
    return true;
}

static status_t attrib_show(struct shell *shell, struct path *path, const char *name)
{
    struct node_info info;
    status_t status = path_info(path, INFO_STANDARD, &info);
    if (status)
        return status;
    for (size_t i = 0; i < ARRAY_LENGTH(letters); i++)
        stream_format(shell->out, "%c", info.attributes & letters[i].attribute
                                            ? letters[i].letter : '-');
    stream_text(shell->out, "  ");
    stream_escaped(shell->out, name, false);
    stream_text(shell->out, "\n");
    return 0;
}

static int run_attrib(struct shell *shell, int count, char **words)
{
    struct change change = { 0 };
    int first = 1, result = SHELL_DONE;
    while (first < count && parse_attributes(words[first], &change))
        first++;
    if (first < count && text_equal(words[first], "--"))
        first++;
    else if (first < count && words[first][0] == '-')
        return shell_usage(shell);
    if (first == count)
        return shell_usage(shell);

    for (int i = first; i < count && !shell_interrupted(); i++) {
        struct path *path;
        status_t status = path_walk(shell->directory, words[i], 0, &path);
        if (!status) {
            status = first > 1 ? change_path(path, &change)
                               : attrib_show(shell, path, words[i]);
            path_put(path);
        }
        int one = report(shell, words[i], status);
        result = one ? one : result;
    }
    return result;
}

static const struct shell_option attrib_options[] = {
    { 0, "+LETTERS", NULL, "set R (read-only), H (hidden), S (system), A (archive)" },
    { 0, "-LETTERS", NULL, "clear them" },
    { 0 },
};

static const struct shell_command command_attrib = {
    .name = "attrib",
    .arguments = "[+LETTERS] [-LETTERS] FILE...",
    .summary = "show or change the attributes of files on FAT and exFAT",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_attrib,
    .options = attrib_options,
    .option_rules = OPTIONS_RAW,
    .group = "Files",
};
SHELL_COMMAND(command_attrib);
DRIVER_DRIVES("command attrib Files: show or change the attributes of files on FAT and exFAT");

/* ---- chmod -------------------------------------------------------------------------------- */

enum { OWNER_WRITES = 0200, MODE_MAX = 07777 };

/* What a mode leads to, as far as the owner's permission to write is concerned. */
struct mode {
    bool changes, writes;
};

/* Returns how many characters at the beginning of a word are among these. */
static size_t span(const char *word, const char *among)
{
    size_t length = 0;
    while (word[length] && strchr(among, word[length]))
        length++;
    return length;
}

/* Parses "444". */
static bool parse_octal(const char *word, struct mode *mode)
{
    unsigned value = 0;
    for (; *word >= '0' && *word <= '7' && value <= MODE_MAX; word++)
        value = value * 8 + (unsigned)(*word - '0');
    *mode = (struct mode){ .changes = true, .writes = value & OWNER_WRITES };
    return !*word && value <= MODE_MAX;
}

/* Parses "a-w", "u=rw,+x" (POSIX). */
static bool parse_symbols(const char *word, struct mode *mode)
{
    for (;; word++) {
        size_t users = span(word, "ugoa");
        bool owner = !users || memchr(word, 'u', users) || memchr(word, 'a', users);
        word += users;
        if (!span(word, "+-="))
            return false;

        /* several operations may follow the users: "a-w+x" */
        while (span(word, "+-=")) {
            char operation = *word++;
            size_t permissions = span(word, "rwxXstugo");
            bool names_it = memchr(word, 'w', permissions);
            if (owner && (names_it || operation == '='))
                *mode = (struct mode){ .changes = true,
                                       .writes = names_it && operation != '-' };
            word += permissions;
        }
        if (*word != ',')
            return !*word;
    }
}

/* Returns false if the mode is invalid. */
static bool parse_mode(const char *word, struct change *change)
{
    struct mode mode = { .changes = false };
    if (!(text_is_digit(*word) ? parse_octal(word, &mode) : parse_symbols(word, &mode)))
        return false;
    unsigned attribute = mode.changes ? ATTRIBUTE_READ_ONLY : 0;
    *change = (struct change){ .set = mode.writes ? 0 : attribute,
                               .clear = mode.writes ? attribute : 0 };
    return true;
}

/* -R: all files below a directory. */
static int chmod_tree(struct shell *shell, struct path *start, const char *name,
                      const struct change *change)
{
    struct walk *walk;
    struct walk_item item;
    int got = 0, result = SHELL_DONE;
    status_t status = walk_begin(start, 0, &walk);
    if (status)
        return report(shell, name, status);
    while (!shell_interrupted() && (got = walk_next(walk, &item)) > 0) {
        struct path *path;
        status = item.status;
        if (!status && item.info.type == NODE_FILE)
            status = walk_path(&item, &path);
        if (!status && item.info.type == NODE_FILE)
            status = change_path(path, change);
        int one = report(shell, item.text, status);
        result = one ? one : result;
    }
    walk_end(walk);
    return got < 0 ? report(shell, name, got) : result;
}

static int chmod_one(struct shell *shell, const char *name, const struct change *change,
                     bool recursive)
{
    struct path *path;
    int result = SHELL_DONE;
    status_t status = path_walk(shell->directory, name, 0, &path);
    if (status)
        return report(shell, name, status);

    /* The permission to write a directory cannot be stored. */
    if (!path_is_directory(path))
        result = report(shell, name, change_path(path, change));
    else if (recursive)
        result = chmod_tree(shell, path, name, change);
    path_put(path);
    return result;
}

static int run_chmod(struct shell *shell, int count, char **words)
{
    struct change change;
    bool recursive = false;
    int at = 1, result = SHELL_DONE;

    /* "-w" is a mode, not an option. */
    for (; at < count && (text_equal(words[at], "-R") || text_equal(words[at], "--recursive"));
         at++)
        recursive = true;
    if (at < count && text_equal(words[at], "--"))
        at++;
    if (count - at < 2)
        return shell_usage(shell);
    if (!parse_mode(words[at], &change))
        return shell_complain(shell, "invalid mode: '%s'", words[at]);

    for (int i = at + 1; i < count && !shell_interrupted(); i++) {
        int one = chmod_one(shell, words[i], &change, recursive);
        result = one ? one : result;
    }
    return result;
}

static const struct shell_option chmod_options[] = {
    { 'R', "recursive", NULL, "change all files below a directory" },
    { 0 },
};

static const struct shell_command command_chmod = {
    .name = "chmod",
    .arguments = "[-R] MODE FILE...",
    .summary = "set or clear the read-only attribute: chmod -w, +w, 444, 644",
    .arguments_min = 2,
    .arguments_max = -1,
    .run = run_chmod,
    .options = chmod_options,
    .option_rules = OPTIONS_RAW,
    .failing = "changing permissions of",
    .group = "Files",
};
SHELL_COMMAND(command_chmod);
DRIVER_DRIVES("command chmod Files: set or clear the read-only attribute: chmod -w, +w, 444, 644");

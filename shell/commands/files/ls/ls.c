/*
 * ls.c - lists directories and files: ls.
 *
 * Without options only the names are read; types, sizes and times are read when they are shown or
 * sorted by, because on a CD each may cost a seek. On a terminal names are shown in columns.
 * Directories wait in two lists, the operands and, with -R, those found below the current operand,
 * so that a tree of any depth is listed without recursion.
 */
#include "shell/commands/files/ls/ls.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/paths.h"
#include "shell/reading/show.h"
#include "shell/terminal.h"

static unsigned ls_levels(const struct ls *ls)
{
    /* -R must know which names are directories, and -F needs the modes. */
    bool sorts = ls->order == LS_BY_SIZE || ls->order == LS_BY_TIME || ls->directories_first;
    bool look = ls->format == LS_DETAILS || sorts || ls->recursive || ls->marks || ls->inodes ||
                ls->blocks || ls->colors || (ls->context && ls->follow);
    return look ? INFO_STANDARD | INFO_TIMES | INFO_MODE : INFO_NONE;
}

static void ls_failed(struct ls *ls, const char *name, status_t status)
{
    ls->result = shell_fail(ls->shell, name, status);
}

enum { LS_TROUBLE = 2 }; /* an operand that cannot be accessed (GNU) */

/* ---- listings ----------------------------------------------------------------------------- */

/* -L: reads what a link leads to. A link that leads nowhere is an error, and is shown as a link
 * (GNU). */
static void ls_look_along(struct path *directory, struct name *name, unsigned levels)
{
    struct path *path;
    name->info = (struct node_info){ .type = NODE_LINK };
    name->status = path_walk(directory, name->text, 0, &path);
    if (name->status)
        return;
    name->status = path_info(path, levels, &name->info);
    path_put(path);
}

static bool leads_to_directory(struct path *directory, const char *text)
{
    struct path *path;
    if (path_walk(directory, text, 0, &path))
        return false;
    bool is = path_is_directory(path);
    path_put(path);
    return is;
}

/* Reports a name of the directory `where` by its path. */
static void ls_failed_in(struct ls *ls, const char *where, const struct name *name)
{
    char *path = join_path(text_equal(where, ".") ? "" : where, name->text);
    ls_failed(ls, path ? path : name->text, name->status);
    mem_free(path);
}

/* Reads what is shown of each name or sorted by. */
static void ls_examine(struct ls *ls, struct path *directory, const char *where,
                       struct name *names)
{
    unsigned levels = ls_levels(ls);
    for (; levels && names && !shell_interrupted(); names = names_next(names)) {
        name_look(directory, true, names, levels);
        if (ls->follow && !names->status && names->info.type == NODE_LINK)
            ls_look_along(directory, names, levels);
        if (ls->directories_first && names->info.type == NODE_LINK)
            names->leads_to_directory = leads_to_directory(directory, names->text);

        /* A name without information is left out of the listing, so it is reported here. */
        if (names->status && names->status != -EINTR)
            ls_failed_in(ls, where, names);
    }
}

/* -R: puts the directories among the names at the front of the pending ones. */
static status_t ls_descend(struct ls *ls, const char *where, const struct name *names)
{
    struct name *found = NULL, *next;
    status_t status = 0;
    for (; names && !status; names = names_next(names)) {
        /* With -a the names include `.` and `..`, which lead out of the tree. */
        if (names->info.type != NODE_DIRECTORY || text_equal(names->text, ".") ||
            text_equal(names->text, ".."))
            continue;
        char *path = join_path(where, names->text);
        status = path ? names_add(&found, path) : -ENOMEM;
        mem_free(path);
    }

    /* names_add() reversed the order, and moving them one by one restores it. */
    for (; found; found = next) {
        next = names_next(found);
        found->link.next = ls->pending ? &ls->pending->link : NULL;
        ls->pending = found;
    }
    return status;
}

static void ls_title(struct ls *ls, const char *name)
{
    if (!ls->titles)
        return;
    if (ls->printed)
        stream_text(ls->shell->out, "\n");
    ls_write(ls, name, true);
    stream_text(ls->shell->out, ":\n");
    ls->printed = true;
}

/* -R: returns -ELOOP if this directory was listed already, on a damaged disc. With -L it may have
 * several names, and ls_contains_itself() finds loops. */
static status_t ls_enter(struct ls *ls, struct path *path)
{
    struct node_info info;
    status_t status = path_info(path, INFO_ALIAS, &info);
    if (status || !ls->recursive || ls->follow)
        return status;

    /* An alias is unique within a file system. The address of that distinguishes mounts. */
    return id_set_add(&ls->entered, info.alias ^ (uint64_t)(uintptr_t)path_fsd(path) << 7);
}

/* -s: the sum of what the names take. */
static void ls_total(const struct ls *ls, const struct name *names)
{
    uint64_t bytes = 0;
    char text[SIZE_TEXT_BYTES];
    for (; names; names = names_next(names))
        bytes += (names->info.size_bytes + 1023) / 1024 * 1024;
    space_text(text, bytes, ls->human);
    stream_format(ls->shell->out, "total %s\n", text);
}

/* Prints the names of a directory, and remembers the directories among them for -R. */
static status_t ls_show(struct ls *ls, struct path *path, const char *where,
                        const struct name *names)
{
    ls_title(ls, where);
    if (ls->blocks)
        ls_total(ls, names);
    status_t status = ls_print(ls, path, names, false);
    return ls->recursive && !status ? ls_descend(ls, where, names) : status;
}

/* Lists a directory. Returns why it, or a part of it, could not be read. */
static status_t ls_directory(struct ls *ls, struct path *path, const char *where)
{
    struct name *names = NULL;
    unsigned skipped = 0;

    /* A directory that was listed already is not read again. */
    status_t status = ls_enter(ls, path);
    if (!status)
        status = names_collect(path, true, ls_levels(ls), &names, &skipped);

    /* A listing never contains `.` and `..`, so they are added. */
    if (ls->all && (names_add(&names, ".") || names_add(&names, "..")))
        status = -ENOMEM;
    names = ls_filter(ls, names);

    /* The list is now complete: read what the options need of each name, then sort. */
    ls_examine(ls, path, where, names);
    names = ls_sort(ls, names);

    /* After an error, what could be read is still listed. */
    if (!shell_interrupted()) {
        status_t shown = ls_show(ls, path, where, names);
        status = shown ? shown : status;
    }
    names_free(names);
    ls->result = shell_end_skipped(ls->shell, where, skipped, ls->result);
    return status;
}

/* ---- operands ----------------------------------------------------------------------------- */

/* Adds an operand to the directories to be listed, or to the `files` that are shown first. With
 * -d, directories are shown like files. */
static status_t ls_operand(struct ls *ls, const char *word, struct name **files, bool directory)
{
    struct path *path;
    struct shell *shell = ls->shell;

    /* A link to a directory is listed as the directory, except where links are shown (POSIX). */
    bool details = ls->format == LS_DETAILS || ls->marks == LS_ALL_MARKS || directory;
    bool follows = ls->follow || ls->follow_operands;
    unsigned flags = details && !follows ? WALK_NO_FOLLOW : 0;
    status_t status = path_walk(shell->directory, word, flags, &path);

    /* Any other link is shown itself, a dangling one too; one that loops is an error (GNU). */
    bool directory_found = !status && path_is_directory(path);
    if (!flags && !follows && !directory_found && (!status || status == -ENOENT)) {
        if (!status)
            path_put(path);
        status = path_walk(shell->directory, word, WALK_NO_FOLLOW, &path);
    }
    if (status)
        return status;

    bool list = path_is_directory(path) && !directory;
    struct name **names = list ? &ls->operands : files;
    status = names_add(names, word);

    /* Examine it while its path is at hand: directories are sorted by size or time, too. Only a
     * file is reported here, because a directory that fails is reported when it is listed. */
    if (!status) {
        (*names)->status = path_info(path, INFO_STANDARD | INFO_TIMES | INFO_MODE,
                                     &(*names)->info);
        (*names)->leads_to_directory = (*names)->info.type == NODE_LINK &&
                                       leads_to_directory(shell->directory, word);
        status = list ? 0 : (*names)->status;
    }
    path_put(path);
    return status;
}

/* Prints the operands that are files, and collects the directories. */
static void ls_operands(struct ls *ls, int count, char **words)
{
    struct name *files = NULL;
    bool directory = option_given(ls->shell, 'd');

    /* Without operands, the current directory is listed. */
    for (int i = 0; i < max(count, 1); i++) {
        const char *word = count ? words[i] : ".";
        status_t status = ls_operand(ls, word, &files, directory);
        if (status) {
            ls_failed(ls, word, status);
            ls->result = count ? LS_TROUBLE : ls->result;
        }
    }

    files = ls_sort(ls, files);
    status_t status = ls_print(ls, ls->shell->directory, files, true);
    if (status)
        ls_failed(ls, NULL, status);
    names_free(files);
    ls->operands = ls_sort(ls, ls->operands);
}

/* Takes the next directory: below the current operand, or else the next operand. Directories are
 * listed once below each operand. */
static struct name *ls_next(struct ls *ls)
{
    struct name **list = ls->pending ? &ls->pending : &ls->operands;
    struct name *name = *list;

    /* The next operand is another tree, which may contain the same directories. */
    if (!ls->pending)
        id_set_destroy(&ls->entered);
    if (name)
        *list = names_next(name);
    return name;
}

/* -RL: returns whether a link leads to one of the directories that contain it, from the operand
 * on. */
static bool ls_contains_itself(const struct ls *ls, struct path *path, const char *where)
{
    bool found = false;
    char *text = ls->recursive && ls->follow ? join_path(where, "") : NULL;
    for (char *slash; text && !found && (slash = strrchr(text, '/')) != NULL;) {
        struct path *above;
        *slash = '\0';
        if (slash < text + ls->operand_length || path_walk(ls->shell->directory, text, 0, &above))
            break;
        found = path_is_same(above, path);
        path_put(above);
    }
    mem_free(text);
    return found;
}

static void ls_directories(struct ls *ls)
{
    struct name *name;
    while (!shell_interrupted() && !ls->shell->out->status) {
        bool is_operand = !ls->pending;
        if (!(name = ls_next(ls)))
            break;
        if (is_operand) {
            size_t length;
            const char *base = base_name(name->text, &length);
            ls->operand_length = (size_t)(base - name->text) + length;
        }

        /* Directories are walked to by their text: no path is held while others are listed. */
        struct path *path;
        status_t status = path_walk(ls->shell->directory, name->text, 0, &path);
        if (!status && !is_operand && ls_contains_itself(ls, path, name->text)) {
            (void)shell_complain(ls->shell, "%s: not listing already-listed directory", name->text);
            ls->result = LS_TROUBLE;
            path_put(path);
        } else if (!status) {
            status = ls_directory(ls, path, name->text);
            path_put(path);
        }
        if (status) {
            ls_failed(ls, name->text, status);
            ls->result = is_operand ? LS_TROUBLE : ls->result;
        }
        mem_free(name);
    }
}

/* ---- options ------------------------------------------------------------------------------ */

/* Returns whether --color applies: to a terminal, or always. */
static bool wants_colors(const struct shell *shell)
{
    const char *when = option_value_name(shell, "color");
    if (!option_given_name(shell, "color") || (when && text_equal(when, "never")))
        return false;
    return !when || !text_equal(when, "auto") || shell_out_is_terminal(shell);
}

struct word_value {
    const char *word;
    int value;
};

/* Replaces *value by that of the word which --NAME has, if it was given after the letters. Returns
 * false after an error message. */
static bool choose_word(struct shell *shell, const char *name, const char *letters,
                        const struct word_value *words, int *value)
{
    const char *given = option_value_name(shell, name);
    for (; given && words->word; words++)
        if (text_equal(words->word, given)) {
            *value = option_is_last(shell, name, letters) ? words->value : *value;
            return true;
        }
    if (given)
        shell_complain(shell, "invalid argument '%s' for '--%s'", given, name);
    return !given;
}

/* -l, -n, -g and -o are stronger than -1, but not than the other formats (GNU). */
static enum ls_format letter_format(const struct shell *shell)
{
    switch (option_last(shell, "lngoCxm")) {
    case 'l': case 'n': case 'g': case 'o': return LS_DETAILS;
    case 'C': return option_last(shell, "C1") == '1' ? LS_SINGLE : LS_DOWN;
    case 'x': return option_last(shell, "x1") == '1' ? LS_SINGLE : LS_ACROSS;
    case 'm': return option_last(shell, "m1") == '1' ? LS_SINGLE : LS_COMMAS;
    default: break;
    }
    if (option_given_name(shell, "full-time"))
        return LS_DETAILS;

    /* A file or a pipe gets one name per line, which scripts can read (POSIX). */
    return option_given(shell, '1') || !shell_out_is_terminal(shell) ? LS_SINGLE : LS_DOWN;
}

static enum ls_order letter_order(const struct shell *shell, enum ls_format format)
{
    switch (option_last(shell, "tSXvUf")) {
    case 't': return LS_BY_TIME;
    case 'S': return LS_BY_SIZE;
    case 'X': return LS_BY_EXTENSION;
    case 'v': return LS_BY_VERSION;
    case 'U': case 'f': return LS_UNSORTED;
    default: break;
    }

    /* -c and -u sort by their time unless -l shows it (POSIX). */
    bool times = option_last(shell, "cu") || option_given_name(shell, "time");
    return times && format != LS_DETAILS ? LS_BY_TIME : LS_BY_NAME;
}

static const char *choose_date_format(struct shell *shell)
{
    static const char full[] = "%Y-%m-%d %H:%M:%S.%N %z";
    const char *style = option_value_name(shell, "time-style");
    if (!style)
        return option_given_name(shell, "full-time") ? full : NULL;
    if (*style == '+')
        return style + 1;
    if (text_equal(style, "full-iso"))
        return full;
    return text_equal(style, "iso") ? "%Y-%m-%d " : text_equal(style, "long-iso") ? NULL : "";
}

/* Finds the options that exclude each other, as letters and as words. */
static bool choose(struct shell *shell, struct ls *ls)
{
    static const struct word_value formats[] = {
        { "long", LS_DETAILS }, { "verbose", LS_DETAILS }, { "single-column", LS_SINGLE },
        { "vertical", LS_DOWN }, { "across", LS_ACROSS }, { "horizontal", LS_ACROSS },
        { "commas", LS_COMMAS }, { NULL, 0 }
    };
    static const struct word_value orders[] = {
        { "name", LS_BY_NAME }, { "none", LS_UNSORTED }, { "size", LS_BY_SIZE },
        { "time", LS_BY_TIME }, { "extension", LS_BY_EXTENSION }, { "version", LS_BY_VERSION },
        { NULL, 0 }
    };
    static const struct word_value times[] = {
        { "atime", LS_ACCESSED }, { "access", LS_ACCESSED }, { "use", LS_ACCESSED },
        { "ctime", LS_CHANGED }, { "status", LS_CHANGED }, { "birth", LS_CREATED },
        { "creation", LS_CREATED }, { "mtime", LS_MODIFIED }, { "modification", LS_MODIFIED },
        { NULL, 0 }
    };
    static const struct word_value marks[] = {
        { "none", LS_NO_MARKS }, { "slash", LS_SLASHES }, { "file-type", LS_TYPES },
        { "classify", LS_ALL_MARKS }, { NULL, 0 }
    };
    char quoting = option_last(shell, "NbQ"), time = option_last(shell, "cu");
    char mark = option_last(shell, "Fp");
    int format = letter_format(shell), order, when, what;

    if (!choose_word(shell, "format", "lngoCxm1", formats, &format))
        return false;
    order = letter_order(shell, (enum ls_format)format);
    when = time == 'c' ? LS_CHANGED : time == 'u' ? LS_ACCESSED : LS_MODIFIED;
    what = option_is_last(shell, "file-type", "Fp") ? LS_TYPES
           : mark == 'F' ? LS_ALL_MARKS : mark ? LS_SLASHES : LS_NO_MARKS;
    if (!choose_word(shell, "sort", "tSXvUf", orders, &order) ||
        !choose_word(shell, "time", "cu", times, &when) ||
        !choose_word(shell, "indicator-style", "Fp", marks, &what))
        return false;

    ls->format = (enum ls_format)format;
    ls->order = (enum ls_order)order;
    ls->time = (enum ls_time)when;
    ls->marks = (enum ls_marks)what;
    ls->quoting = quoting == 'b' ? LS_ESCAPES : quoting == 'Q' ? LS_QUOTES
                  : option_given(shell, 'q') ? LS_QUESTIONS : quoting ? LS_LITERAL : LS_SAFE;
    ls->date_format = choose_date_format(shell);
    if (ls->date_format && !*ls->date_format)
        shell_complain(shell, "invalid argument '%s' for 'time style'",
                       option_value_name(shell, "time-style"));
    return !ls->date_format || *ls->date_format;
}

static int run_ls(struct shell *shell, int count, char **words)
{
    unsigned columns, rows;
    uint64_t width;
    terminal_size(&columns, &rows);
    width = columns;
    struct ls ls = {
        .shell = shell,
        .numeric = option_given(shell, 'n'),
        .inodes = option_given(shell, 'i'),
        .blocks = option_given(shell, 's'),
        .context = option_given(shell, 'Z'),
        .colors = wants_colors(shell),
        .directories_first = option_given_name(shell, "group-directories-first"),
        .follow = option_last(shell, "LH") == 'L',
        .follow_operands = option_last(shell, "LH") == 'H',
        .all = option_last(shell, "aAf") == 'a' || option_last(shell, "aAf") == 'f',
        .almost_all = option_last(shell, "aAf") == 'A',
        .no_backups = option_given(shell, 'B'),
        .recursive = option_given(shell, 'R'),
        .human = option_given(shell, 'h'),
        .reverse = option_given(shell, 'r'),
        .titles = count > 2 || option_given(shell, 'R'),
    };
    if (!choose(shell, &ls) || !option_number(shell, 'w', 0, UINT32_MAX, &width))
        return LS_TROUBLE;
    ls.width = (unsigned)width;

    /* Operands that are files are shown first, then each directory (POSIX). */
    ls_operands(&ls, count - 1, words + 1);
    ls_directories(&ls);
    names_free(ls.pending);
    names_free(ls.operands);
    id_set_destroy(&ls.entered);
    return shell_interrupted() ? SHELL_INTERRUPTED : ls.result;
}

static const struct shell_option ls_options[] = {
    { 'l', NULL, NULL, "print type and mode, size, UTC time, name, link target" },
    { 'a', "all", NULL, "include names that begin with a dot" },
    { 'A', "almost-all", NULL, "same as -a, without . and .." },
    { 'B', "ignore-backups", NULL, "leave out names that end with ~" },
    { 'I', "ignore", "GLOB...", "leave out names that match GLOB" },
    { 'R', "recursive", NULL, "list subdirectories recursively" },
    { 'S', NULL, NULL, "sort by size, largest first" },
    { 't', NULL, NULL, "sort by modification time, newest first" },
    { 'X', NULL, NULL, "sort by what follows the last dot" },
    { 'v', NULL, NULL, "sort by versions: numbers within names" },
    { 'U', NULL, NULL, "do not sort" },
    { 'f', NULL, NULL, "as -aU" },
    { 'c', NULL, NULL, "use the time of the last change of status" },
    { 'u', NULL, NULL, "use the time of the last access" },
    { 'r', "reverse", NULL, "reverse the order" },
    { 'h', "human-readable", NULL, "with -l or -s: print sizes such as 1.2K or 34M" },
    { 'k', "kibibytes", NULL, "with -s: print sizes in KiB (the default)" },
    { 'd', "directory", NULL, "list directories themselves, not their contents" },
    { 'H', "dereference-command-line", NULL, "follow links that are operands" },
    { 'L', "dereference", NULL, "show what links lead to" },
    { 'F', "classify", NULL, "append / to directories and @ to links" },
    { 'p', NULL, NULL, "append / to directories" },
    { 'i', "inode", NULL, "print the number of each file" },
    { 's', "size", NULL, "print the size of each file in KiB, and the total" },
    { 'n', "numeric-uid-gid", NULL, "as -l, with links, owner and group as numbers" },
    { 'g', NULL, NULL, "as -l, which has no owner" },
    { 'o', NULL, NULL, "as -l, which has no group" },
    { 'Z', "context", NULL, "print ? as the security context" },
    { 'C', NULL, NULL, "print names in columns, also to a pipe" },
    { 'x', NULL, NULL, "print names in columns, row by row" },
    { 'm', NULL, NULL, "print names with commas between them" },
    { '1', NULL, NULL, "print one name per line" },
    { 'w', "width", "N", "print lines of N columns at most; 0: without limit" },
    { 'N', "literal", NULL, "print names as they are" },
    { 'q', "hide-control-chars", NULL, "print ? for control characters" },
    { 'b', "escape", NULL, "print control characters as in C" },
    { 'Q', "quote-name", NULL, "print names as in C, in double quotes" },
    { 0, "full-time", NULL, "as -l --time-style=full-iso" },
    { 0, "time-style", "STYLE", "full-iso, long-iso, iso, or +FORMAT as of date" },
    { 0, "time", "WORD", "atime, ctime, mtime or birth: use this time" },
    { 0, "sort", "WORD", "name, size, time, extension, version or none" },
    { 0, "format", "WORD", "long, single-column, vertical, across or commas" },
    { 0, "file-type", NULL, "as -F, without * for programs" },
    { 0, "indicator-style", "WORD", "none, slash, file-type or classify" },
    { 0, "group-directories-first", NULL, "list directories before files" },
    { 0, "color", "[=WHEN]", "color names by type: always, auto, never" },
    { 0 },
};

static const struct shell_command command_ls = {
    .name = "ls",
    .arguments = "[-1aABbcCdfFghHiklLmnNopqQrRsStuUvxXZ] [-I GLOB] [-w N] [PATH...]",
    .summary = "list directories",
    .arguments_max = -1,
    .run = run_ls,
    .options = ls_options,
    .failing = "cannot access",
    .group = "Files",
};
SHELL_COMMAND(command_ls);

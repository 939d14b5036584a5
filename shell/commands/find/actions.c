/*
 * actions.c - find's -print, -print0, -delete and -exec, and the test -empty; see find.h.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/find/find.h"

bool find_fail(struct find *find, const char *path, status_t status)
{
    int result = shell_fail(find->shell, path, status);

    /* Errors after ^C must not hide that find was interrupted. */
    if (find->result != SHELL_INTERRUPTED)
        find->result = result;
    find->quit |= status == -ENOMEM || result == SHELL_INTERRUPTED;
    return false;
}

int find_wrong(struct find *find, const char *format, const char *word)
{
    char text[160];
    format_text(text, sizeof(text), format, word);
    shell_complain(find->shell, "%s; try find --help", text);
    find->result = SHELL_USAGE;
    return -1;
}

status_t find_item_path(struct find *find, const struct find_item *item, struct path **path)
{
    if (item->parent && find->follow && !path_walk(item->parent, item->name, 0, path))
        return 0;
    if (item->parent)
        return path_child(item->parent, item->name, false, path);

    /* The start has no parent. Only with -H it is followed if it is a link; one that is visited
     * itself leads nowhere. */
    bool follows = find->follow_start && item->info.type != NODE_LINK;
    return path_walk(find->shell->directory, item->path, follows ? 0 : WALK_NO_FOLLOW, path);
}

/* ---- -empty ------------------------------------------------------------------------------- */

/* Returns 1 if the directory has an entry, 0 if it has none, or an errno. */
static int directory_has_entry(struct find *find, const struct find_item *item)
{
    struct path *path;
    struct file *file;
    struct dir_entry *entry = mem_alloc(sizeof(*entry));
    status_t status = entry ? find_item_path(find, item, &path) : -ENOMEM;
    int got = status;
    if (!status) {
        got = file_open_path(path, OPEN_DIRECTORY | OPEN_READ, &file);
        path_put(path);
    }

    /* One entry is enough; `.` and `..` are not among them. */
    if (!status && !got) {
        got = dir_read(file, INFO_NONE, entry);
        file_close(file);
    }
    mem_free(entry);
    return got;
}

bool find_is_empty(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)term;
    if (item->info.type != NODE_DIRECTORY)
        return item->info.type == NODE_FILE && item->info.size_bytes == 0;
    int has_entry = directory_has_entry(find, item);
    return has_entry < 0 ? find_fail(find, item->path, has_entry) : !has_entry;
}

/* ---- -print ------------------------------------------------------------------------------- */

bool find_print(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)term;
    stream_escaped(find->shell->out, item->path, false);
    stream_text(find->shell->out, "\n");
    return true;
}

/* Writes the bytes unescaped, for other commands to read. */
bool find_print0(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)term;
    stream_write(find->shell->out, item->path, strlen(item->path) + 1);
    return true;
}

/* ---- -delete ------------------------------------------------------------------------------ */

bool find_delete(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)term;

    /* As in GNU find, only the contents of `.` are removed. */
    if (!item->parent && text_equal(item->path, "."))
        return true;

    /* The shell must not be left in a directory without a name. */
    if (item->info.type == NODE_DIRECTORY) {
        struct path *path;
        status_t status = find_item_path(find, item, &path);
        if (status)
            return find_fail(find, item->path, status);

        /* The current directory may also be somewhere below it. */
        bool inside = path_is_inside(find->shell->directory, path);
        path_put(path);
        if (inside) {
            find->result = shell_complain(find->shell, "%s: contains the current directory",
                                          item->path);
            return false;
        }
    }

    /* The parent is a reference, which still leads to the same directory if that was renamed. */
    status_t status = item->parent ? vfs_unlink(item->parent, item->name)
                                   : vfs_unlink(find->shell->directory, item->path);
    return !status || find_fail(find, item->path, status);
}

/* ---- -exec -------------------------------------------------------------------------------- */

static const char *find_braces(const char *text)
{
    while (*text && !(text[0] == '{' && text[1] == '}'))
        text++;
    return *text ? text : NULL;
}

int find_parse_exec(struct find *find, struct find_term *term, char **words)
{
    /* The end is a ";", or a "+" right after a "{}" (POSIX). */
    int count = 0;
    for (; words[count] && !text_equal(words[count], ";"); count++)
        if (count && text_equal(words[count], "+") && text_equal(words[count - 1], "{}"))
            break;

    /* A command without an end would include the rest of the expression. */
    if (!count || !words[count]) {
        shell_complain(find->shell, "-exec: %s; try find --help",
                       count ? "missing ; or {} + at the end" : "missing command");
        find->result = SHELL_USAGE;
        return -1;
    }

    /* The {} before the + is not a word of the command: the paths take its place. */
    term->is_batch = *words[count] == '+';
    term->words = words;
    term->count = count - term->is_batch;

    /* With +, POSIX leaves further {} unspecified, and GNU refuses them. */
    bool found = false;
    for (int i = 0; term->is_batch && i < term->count; i++)
        found |= find_braces(words[i]) != NULL;
    if (!term->count || found) {
        shell_complain(find->shell, "-exec: with +, {} must appear once, after the command; "
                                    "try find --help");
        find->result = SHELL_USAGE;
        return -1;
    }
    return count + 1;
}

/* Runs the words in a copy of the shell: a command that changes the directory or variables, or
 * exits, must not affect find's own shell. Returns its status; SHELL_FAILED after find_fail(). */
static int exec_run(struct find *find, const struct words *words)
{
    struct shell *copy = mem_alloc(sizeof(*copy));
    char **list = words_copy_list(words);
    status_t status = copy && list ? shell_copy(find->shell, copy) : -ENOMEM;
    int result = SHELL_FAILED;
    if (!status) {
        /* The command removes its options from the list, which is therefore a copy. */
        result = shell_run_command(copy, words->count, list);
        IGNORE(stream_flush(copy->err));
        shell_destroy(copy);
    }
    mem_free(list);
    mem_free(copy);

    /* Without memory for a shell the walk ends. */
    if (status)
        find_fail(find, NULL, status);

    /* A command that fails only makes its term false, unless it does not exist. */
    if (shell_interrupted()) {
        find->result = SHELL_INTERRUPTED;
        find->quit = true;
    } else if (result == SHELL_NO_COMMAND) {
        find->result = SHELL_FAILED;
    }
    return result;
}

/* Adds a word of the command, with the path in place of each {}. */
static status_t add_replaced(struct words *words, const char *word, const char *path)
{
    struct buffer text = { 0 };
    const char *braces;
    for (; (braces = find_braces(word)); word = braces + 2) {
        buffer_put(&text, word, (size_t)(braces - word));
        buffer_put(&text, path, strlen(path));
    }
    buffer_put(&text, word, strlen(word));
    status_t status = text.status ? text.status : words_add(words, text.text, text.length);
    buffer_free(&text);
    return status;
}

static void run_batch(struct find *find, struct find_term *term)
{
    /* POSIX: with +, a command that fails sets the status of find. */
    if (exec_run(find, &term->batch) != SHELL_DONE && find->result == SHELL_DONE)
        find->result = SHELL_FAILED;
    words_free(&term->batch);
}

/* Adds a path to the batch, which begins with the words of the command. */
static status_t batch_add(struct find_term *term, const char *path)
{
    status_t status = 0;
    bool begins = !term->batch.count;

    /* A new batch begins with the command, to which paths are then appended. */
    for (int i = 0; begins && i < term->count && !status; i++)
        status = words_add(&term->batch, term->words[i], strlen(term->words[i]));
    return status ? status : words_add(&term->batch, path, strlen(path));
}

bool find_exec(struct find *find, struct find_term *term, const struct find_item *item)
{
    /* With + the paths are collected, and the term is always true. */
    status_t status = 0;
    if (term->is_batch) {
        status = batch_add(term, item->path);
        if (status)
            return find_fail(find, item->path, status);

        /* Run the batch before it exceeds the limits of a command's words. */
        if (term->batch.count >= FIND_BATCH_WORDS || term->batch.bytes >= FIND_BATCH_BYTES)
            run_batch(find, term);
        return true;
    }

    /* With ; the command runs at once, and its status is the value of the term. */
    struct words words = { 0 };
    for (int i = 0; i < term->count && !status; i++)
        status = add_replaced(&words, term->words[i], item->path);
    bool done = status ? find_fail(find, item->path, status)
                       : exec_run(find, &words) == SHELL_DONE;
    words_free(&words);
    return done;
}

void find_finish_batches(struct find *find)
{
    /* A batch with no path after its command is not run. */
    for (struct find_term *term = find->first; term; term = term->next)
        if (term->is_batch && term->batch.count > term->count && !shell_interrupted())
            run_batch(find, term);
}

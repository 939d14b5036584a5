/*
 * redirect.c - opens files and joins descriptors; see redirect.h.
 */
#include "shell/language/redirect.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/descriptor.h"
#include "shell/language/expansion/expand.h"
#include "shell/language/state.h"

/* ---- files -------------------------------------------------------------------------------- */

static ssize_t read_file(void *file, void *buffer, size_t bytes)
{
    return file_read(file, buffer, bytes);
}

static void close_file(void *file)
{
    file_close(file);
}

static status_t write_file(struct stream *stream, const char *text, size_t bytes)
{
    return file_write_all(stream->context, text, bytes);
}

/* Opens a file to be read, or read and written. */
static status_t open_input(struct shell *shell, const char *name, bool writes,
                           struct descriptor **result)
{
    struct descriptor *descriptor = descriptor_create();
    struct file *file;
    if (!descriptor)
        return -ENOMEM;

    unsigned flags = writes ? OPEN_READ | OPEN_WRITE | OPEN_CREATE : OPEN_READ;
    status_t status = file_open(shell->directory, name, flags, &file);
    if (status) {
        IGNORE(descriptor_put(shell, descriptor, NULL, false, 0));
        return status;
    }
    descriptor->read = read_file;
    descriptor->close = close_file;
    descriptor->context = file;
    if (writes)
        IGNORE(descriptor_set_sink(descriptor, write_file, file, false)); /* needs no memory */
    *result = descriptor;
    return 0;
}

/* set -C: `>` does not replace a file. Devices are not files. */
static bool would_clobber(struct shell *shell, const char *name)
{
    struct path *path;
    if (!(shell->language->flags & FLAG_NOCLOBBER) || path_walk(shell->directory, name, 0, &path))
        return false;
    struct node_info info;
    bool file = !path_info(path, INFO_STANDARD, &info) && info.type == NODE_FILE;
    path_put(path);
    return file;
}

static status_t open_output(struct shell *shell, const struct redirection *redirection,
                            const struct output_words *words, const char *name,
                            struct descriptor **result)
{
    bool append = redirection->kind == REDIRECT_APPEND;
    if (redirection->kind == REDIRECT_WRITE && would_clobber(shell, name))
        return -EEXIST;

    struct descriptor *descriptor = descriptor_create();
    if (!descriptor)
        return -ENOMEM;
    status_t status = output_file_open(shell, words, name, append, &descriptor->output);
    if (status) {
        IGNORE(descriptor_put(shell, descriptor, NULL, false, 0));
        return status;
    }
    descriptor->out = output_file_stream(descriptor->output);

    /* `cat /f 2>> /f`: the message that /f is not read must not become a part of it. */
    if (redirection->number == 2)
        output_file_set_fallback(descriptor->output, shell->err);
    *result = descriptor;
    return 0;
}

/* ---- one redirection ---------------------------------------------------------------------- */

/* Reports an error. Its status is 2 whatever the command is, as in dash. */
static int fail(struct shell *shell, const char *name, status_t status)
{
    int result = shell_fail(shell, name, status);
    return result == SHELL_INTERRUPTED ? result : SHELL_USAGE;
}

/* Opens the file or the document of a redirection. */
static int open_one(struct shell *shell, const struct redirection *redirection,
                    const struct output_words *words, struct redirected_number *entry)
{
    status_t status = 0;
    if (redirection->kind == REDIRECT_HERE) {
        entry->opened = descriptor_create();
        status = entry->opened ? 0 : -ENOMEM;
        if (!status)
            descriptor_set_text(entry->opened, entry->name, strlen(entry->name));
        entry->name = status ? entry->name : NULL;
    } else if (redirection->kind == REDIRECT_READ || redirection->kind == REDIRECT_READ_WRITE) {
        status = open_input(shell, entry->name, redirection->kind == REDIRECT_READ_WRITE,
                            &entry->opened);
    } else {
        status = open_output(shell, redirection, words, entry->name, &entry->opened);
    }
    return status ? fail(shell, entry->name, status) : SHELL_DONE;
}

/* Finds what N>&WORD refers to; entry->opened is NULL for `-`. */
static int join(struct shell *shell, struct redirected_number *entry)
{
    const char *text = entry->name;
    if (text_equal(text, "-"))
        return SHELL_DONE;
    if (!text_is_digit(text[0]) || text[1]) {
        shell_complain(shell, "%s: bad file descriptor number", text);
        return SHELL_USAGE;
    }

    entry->opened = descriptor_get(shell->descriptors[*text - '0']);
    return entry->opened ? SHELL_DONE : fail(shell, text, -EBADF);
}

static int perform(struct shell *shell, const struct redirection *redirection,
                   const struct output_words *words, struct redirected_number *entry)
{
    int result = SHELL_DONE;
    if (redirection->kind == REDIRECT_JOIN)
        result = join(shell, entry);
    else if (!entry->opened)
        result = open_one(shell, redirection, words, entry);
    if (result)
        return result;

    /* What was written so far goes where the descriptor led until now. */
    struct descriptor *now = shell->descriptors[entry->number];
    if (now && now->out)
        IGNORE(stream_flush(now->out));
    entry->before = shell_set_descriptor(shell, entry->number, entry->opened);
    entry->opened = NULL;
    return SHELL_DONE;
}

/* ---- all of a command --------------------------------------------------------------------- */

/* Expands the words, and opens the files that are only read. */
static int expand_all(struct shell *shell, const struct redirection *redirection,
                      struct redirected *redirected)
{
    int result = SHELL_DONE;
    for (unsigned i = 0; redirection && !result; redirection = redirection->next, i++) {
        struct redirected_number *entry = &redirected->list[i];
        entry->number = (unsigned)redirection->number;
        status_t status = expand_text(shell, redirection->word, &entry->name);
        if (status == -ECANCELED) {
            /* An error of an expansion ends the shell (POSIX 2.8.1); elsewhere, that of a document
             * does so only before a special builtin. */
            shell->leaving |= redirection->kind != REDIRECT_HERE;
            result = shell->status = SHELL_USAGE;
        } else if (status) {
            result = shell_fail(shell, NULL, status);
        } else if (redirection->kind == REDIRECT_READ) {
            result = open_one(shell, redirection, NULL, entry);
        }
    }
    return result;
}

static void free_list(struct shell *shell, struct redirected *redirected, unsigned total)
{
    for (unsigned i = 0; i < total; i++) {
        IGNORE(descriptor_put(shell, redirected->list[i].opened, NULL, true, 0));
        mem_free(redirected->list[i].name);
    }
    mem_free(redirected->list);
    *redirected = (struct redirected){ 0 };
}

int redirect_begin(struct shell *shell, const struct redirection *redirections,
                   const struct output_words *words, struct redirected *redirected)
{
    unsigned total = 0;
    *redirected = (struct redirected){ 0 };
    for (const struct redirection *at = redirections; at; at = at->next)
        total++;
    if (!total)
        return SHELL_DONE;

    redirected->list = mem_zalloc(total * sizeof(*redirected->list));
    if (!redirected->list)
        return shell_fail(shell, NULL, -ENOMEM);
    int result = expand_all(shell, redirections, redirected);
    for (const struct redirection *at = redirections; at && !result; at = at->next) {
        result = perform(shell, at, words, &redirected->list[redirected->count]);
        redirected->count += !result;
    }
    if (!result)
        return SHELL_DONE;

    /* The command does not run, so its output files stay as they were. */
    while (redirected->count) {
        struct redirected_number *entry = &redirected->list[--redirected->count];
        descriptor_abandon(shell_set_descriptor(shell, entry->number, entry->before));
    }
    free_list(shell, redirected, total);
    return result;
}

int redirect_end(struct shell *shell, struct redirected *redirected, bool failed, int result)
{
    /* In reverse order, so that each descriptor becomes what it was before all of them. */
    unsigned total = redirected->count;
    for (unsigned i = total; i-- > 0;) {
        struct redirected_number *entry = &redirected->list[i];
        struct descriptor *now = entry->opened;
        if (!redirected->detached)
            now = shell_set_descriptor(shell, entry->number, entry->before);
        entry->opened = NULL;
        entry->before = NULL;
        result = descriptor_put(shell, now, entry->name, failed, result);
    }
    if (total)
        free_list(shell, redirected, total);
    return result;
}

void redirect_keep(struct shell *shell, struct redirected *redirected)
{
    unsigned total = redirected->count;
    for (unsigned i = 0; i < total; i++)
        IGNORE(descriptor_put(shell, redirected->list[i].before, redirected->list[i].name, false,
                              0));
    if (total)
        free_list(shell, redirected, total);
}

void redirect_detach(struct shell *shell, struct redirected *redirected)
{
    redirected->detached = true;
    for (unsigned i = redirected->count; i-- > 0;) {
        struct redirected_number *entry = &redirected->list[i];
        struct descriptor *now = shell_set_descriptor(shell, entry->number, entry->before);
        entry->before = NULL;
        if (now && now->out)
            IGNORE(stream_flush(now->out));

        /* Only output files are closed later: the next stage waits for the end of a pipe. */
        if (now && now->output)
            entry->opened = now;
        else
            IGNORE(descriptor_put(shell, now, NULL, false, 0));
    }
}

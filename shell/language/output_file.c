/*
 * output_file.c - writes a command's output to a file, or to a new file that replaces it; see
 * output_file.h.
 */
#include "shell/language/output_file.h"
#include "kernel/sched/sync.h"
#include "shell/language/state.h"

struct output_file {
    struct file *file; /* denies reading */
    struct replacement replacement; /* .file: the new content beside; NULL: `file` is written */
    bool append;
    bool named;   /* the words name it */
    bool empties; /* `file` is still to be emptied */
    bool repeats; /* in a loop or a function */
    bool intact;  /* the content that `file` had is still all that it has */
    struct stream *fallback; /* output_file_set_fallback() */
    struct semaphore turn;
    struct stream stream;
    char buffer[STREAM_LARGE_BYTES]; /* the stream's */
};

static status_t output_file_empty(struct output_file *output)
{
    if (!output->empties)
        return 0;

    /* Once only: later bytes are added to those that are written now. */
    output->empties = false;
    return file_truncate(output->file);
}

static bool has_refused(const struct output_file *output)
{
    return output->intact && file_has_refused_reader(output->file);
}

static status_t write_in_place(struct output_file *output, const char *text, size_t bytes)
{
    /* The file is unchanged and a reader was refused. This text is the message about that. */
    if (output->fallback && has_refused(output)) {
        stream_write(output->fallback, text, bytes);
        return stream_flush(output->fallback);
    }

    output->intact = false;
    status_t status = output_file_empty(output);
    return status ? status : file_write_all(output->file, text, bytes);
}

static status_t output_file_sink(struct stream *stream, const char *text, size_t bytes)
{
    struct output_file *output = stream->context;
    struct file *beside = output->replacement.file;

    /* Write the bytes even after ^C, because their sender has counted them. */
    while (semaphore_down(&output->turn, TIME_NEVER))
        ;

    status_t status = beside ? file_write_all(beside, text, bytes)
                             : write_in_place(output, text, bytes);
    semaphore_up(&output->turn);
    return status;
}

/* ---- opening ------------------------------------------------------------------------------ */

/* Returns whether a word is a path of this file, and the file is not a device. */
static bool word_names(struct shell *shell, const char *word, struct file *file)
{
    /* Of the files that can be written, devices have cache blocks, and are not written back. */
    struct path *path;
    if (path_walk(shell->directory, word, 0, &path))
        return false;

    bool device = path_vnode(path)->cache_block_bytes && !file_is_written_back(file);
    bool same = file_is_of(file, path) && !device;
    path_put(path);
    return same;
}

/* A guess: a word may name the file without being an input. That costs only the copy beside. */
static bool is_named(struct shell *shell, const struct output_words *words, struct file *file)
{
    /* Word 0 is the command's name. */
    for (unsigned i = 0; words && i < words->count; i++) {
        const struct words *list = words->lists[i];
        for (int n = 1; n < list->count && !shell_interrupted(); n++)
            if (word_names(shell, list->list[n], file))
                return true;
    }

    return !words;
}

static status_t open_file(struct shell *shell, const struct output_words *words, const char *name,
                          struct output_file *output)
{
    /* OPEN_DENY_READ keeps a command from reading the file that it writes: cat a >> a would never
     * end. */
    unsigned flags = OPEN_WRITE | OPEN_CREATE | OPEN_DENY_READ |
                     (output->append ? OPEN_APPEND : 0);
    status_t status = file_open(shell->directory, name, flags, &output->file);
    if (status)
        return status;

    /* An empty file has nothing to lose, and a file that is appended to is never emptied. */
    output->empties = !output->append && file_size(output->file);
    output->intact = output->append || output->empties;

    /* Nothing can be lost, or no command names the file: write it in place. */
    bool named = output->empties && is_named(shell, words, output->file);
    if (!named)
        return 0;
    output->named = words != NULL;

    /* A command may read the file after its first output. Write the new content beside it. */
    status = replace_begin(shell->directory, name, 0, &output->replacement);
    if (status)
        file_close(output->file);
    return status;
}

status_t output_file_open(struct shell *shell, const struct output_words *words, const char *name,
                          bool append, struct output_file **result)
{
    struct output_file *output = mem_alloc(sizeof(*output));
    *result = NULL;
    if (!output)
        return -ENOMEM;

    output->replacement.file = NULL;
    output->append = append;
    output->named = false;
    output->fallback = NULL;
    output->repeats = shell->language->loops || shell->language->calls;
    status_t status = open_file(shell, words, name, output);
    if (status) {
        mem_free(output);
        return status;
    }

    /* A semaphore, not a spinlock: the turn is held while the file is written, which may wait. */
    semaphore_init(&output->turn, 1);
    stream_init(&output->stream, output_file_sink, output);
    stream_use_large(&output->stream, output->buffer);
    *result = output;
    return 0;
}

struct stream *output_file_stream(struct output_file *output)
{
    return &output->stream;
}

void output_file_set_fallback(struct output_file *output, struct stream *fallback)
{
    if (output->append)
        output->fallback = fallback;
}

/* ---- closing ------------------------------------------------------------------------------ */

status_t output_file_close(struct output_file *output, bool failed, enum output_file_end *end)
{
    *end = OUTPUT_FILE_WRITTEN;
    if (!output)
        return 0;

    /* Flush first: the last bytes decide whether there is a replacement. */
    status_t status = stream_flush(&output->stream), last = 0;
    struct file *beside = output->replacement.file;
    bool written = beside && file_size(beside);

    /* The command could not read its input, so its output must not replace that. */
    if (!output->append && has_refused(output))
        *end = written ? OUTPUT_FILE_DROPPED : OUTPUT_FILE_KEPT;

    /* A command that failed without output has not made a replacement. */
    bool whole = !status && *end == OUTPUT_FILE_WRITTEN && !thread_interrupted();
    if (beside && whole && (written || !failed || !output->named))
        last = replace_commit(&output->replacement);
    else if (beside)
        replace_abandon(&output->replacement);
    else if (whole)
        last = output_file_empty(output);

    /* A disk may still hold the bytes in a volatile cache, and fail to write them. */
    if (whole && !last)
        last = output->repeats ? file_write_dirty(output->file) : file_flush(output->file);

    /* Report the first error: those after it are its consequences. */
    file_close(output->file);
    mem_free(output);
    return status ? status : last;
}

void output_file_abandon(struct output_file *output)
{
    if (!output)
        return;
    if (output->replacement.file)
        replace_abandon(&output->replacement);
    file_close(output->file);
    mem_free(output);
}

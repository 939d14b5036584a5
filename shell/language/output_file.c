/*
 * output_file.c - see output_file.h.
 */
#include "shell/language/output_file.h"
#include "kernel/sched/sync.h"

struct output_file {
    struct file *file;   /* what the command names: for writing, and not to be read */
    struct replacement replacement; /* .file: what is written instead; NULL: `file` itself */
    bool pending;        /* `file` is still to be emptied */
    struct semaphore turn;
    struct stream stream;
    char buffer[STREAM_LARGE_BYTES]; /* the stream's */
};

static status_t output_file_empty(struct output_file *output)
{
    if (!output->pending)
        return 0;
    output->pending = false;
    return file_truncate(output->file);
}

static status_t output_file_sink(struct stream *stream, const char *text, size_t bytes)
{
    struct output_file *output = stream->context;
    struct file *apart = output->replacement.file;
    while (semaphore_down(&output->turn, TIME_NEVER))
        ;
    status_t status = apart ? 0 : output_file_empty(output);
    if (!status)
        status = file_write_all(apart ? apart : output->file, text, bytes);
    semaphore_up(&output->turn);
    return status;
}

/* ---- opening ------------------------------------------------------------------------------ */

static bool word_names(struct shell *shell, const char *word, struct file *file)
{
    struct path *path;
    if (path_walk(shell->directory, word, 0, &path))
        return false;
    /* a device is written in place whatever happens */
    bool same = file_is_of(file, path) && !path_vnode(path)->cache_block_bytes;
    path_put(path);
    return same;
}

/* A guess from the words, which decides only where the new content is written meanwhile. Without a
 * pipeline it is not known, and may be so. */
static bool is_named(struct shell *shell, const struct pipeline *pipeline, struct file *file)
{
    for (unsigned i = 0; pipeline && i < pipeline->count; i++) {
        const struct words *words = &pipeline->stages[i].words;
        for (int n = 1; n < words->count && !shell_interrupted(); n++)
            if (word_names(shell, words->list[n], file))
                return true;
    }
    return !pipeline;
}

static status_t output_file_open_file(struct shell *shell, const struct pipeline *pipeline,
                                 const char *name, bool append, struct output_file *output)
{
    unsigned flags = OPEN_WRITE | OPEN_CREATE | OPEN_DENY_READ | (append ? OPEN_APPEND : 0);
    status_t status = file_open(shell->directory, name, flags, &output->file);
    if (status)
        return status;
    output->pending = !append && file_size(output->file);
    if (!output->pending || !is_named(shell, pipeline, output->file))
        return 0;
    status = replace_begin(shell->directory, name, 0, &output->replacement);
    if (status)
        file_close(output->file);
    return status;
}

status_t output_file_open(struct shell *shell, const struct pipeline *pipeline, const char *name,
                     bool append, struct output_file **result)
{
    struct output_file *output = mem_alloc(sizeof(*output));
    *result = NULL;
    if (!output)
        return -ENOMEM;
    output->replacement.file = NULL;
    status_t status = output_file_open_file(shell, pipeline, name, append, output);
    if (status) {
        mem_free(output);
        return status;
    }
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

/* ---- closing ------------------------------------------------------------------------------ */

static status_t output_file_end(struct output_file *output, bool whole)
{
    bool apart = output->replacement.file != NULL;
    if (apart && whole)
        return replace_commit(&output->replacement);
    if (apart)
        replace_abandon(&output->replacement);
    return apart || !whole ? 0 : output_file_empty(output);
}

status_t output_file_close(struct output_file *output, enum output_file_end *end)
{
    *end = OUTPUT_FILE_WRITTEN;
    if (!output)
        return 0;
    status_t status = stream_flush(&output->stream);
    struct file *apart = output->replacement.file;
    if (output->pending && file_has_refused_reader(output->file))
        *end = apart && file_size(apart) ? OUTPUT_FILE_DROPPED : OUTPUT_FILE_KEPT;
    bool whole = !status && *end == OUTPUT_FILE_WRITTEN && !thread_interrupted();
    status_t last = output_file_end(output, whole);
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

/*
 * tee.c - copies standard input to standard output and to files: tee.
 *
 * Files are outputs like those of `>` (output_file.h). A file that fails is reported and left out;
 * the others, and standard output, get the rest.
 */
#include "shell/options.h"
#include "shell/language/output_file.h"

enum { TEE_BYTES = 4096, TEE_FILES = 16 };

struct tee {
    struct shell *shell;
    char **names;
    struct output_file *files[TEE_FILES]; /* NULL: could not be opened, or a write failed */
    int count;
    int result;
    char data[TEE_BYTES];
};

/* Writes the data to one file. After an error the file is not written to again. */
static void tee_write(struct tee *tee, int n, size_t bytes)
{
    if (!tee->files[n])
        return;
    struct stream *stream = output_file_stream(tee->files[n]);
    stream_write(stream, tee->data, bytes);

    /* Flush each piece: an error must be known while the other files can still be written. */
    status_t status = stream_flush(stream);
    if (!status)
        return;
    tee->result = shell_fail(tee->shell, tee->names[n], status);
    output_file_abandon(tee->files[n]);
    tee->files[n] = NULL;
}

static void tee_copy(struct tee *tee)
{
    struct stream *out = tee->shell->out;
    ssize_t got = 0;
    while (!out->status && (got = shell_read(tee->shell, tee->data, TEE_BYTES)) > 0) {
        /* The files come first: an error of standard output ends the loop. */
        for (int i = 0; i < tee->count; i++)
            tee_write(tee, i, (size_t)got);
        stream_write(out, tee->data, (size_t)got);
    }
    if (got < 0)
        tee->result = shell_fail(tee->shell, NULL, (status_t)got);
}

static int run_tee(struct shell *shell, int count, char **words)
{
    struct tee *tee = mem_zalloc(sizeof(*tee));
    if (!tee)
        return shell_fail(shell, NULL, -ENOMEM);
    tee->shell = shell;
    tee->names = words + 1;
    tee->count = count - 1;

    /* POSIX: a file that cannot be opened is reported, and the copy continues without it. */
    bool append = option_given(shell, 'a');
    for (int i = 0; i < tee->count; i++) {
        status_t status = output_file_open(shell, NULL, tee->names[i], append, &tee->files[i]);
        if (status)
            tee->result = shell_fail(shell, tee->names[i], status);
    }

    tee_copy(tee);

    /* A file that another command is reading may be left unchanged, which is an error here. Files
     * that could not be opened, or failed, are NULL and were reported before. */
    for (int i = 0; i < tee->count; i++) {
        enum output_file_end end;
        status_t status = output_file_close(tee->files[i], false, &end);
        if (!status && end != OUTPUT_FILE_WRITTEN)
            status = -ETXTBSY;
        if (status)
            tee->result = shell_fail(shell, tee->names[i], status);
    }

    int result = tee->result;
    mem_free(tee);
    return result;
}

static const struct shell_option tee_options[] = {
    { 'a', "append", NULL, "append to the files instead of overwriting them" },
    { 0 },
};

static const struct shell_command command_tee = {
    .name = "tee",
    .arguments = "[-a] [FILE...]",
    .summary = "copy standard input to standard output and to files",
    .arguments_max = TEE_FILES,
    .run = run_tee,
    .options = tee_options,
    .group = "Text",
};
SHELL_COMMAND(command_tee);

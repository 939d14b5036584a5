/*
 * input.c - reads files and standard input in pieces and lines; see input.h.
 */
#include "shell/reading/input.h"
#include "lib/string.h"
#include "lib/text.h"

enum { BUFFER_BYTES = 4096, LINE_ROOM = 256 };

status_t input_open(struct shell *shell, const char *name, struct input *input)
{
    *input = (struct input){ .shell = shell, .name = name, .line_end = '\n' };

    /* Files are read through the cache, without a buffer. */
    if (!text_equal(name, "-"))
        return file_open(shell->directory, name, OPEN_READ, &input->file);

    input->name = "(standard input)";
    input->buffer = mem_alloc(BUFFER_BYTES);
    return input->buffer ? 0 : -ENOMEM;
}

static void input_unview(struct input *input)
{
    /* A view pins a page of the cache. */
    if (input->viewing)
        file_view_close(input->file, &input->view);
    input->viewing = false;
}

void input_close(struct input *input)
{
    input_unview(input);
    file_close(input->file);
    mem_free(input->buffer);
    mem_free(input->line);
}

ssize_t input_piece(struct input *input, const char **data)
{
    if (shell_interrupted())
        return -EINTR;

    if (!input->file) {
        *data = input->buffer;
        return shell_read(input->shell, input->buffer, BUFFER_BYTES);
    }

    /* Borrow the cache's page instead of copying it. */
    input_unview(input);
    input->view = (struct cache_view){ 0 };

    ssize_t got = file_view(input->file, &input->view);
    input->viewing = got > 0;
    *data = (const char *)input->view.data;
    return got;
}

/* Makes room for `bytes` and a NUL after the `used` bytes of the line. */
static status_t line_reserve(struct input *input, size_t used, size_t bytes)
{
    if (used + bytes < input->line_bytes)
        return 0;

    /* Half as much again, so that a long line is copied a few times only. */
    size_t room = used + used / 2 + bytes + LINE_ROOM;

    /* Short lines are always possible. A long one must leave memory for others. */
    bool large = room > PAGE_BYTES;
    char *grown = large && vfs_memory_is_short(room / PAGE_BYTES) ? NULL : mem_alloc(room);
    if (!grown)
        return -ENOMEM;

    if (used)
        memcpy(grown, input->line, used);
    mem_free(input->line);
    input->line = grown;
    input->line_bytes = room;
    return 0;
}

int input_part(struct input *input, const char **part, size_t *bytes)
{
    input->line_ended = false;

    if (!input->rest_bytes) {
        ssize_t got = input_piece(input, &input->rest);
        if (got <= 0)
            return (int)got;
        input->rest_bytes = (size_t)got;
    }

    /* The part ends at the line end, or else with the piece. */
    const char *end = memchr(input->rest, input->line_end, input->rest_bytes);
    *part = input->rest;
    *bytes = end ? (size_t)(end - input->rest) : input->rest_bytes;

    input->line_ended = end != NULL;
    input->rest += *bytes + input->line_ended;
    input->rest_bytes -= *bytes + input->line_ended;
    return 1;
}

int input_line(struct input *input, char **line, size_t *bytes)
{
    const char *part;
    size_t used = 0, part_bytes;
    int got;

    /* A line may span several pieces. Collect them. */
    while ((got = input_part(input, &part, &part_bytes)) > 0) {
        status_t status = line_reserve(input, used, part_bytes);
        if (status)
            return status;

        memcpy(input->line + used, part, part_bytes);
        used += part_bytes;
        if (input->line_ended)
            break;
    }

    /* A last line without LF is a line too. */
    if (got < 0 || (!got && !used))
        return got;
    input->line[used] = '\0';
    *line = input->line;
    *bytes = used;
    return 1;
}

status_t input_one(struct shell *shell, const char *name, const char **shown_name,
                   status_t (*body)(struct input *input, void *context), void *context)
{
    struct input *input = mem_alloc(sizeof(*input));
    *shown_name = name;
    if (!input)
        return -ENOMEM;

    status_t status = input_open(shell, name, input);
    if (!status)
        status = body(input, context);

    /* "-" is shown as "(standard input)". */
    *shown_name = input->name;
    input_close(input);
    mem_free(input);
    return status;
}

static int each_one(struct shell *shell, const char *name,
                    status_t (*body)(struct input *input, void *context), void *context,
                    status_t *status)
{
    /* -EPIPE is not an error: the reader of the output wants no more of it. */
    *status = input_one(shell, name, &name, body, context);
    if (!*status || *status == -EPIPE)
        return SHELL_DONE;
    return shell_fail(shell, name, *status);
}

int input_each(struct shell *shell, int first, int count, char **words,
               status_t (*body)(struct input *input, void *context), void *context)
{
    status_t status;

    /* Without operands, read standard input. */
    if (first >= count)
        return each_one(shell, "-", body, context, &status);

    int result = SHELL_DONE;
    for (int i = first; i < count; i++) {
        int one = each_one(shell, words[i], body, context, &status);
        result = one ? one : result;

        /* After ^C, or if the output cannot be written, the other inputs need not be read. */
        if (status == -EINTR || shell->out->status)
            break;
    }
    return result;
}

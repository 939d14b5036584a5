/* input.c - see input.h. */
#include "kernel/shell/input.h"
#include "lib/string.h"
#include "lib/text.h"

enum {
    BUFFER_BYTES = 4096,
    LINE_ROOM = 256,
    LINE_FREE = 64 * 1024, /* a line buffer up to this size does not ask how much memory is left */
};

status_t input_open(struct shell *shell, const char *name, struct input *input)
{
    *input = (struct input){ .shell = shell, .name = name };
    if (!text_equal(name, "-"))
        return file_open(shell->directory, name, OPEN_READ, &input->file);
    input->name = "(standard input)";
    input->buffer = mem_alloc(BUFFER_BYTES);
    return input->buffer ? 0 : -ENOMEM;
}

static void input_unview(struct input *input)
{
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
    input_unview(input);
    input->view = (struct cache_view){ 0 };
    ssize_t got = file_view(input->file, &input->view);
    input->viewing = got > 0;
    *data = (const char *)input->view.data;
    return got;
}

static status_t line_append(struct input *input, size_t used, const char *text, size_t bytes)
{
    if (used + bytes >= input->line_bytes) {
        size_t room = 2 * (used + bytes) + LINE_ROOM;
        if (room > LINE_FREE && vfs_memory_is_short(room / PAGE_BYTES))
            return -ENOMEM;
        char *grown = mem_alloc(room);
        if (!grown)
            return -ENOMEM;
        if (used)
            memcpy(grown, input->line, used);
        mem_free(input->line);
        input->line = grown;
        input->line_bytes = room;
    }
    memcpy(input->line + used, text, bytes);
    input->line[used + bytes] = '\0';
    return 0;
}

int input_line(struct input *input, char **line, size_t *bytes)
{
    size_t used = 0;
    for (input->line_ended = false; !input->line_ended;) {
        if (!input->rest_bytes) {
            ssize_t got = input_piece(input, &input->rest);
            if (got < 0)
                return (int)got;
            if (!got)
                break;
            input->rest_bytes = (size_t)got;
        }
        const char *end = memchr(input->rest, '\n', input->rest_bytes);
        size_t take = end ? (size_t)(end - input->rest) : input->rest_bytes;
        status_t status = line_append(input, used, input->rest, take);
        if (status)
            return status;

        used += take;
        input->line_ended = end != NULL;
        take += input->line_ended;
        input->rest += take;
        input->rest_bytes -= take;
    }
    *line = input->line;
    *bytes = used;
    return used || input->line_ended;
}

static int each_one(struct shell *shell, const char *name,
                    status_t (*body)(struct input *input, void *context), void *context,
                    status_t *status)
{
    struct input *input = mem_alloc(sizeof(*input));
    if (!input)
        return shell_fail(shell, name, *status = -ENOMEM);
    *status = input_open(shell, name, input);
    if (!*status)
        *status = body(input, context);
    name = input->name;
    input_close(input);
    mem_free(input);
    if (*status == -EPIPE || (!*status && shell->out->status))
        return SHELL_DONE;
    return *status ? shell_fail(shell, name, *status) : SHELL_DONE;
}

int input_each(struct shell *shell, int first, int count, char **words,
               status_t (*body)(struct input *input, void *context), void *context)
{
    status_t status;
    if (first >= count)
        return each_one(shell, "-", body, context, &status);
    int result = SHELL_DONE;
    for (int i = first; i < count; i++) {
        int one = each_one(shell, words[i], body, context, &status);
        result = one ? one : result;
        if (status == -EINTR || shell->out->status)
            break;
    }
    return result;
}

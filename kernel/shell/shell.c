/*
 * shell.c - runs lines: words to commands, && and ||, redirection.
 */
#include "kernel/shell/shell.h"
#include "kernel/shell/parse.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"

enum { WORDS_MAX = 256 };

/* One command as it was read: its words lie one after another in `text`. */
struct line {
    struct shell *shell;
    struct parser parser;
    int word_count;
    char *words[WORDS_MAX + 1];
    char *target;             /* of > or >>; NULL: none */
    bool append;
    size_t text_used;
    char text[SHELL_LINE_BYTES];
};

/* ---- what commands say -------------------------------------------------------------------- */

bool shell_interrupted(void)
{
    return thread_interrupted();
}

static void error_begin(struct shell *shell)
{
    (void)!stream_flush(shell->out); /* what was said before stands before */
    if (shell->out == &shell->console_out && !shell->out->at_line_start)
        stream_text(shell->err, "\n");
    shell->out->at_line_start = true;
    stream_format(shell->err, "%s: ", shell->command ? shell->command->name : "spindle");
}

int shell_fail(struct shell *shell, const char *subject, status_t status)
{
    if (status == -EINTR)
        return SHELL_INTERRUPTED;
    error_begin(shell);
    if (subject) {
        stream_escaped(shell->err, subject, false);
        stream_text(shell->err, ": ");
    }
    stream_format(shell->err, "%s\n", status_text(status));
    (void)!stream_flush(shell->err);
    return SHELL_FAILED;
}

int shell_complain(struct shell *shell, const char *format, ...)
{
    va_list arguments;
    error_begin(shell);
    va_start(arguments, format);
    stream_format_v(shell->err, format, arguments);
    va_end(arguments);
    stream_text(shell->err, "\n");
    (void)!stream_flush(shell->err);
    return SHELL_FAILED;
}

int shell_usage(struct shell *shell)
{
    const struct shell_command *command = shell->command;
    (void)!stream_flush(shell->out);
    stream_format(shell->err, "usage: %s%s%s\n", command->name, *command->arguments ? " " : "",
                  command->arguments);
    (void)!stream_flush(shell->err);
    return SHELL_USAGE;
}

/* ---- running one command ------------------------------------------------------------------ */

const struct shell_command *shell_command_find(const char *name)
{
    table_each(entry, shell_commands, struct shell_command)
        if (text_equal((*entry)->name, name))
            return *entry;
    return NULL;
}

static status_t file_sink(struct stream *stream, const char *text, size_t bytes)
{
    while (bytes) {
        ssize_t done = file_write(stream->context, text, bytes);
        if (done <= 0)
            return done ? (status_t)done : -EIO;
        text += done;
        bytes -= (size_t)done;
    }
    return 0;
}

/* Words may be none: `> FILE` alone makes an empty file, as elsewhere. */
static int run_into_file(struct shell *shell, struct line *line)
{
    struct file *file;
    unsigned flags = OPEN_WRITE | OPEN_CREATE | (line->append ? OPEN_APPEND : OPEN_TRUNCATE);
    status_t status = file_open(shell->directory, line->target, flags, &file);
    if (status)
        return shell_fail(shell, line->target, status);
    struct stream *console = shell->out, *stream = mem_alloc(sizeof(*stream));
    int result = SHELL_FAILED;
    if (stream) {
        stream_init(stream, file_sink, file);
        shell->out = stream;
        result = line->word_count ? shell_run_command(shell, line->word_count, line->words)
                                  : SHELL_DONE;
        status = stream_flush(stream);
        shell->out = console;
        mem_free(stream);
    } else {
        status = -ENOMEM;
    }
    file_close(file);
    if (status)
        result = shell_fail(shell, line->target, status);
    return result;
}

static void run_command(struct shell *shell, struct line *line)
{
    if (!line->word_count && !line->target)
        return;
    shell->command = NULL;
    line->words[line->word_count] = NULL;
    shell->status = line->target ? run_into_file(shell, line)
                                 : shell_run_command(shell, line->word_count, line->words);
    if (shell_interrupted())
        shell->status = SHELL_INTERRUPTED;
    shell->command = NULL;
    (void)!stream_flush(shell->out);
}

/* ---- reading a line ----------------------------------------------------------------------- */

/* Keeps the parser's word behind the words before it. */
static char *line_keep_word(struct line *line)
{
    char *word = line->text + line->text_used;
    line->text_used += line->parser.word_length + 1;
    return word;
}

static enum token_kind line_next(struct line *line)
{
    line->parser.word = line->text + line->text_used;
    line->parser.word_bytes = sizeof(line->text) - line->text_used;
    return parser_next(&line->parser);
}

/* Reads one command up to the operator that ends it, which is returned. */
static enum token_kind line_read_command(struct line *line)
{
    line->word_count = 0;
    line->text_used = 0;
    line->target = NULL;
    line->parser.status = line->shell->status;
    for (;;) {
        enum token_kind kind = line_next(line);
        if (kind == TOKEN_WORD && line->word_count == WORDS_MAX) {
            line->parser.error = "too many words";
            return TOKEN_ERROR;
        }
        if (kind == TOKEN_WORD) {
            line->words[line->word_count++] = line_keep_word(line);
        } else if (kind == TOKEN_WRITE || kind == TOKEN_APPEND) {
            line->append = kind == TOKEN_APPEND;
            if (line->target || line_next(line) != TOKEN_WORD) {
                if (!line->parser.error)
                    line->parser.error = "> needs one file name";
                return TOKEN_ERROR;
            }
            line->target = line_keep_word(line);
        } else {
            return kind;
        }
    }
}

/* Is the whole text well formed? Nothing runs of a text that is not. */
static bool line_check(struct line *line, const char *text)
{
    enum token_kind kind = TOKEN_SEPARATOR;
    line->parser = (struct parser){ .at = text };
    while (kind != TOKEN_END) {
        enum token_kind before = kind;
        kind = line_read_command(line);
        bool empty = !line->word_count && !line->target;
        bool wants = before == TOKEN_AND || before == TOKEN_OR || kind == TOKEN_AND ||
                     kind == TOKEN_OR;
        if (!line->parser.error && empty && wants)
            line->parser.error = "a command is missing beside && or ||";
        if (line->parser.error)
            return false;
    }
    return true;
}

static void line_run(struct line *line, const char *text)
{
    struct shell *shell = line->shell;
    enum token_kind before = TOKEN_SEPARATOR, kind;
    line->parser = (struct parser){ .at = text };
    do {
        kind = line_read_command(line);
        bool skip = (before == TOKEN_AND && shell->status) ||
                    (before == TOKEN_OR && !shell->status);
        if (!skip)
            run_command(shell, line);
        before = kind;
    } while (kind != TOKEN_END && kind != TOKEN_ERROR && !shell_interrupted());
}

int shell_run_text(struct shell *shell, const char *text)
{
    struct line *line = mem_zalloc(sizeof(*line));
    if (!line)
        return shell->status = shell_fail(shell, NULL, -ENOMEM);
    line->shell = shell;
    shell->command = NULL;
    if (line_check(line, text)) {
        line_run(line, text);
    } else {
        shell_complain(shell, "%s", line->parser.error);
        shell->status = SHELL_USAGE;
    }
    mem_free(line);
    return shell->status;
}

/* ---- life --------------------------------------------------------------------------------- */

status_t shell_init(struct shell *shell,
                    status_t (*sink)(struct stream *stream, const char *text, size_t bytes),
                    void *out_context, void *err_context)
{
    stream_init(&shell->console_out, sink, out_context);
    stream_init(&shell->console_err, sink, err_context);
    shell->out = &shell->console_out;
    shell->err = &shell->console_err;
    shell->status = SHELL_DONE;
    shell->command = NULL;
    shell->directory = path_root();
    return 0;
}

void shell_destroy(struct shell *shell)
{
    path_put(shell->directory);
    shell->directory = NULL;
}

void shell_prompt(const struct shell *shell, char *text, size_t bytes)
{
    size_t used = text_copy(text, bytes, "spindle:");
    used += path_text(shell->directory, text + used, bytes - used - 3);
    if (used > bytes - 3)
        used = bytes - 3;
    text_copy(text + used, bytes - used, "$ ");
}

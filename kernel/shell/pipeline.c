/*
 * pipeline.c - see pipeline.h.
 */
#include "kernel/shell/pipeline.h"
#include "kernel/shell/crew.h"
#include "kernel/shell/expand.h"
#include "kernel/shell/pipe.h"
#include "lib/string.h"

/* ---- reading ------------------------------------------------------------------------------ */

/* NAME=... as it was typed: the length of the name; 0: it is none. */
static size_t assignment_length(const struct parser *parser)
{
    size_t length = variable_name_length(parser->word);
    return length < parser->word_length && parser->word[length] == '=' ? length : 0;
}

/* Values are neither split nor matched. */
static status_t read_assignment(struct shell *shell, const struct parser *parser,
                                struct stage *stage)
{
    char *text = expand_text(shell, parser->word, parser->word_length);
    status_t status = text ? words_add(&stage->assignments, text, strlen(text)) : -ENOMEM;
    mem_free(text);
    return status;
}

static status_t read_redirection(struct shell *shell, struct parser *parser, bool runs,
                                 enum token_kind kind, struct stage *stage)
{
    (void)parser_next(parser); /* a word: parse_check() has seen to it */
    if (!runs)
        return 0;
    char *name = expand_text(shell, parser->word, parser->word_length);
    *(kind == TOKEN_READ ? &stage->input : &stage->output) = name;
    stage->append |= kind == TOKEN_APPEND;
    return name ? 0 : -ENOMEM;
}

static status_t read_stage(struct shell *shell, struct parser *parser, bool runs,
                           struct stage *stage, enum token_kind *end)
{
    status_t status = 0;
    bool leading = true; /* no word but assignments so far */
    while (!status) {
        *end = parser_next(parser);
        if (*end == TOKEN_READ || *end == TOKEN_WRITE || *end == TOKEN_APPEND) {
            status = read_redirection(shell, parser, runs, *end, stage);
        } else if (*end != TOKEN_WORD) {
            break;
        } else if (runs && leading && assignment_length(parser)) {
            status = read_assignment(shell, parser, stage);
        } else if (runs) {
            leading = false;
            status = expand_word(shell, parser->word, parser->word_length, &stage->words);
        }
    }
    return status;
}

status_t pipeline_read(struct shell *shell, struct parser *parser, bool runs,
                       struct pipeline *pipeline, enum token_kind *end)
{
    status_t status;
    pipeline->count = 0;
    do {
        struct stage *stage = &pipeline->stages[pipeline->count++];
        *stage = (struct stage){ 0 };
        status = read_stage(shell, parser, runs, stage, end);
    } while (!status && *end == TOKEN_PIPE);
    return status;
}

void pipeline_free(struct pipeline *pipeline)
{
    for (unsigned i = 0; i < pipeline->count; i++) {
        struct stage *stage = &pipeline->stages[i];
        words_free(&stage->assignments);
        words_free(&stage->words);
        mem_free(stage->input);
        mem_free(stage->output);
    }
    pipeline->count = 0;
}

/* ---- a stage's variables and files -------------------------------------------------------- */

static status_t assign(struct variables *variables, const struct words *assignments)
{
    status_t status = 0;
    for (int i = 0; !status && i < assignments->count; i++) {
        const char *text = assignments->list[i];
        size_t length = variable_name_length(text);
        status = variables_set(variables, text, length, text + length + 1);
    }
    return status;
}

/* Commands get a list of their own: the options are taken out of it. */
static int run_list(struct shell *shell, const struct words *words)
{
    size_t bytes = ((size_t)words->count + 1) * sizeof(*words->list);
    char **list = mem_alloc(bytes);
    if (!list)
        return shell_fail(shell, NULL, -ENOMEM);
    memcpy(list, words->list, bytes);
    int result = shell_run_command(shell, words->count, list);
    mem_free(list);
    return result;
}

/* NAME=value COMMAND: the variable is so for this command only. */
static int run_words_with(struct shell *shell, struct stage *stage)
{
    struct variables before = shell->variables;
    status_t status = variables_copy(&before, &shell->variables);
    if (!status)
        status = assign(&shell->variables, &stage->assignments);
    int result = status ? shell_fail(shell, NULL, status)
                        : run_list(shell, &stage->words);
    variables_free(&shell->variables);
    shell->variables = before;
    return result;
}

static int run_words(struct shell *shell, struct stage *stage)
{
    if (stage->words.count && stage->assignments.count)
        return run_words_with(shell, stage);
    if (stage->words.count)
        return run_list(shell, &stage->words);
    status_t status = assign(&shell->variables, &stage->assignments);
    return status ? shell_fail(shell, NULL, status) : SHELL_DONE;
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
static int run_with_output(struct shell *shell, struct stage *stage)
{
    struct file *file;
    unsigned flags = OPEN_WRITE | OPEN_CREATE | (stage->append ? OPEN_APPEND : OPEN_TRUNCATE);
    if (!stage->output)
        return run_words(shell, stage);
    status_t status = file_open(shell->directory, stage->output, flags, &file);
    if (status)
        return shell_fail(shell, stage->output, status);
    struct stream *before = shell->out, *stream = mem_alloc(sizeof(*stream));
    int result = SHELL_FAILED;
    if (stream) {
        stream_init(stream, file_sink, file);
        shell->out = stream;
        result = run_words(shell, stage);
        shell->command = NULL;
        status = stream_flush(stream);
        shell->out = before;
        mem_free(stream);
    } else {
        status = -ENOMEM;
    }
    file_close(file);
    return status ? shell_fail(shell, stage->output, status) : result;
}

static ssize_t read_file(struct shell *shell, void *buffer, size_t bytes)
{
    return file_read(shell->input, buffer, bytes);
}

static int run_stage(struct shell *shell, struct stage *stage)
{
    struct file *file;
    shell->command = NULL;
    if (!stage->input)
        return run_with_output(shell, stage);
    status_t status = file_open(shell->directory, stage->input, OPEN_READ, &file);
    if (status)
        return shell_fail(shell, stage->input, status);
    ssize_t (*read)(struct shell *shell, void *buffer, size_t bytes) = shell->read;
    void *input = shell->input;
    shell->read = read_file;
    shell->input = file;
    int result = run_with_output(shell, stage);
    shell->read = read;
    shell->input = input;
    file_close(file);
    return result;
}

/* ---- several stages ----------------------------------------------------------------------- */

struct runner {
    struct shell shell;   /* its own */
    struct stage *stage;
    struct pipe *in, *out; /* the ends it closes; NULL: none */
    struct stream stream; /* into `out` */
    int status;
};

static ssize_t read_pipe(struct shell *shell, void *buffer, size_t bytes)
{
    return pipe_read(shell->input, buffer, bytes);
}

/* Nobody reads any more: as ^C does, so that the command stops wherever it looks for that. */
static status_t pipe_sink(struct stream *stream, const char *text, size_t bytes)
{
    status_t status = pipe_write(stream->context, text, bytes);
    if (status == -EPIPE)
        thread_interrupt(thread_current());
    return status;
}

static void runner_free(struct runner *runner)
{
    if (!runner)
        return;
    pipe_close_reader(runner->in);
    pipe_close_writer(runner->out);
    shell_destroy(&runner->shell);
    mem_free(runner);
}

/* A copy of the shell that reads from `in` and writes to `out`, which it takes over. */
static struct runner *runner_create(struct shell *shell, struct stage *stage, struct pipe *in,
                                    struct pipe *out)
{
    struct runner *runner = mem_zalloc(sizeof(*runner));
    if (!runner || shell_copy(shell, &runner->shell)) {
        mem_free(runner);
        pipe_close_reader(in);
        pipe_close_writer(out);
        return NULL;
    }
    runner->stage = stage;
    runner->in = in;
    runner->out = out;
    if (in) {
        runner->shell.read = read_pipe;
        runner->shell.input = in;
    }
    if (out) {
        stream_init(&runner->stream, pipe_sink, out);
        runner->shell.out = &runner->stream;
    }
    return runner;
}

/* The ends are closed before the thread ends: who stands at the others must see it. */
static void runner_work(void *argument)
{
    struct runner *runner = argument;
    runner->status = run_stage(&runner->shell, runner->stage);
    (void)!stream_flush(runner->shell.out);
    pipe_close_reader(runner->in);
    pipe_close_writer(runner->out);
    runner->in = runner->out = NULL;
}

struct gang {
    struct crew crew;
    struct runner *runners[PIPE_STAGES_MAX];
};

static status_t gang_start(struct gang *gang, struct shell *shell, struct pipeline *pipeline)
{
    struct pipe *in = NULL, *out = NULL;
    for (unsigned i = 0; i < pipeline->count; i++, in = out) {
        bool last = i + 1 == pipeline->count;
        out = last ? NULL : pipe_create();
        if (!last && !out) {
            pipe_close_reader(in);
            return -ENOMEM;
        }
        gang->runners[i] = runner_create(shell, &pipeline->stages[i], in, out);
        if (!gang->runners[i] ||
            crew_start(&gang->crew, "pipe", runner_work, gang->runners[i])) {
            runner_free(gang->runners[i]);
            gang->runners[i] = NULL;
            pipe_close_reader(out);
            return -ENOMEM;
        }
    }
    return 0;
}

static int run_stages(struct shell *shell, struct pipeline *pipeline)
{
    struct gang *gang = mem_zalloc(sizeof(*gang));
    if (!gang)
        return shell_fail(shell, NULL, -ENOMEM);
    crew_init(&gang->crew);
    (void)!stream_flush(shell->out);
    status_t status = gang_start(gang, shell, pipeline);
    crew_wait(&gang->crew);
    struct runner *last = gang->runners[pipeline->count - 1];
    int result = status ? SHELL_FAILED : last->status;
    for (unsigned i = 0; i < pipeline->count; i++)
        runner_free(gang->runners[i]);
    mem_free(gang);
    return status ? shell_fail(shell, NULL, status) : result;
}

int pipeline_run(struct shell *shell, struct pipeline *pipeline)
{
    const struct stage *first = &pipeline->stages[0];
    bool alone = pipeline->count == 1;
    if (alone && !first->words.count && !first->assignments.count && !first->input &&
        !first->output)
        return shell->status; /* an empty line leaves $? as it is */
    int status = alone ? run_stage(shell, &pipeline->stages[0]) : run_stages(shell, pipeline);
    shell->command = NULL;
    return status;
}

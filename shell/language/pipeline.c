/*
 * pipeline.c - reads a pipeline, and runs its stages with their words, variables and files; see
 * pipeline.h.
 */
#include "shell/language/pipeline.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/expand.h"
#include "shell/language/pipe.h"
#include "shell/language/thread_group.h"
#include "shell/language/output_file.h"

/* ---- reading ------------------------------------------------------------------------------ */

/* Returns the length of NAME if the word is NAME=..., as it was typed; else 0. */
static size_t assignment_length(const struct parser *parser)
{
    size_t length = variable_name_length(parser->word);
    return length < parser->word_length && parser->word[length] == '=' ? length : 0;
}

static status_t read_redirection(struct shell *shell, struct parser *parser, bool runs,
                                 enum token_kind kind, struct stage *stage)
{
    unsigned stream = parser->stream - 1;

    /* `2>&1` copies the present target: redirections take effect from left to right (POSIX 2.7). */
    if (kind == TOKEN_JOIN) {
        stage->targets[stream] = stage->targets[parser->other - 1];
        return 0;
    }

    (void)parser_next(parser); /* the file's name: parse_check() has required it */
    if (!runs)
        return 0;

    char *name = expand_text(shell, parser->word, parser->word_length);

    /* Only note the name. All files are opened before the first stage runs. */
    if (kind == TOKEN_READ) {
        stage->input = name;
    } else {
        stage->files[stream].name = name;
        stage->files[stream].append = kind == TOKEN_APPEND;
        stage->targets[stream] = TARGET_FILE + stream;
    }

    return name ? 0 : -ENOMEM;
}

static status_t read_stage(struct shell *shell, struct parser *parser, bool runs,
                           struct stage *stage, enum token_kind *end)
{
    status_t status = 0;
    bool leading = true; /* only assignments so far: NAME=value after the command is an operand */
    while (!status) {
        *end = parser_next(parser);
        if (parse_is_redirection(*end)) {
            status = read_redirection(shell, parser, runs, *end, stage);
        } else if (*end != TOKEN_WORD) {
            break;
        } else if (runs && leading && assignment_length(parser)) {
            status = words_add(&stage->assignments, parser->word, parser->word_length);
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
        /* parse_check() has refused more stages than there is room for. */
        struct stage *stage = &pipeline->stages[pipeline->count++];
        *stage = (struct stage){ .targets = { TARGET_OUT, TARGET_ERR } };
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
        mem_free(stage->files[0].name);
        mem_free(stage->files[1].name);
    }
    pipeline->count = 0;
}

/* ---- a stage's words ---------------------------------------------------------------------- */

static status_t assign(struct shell *shell, const struct words *assignments)
{
    status_t status = 0;
    for (int i = 0; !status && i < assignments->count; i++) {
        /* The value is expanded, but neither split nor matched. Each is expanded after those before
         * it were assigned: A=1 B=$A sets both to 1 (POSIX 2.9.1). */
        const char *word = assignments->list[i];
        char *text = expand_text(shell, word, strlen(word));
        if (!text)
            return -ENOMEM;

        size_t length = variable_name_length(text);
        status = variables_set(&shell->variables, text, length, text + length + 1);
        mem_free(text);
    }
    return status;
}

static int run_list(struct shell *shell, const struct words *words)
{
    /* Parsing removes the options from the list, but words_free() must find all words. */
    char **list = words_copy_list(words);
    if (!list)
        return shell_fail(shell, NULL, -ENOMEM);

    int result = shell_run_command(shell, words->count, list);
    mem_free(list);
    return result;
}

/* Runs `NAME=value COMMAND`: the assignment is in effect for this command only (POSIX 2.9.1). */
static int run_words_with(struct shell *shell, struct stage *stage)
{
    /* The command gets a copy of the variables, and the shell its own ones afterwards. */
    struct variables before = shell->variables;
    status_t status = variables_copy(&before, &shell->variables);
    if (!status)
        status = assign(shell, &stage->assignments);

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

    /* Assignments without a command change the shell's variables. */
    status_t status = assign(shell, &stage->assignments);
    return status ? shell_fail(shell, NULL, status) : SHELL_DONE;
}

/* ---- a stage's files ---------------------------------------------------------------------- */

/* Opens the files of the redirections. If one cannot be opened, run_stage() reports it. */
static void stage_open(struct shell *shell, const struct pipeline *pipeline, struct stage *stage)
{
    /* Open the input first: if it cannot be opened, no output file is created. */
    if ((stage->failed = stage->input))
        stage->status = file_open(shell->directory, stage->input, OPEN_READ, &stage->input_file);

    for (unsigned i = 0; i < 2 && !stage->status; i++)
        if (stage->files[i].name)
            stage->status = output_file_open(shell, pipeline, stage->failed = stage->files[i].name,
                                        stage->files[i].append, &stage->outputs[i]);
}

/* Closes a stage's files after all stages have ended. `failed`: one of them has. */
static int stage_close(struct shell *shell, struct stage *stage, bool failed, int result)
{
    file_close(stage->input_file);
    for (unsigned i = 0; i < 2; i++) {
        enum output_file_end end = OUTPUT_FILE_WRITTEN;

        /* The stage did not run, so leave its output as it was. */
        if (stage->status)
            output_file_abandon(stage->outputs[i]);
        status_t status = stage->status ? 0 : output_file_close(stage->outputs[i], failed, &end);

        /* The command has reported the input that it was refused, but not that output is lost. */
        if (status)
            result = shell_fail(shell, stage->files[i].name, status);
        else if (end == OUTPUT_FILE_DROPPED || (end == OUTPUT_FILE_KEPT && !result))
            result = shell_complain(shell, "%s: input and output are the same file; not written",
                                    stage->files[i].name);
    }
    return result;
}

/* Runs the words with the streams to which the targets refer: the shell's own, or the files. */
static int run_with_targets(struct shell *shell, struct stage *stage)
{
    struct stream *out = shell->out, *err = shell->err;
    struct stream *streams[] = { out, err,
                                 stage->outputs[0] ? output_file_stream(stage->outputs[0]) : NULL,
                                 stage->outputs[1] ? output_file_stream(stage->outputs[1]) : NULL };

    /* `cat /f 2>> /f`: the message that /f is not read must not become a part of it. */
    if (stage->outputs[1])
        output_file_set_fallback(stage->outputs[1], err);

    shell->out = streams[stage->targets[0]];
    shell->err = streams[stage->targets[1]];
    int result = run_words(shell, stage);
    shell->command = NULL;

    /* Errors stay in the stream's status. stage_close() reports those of a file. */
    IGNORE(stream_flush(shell->out));
    IGNORE(stream_flush(shell->err));
    shell->out = out;
    shell->err = err;
    return result;
}

static ssize_t read_file(struct shell *shell, void *buffer, size_t bytes)
{
    return file_read(shell->input, buffer, bytes);
}

/* Runs a stage whose files are open. It may have no words: `> FILE` alone creates an empty file. */
static int run_stage(struct shell *shell, struct stage *stage)
{
    ssize_t (*read)(struct shell *shell, void *buffer, size_t bytes) = shell->read;
    void *input = shell->input;
    shell->command = NULL;

    /* A file that cannot be opened keeps the command from running. */
    if (stage->status)
        return shell_fail(shell, stage->failed, stage->status);

    if (stage->input_file) {
        shell->read = read_file;
        shell->input = stage->input_file;
    }
    int result = run_with_targets(shell, stage);

    /* The next pipeline reads from the shell's own input again. */
    shell->read = read;
    shell->input = input;
    return result;
}

static int run_alone(struct shell *shell, struct pipeline *pipeline)
{
    struct stage *stage = &pipeline->stages[0];
    stage_open(shell, pipeline, stage);
    int result = run_stage(shell, stage);
    return stage_close(shell, stage, result != SHELL_DONE, result);
}

/* ---- several stages ----------------------------------------------------------------------- */

/* A stage that runs on a thread of its own, in a shell of its own. */
struct runner {
    struct shell shell;
    struct stage *stage;
    struct pipe *in, *out; /* the ends that it closes; NULL: none */
    struct stream stream;  /* writes to `out` */
    char buffer[STREAM_LARGE_BYTES]; /* the stream's */
    int status;
};

struct runners {
    struct thread_group group;
    struct runner *list[PIPE_STAGES_MAX];
};

static ssize_t read_pipe(struct shell *shell, void *buffer, size_t bytes)
{
    return pipe_read(shell->input, buffer, bytes);
}

/* If the reader has closed the pipe, interrupts the command as ^C does, so that it stops: what
 * SIGPIPE is for elsewhere. */
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

/* Copies the shell for a stage that reads from `in` and writes to `out`. Takes ownership of both,
 * even on failure. */
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

    /* The first stage reads the shell's input, and the last one writes to the shell's output. */
    if (in) {
        runner->shell.read = read_pipe;
        runner->shell.input = in;
    }
    if (out) {
        stream_init(&runner->stream, pipe_sink, out);
        stream_use_large(&runner->stream, runner->buffer);
        runner->shell.out = &runner->stream;
    }
    return runner;
}

static void runner_work(void *argument)
{
    struct runner *runner = argument;
    runner->status = run_stage(&runner->shell, runner->stage);
    IGNORE(stream_flush(runner->shell.out));

    /* Close the pipes now, so that the stages before and after see their end. */
    pipe_close_reader(runner->in);
    pipe_close_writer(runner->out);
    runner->in = runner->out = NULL;
}

/* Starts a thread for each stage. After -ENOMEM, those that were started still run, and see the
 * end of their pipes. */
static status_t runners_start(struct runners *runners, struct shell *shell,
                              struct pipeline *pipeline)
{
    /* `in` is the reading end of the pipe that the stage before writes to. */
    struct pipe *in = NULL, *out = NULL;
    for (unsigned i = 0; i < pipeline->count; i++, in = out) {
        bool last = i + 1 == pipeline->count;
        out = last ? NULL : pipe_create();
        if (!last && !out) {
            pipe_close_reader(in);
            return -ENOMEM;
        }

        /* From here on the runner owns `in` and the writing end of `out`. */
        runners->list[i] = runner_create(shell, &pipeline->stages[i], in, out);
        if (!runners->list[i] ||
            thread_group_start(&runners->group, "pipe", runner_work, runners->list[i])) {
            runner_free(runners->list[i]);
            runners->list[i] = NULL;
            pipe_close_reader(out);
            return -ENOMEM;
        }
    }
    return 0;
}

/* Closes the files of all stages and returns the last stage's status (POSIX 2.9.2). */
static int runners_finish(struct runners *runners, struct shell *shell, struct pipeline *pipeline)
{
    int statuses[PIPE_STAGES_MAX], result = SHELL_FAILED;
    bool failed = false;

    /* A file is replaced only if no stage has failed, so collect all statuses first. */
    for (unsigned i = 0; i < pipeline->count; i++) {
        /* A stage that was not started has failed. */
        const struct runner *runner = runners->list[i];
        statuses[i] = runner ? runner->status : SHELL_FAILED;
        failed |= statuses[i] != SHELL_DONE;
    }

    for (unsigned i = 0; i < pipeline->count; i++) {
        result = stage_close(shell, &pipeline->stages[i], failed, statuses[i]);
        runner_free(runners->list[i]);
    }
    return result;
}

static int run_stages(struct shell *shell, struct pipeline *pipeline)
{
    struct runners *runners = mem_zalloc(sizeof(*runners));
    if (!runners)
        return shell_fail(shell, NULL, -ENOMEM);

    thread_group_init(&runners->group);

    /* Earlier output comes first: the stages write through streams of their own. */
    IGNORE(stream_flush(shell->out));

    /* Open every file before any stage runs: whether a stage may read a file that another one
     * writes must not depend on their speed. */
    for (unsigned i = 0; i < pipeline->count; i++)
        stage_open(shell, pipeline, &pipeline->stages[i]);

    status_t status = runners_start(runners, shell, pipeline);
    thread_group_wait(&runners->group);
    int result = runners_finish(runners, shell, pipeline);

    mem_free(runners);
    return status ? shell_fail(shell, NULL, status) : result;
}

/* ---- a pipeline --------------------------------------------------------------------------- */

/* Removes `time` before several stages: there it is not a command of the first stage, but measures
 * all of them, as the reserved word of other shells does. Returns whether it was there. */
static bool take_time(struct pipeline *pipeline)
{
    struct words *words = &pipeline->stages[0].words;
    if (pipeline->count == 1 || words->count < 2 || !text_equal(words->list[0], "time") ||
        words->list[1][0] == '-')
        return false;

    /* Move the other words, with the NULL after them, to the front. */
    mem_free(words->list[0]);
    memmove(words->list, words->list + 1, (size_t)words->count * sizeof(*words->list));
    words->count--;
    return true;
}

static bool is_empty(const struct stage *stage)
{
    return !stage->words.count && !stage->assignments.count && !stage->input &&
           !stage->files[0].name && !stage->files[1].name;
}

int pipeline_run(struct shell *shell, struct pipeline *pipeline)
{
    bool alone = pipeline->count == 1, timed = take_time(pipeline);
    if (alone && is_empty(&pipeline->stages[0]))
        return shell->status; /* an empty line leaves $? unchanged */

    /* A single command runs on this thread, so that `cd` and assignments change this shell. */
    uint64_t begun_us = time_now_us();
    int status = alone ? run_alone(shell, pipeline) : run_stages(shell, pipeline);
    shell->command = NULL;

    if (timed)
        shell_print_time(shell, begun_us);
    return status;
}

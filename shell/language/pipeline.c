/*
 * pipeline.c - the threads of a pipeline; see pipeline.h.
 */
#include "shell/language/pipeline.h"
#include "lib/macros.h"
#include "shell/language/command.h"
#include "shell/language/descriptor.h"
#include "shell/language/pipe.h"
#include "shell/language/thread_group.h"

struct stages;

struct stage {
    struct shell shell;
    const struct node *node;
    struct stages *all;
    bool meets;               /* it waits for the other stages that do */
    struct command_run run;
    int status;
    const struct descriptor *out; /* whose stream its output was like, or NULL; for comparison */
    bool at_line_start;
};

struct stages {
    struct thread_group group;
    struct spin lock;
    struct wait_queue met;
    unsigned meeting;         /* stages that have not come to the next meeting */
    unsigned expected;        /* stages that meet */
    unsigned meetings;        /* that all have come to */
    bool words_known;         /* all stages meet, and their words are known */
    _Atomic bool refused;     /* a stage has no memory for its words: none that meets runs */
    unsigned count;
    struct stage *list[PIPE_STAGES_MAX];
};

/* ---- meeting ------------------------------------------------------------------------------ */

/* A stage comes to a meeting, or leaves for good. The caller holds the lock. */
static void come(struct stages *stages)
{
    if (--stages->meeting)
        return;
    stages->meeting = stages->expected;
    stages->meetings++;
    wait_queue_wake_all(&stages->met);
}

/* Waits until all stages that meet have come. An interrupt ends the wait: of all stages. */
static void meet(struct stage *stage)
{
    struct stages *stages = stage->all;
    status_t status = 0;
    if (!stage->meets)
        return;

    spin_lock(&stages->lock);
    unsigned number = stages->meetings;
    come(stages);
    while (stages->meetings == number && !status)
        status = wait_queue_wait_interruptible(&stages->met, &stages->lock, TIME_NEVER);
    spin_unlock(&stages->lock);
}

/* A stage that meets others could not be started. */
static void leave(struct stages *stages)
{
    spin_lock(&stages->lock);
    stages->expected--;
    come(stages);
    spin_unlock(&stages->lock);
}

/* ---- a stage ------------------------------------------------------------------------------ */

static ssize_t read_pipe(void *pipe, void *buffer, size_t bytes)
{
    return pipe_read(pipe, buffer, bytes);
}

static void close_reader(void *pipe)
{
    pipe_close_reader(pipe);
}

static void close_writer(void *pipe)
{
    pipe_close_writer(pipe);
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

/* Makes an end of a pipe a descriptor of the stage. Takes the end, even on failure. */
static status_t set_end(struct shell *shell, unsigned number, struct pipe *pipe)
{
    struct descriptor *descriptor = pipe ? descriptor_create() : NULL;
    bool writes = number == 1;
    if (!pipe)
        return 0;
    if (!descriptor || (writes && descriptor_set_sink(descriptor, pipe_sink, pipe, true))) {
        writes ? pipe_close_writer(pipe) : pipe_close_reader(pipe);
        IGNORE(descriptor_put(shell, descriptor, NULL, true, 0));
        return -ENOMEM;
    }
    descriptor->context = pipe;
    descriptor->close = writes ? close_writer : close_reader;
    if (!writes)
        descriptor->read = read_pipe;
    IGNORE(descriptor_put(shell, shell_set_descriptor(shell, number, descriptor), NULL, false, 0));
    return 0;
}

static void close_descriptors(struct shell *shell)
{
    for (unsigned i = 0; i < SHELL_DESCRIPTORS; i++)
        IGNORE(descriptor_put(shell, shell_set_descriptor(shell, i, NULL), NULL, false, 0));
}

/* The words of all stages, if they are known: they may name an output file of any stage. */
static void open_files(struct stage *stage)
{
    const struct words *lists[PIPE_STAGES_MAX];
    struct stages *stages = stage->all;
    struct output_words words = { lists, 0 };
    bool known = stages->words_known;
    for (unsigned i = 0; i < stages->count && known; i++) {
        known = stages->list[i] && stages->list[i]->run.words_known;
        if (known)
            lists[words.count++] = &stages->list[i]->run.fields;
    }

    command_open(&stage->shell, &stage->run, known ? &words : NULL);
}

static void run_simple(struct stage *stage)
{
    struct shell *shell = &stage->shell;
    command_expand(shell, stage->node, &stage->run);
    if (stage->run.stopped && !shell->leaving)
        atomic_store(&stage->all->refused, true);
    meet(stage);
    if (atomic_load(&stage->all->refused) && !stage->run.stopped) {
        stage->run.stopped = true;
        stage->run.result = SHELL_FAILED;
    }
    open_files(stage);
    meet(stage);
    command_execute(shell, &stage->run);
    stage->status = stage->run.result;
}

static void stage_work(void *argument)
{
    struct stage *stage = argument;
    struct shell *shell = &stage->shell;

    /* This thread's stack is another one. */
    shell->language->depth.base = 0;
    (void)depth_begin(&shell->language->depth);
    if (stage->node->kind == NODE_SIMPLE) {
        run_simple(stage);
        redirect_detach(shell, &stage->run.redirected);
    } else {
        stage->status = shell->language->run_subshell(shell, stage->node);
    }
    if (shell_interrupted() && shell->out->status != -EPIPE)
        stage->status = SHELL_INTERRUPTED;

    stage->out = shell->descriptors[1] ? shell->descriptors[1]->origin : NULL;
    stage->at_line_start = shell->out->at_line_start;

    /* Close the pipes now, so that the stages before and after see their end. */
    close_descriptors(shell);
}

/* ---- all stages --------------------------------------------------------------------------- */

/* Returns whether the words or redirections of a simple command run commands: they may read the
 * pipe, which the stage before fills when all have met. */
static bool substitutes(const struct node *node)
{
    bool found = false;
    for (const struct word *at = node->words; at; at = at->next)
        found |= at->substitutes;
    for (const struct assignment *at = node->assignments; at; at = at->next)
        found |= at->value->substitutes;
    for (const struct redirection *at = node->redirections; at; at = at->next)
        found |= at->word && at->word->substitutes;
    return found;
}

/* Copies the shell for a stage that reads from `in` and writes to `out`. Takes both, even on
 * failure. */
static struct stage *stage_create(struct shell *shell, const struct node *node, struct pipe *in,
                                  struct pipe *out)
{
    struct stage *stage = mem_zalloc(sizeof(*stage));
    if (!stage || shell_copy_for_thread(shell, &stage->shell)) {
        mem_free(stage);
        pipe_close_reader(in);
        pipe_close_writer(out);
        return NULL;
    }
    stage->node = node;
    stage->meets = node->kind == NODE_SIMPLE && !substitutes(node);
    status_t status = set_end(&stage->shell, 0, in);
    if (set_end(&stage->shell, 1, out))
        status = -ENOMEM;
    if (!status)
        return stage;
    shell_destroy(&stage->shell);
    mem_free(stage);
    return NULL;
}

/* Makes all stages before the first one runs. After -ENOMEM none of the others is made. */
static status_t create_stages(struct stages *stages, struct shell *shell, const struct node *first)
{
    /* `in` is the reading end of the pipe that the stage before writes to. */
    struct pipe *in = NULL, *out = NULL;
    stages->words_known = true;
    for (const struct node *node = first; node; node = node->next, in = out) {
        out = node->next ? pipe_create() : NULL;
        if (node->next && !out) {
            pipe_close_reader(in);
            return -ENOMEM;
        }
        struct stage *stage = stage_create(shell, node, in, out);
        if (!stage) {
            pipe_close_reader(out);
            return -ENOMEM;
        }
        stage->all = stages;
        stages->list[stages->count++] = stage;
        stages->expected += stage->meets;
        stages->words_known &= stage->meets;
    }
    stages->meeting = stages->expected;
    return 0;
}

static status_t start_stages(struct stages *stages)
{
    status_t status = 0;
    for (unsigned i = 0; i < stages->count; i++) {
        struct stage *stage = stages->list[i];
        if (!status)
            status = thread_group_start(&stages->group, "pipe", stage_work, stage);
        if (!status)
            continue;

        /* Those that were started see the end of their pipes. */
        stage->status = SHELL_FAILED;
        if (stage->meets)
            leave(stages);
        close_descriptors(&stage->shell);
    }
    return status;
}

static const struct descriptor *source_of(const struct descriptor *descriptor)
{
    return descriptor && descriptor->origin ? descriptor->origin : descriptor;
}

/* Closes the files of all stages and returns the pipeline's status. */
static int finish_stages(struct stages *stages, struct shell *shell, bool pipefail)
{
    int result = SHELL_DONE, last = SHELL_FAILED;
    bool failed = false;

    /* A file is replaced only if no stage has failed. */
    for (unsigned i = 0; i < stages->count; i++)
        failed |= stages->list[i]->status != SHELL_DONE;

    for (unsigned i = 0; i < stages->count; i++) {
        struct stage *stage = stages->list[i];
        if (stage->out && stage->out == source_of(shell->descriptors[1]))
            shell->out->at_line_start = stage->at_line_start;
        last = redirect_end(shell, &stage->run.redirected, failed, stage->status);
        result = last ? last : result;
        code_use_end(&stage->run.use);
        words_free(&stage->run.fields);

        /* This shell continues the background jobs of the stage. */
        jobs_adopt(shell_jobs(shell), shell_jobs(&stage->shell));
        shell_destroy(&stage->shell);
        mem_free(stage);
    }
    return pipefail ? result : last;
}

int pipeline_run(struct shell *shell, const struct node *pipeline)
{
    struct stages *stages = mem_zalloc(sizeof(*stages));
    if (!stages)
        return shell_fail(shell, NULL, -ENOMEM);
    thread_group_init(&stages->group);
    spin_init(&stages->lock, RANK_QUEUE);
    wait_queue_init(&stages->met);

    shell->command = NULL;
    shell->script_line = pipeline->line;
    status_t status = create_stages(stages, shell, pipeline->first);
    if (!status)
        status = start_stages(stages);
    thread_group_wait(&stages->group);

    int result = finish_stages(stages, shell, shell->language->flags & FLAG_PIPEFAIL);
    mem_free(stages);
    return status ? shell_fail(shell, NULL, status) : result;
}

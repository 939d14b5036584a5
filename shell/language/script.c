/*
 * script.c - reads and runs scripts; see script.h.
 */
#include "shell/language/script.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"
#include "shell/language/evaluate.h"
#include "shell/language/state.h"

enum { CHUNK_BYTES = 1024 };

/* ---- reading ------------------------------------------------------------------------------ */

/* Appends a chunk of a script. -EILSEQ for a NUL, which no text contains. */
static status_t append(struct buffer *text, const char *chunk, size_t bytes)
{
    if (memchr(chunk, 0, bytes))
        return -EILSEQ;
    if (text->length + bytes > SCRIPT_BYTES_MAX)
        return -EFBIG;

    /* Lines may end with CR LF. */
    for (size_t i = 0; i < bytes;) {
        size_t run = i;
        while (run < bytes && chunk[run] != '\r')
            run++;
        buffer_put(text, chunk + i, run - i);
        i = run + 1;
    }
    return text->status;
}

static status_t read_script(struct shell *shell, const char *name, struct buffer *text)
{
    struct file *file;
    char *chunk = mem_alloc(CHUNK_BYTES);
    status_t status = chunk ? file_open(shell->directory, name, OPEN_READ, &file) : -ENOMEM;
    if (status) {
        mem_free(chunk);
        return status;
    }

    ssize_t got = 0;
    while (!status && (got = file_read(file, chunk, CHUNK_BYTES)) > 0)
        status = append(text, chunk, (size_t)got);
    file_close(file);
    mem_free(chunk);
    buffer_put(text, "", 0);
    return status ? status : got < 0 ? (status_t)got : text->status;
}

/* ---- running ------------------------------------------------------------------------------ */

/* What a script changes of its shell until it ends. */
struct outer {
    struct parameters parameters;
    char *exit_action, *name;
    const char *script_name;
    unsigned script_line, loops, calls;
    bool has_parameters;
};

static status_t enter(struct shell *shell, enum script_kind kind, int count, char **words,
                      struct outer *outer)
{
    struct language *language = shell->language;
    struct words parameters = { 0 };
    status_t status = 0;
    *outer = (struct outer){
        .parameters = language->parameters, .script_name = shell->script_name,
        .script_line = shell->script_line, .loops = language->loops,
        .calls = language->calls,
        .has_parameters = kind == SCRIPT_ALONE || count > 1,
    };
    for (int i = 1; i < count && !status; i++)
        status = words_add(&parameters, words[i], strlen(words[i]));

    size_t bytes = strlen(words[0]) + 1;
    char *name = kind == SCRIPT_ALONE && !status ? mem_alloc(bytes) : NULL;
    if (status || (kind == SCRIPT_ALONE && !name)) {
        words_free(&parameters);
        return -ENOMEM;
    }

    if (outer->has_parameters)
        language->parameters = (struct parameters){ .words = parameters };
    if (kind == SCRIPT_ALONE) {
        memcpy(name, words[0], bytes);
        outer->name = language->name;
        language->name = name;
        outer->exit_action = language->traps.actions[SIGNAL_EXIT];
        language->traps.actions[SIGNAL_EXIT] = NULL;
        language->loops = language->calls = 0;
    }
    shell->script_name = words[0];
    shell->script_depth++;
    return 0;
}

static void end(struct shell *shell, enum script_kind kind, struct outer *outer)
{
    struct language *language = shell->language;
    if (language->skip == SKIP_RETURN)
        language->skip = SKIP_NONE;

    if (kind == SCRIPT_ALONE) {
        shell->status = evaluate_exit_trap(shell);
        mem_free(language->traps.actions[SIGNAL_EXIT]);
        language->traps.actions[SIGNAL_EXIT] = outer->exit_action;
        mem_free(language->name);
        language->name = outer->name;
        language->loops = outer->loops;
        language->calls = outer->calls;
        language->skip = SKIP_NONE;
        shell->leaving = language->exited = false;
    }
    if (outer->has_parameters) {
        words_free(&language->parameters.words);
        language->parameters = outer->parameters;
    }
    shell->script_depth--;
    shell->script_name = outer->script_name;
    shell->script_line = outer->script_line;
}

struct script {
    struct shell *shell;
    const char *text;
};

static void run_work(void *argument)
{
    struct script *script = argument;
    script->shell->language->run_text(script->shell, script->text);
}

static int run_script(struct shell *shell, enum script_kind kind, int count, char **words,
                      const char *text)
{
    struct outer outer;
    const struct shell_command *command = shell->command;
    status_t status = enter(shell, kind, count, words, &outer);
    if (status)
        return shell_fail(shell, words[0], status);

    struct script script = { shell, text };
    if (kind == SCRIPT_ALONE)
        shell->status = SHELL_DONE;
    shell->script_line = 1;
    status = depth_call(&shell->language->depth, run_work, &script);
    end(shell, kind, &outer);
    shell->command = command;
    return status ? shell_fail(shell, words[0], status) : shell->status;
}

int shell_source(struct shell *shell, enum script_kind kind, int count, char **words)
{
    struct buffer text = { 0 };

    /* Scripts that source each other would otherwise run until memory is exhausted. */
    if (shell->script_depth == SCRIPT_DEPTH_MAX)
        return shell_complain(shell, "%s: scripts are nested too deeply", words[0]);

    status_t status = read_script(shell, words[0], &text);
    const char *begun = text.text;
    if (!status && text_starts(begun, UTF8_MARK))
        begun += strlen(UTF8_MARK);
    int result = SHELL_USAGE;
    if (status == -EILSEQ)
        shell_complain(shell, "%s: cannot execute binary file", words[0]);
    else
        result = status ? shell_fail(shell, words[0], status)
                        : run_script(shell, kind, count, words, begun);
    buffer_free(&text);
    return result;
}

/*
 * run.c - parses and evaluates texts; see run.h.
 */
#include "shell/language/run.h"
#include "lib/macros.h"
#include "shell/language/evaluate.h"
#include "shell/language/syntax/parser.h"
#include "shell/language/state.h"

void shell_run_prepare(struct shell *shell)
{
    struct language *language = shell->language;
    language->evaluate = evaluate;
    language->run_subshell = evaluate_subshell;
    language->run_text = shell_run_text;
}

/* `nested`: in a script, in `eval` or the like, which end as well (POSIX 2.8.1). */
static void report(struct shell *shell, struct parser *parser, bool nested)
{
    const char *prefix = parser->lexer.status ? "" : "syntax error: ";
    shell->command = NULL;
    shell->script_line = parser_line(parser);

    /* In a script, each message of the shell begins with the file and the line. */
    if (shell->script_name)
        shell_complain(shell, "%s%s", prefix, parser->lexer.message);
    else
        shell_complain(shell, "line %u: %s%s", shell->script_line, prefix, parser->lexer.message);
    shell->status = parser->lexer.status == -ENOMEM ? SHELL_FAILED : SHELL_USAGE;
    shell->leaving = nested;
}

/* set -v: shows what was read. */
static void show_lines(struct shell *shell, const char *from, const char *to)
{
    stream_write(shell->err, from, (size_t)(to - from));
    if (to > from && to[-1] != '\n')
        stream_text(shell->err, "\n");
    IGNORE(stream_flush(shell->err));
}

static void run_commands(struct shell *shell, struct parser *parser, bool nested)
{
    struct language *language = shell->language;
    struct tree *outer = language->tree;
    bool empty = true;

    while (!evaluate_must_stop(shell)) {
        const char *begun = lexer_position(&parser->lexer);
        enum parse_result result = parser_next(parser, &language->tree);
        if (language->flags & FLAG_VERBOSE)
            show_lines(shell, begun, lexer_position(&parser->lexer));
        if (result == PARSE_ERROR || result == PARSE_OPEN)
            report(shell, parser, nested);
        if (result != PARSE_COMMAND)
            break;

        struct tree *tree = language->tree;
        (void)evaluate(shell, tree->root);
        tree_put(tree);
        empty = false;
    }
    language->tree = outer;

    /* A script or `eval` without commands succeeds, whatever ran before it. */
    if (nested && empty && !shell->leaving)
        shell->status = SHELL_DONE;
}

int shell_run_text(struct shell *shell, const char *text)
{
    struct language *language = shell->language;
    struct parser *parser = mem_alloc(sizeof(*parser)); /* large for a kernel stack */
    shell->command = NULL;
    if (!parser)
        return shell->status = shell_fail(shell, NULL, -ENOMEM);

    shell_run_prepare(shell);
    bool outermost = depth_begin(&language->depth);
    if (outermost)
        shell->leaving = language->exited = false;
    parser_init(parser, text, &language->depth, &language->aliases);

    /* The lines of `eval` are counted from its own. */
    if (!outermost)
        parser->lexer.line = max(shell->script_line, 1U);
    run_commands(shell, parser, !outermost);
    parser_free(parser);
    mem_free(parser);

    /* `return` and `break` outside of what they leave end the text. */
    if (outermost) {
        depth_end(&language->depth);
        language->skip = SKIP_NONE;
    }
    if (shell_interrupted() && shell->out->status != -EPIPE)
        shell->status = SHELL_INTERRUPTED;
    IGNORE(stream_flush(shell->out));
    return shell->status;
}

bool shell_text_is_open(struct shell *shell, const char *text)
{
    struct parser *parser = mem_alloc(sizeof(*parser));
    struct tree *tree;
    enum parse_result result;
    if (!parser)
        return false;

    /* Only the last command can be open. Aliases that the ones before define do not matter. */
    shell_run_prepare(shell);
    bool outermost = depth_begin(&shell->language->depth);
    parser_init(parser, text, &shell->language->depth, &shell->language->aliases);
    parser->lexer.partial = true;
    while ((result = parser_next(parser, &tree)) == PARSE_COMMAND)
        tree_put(tree);
    parser_free(parser);
    mem_free(parser);
    if (outermost)
        depth_end(&shell->language->depth);
    return result == PARSE_OPEN;
}

int shell_end(struct shell *shell)
{
    shell_run_prepare(shell);
    return evaluate_exit_trap(shell);
}

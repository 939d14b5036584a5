/*
 * trace.c - PS4 and the lines after it; see trace.h.
 */
#include "shell/language/trace.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/language/expansion/expand.h"
#include "shell/language/state.h"
#include "shell/language/syntax/parser.h"
#include "shell/language/syntax/word.h"

/* Expands PS4 like the text of a here-document. Returns NULL if that fails. */
static char *expand_prefix(struct shell *shell, const char *text)
{
    struct language *language = shell->language;
    struct parser *parser = mem_alloc(sizeof(*parser)); /* large for a kernel stack */
    char *prefix = NULL;
    if (!parser)
        return NULL;

    parser_init(parser, text, &language->depth, NULL);
    struct tree *tree = parser->lexer.tree = tree_create();
    const struct word *word = tree ? word_parse_here(&parser->lexer, text) : NULL;
    if (word && expand_text(shell, word, &prefix))
        prefix = NULL;
    if (tree)
        tree_put(tree);
    parser_free(parser);
    mem_free(parser);
    return prefix;
}

void trace_command(struct shell *shell, struct stream *err, const struct buffer *assigned,
                   const struct words *fields)
{
    struct language *language = shell->language;
    const char *text = shell_variable(shell, "PS4");
    unsigned flags = language->flags;
    int substituted = language->substituted;

    /* Commands in PS4 are not traced, and do not change the status of the traced command. */
    language->flags &= ~(unsigned)FLAG_XTRACE;
    bool expands = text && (strchr(text, '$') || strchr(text, '`'));
    char *prefix = expands ? expand_prefix(shell, text) : NULL;
    language->flags = flags;
    language->substituted = substituted;

    stream_text(err, prefix ? prefix : text ? text : "+ ");
    stream_write(err, assigned->text, assigned->length - (assigned->length && !fields->count));
    for (int i = 0; i < fields->count; i++)
        stream_format(err, "%s%s", fields->list[i], i + 1 < fields->count ? " " : "");
    stream_text(err, "\n");
    IGNORE(stream_flush(err));
    mem_free(prefix);
}

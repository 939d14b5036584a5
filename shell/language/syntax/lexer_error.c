/*
 * lexer_error.c - the first error of a text, for the lexer, its words and the parser; see lexer.h.
 */
#include "lib/format.h"
#include "shell/language/syntax/lexer.h"

void lexer_fail(struct lexer *lexer, const char *format, ...)
{
    va_list arguments;
    if (lexer->failed)
        return;
    lexer->failed = true;
    va_start(arguments, format);
    format_text_v(lexer->message, sizeof(lexer->message), format, arguments);
    va_end(arguments);
}

void lexer_fail_status(struct lexer *lexer, status_t status)
{
    if (!lexer->failed)
        lexer->status = status;
    lexer_fail(lexer, "%s", status == -EOVERFLOW ? "nested too deeply" : status_text(status));
}

void lexer_fail_open(struct lexer *lexer, const char *missing)
{
    if (!lexer->failed)
        lexer->open = true;
    lexer_fail(lexer, "missing closing %s", missing);
}

void *lexer_alloc(struct lexer *lexer, size_t bytes)
{
    void *memory = tree_alloc(lexer->tree, bytes);
    if (!memory)
        lexer_fail_status(lexer, -ENOMEM);
    return memory;
}

/*
 * input.c - puts texts before the rest of the input, and joins lines in it; see input.h.
 */
#include "shell/language/syntax/input.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/syntax/lexer.h"

enum { ROOM_BYTES = 512 };

/* Makes the rest of the text this lexer's own, with at least `room` bytes before it that were read
 * already. */
static bool own_rest(struct lexer *lexer, size_t room)
{
    struct input *input = &lexer->input;
    size_t left = (size_t)(input->end - lexer->at) + 1;
    if (input->own && (size_t)(lexer->at - input->own) >= room)
        return true;

    room += ROOM_BYTES;
    char *copy = mem_alloc(room + left);
    if (!copy) {
        lexer_fail_status(lexer, -ENOMEM);
        return false;
    }
    memcpy(copy + room, lexer->at, left);
    mem_free(input->own);
    input->own = copy;
    lexer->at = copy + room;
    input->end = lexer->at + left - 1;
    return true;
}

bool input_put(struct lexer *lexer, const char *name, const char *value)
{
    struct input *input = &lexer->input;
    size_t length = strlen(value), left = (size_t)(input->end - lexer->at);
    if (!lexer->alias_names)
        lexer->alias_names = tree_create();
    struct tree *names = lexer->alias_names;
    struct alias_use *use = names ? tree_alloc(names, sizeof(*use)) : NULL;
    const char *own = use ? tree_copy(names, name, strlen(name)) : NULL;
    if (!own) {
        lexer_fail_status(lexer, -ENOMEM);
        return false;
    }
    if (!own_rest(lexer, length))
        return false;

    /* The name itself was read, so its place is free for the value. */
    size_t at = (size_t)(lexer->at - input->own) - length;
    memcpy(input->own + at, value, length);
    input->changes++;
    lexer->at = input->own + at;
    *use = (struct alias_use){
        .outer = input->alias, .name = own, .left = left,
        .next_too = length && (value[length - 1] == ' ' || value[length - 1] == '\t'),
    };
    input->alias = use;
    return true;
}

bool input_is_in(const struct lexer *lexer, const char *name)
{
    const struct alias_use *use = lexer->input.alias;
    while (use && !text_equal(use->name, name))
        use = use->outer;
    return use;
}

bool input_leave(struct lexer *lexer)
{
    struct input *input = &lexer->input;
    bool next_too = false;
    while (input->alias && (size_t)(input->end - lexer->at) <= input->alias->left) {
        next_too |= input->alias->next_too;
        input->alias = input->alias->outer;
    }
    return next_too;
}

bool input_join(struct lexer *lexer, size_t offset)
{
    const char *at = lexer->at + offset;
    if (at[0] != '\\' || at[1] != '\n')
        return false;
    if (!at[2] && lexer->partial)
        lexer_fail_open(lexer, "line after \\");

    /* Move what is before them over the backslash and the newline. */
    if (offset && own_rest(lexer, 0)) {
        char *from = lexer->input.own + (lexer->at - lexer->input.own);
        memmove(from + 2, from, offset);
        lexer->input.changes++;
    }
    if (!lexer->failed)
        lexer->at += 2;
    lexer->line++;
    return !lexer->failed;
}

/* ---- other texts -------------------------------------------------------------------------- */

void input_begin(struct lexer *lexer, const char *text, struct input *outer)
{
    *outer = lexer->input;
    outer->at = lexer->at;
    lexer->at = text;
    lexer->input = (struct input){ .end = text + strlen(text), .changes = outer->changes + 1 };
}

void input_end(struct lexer *lexer, const struct input *outer)
{
    mem_free(lexer->input.own);
    lexer->input = *outer;
    lexer->at = outer->at;
}

void input_try(struct lexer *lexer, struct input *before)
{
    *before = lexer->input;
    before->at = lexer->at;
    lexer->input.own = NULL;
}

void input_keep(struct lexer *lexer, const struct input *before)
{
    if (lexer->input.own)
        mem_free(before->own);
    else
        lexer->input.own = before->own;
}

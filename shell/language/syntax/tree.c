/*
 * tree.c - the memory of trees; see tree.h.
 */
#include "shell/language/syntax/tree.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/words.h"

enum { CHUNK_BYTES = 1024 - 16, ALIGNMENT = 16 };

struct tree_chunk {
    struct tree_chunk *next;
    size_t bytes;
    _Alignas(ALIGNMENT) char memory[];
};

struct tree *tree_create(void)
{
    struct tree *tree = mem_zalloc(sizeof(*tree));
    if (tree)
        atomic_init(&tree->users, 1);
    return tree;
}

struct tree *tree_get(struct tree *tree)
{
    atomic_fetch_add(&tree->users, 1);
    return tree;
}

void tree_put(struct tree *tree)
{
    if (!tree || atomic_fetch_sub(&tree->users, 1) != 1)
        return;
    for (struct tree_chunk *chunk = tree->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        mem_free(chunk);
    }
    mem_free(tree);
}

static bool add_chunk(struct tree *tree, size_t wanted)
{
    size_t bytes = wanted > CHUNK_BYTES ? wanted : CHUNK_BYTES, unchecked = 0;

    /* Large texts leave an eighth of memory to others. */
    struct tree_chunk *chunk = list_may_grow(&unchecked, bytes)
                                   ? mem_zalloc(sizeof(*chunk) + bytes) : NULL;
    if (!chunk)
        return false;
    chunk->bytes = bytes;
    chunk->next = tree->chunks;
    tree->chunks = chunk;
    tree->room = bytes;
    return true;
}

void *tree_alloc(struct tree *tree, size_t bytes)
{
    bytes = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (bytes > tree->room && !add_chunk(tree, bytes))
        return NULL;

    /* What is left of the chunk before is never used. */
    struct tree_chunk *chunk = tree->chunks;
    void *memory = chunk->memory + (chunk->bytes - tree->room);
    tree->room -= bytes;
    return memory;
}

char *tree_copy(struct tree *tree, const char *text, size_t length)
{
    char *copy = tree_alloc(tree, length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

bool word_is(const struct word *word, const char *text)
{
    const struct part *part = word->parts;
    return part && !part->next && part->kind == PART_TEXT && text_equal(part->text, text);
}

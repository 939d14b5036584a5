/*
 * words.c - lists of words and growing text; see words.h.
 */
#include "shell/words.h"
#include "kernel/vfs/vfs.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { ROOM_MIN = 16, BUFFER_MIN = 64, UNCHECKED_BYTES = 64 * 1024 };
enum { BLOCK_BYTES_MIN = 512, BLOCK_BYTES_MAX = 4096 };

/* The texts of a list are in blocks, so that a short list is one allocation. The first block begins
 * with the list itself, until that grows beyond ROOM_MIN. */
struct words_block {
    struct words_block *next;
    size_t used, room; /* bytes */
    char memory[];
};

bool list_may_grow(size_t *unchecked, size_t bytes)
{
    *unchecked += bytes;

    /* To count free pages for each word would cost more than to add it. */
    if (*unchecked < UNCHECKED_BYTES)
        return true;

    if (vfs_memory_is_short(*unchecked / PAGE_BYTES))
        return false;
    *unchecked = 0;
    return true;
}

static status_t words_add_block(struct words *words, size_t wanted)
{
    const size_t head = sizeof(struct words_block);
    size_t bytes = words->blocks ? 2 * (words->blocks->room + head) : BLOCK_BYTES_MIN;
    bytes = min(bytes, BLOCK_BYTES_MAX);
    bytes = max(bytes, wanted + head);

    struct words_block *block = list_may_grow(&words->unchecked, bytes) ? mem_alloc(bytes) : NULL;
    if (!block)
        return -ENOMEM;
    *block = (struct words_block){ .next = words->blocks, .room = bytes - head };
    words->blocks = block;
    return 0;
}

/* Makes room for the pointers of two words. */
static status_t words_grow(struct words *words)
{
    const size_t first = ROOM_MIN * sizeof(*words->list);
    if (!words->blocks) {
        if (words_add_block(words, first))
            return -ENOMEM;
        words->list = (char **)(void *)words->blocks->memory;
        words->room = ROOM_MIN;
        words->blocks->used = first;
        return 0;
    }

    /* Double the room, so that each pointer is copied a few times only. */
    int room = 2 * words->room;
    char **list = mem_alloc((size_t)room * sizeof(*list));
    if (!list)
        return -ENOMEM;

    memcpy(list, words->list, (size_t)words->count * sizeof(*list));
    if (words->room > ROOM_MIN)
        mem_free(words->list);
    words->list = list;
    words->room = room;
    return 0;
}

status_t words_add(struct words *words, const char *text, size_t length)
{
    if (words->count == WORDS_MAX || words->bytes + length > WORDS_BYTES_MAX)
        return -EOVERFLOW;

    /* Keep room for the NULL that ends the list. */
    if (words->count + 1 >= words->room && words_grow(words))
        return -ENOMEM;

    if (length + 1 > words->blocks->room - words->blocks->used &&
        words_add_block(words, length + 1))
        return -ENOMEM;

    struct words_block *block = words->blocks;
    char *word = block->memory + block->used;
    block->used += length + 1;
    memcpy(word, text, length);
    word[length] = '\0';
    words->list[words->count++] = word;
    words->list[words->count] = NULL;
    words->bytes += length;
    return 0;
}

char **words_copy_list(const struct words *words)
{
    /* The NULL at the end belongs to the list. */
    size_t bytes = ((size_t)words->count + 1) * sizeof(*words->list);
    char **list = mem_alloc(bytes);
    if (list)
        memcpy(list, words->list, bytes);
    return list;
}

/* Moves the word at the root of a heap down to its place. */
static void heap_sink(char **list, int root, int count)
{
    for (int child; (child = 2 * root + 1) < count; root = child) {
        /* Exchange it with its greater child, until both are smaller. */
        if (child + 1 < count && strcmp(list[child], list[child + 1]) < 0)
            child++;

        if (strcmp(list[root], list[child]) >= 0)
            return;

        char *word = list[root];
        list[root] = list[child];
        list[child] = word;
    }
}

/* Needs no memory, in contrast to merge sort, and no recursion, in contrast to quicksort. */
static void heap_sort(char **list, int count)
{
    /* Make a heap of the list, from the last word that has a child to the first word. */
    for (int root = count / 2; root-- > 0;)
        heap_sink(list, root, count);

    /* The greatest word of the heap is at its root. Move it to the end, and shrink the heap. */
    for (int end = count; end-- > 1;) {
        char *word = list[0];
        list[0] = list[end];
        list[end] = word;
        heap_sink(list, 0, end);
    }
}

void words_sort(struct words *words, int from)
{
    if (words->count <= from)
        return;
    heap_sort(words->list + from, words->count - from);

    /* Equal words are neighbours now: keep the first of them. */
    int kept = from + 1;
    for (int i = from + 1; i < words->count; i++)
        if (strcmp(words->list[i], words->list[kept - 1]) != 0)
            words->list[kept++] = words->list[i];
    words->count = kept;
    words->list[kept] = NULL;
}

void words_free(struct words *words)
{
    if (words->room > ROOM_MIN)
        mem_free(words->list);
    for (struct words_block *block = words->blocks, *next; block; block = next) {
        next = block->next;
        mem_free(block);
    }
    *words = (struct words){ 0 };
}

static status_t buffer_grow(struct buffer *buffer, size_t wanted)
{
    size_t room = buffer->room ? buffer->room : BUFFER_MIN;
    while (room < wanted)
        room *= 2;

    /* Small buffers are never checked, large ones each time that they grow. */
    size_t unchecked = 0;
    char *text = list_may_grow(&unchecked, room) ? mem_alloc(room) : NULL;
    if (!text)
        return -ENOMEM;

    if (buffer->length)
        memcpy(text, buffer->text, buffer->length);
    mem_free(buffer->text);
    buffer->text = text;
    buffer->room = room;
    return 0;
}

void buffer_put(struct buffer *buffer, const char *text, size_t length)
{
    if (!buffer->status && buffer->length + length + 1 > buffer->room)
        buffer->status = buffer_grow(buffer, buffer->length + length + 1);
    if (buffer->status)
        return;

    memcpy(buffer->text + buffer->length, text, length);
    buffer->length += length;
    buffer->text[buffer->length] = '\0';
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    if (buffer->text)
        buffer->text[0] = '\0';
}

void buffer_free(struct buffer *buffer)
{
    mem_free(buffer->text);
    *buffer = (struct buffer){ 0 };
}

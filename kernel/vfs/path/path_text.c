/*
 * path_text.c - the text of a path: the names down from `/`.
 */
#include "kernel/vfs/internal.h"
#include "lib/string.h"
#include "lib/text.h"

size_t path_text(struct path *path, char *text, size_t bytes)
{
    /* The length is returned whatever the buffer holds, as snprintf() does. */
    size_t length = path->parent ? 0 : 1;
    for (struct path *at = path; at->parent; at = at->parent)
        length += 1 + at->length;
    if (!bytes)
        return length;

    /* from the last name to the first; what exceeds the buffer is left out */
    text_copy(text, bytes, path->parent ? "" : "/");
    size_t end = length;
    for (struct path *at = path; at->parent; at = at->parent) {
        end -= 1 + at->length;
        for (size_t i = 0; i <= at->length && end + i < bytes - 1; i++)
            text[end + i] = i ? at->name[i - 1] : '/';
    }
    text[length < bytes ? length : bytes - 1] = '\0';
    return length;
}

char *path_text_copy(struct path *path, const struct element *name)
{
    size_t length = path_text(path, NULL, 0);
    char *text = mem_alloc(length + (name ? name->length : 0) + 2);
    if (!text)
        return NULL;

    path_text(path, text, length + 1);
    if (name) {
        if (path->parent) /* else the text is "/" */
            text[length++] = '/';
        memcpy(text + length, name->name, name->length);
        text[length + name->length] = '\0';
    }
    return text;
}

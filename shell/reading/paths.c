/*
 * paths.c - joining and splitting of paths; see paths.h.
 */
#include "shell/reading/paths.h"
#include "lib/string.h"

char *join_path(const char *directory, const char *name)
{
    size_t head = strlen(directory), tail = strlen(name);

    /* No slash if there is one, nor if either part is empty. */
    size_t slash = head && tail && directory[head - 1] != '/';

    char *path = mem_alloc(head + slash + tail + 1);
    if (!path)
        return NULL;

    memcpy(path, directory, head);
    if (slash)
        path[head] = '/';
    memcpy(path + head + slash, name, tail + 1);
    return path;
}

const char *base_name(const char *path, size_t *length)
{
    size_t end = strlen(path);

    /* POSIX's basename: `a/b/` is b, and `/` is itself. */
    while (end > 1 && path[end - 1] == '/')
        end--;

    size_t start = end;
    while (start && path[start - 1] != '/')
        start--;
    *length = end - start;
    return path + start;
}

int shell_fail_below(struct shell *shell, const char *start, const char *text, status_t status)
{
    /* Without memory, the message names only the part below the start. */
    char *path = join_path(start, text);

    int result = shell_fail(shell, path ? path : text, status);
    mem_free(path);
    return result;
}

/*
 * resolve.c - absolute paths of names, and relative paths between them; see resolve.h.
 */
#include "shell/commands/names/resolve.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/reading/paths.h"

enum { RESOLVE_LINKS_MAX = 40 };

struct resolving {
    struct shell *shell;
    enum resolve_mode mode;
    bool keep_links;
    bool missing;          /* an element before does not exist: only possible with `mode` */
    unsigned links;
    char *rest;            /* not processed yet, on the heap */
    struct buffer *result; /* the path so far, without a trailing slash; empty: the root */
};

/* Returns how many slashes, or bytes before a slash, the text begins with. */
static size_t span(const char *text, bool slashes)
{
    size_t length = 0;
    while (text[length] && (text[length] == '/') == slashes)
        length++;
    return length;
}

/* Cuts the last element off: `..`. That of the root is the root. */
static void drop_last(struct buffer *path)
{
    while (path->length && path->text[--path->length] != '/')
        ;
    if (path->text)
        path->text[path->length] = '\0';
}

static void append(struct buffer *path, const char *element, size_t length)
{
    buffer_put(path, "/", 1);
    buffer_put(path, element, length);
}

/* Replaces the link that `path` leads to, the last element of the result, by its target. */
static status_t expand(struct resolving *r, struct path *path)
{

    /* Where nothing has to exist, a link in a loop is an element like others (GNU). */
    if (++r->links > RESOLVE_LINKS_MAX)
        return r->mode == RESOLVE_MISSING ? 0 : -ELOOP;

    char *target = mem_alloc(PATH_BYTES_MAX + 1);
    ssize_t length = target ? path_read_link(path, target, PATH_BYTES_MAX + 1) : -ENOMEM;
    char *rest = length > 0 ? join_path(target, r->rest) : NULL;
    status_t status = length < 0 ? (status_t)length : length == 0 ? -ENOENT : rest ? 0 : -ENOMEM;
    if (!status) {
        /* An absolute target starts again at the root, a relative one beside the link. */
        drop_last(r->result);
        if (*target == '/')
            buffer_clear(r->result);
        mem_free(r->rest);
        r->rest = rest;
    }
    mem_free(target);
    return status;
}

/* Examines the element that was just appended, after which `rest` follows. */
static status_t examine(struct resolving *r)
{
    struct path *path;
    size_t more = span(r->rest, true);
    bool last = !r->rest[more];
    bool allowed = r->mode >= RESOLVE_DIRECTORIES || (last && r->mode == RESOLVE_LAST);
    unsigned flags = r->keep_links ? 0 : WALK_NO_FOLLOW;
    status_t status = r->missing ? -ENOENT
                                 : path_walk(r->shell->directory, r->result->text, flags, &path);
    if (status == -ENOENT && allowed) {
        r->missing = true;
        return 0;
    }
    if (status)
        return r->mode == RESOLVE_MISSING ? 0 : status;

    /* What follows a name, even a slash alone, requires a directory. */
    if (path_vnode(path)->type == NODE_LINK)
        status = expand(r, path);
    else if (*r->rest && r->mode != RESOLVE_MISSING && !path_is_directory(path))
        status = -ENOTDIR;
    path_put(path);
    return status;
}

/* Takes the next element off `rest`; returns false at the end. */
static bool next_element(struct resolving *r, status_t *status)
{
    char *at = r->rest + span(r->rest, true);
    size_t length = span(at, false);
    if (!length)
        return false;

    bool dot = text_equal_n(at, length, ".", 1), dots = text_equal_n(at, length, "..", 2);
    if (dots)
        drop_last(r->result);
    else if (!dot)
        append(r->result, at, length);
    memmove(r->rest, at + length, strlen(at + length) + 1);

    /* Only a name can be missing or a link. */
    *status = r->result->status;
    if (!*status && !dot && !dots)
        *status = examine(r);
    return !*status;
}

status_t resolve_name(struct shell *shell, const char *name, enum resolve_mode mode,
                      bool keep_links, struct buffer *result)
{
    struct resolving r = { .shell = shell, .mode = mode, .keep_links = keep_links,
                           .result = result };
    if (!*name)
        return -ENOENT;

    /* The current directory's path has no links, and is the start of a relative name. */
    char *start = *name == '/' ? join_path("", "") : path_text_copy(shell->directory, NULL);
    r.rest = join_path(name, "");
    status_t status = start && r.rest ? 0 : -ENOMEM;
    if (!status && *start && !text_equal(start, "/"))
        buffer_put(result, start, strlen(start));

    while (!status && next_element(&r, &status))
        ;

    /* The root is the only path that ends with a slash. */
    if (!status && !result->length)
        buffer_put(result, "/", 1);
    mem_free(start);
    mem_free(r.rest);
    return status ? status : result->status;
}

/* Returns the length of the part that both paths begin with, in whole elements. */
static size_t common_length(const char *a, const char *b)
{
    size_t at = 0, slash = 0;
    for (; a[at] && a[at] == b[at]; at++)
        if (a[at] == '/')
            slash = at;

    /* The part may end where either path ends. */
    bool whole = (!a[at] || a[at] == '/') && (!b[at] || b[at] == '/');
    return whole ? at : slash;
}

status_t resolve_relative(const char *path, const char *from, struct buffer *result)
{
    /* The root's slash is not an element. */
    path = text_equal(path, "/") ? "" : path;
    from = text_equal(from, "/") ? "" : from;
    size_t common = common_length(path, from);

    /* One `..` for each element that only `from` has. */
    for (const char *at = from + common; *at; at++)
        if (*at == '/')
            buffer_put(result, result->length ? "/.." : "..", result->length ? 3 : 2);

    const char *rest = path + common + (path[common] == '/');
    if (*rest && result->length)
        buffer_put(result, "/", 1);
    buffer_put(result, rest, strlen(rest));
    if (!result->length)
        buffer_put(result, ".", 1);
    return result->status;
}

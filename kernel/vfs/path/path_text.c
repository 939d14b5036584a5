/*
 * path_text.c - the text of a path: the names down from `/`.
 */
#include "kernel/vfs/internal.h"
#include "lib/string.h"
#include "lib/text.h"

static struct spin paths = SPIN_INIT(RANK_VNODE);

void paths_lock(void)
{
    spin_lock(&paths);
}

void paths_unlock(void)
{
    spin_unlock(&paths);
}

static size_t write_text(struct path *path, char *text, size_t bytes)
{
    kassert(spin_is_held(&paths));
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

size_t path_text(struct path *path, char *text, size_t bytes)
{
    /* The length is returned whatever the buffer holds, as snprintf() does. */
    paths_lock();
    size_t length = write_text(path, text, bytes);
    paths_unlock();
    return length;
}

/* Compares parent/name from the end, a name at a time. */
static bool has_text(struct path *parent, struct element name, const char *text)
{
    kassert(spin_is_held(&paths));
    size_t end = strlen(text);
    for (;;) {
        if (name.length + 1 > end || text[end - name.length - 1] != '/' ||
            memcmp(text + end - name.length, name.name, name.length) != 0)
            return false;

        /* at `/`, both must be at their ends */
        end -= name.length + 1;
        if (!parent->parent)
            return end == 0;
        name = (struct element){ parent->name, parent->length };
        parent = parent->parent;
    }
}

bool path_child_has_text(struct path *parent, struct element name, const char *text)
{
    paths_lock();
    bool equal = has_text(parent, name, text);
    paths_unlock();
    return equal;
}

bool path_has_text(struct path *path, const char *text)
{
    paths_lock();
    bool equal = path->parent
                     ? has_text(path->parent, (struct element){ path->name, path->length }, text)
                     : text_equal(text, "/");
    paths_unlock();
    return equal;
}

char *path_text_copy(struct path *path, const struct element *name)
{
    size_t length, room = path_text(path, NULL, 0);
    char *text;
    for (;;) {
        text = mem_alloc(room + (name ? name->length : 0) + 2);
        if (!text)
            return NULL;
        length = path_text(path, text, room + 1);
        if (length <= room)
            break;

        /* it was moved meanwhile, and is longer */
        mem_free(text);
        room = length;
    }

    if (name) {
        if (length > 1) /* else the text is "/" */
            text[length++] = '/';
        memcpy(text + length, name->name, name->length);
        text[length + name->length] = '\0';
    }
    return text;
}

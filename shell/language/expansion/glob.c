/*
 * glob.c - expands a pattern element by element: each path so far, times the names that match
 * there; see glob.h.
 */
#include "shell/language/expansion/glob.h"
#include "lib/string.h"
#include "shell/pattern.h"

void glob_unescape(char *pattern)
{
    char *to = pattern;
    for (const char *from = pattern; *from; from++) {
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from;
    }
    *to = '\0';
}

/* ---- directories -------------------------------------------------------------------------- */

static status_t list_entries(struct path *directory, const struct name_filter *filter,
                             struct words *names)
{
    struct file *file;
    struct dir_entry *entry = mem_alloc(sizeof(*entry));
    status_t status = entry ? file_open_path(directory, OPEN_READ | OPEN_DIRECTORY, &file)
                            : -ENOMEM;
    if (!status) {
        /* Names are filtered one by one, so a large directory costs only the memory of its
         * matches. */
        int got = 0;
        while (!status && (got = dir_read(file, INFO_NONE, entry)) > 0) {
            if (filter->wanted(entry->name, filter->context))
                status = words_add(names, entry->name, strlen(entry->name));
            if (shell_interrupted())
                status = -EINTR;
        }

        /* After any other error, match the names that could be listed. */
        if (got == -EINTR)
            status = got;
        file_close(file);
    }
    mem_free(entry);
    return status;
}

static status_t list_mounts(struct path *directory, const struct name_filter *filter,
                            struct words *names)
{
    char *name = mem_alloc(NAME_BYTES_MAX + 1);
    status_t status = name ? 0 : -ENOMEM;

    /* A mount's name need not exist in the directory itself: /System/Devices is on no disc. */
    for (unsigned position = 0; !status;) {
        status = vfs_mount_below(directory, &position, name, NAME_BYTES_MAX + 1);
        if (!status && filter->wanted(name, filter->context))
            status = words_add(names, name, strlen(name));
    }
    mem_free(name);
    return status == -ENOENT ? 0 : status;
}

status_t directory_names(struct shell *shell, const char *directory,
                         const struct name_filter *filter, struct words *names)
{
    struct path *path;
    int from = names->count;
    status_t status = path_walk(shell->directory, *directory ? directory : ".", 0, &path);
    if (status)
        return status;

    /* A mount may cover a name of the directory. Sorting removes the second of the two. */
    status = list_entries(path, filter, names);
    if (!status)
        status = list_mounts(path, filter, names);
    path_put(path);
    words_sort(names, from);
    return status;
}

/* ---- whole patterns ----------------------------------------------------------------------- */

static bool element_wanted(const char *name, const void *context)
{
    return glob_matches(context, name, false);
}


static status_t add_joined(struct words *words, const char *prefix, const char *name)
{
    struct buffer buffer = { 0 };
    buffer_put(&buffer, prefix, strlen(prefix));
    buffer_put(&buffer, name, strlen(name));
    status_t status = buffer.status;
    if (!status)
        status = words_add(words, buffer.text, buffer.length);
    buffer_free(&buffer);
    return status;
}

/* Adds to `next` each path that results from appending the element to the prefix. */
static status_t expand_element(struct shell *shell, const char *prefix, const char *element,
                               struct words *next)
{
    struct words names = { 0 };
    status_t status = 0;

    /* A directory that cannot be listed matches nothing, which is not an error (POSIX 2.13.3). */
    if (glob_is_pattern(element)) {
        struct name_filter filter = { element_wanted, element };
        status = directory_names(shell, prefix, &filter, &names);
        if (status != -EINTR && status != -ENOMEM && status != -EOVERFLOW)
            status = 0;
    } else {
        status = words_add(&names, element, strlen(element));
        if (!status)
            glob_unescape(names.list[0]);
    }
    for (int i = 0; !status && i < names.count; i++)
        status = add_joined(next, prefix, names.list[i]);
    words_free(&names);
    return status;
}

/* Returns how many characters at the start of `text` are slashes, or are not. */
static size_t run_length(const char *text, bool slashes)
{
    size_t length = 0;
    while (text[length] && (text[length] == '/') == slashes)
        length++;
    return length;
}

/* Appends slashes and an element to each prefix. */
static status_t expand_step(struct shell *shell, const char *slashes, size_t slash_count,
                            const char *element, struct words *prefixes)
{
    struct words next = { 0 };
    struct buffer prefix = { 0 };
    status_t status = 0;

    /* Stop at the first error: a pattern of many stars can exceed the limits of a list. */
    for (int i = 0; !status && i < prefixes->count; i++) {
        buffer_clear(&prefix);
        buffer_put(&prefix, prefixes->list[i], strlen(prefixes->list[i]));
        buffer_put(&prefix, slashes, slash_count);
        status = prefix.status;
        if (!status)
            status = expand_element(shell, prefix.text, element, &next);
    }
    buffer_free(&prefix);
    words_free(prefixes);
    *prefixes = next;
    return status;
}

/* Appends one element after another. *literal: the last one was not a pattern. */
static status_t expand_steps(struct shell *shell, const char *pattern, struct words *found,
                             bool *literal)
{
    struct buffer element = { 0 };

    /* Begin with one empty path, to which the first element is appended. */
    status_t status = words_add(found, "", 0);

    while (!status && *pattern) {
        /* Keep the number of slashes: a//b gives names with //, as in other shells. */
        size_t slashes = run_length(pattern, true);
        size_t length = run_length(pattern + slashes, false);

        /* A pattern that ends with a slash has an empty last element. glob_expand() then keeps only
         * directories. */
        buffer_clear(&element);
        buffer_put(&element, pattern + slashes, length);
        status = element.status;
        if (!status)
            status = expand_step(shell, pattern, slashes, element.text, found);
        *literal = !status && !glob_is_pattern(element.text);
        pattern += slashes + length;
    }
    buffer_free(&element);
    return status;
}

static bool exists(struct shell *shell, const char *text)
{
    struct path *path;
    if (path_walk(shell->directory, text, WALK_NO_FOLLOW, &path))
        return false;
    path_put(path);
    return true;
}

status_t glob_expand(struct shell *shell, const char *pattern, struct words *words)
{
    struct words found = { 0 };
    int from = words->count;
    bool literal = false;
    status_t status = expand_steps(shell, pattern, &found, &literal);

    /* A last element that is not a pattern was appended without a look at the directory. */
    for (int i = 0; !status && i < found.count; i++)
        if (!literal || exists(shell, found.list[i]))
            status = words_add(words, found.list[i], strlen(found.list[i]));
    words_free(&found);
    words_sort(words, from);
    return status;
}

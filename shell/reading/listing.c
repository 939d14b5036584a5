/*
 * listing.c - the names in a directory; see listing.h.
 */
#include "shell/reading/listing.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/words.h"

struct name *names_next(const struct name *name)
{
    return (struct name *)(void *)name->link.next; /* the link is the first field */
}

int names_by_text(const struct sortable *a, const struct sortable *b, const void *context)
{
    (void)context;
    return strcmp(((const struct name *)(const void *)a)->text,
                  ((const struct name *)(const void *)b)->text);
}

status_t names_add(struct name **names, const char *text)
{
    size_t bytes = strlen(text) + 1;
    struct name *name = mem_alloc(sizeof(*name) + bytes);
    if (!name)
        return -ENOMEM;

    /* The information is unknown until name_look() is called. */
    name->info = (struct node_info){ 0 };
    name->status = 0;
    name->leads_to_directory = false;
    memcpy(name->text, text, bytes);
    name->link.next = *names ? &(*names)->link : NULL;
    *names = name;
    return 0;
}

static struct name *names_find(struct name *names, const char *text)
{
    while (names && !text_equal(names->text, text))
        names = names_next(names);
    return names;
}

static status_t collect_mounts(struct path *directory, struct name **names, char *text,
                               size_t bytes)
{
    unsigned position = 0;
    status_t status = 0;

    while (!status && !(status = vfs_mount_below(directory, &position, text, bytes))) {
        /* The information of a covered name describes the directory under the mount. */
        struct name *covered = names_find(*names, text);
        if (covered)
            covered->info.known = 0;
        else
            status = names_add(names, text);
    }
    return status == -ENOENT ? 0 : status;
}

static void names_reverse(struct name **names)
{
    struct sortable *reversed = NULL, *rest = *names ? &(*names)->link : NULL;

    /* Move the items to another list, one by one: the last one becomes the first. */
    while (rest) {
        struct sortable *next = rest->next;
        rest->next = reversed;
        reversed = rest;
        rest = next;
    }

    *names = (struct name *)(void *)reversed; /* the link is the first field */
}

status_t names_collect(struct path *directory, bool mounts, unsigned levels, struct name **names,
                       unsigned *skipped)
{
    struct file *file;
    if (skipped)
        *skipped = 0;
    status_t status = file_open_path(directory, OPEN_DIRECTORY | OPEN_READ, &file);
    if (status)
        return status;

    /* The entry is too large for a kernel stack. */
    struct dir_entry *entry = mem_alloc(sizeof(*entry));
    size_t unchecked = 0;

    int got = entry ? 0 : -ENOMEM;
    while (entry && !status && (got = dir_read(file, levels, entry)) > 0) {
        /* A hostile disc can claim any number of entries, so that memory is checked while the list
         * grows. */
        if (shell_interrupted())
            status = -EINTR;
        else if (!list_may_grow(&unchecked, sizeof(struct name) + strlen(entry->name)))
            status = -ENOMEM;
        else
            status = names_add(names, entry->name);
        if (!status && entry->info.known)
            (*names)->info = entry->info;
    }

    /* The count is complete only at the end of the directory. */
    if (skipped && entry && !status && !got)
        *skipped = entry->skipped;
    names_reverse(names); /* each was added in front */
    if (entry && !status && mounts)
        status = collect_mounts(directory, names, entry->name, sizeof(entry->name));
    mem_free(entry);
    file_close(file);
    return status ? status : got;
}

static status_t look_along(struct path *start, const char *text, unsigned levels,
                           struct node_info *info)
{
    struct path *path;
    status_t status = path_walk(start, text, 0, &path);
    if (status)
        return status;

    status = path_info(path, levels, info);
    path_put(path);
    return status;
}

void name_look(struct path *directory, bool cross, struct name *name, unsigned levels)
{
    if (name->info.known)
        return;

    /* `.` and `..` belong to the path, not to the directory, so walk them. */
    if (text_equal(name->text, ".") || text_equal(name->text, ".."))
        name->status = look_along(directory, name->text, levels, &name->info);
    else
        name->status = path_child_info(directory, name->text, cross, levels, &name->info);
}

void names_free(struct name *names)
{
    while (names) {
        struct name *next = names_next(names);
        mem_free(names);
        names = next;
    }
}

int shell_end_skipped(struct shell *shell, const char *name, unsigned skipped, int result)
{
    if (!skipped)
        return result;

    int one = shell_complain(shell, skipped == 1 ? "%s: %u invalid record was skipped"
                                                 : "%s: %u invalid records were skipped",
                             name, skipped);
    return result ? result : one;
}

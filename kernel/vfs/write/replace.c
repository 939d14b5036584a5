/*
 * replace.c - replaces the content of a file in one step: the new content is written to a file of
 * its own beside it, which is renamed over the old one once complete (struct replacement in vfs.h).
 */
#include "kernel/vfs/internal.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { PARTS_MAX = 100, STEM_BYTES_MAX = 64 /* so that the name fits in every format */ };

struct replacing {
    struct place place, part;
    char name[NAME_BYTES_MAX + 1]; /* of the part */
};

/* Returns how much of the name is part of the new one, in whole characters. */
static size_t part_stem(struct element name)
{
    size_t length = min(name.length, (size_t)STEM_BYTES_MAX);
    while (length && length < name.length && (name.name[length] & 0xc0) == 0x80)
        length--; /* a continuation byte of UTF-8 */
    return length;
}

/* Creates a file for the new content, under the first free name. -EEXIST if there is none. */
static status_t part_create(struct replacing *names)
{
    struct element target = names->place.name;
    int stem = (int)part_stem(target);
    status_t status = -EEXIST;
    names->part.parent = path_get(names->place.parent);

    /* Names may be taken by other writers, and by parts that a crash left. */
    for (unsigned n = 1; status == -EEXIST && n <= PARTS_MAX; n++) {
        format_text(names->name, sizeof(names->name), ".%.*s.part~%u", stem, target.name, n);
        names->part.name = (struct element){ names->name, strlen(names->name) };
        status = place_create(&names->part);
    }
    return status;
}

/* Removes the part after an error, which is returned. An interrupt may be that error, and must not
 * let the part stay: it takes effect again afterwards. Another ^C ends the removal. */
static void part_remove(struct replacing *names)
{
    bool interrupted = thread_interrupted();
    thread_clear_interrupt();
    IGNORE(place_remove(&names->part));
    if (interrupted)
        thread_interrupt(thread_current());
}

static status_t part_open(struct replacing *names, struct file **file)
{
    struct path *path;
    status_t status = part_create(names);
    if (status)
        return status;

    status = path_lookup(names->part.parent, names->part.name, &path);
    if (!status) {
        status = file_open_path(path, OPEN_WRITE, file);
        path_put(path);
    }

    if (status)
        part_remove(names);
    return status;
}

static status_t replace_open(struct replacement *replacement, unsigned flags)
{
    struct place *place = &replacement->names->place;
    status_t status = 0;
    if (place->slash || place->dots)
        return -EISDIR;

    /* The old file stays open until the end: so another writer is refused now, not at the
     * commit. */
    if (place->node)
        status = file_open_path(place->node, OPEN_WRITE | flags, &replacement->old);
    if (status)
        return status;

    /* devices and streams are not files of the directory: written in place */
    const struct vnode *old = replacement->old ? replacement->old->vnode : NULL;
    if (old && (vnode_bypasses_cache(old) || old->stream))
        replacement->file = replacement->old;
    else
        status = part_open(replacement->names, &replacement->file);
    if (status)
        file_close(replacement->old);
    return status;
}

static void replace_free(struct replacement *replacement)
{
    place_put(&replacement->names->place);
    place_put(&replacement->names->part);
    mem_free(replacement->names);
    *replacement = (struct replacement){ .file = NULL };
}

/* Copies the name, if it is in the caller's text, which may be freed before the end. */
static status_t keep_name(struct place *place)
{
    if (place->text)
        return 0;
    place->text = mem_alloc(place->name.length + 1);
    if (!place->text)
        return -ENOMEM;
    /* A path may have no last name: "/". */
    if (place->name.length)
        memcpy(place->text, place->name.name, place->name.length);
    place->name.name = place->text;
    return 0;
}

status_t replace_begin(struct path *start, const char *text, unsigned flags,
                       struct replacement *replacement)
{
    *replacement = (struct replacement){ .names = mem_zalloc(sizeof(struct replacing)) };
    if (!replacement->names)
        return -ENOMEM;

    status_t status = place_find(start, text, true, &replacement->names->place);
    if (status) {
        mem_free(replacement->names);
        return status;
    }

    status = keep_name(&replacement->names->place);
    if (!status)
        status = replace_open(replacement, flags);
    if (status)
        replace_free(replacement);
    return status;
}

/* Closes the files; returns whether the new content is in a file of its own. */
static bool replace_close(struct replacement *replacement)
{
    bool apart = replacement->file != replacement->old;
    if (apart)
        file_close(replacement->file);
    file_close(replacement->old);
    return apart;
}

status_t replace_commit(struct replacement *replacement)
{
    struct replacing *names = replacement->names;
    status_t status = 0;
    if (replace_close(replacement))
        status = place_rename(&names->part, &names->place);

    if (status)
        part_remove(names);
    replace_free(replacement);
    return status;
}

void replace_abandon(struct replacement *replacement)
{
    if (replace_close(replacement))
        part_remove(replacement->names);
    replace_free(replacement);
}

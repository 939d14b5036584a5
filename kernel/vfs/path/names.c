/*
 * names.c - makes names from a medium safe for paths and terminals, and finds them again.
 *
 * A listed name is UTF-8, is not empty and contains no slash: other bytes become `_`. The FSD does
 * not know a name that was changed, so after its -ENOENT the directory is searched for it. Of names
 * that are equal once changed, the first is found. FSDs that clean names themselves, such as cdfs,
 * are not searched: fsd->changes_names stays false.
 */
#include "kernel/vfs/internal.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"

enum { UTF8_LONGEST = 4 }; /* bytes of a character */

bool name_clean(char *name)
{
    bool changed = false;
    if (!*name) {
        text_copy(name, 2, "_");
        return true;
    }

    for (size_t at = 0; name[at];) {
        /* Every listed name passes here, and most are ASCII. */
        if ((uint8_t)name[at] < 0x80 && name[at] != '/') {
            at++;
            continue;
        }

        /* The NUL ends a character that is cut off, so no byte after it is read. An invalid
         * sequence is replaced byte by byte, so that decoding resumes at the next character. */
        uint32_t code;
        int count = utf8_decode(name + at, UTF8_LONGEST, &code);
        if (count < 0 || code == '/') {
            name[at] = '_';
            count = 1;
            changed = true;
        }
        at += (size_t)count;
    }
    return changed;
}

/* Finds the first entry whose name, once changed, is this one. -ENOENT. */
static status_t find_changed(struct fsd *fsd, struct vnode *directory, struct element element,
                             void *cursor, struct dir_entry *entry, vnode_id_t *id)
{
    uint64_t position = 0;
    int got;
    while ((got = fsd->ops->read_dir(fsd, directory, cursor, &position, INFO_NONE, entry)) > 0) {
        if (thread_interrupted())
            return -EINTR;
        if (name_clean(entry->name) && text_equal_n(entry->name, strlen(entry->name),
                                                    element.name, element.length)) {
            *id = entry->info.id;
            return 0;
        }
    }
    return got < 0 ? got : -ENOENT;
}

status_t name_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                     vnode_id_t *id)
{
    void *cursor = NULL;
    status_t status = fsd->ops->lookup(fsd, directory, element, id);
    if (status != -ENOENT || !fsd->changes_names)
        return status;

    /* The name may be one that name_clean() changed. An entry is too large for the stack. */
    struct dir_entry *entry = mem_alloc(sizeof(*entry));
    if (!entry)
        return -ENOMEM;
    status = fsd->ops->open_dir ? fsd->ops->open_dir(fsd, directory, &cursor) : 0;
    if (!status) {
        status = find_changed(fsd, directory, element, cursor, entry, id);
        if (fsd->ops->close_dir)
            fsd->ops->close_dir(fsd, directory, cursor);
    }

    mem_free(entry);
    return status;
}

/*
 * writable.c - how a file system that a command could not write is made writable; see writable.h.
 */
#include "shell/reading/writable.h"
#include "lib/string.h"
#include "lib/text.h"

/* Walks to `text`, or to the deepest directory of it that exists. */
static struct path *walk_far(struct path *start, const char *text)
{
    struct path *path;
    if (!path_walk(start, text, 0, &path))
        return path;

    char *part = mem_alloc(strlen(text) + 1);
    if (!part)
        return path_get(start);
    memcpy(part, text, strlen(text) + 1);

    /* without the last element, until there is a directory; else `/`, or `start` */
    path = NULL;
    for (char *slash; !path && (slash = strrchr(part, '/')) && slash > part;) {
        *slash = '\0';
        if (path_walk(start, part, 0, &path))
            path = NULL;
    }
    mem_free(part);
    return path ? path : *text == '/' ? path_root() : path_get(start);
}

bool writable_hint(struct path *start, const char *text, char name[DEVICE_NAME_BYTES])
{
    struct path *path = walk_far(start, text);
    const struct fsd *fsd = path_fsd(path);
    const struct device *device = fsd_device(fsd)->device;

    /* a write-protected device stays so, whatever is asked for */
    bool may = fsd->read_only && fsd->ops->set_writable && device &&
               !device_traits(device).read_only;
    if (may)
        text_copy(name, DEVICE_NAME_BYTES, device_label(device));
    path_put(path);
    return may;
}

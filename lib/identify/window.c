/*
 * window.c - the part of the source that the signatures and checks look at.
 */
#include "lib/identify/checks.h"
#include "lib/macros.h"

/* Fills the window from `at`, a multiple of its size. An unreadable window is empty. */
static void window_load(struct identify *identify, uint64_t at)
{
    /* Most signatures and checks look into the window that is loaded. */
    if (identify->window_at == at)
        return;

    /* The window is marked first, so that an unreadable one is not read again. */
    identify->window_at = at;
    identify->window_bytes = 0;
    ssize_t got = 0;
    if (at < identify->source->size_bytes)
        got = identify->source->read(identify->source, at, identify->window,
                                     IDENTIFY_WINDOW_BYTES);

    /* The first error is kept, except that -EINTR replaces it. */
    if (got > 0)
        identify->window_bytes = (size_t)got;
    else if (got < 0 && (!identify->status || got == -EINTR))
        identify->status = (status_t)got;
}

struct bytes identify_bytes(struct identify *identify, uint64_t offset, size_t bytes)
{
    size_t within = offset % IDENTIFY_WINDOW_BYTES;

    /* After an interrupt nothing more is read. */
    if (identify->status == -EINTR)
        return (struct bytes){ identify->window, 0 };
    window_load(identify, offset - within);
    return bytes_slice((struct bytes){ identify->window, identify->window_bytes }, within, bytes);
}

/*
 * toc.c - finds a session in a table of contents.
 */
#include "kernel/dev/device.h"

status_t toc_find_session(const struct device_toc *toc, struct device_session *session)
{
    const struct device_track *first = NULL;
    unsigned number = session->number;

    /* 0 asks for the last session. */
    for (unsigned i = 0; !session->number && i < toc->track_count; i++)
        if (toc->tracks[i].session > number)
            number = toc->tracks[i].session;

    /* A session begins with its first data track; one without data, with its first track. */
    for (unsigned i = 0; i < toc->track_count; i++) {
        const struct device_track *track = &toc->tracks[i];
        if (track->session == number && (!first || (track->data && !first->data)))
            first = track;
    }
    if (!first)
        return -ENOENT;

    session->number = number;
    session->count = toc->session_count;
    session->first_block = first->first_block;
    return 0;
}

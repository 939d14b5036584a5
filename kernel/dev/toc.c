/* toc.c - sessions in a table of contents; see device.h. */
#include "kernel/dev/device.h"

status_t toc_find_session(const struct device_toc *toc, struct device_session *session)
{
    const struct device_track *first = NULL;
    unsigned number = session->number;
    for (unsigned i = 0; !session->number && i < toc->track_count; i++) /* the last */
        if (toc->tracks[i].session > number)
            number = toc->tracks[i].session;

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

/*
 * toc.c - a disc's tracks, and where its sessions begin (READ TOC/PMA/ATIP, MMC-5 6.26).
 */
#include "drivers/storage/scsi/cdrom/cdrom.h"
#include "drivers/storage/scsi/cdrom/mmc.h"
#include "lib/bytes.h"

enum {
    TOC_HEADER_BYTES = 4, /* length, first and last session */
    TOC_LAST_SESSION_BYTES = 12,
    TOC_ENTRY_BYTES = 11,
    TOC_BYTES_MAX = 2048,
    TOC_FORMAT_SESSIONS = 1,
    TOC_FORMAT_FULL = 2,
    TOC_MSF = 2, /* addresses as minute, second, frame: the full table has no other */
    TOC_CONTROL_DATA = 4,
    TOC_LEAD_OUT = 0xa2,
    TRACKS_MAX = 99,
    MSF_OFFSET = 150, /* frames before block 0 */
};

/* Reads the table in one of its formats; *got: its bytes, at most those there is room for. */
static status_t toc_read(struct cdrom *cdrom, unsigned format, unsigned session, uint8_t *answer,
                         uint32_t bytes, struct bytes *got)
{
    struct cdrom_query query = {
        .cdb = { MMC_READ_TOC, [1] = format == TOC_FORMAT_FULL ? TOC_MSF : 0,
                 [2] = (uint8_t)format, [6] = (uint8_t)session,
                 [7] = (uint8_t)(bytes >> 8), [8] = (uint8_t)bytes,
                 [9] = (uint8_t)(format << 6) }, /* where SFF-8020 drives look for it */
        .answer = answer,
        .answer_bytes = bytes,
    };
    status_t status = cdrom_status(cdrom_execute_insisting(cdrom, &query));
    if (status)
        return status;
    uint32_t length = query.done_bytes >= 2 ? bytes_be16((struct bytes){ answer, 2 }, 0) + 2u : 0;
    *got = (struct bytes){ answer, length < query.done_bytes ? length : query.done_bytes };
    return got->length >= TOC_HEADER_BYTES ? 0 : -EIO;
}

/* The last complete session: its number and the address of its first track, whether of data. */
static status_t toc_last_session(struct cdrom *cdrom, struct device_session *session, bool *data)
{
    uint8_t answer[TOC_LAST_SESSION_BYTES];
    struct bytes toc;
    status_t status = toc_read(cdrom, TOC_FORMAT_SESSIONS, 0, answer, sizeof(answer), &toc);
    if (status)
        return status;
    if (toc.length < TOC_LAST_SESSION_BYTES)
        return -EIO;
    session->number = session->count = bytes_u8(toc, 3);
    session->first_block = bytes_be32(toc, 8);
    *data = bytes_u8(toc, 5) & TOC_CONTROL_DATA;
    return 0;
}

/* ---- the whole table ------------------------------------------------------------------------ */

/* The address that an entry of the full table gives; UINT32_MAX when it is before block 0. */
static uint32_t entry_block(struct bytes toc, size_t at)
{
    uint32_t frames = (bytes_u8(toc, at + 8) * 60u + bytes_u8(toc, at + 9)) * 75u +
                      bytes_u8(toc, at + 10);
    return frames >= MSF_OFFSET ? frames - MSF_OFFSET : UINT32_MAX;
}

/* A track goes before those that begin after it: drives list them in order, or should. */
static void toc_insert(struct device_toc *toc, struct device_track track)
{
    unsigned at = toc->track_count++;
    for (; at && toc->tracks[at - 1].first_block > track.first_block; at--)
        toc->tracks[at] = toc->tracks[at - 1];
    toc->tracks[at] = track;
}

static void toc_take_tracks(struct bytes full, struct device_toc *toc)
{
    for (size_t at = TOC_HEADER_BYTES; bytes_has(full, at, TOC_ENTRY_BYTES);
         at += TOC_ENTRY_BYTES) {
        uint8_t point = bytes_u8(full, at + 3);
        uint32_t block = entry_block(full, at);
        if (point >= 1 && point <= TRACKS_MAX && block != UINT32_MAX &&
            toc->track_count < DEVICE_TRACKS_MAX)
            toc_insert(toc, (struct device_track){
                .number = point,
                .session = bytes_u8(full, at),
                .data = bytes_u8(full, at + 1) & TOC_CONTROL_DATA,
                .first_block = block,
            });
    }
}

/* Each track ends where the next of its session begins, or the session's lead-out. */
static void toc_measure_tracks(struct bytes full, struct device_toc *toc)
{
    for (unsigned i = 0; i < toc->track_count; i++) {
        struct device_track *track = &toc->tracks[i];
        uint32_t end = track->first_block;
        if (i + 1 < toc->track_count && toc->tracks[i + 1].session == track->session)
            end = toc->tracks[i + 1].first_block;
        else
            for (size_t at = TOC_HEADER_BYTES; bytes_has(full, at, TOC_ENTRY_BYTES);
                 at += TOC_ENTRY_BYTES)
                if (bytes_u8(full, at) == track->session && bytes_u8(full, at + 3) == TOC_LEAD_OUT)
                    end = entry_block(full, at);
        track->blocks = end > track->first_block && end != UINT32_MAX ? end - track->first_block
                                                                       : 0;
    }
}

status_t cdrom_read_toc(struct cdrom *cdrom, struct device_toc *toc)
{
    uint8_t *answer = mem_alloc(TOC_BYTES_MAX);
    struct bytes full;
    if (!answer)
        return -ENOMEM;
    status_t status = toc_read(cdrom, TOC_FORMAT_FULL, 1, answer, TOC_BYTES_MAX - 1, &full);
    if (!status) {
        *toc = (struct device_toc){ .session_count = bytes_u8(full, 3) };
        toc_take_tracks(full, toc);
        toc_measure_tracks(full, toc);
    }
    mem_free(answer);
    return status;
}

static status_t toc_named_session(struct cdrom *cdrom, struct device_session *session)
{
    struct device_toc *toc = mem_alloc(sizeof(*toc));
    status_t status = toc ? cdrom_read_toc(cdrom, toc) : -ENOMEM;
    if (!status)
        status = toc_find_session(toc, session);
    mem_free(toc);
    return status;
}

/* Where the last session begins with audio, the full table may name its data track. */
status_t cdrom_find_session(struct cdrom *cdrom, struct device_session *session)
{
    bool data;
    if (session->number)
        return toc_named_session(cdrom, session);
    status_t status = toc_last_session(cdrom, session, &data);
    struct device_session same = { .number = session->number };
    if (!status && !data && !toc_named_session(cdrom, &same))
        session->first_block = same.first_block;
    return status;
}

/*
 * toc.c - a disc's tracks and where its sessions begin (READ TOC/PMA/ATIP, MMC-5 6.26).
 *
 * Format 1 names the last session; format 2, the full table, has a descriptor per track and per
 * lead-out of every session, with addresses as minute, second and frame.
 */
#include "drivers/storage/scsi/cdrom/cdrom.h"
#include "drivers/storage/scsi/cdrom/mmc.h"
#include "drivers/storage/scsi/unit.h"
#include "lib/bytes.h"

enum {
    TOC_FORMAT_SESSIONS = 1,
    TOC_FORMAT_FULL = 2,

    /* The CDB. */
    CDB_FLAGS = 1,
    CDB_FLAG_MSF = 2, /* addresses as minute, second, frame: the full table has no others */
    CDB_FORMAT = 2,
    CDB_SESSION = 6,
    CDB_OLD_FORMAT = 9, /* where SFF-8020 drives look for the format, in the two upper bits */
    CDB_OLD_FORMAT_SHIFT = 6,

    TOC_BYTES_MAX = 2048,

    TOC_HEADER_BYTES = 4, /* length, first and last session */
    TOC_LAST_SESSION = 3,

    SESSIONS_BYTES = 12, /* the header and one track descriptor */
    SESSIONS_CONTROL = 5,
    SESSIONS_BLOCK = 8,

    ENTRY_BYTES = 11, /* of the full table */
    ENTRY_SESSION = 0,
    ENTRY_CONTROL = 1,
    ENTRY_POINT = 3,
    ENTRY_MINUTE = 8,
    ENTRY_SECOND = 9,
    ENTRY_FRAME = 10,

    CONTROL_DATA = 4,
    POINT_LEAD_OUT = 0xa2,
    TRACKS_MAX = 99,
    MSF_OFFSET = 150, /* frames before block 0 */
};

/* Reads the table in one of its formats. *got: the part of it that arrived and is valid. */
static status_t toc_read(struct cdrom *cdrom, unsigned format, unsigned session, uint8_t *answer,
                         uint32_t bytes, struct bytes *got)
{
    struct scsi_query query = {
        .cdb = { MMC_READ_TOC, [CDB_FLAGS] = format == TOC_FORMAT_FULL ? CDB_FLAG_MSF : 0,
                 [CDB_FORMAT] = (uint8_t)format, [CDB_SESSION] = (uint8_t)session,
                 [CDB_10_LENGTH] = (uint8_t)(bytes >> 8), [CDB_10_LENGTH + 1] = (uint8_t)bytes,
                 [CDB_OLD_FORMAT] = (uint8_t)(format << CDB_OLD_FORMAT_SHIFT) },
        .answer = answer,
        .answer_bytes = bytes,
    };
    status_t status = scsi_execute_insisting(&cdrom->client, &query).status;
    if (status)
        return status;

    /* The table's length does not count its own two bytes, and may exceed the requested bytes. */
    size_t length = 0;
    if (query.done_bytes >= 2)
        length = bytes_be16((struct bytes){ answer, 2 }, 0) + 2u;
    *got = (struct bytes){ answer, min(length, query.done_bytes) };
    return got->length >= TOC_HEADER_BYTES ? 0 : -EIO;
}

/* Reads the number of the last complete session and the address of its first track. */
static status_t read_last_session(struct cdrom *cdrom, struct device_session *session,
                                  bool *is_data)
{
    uint8_t answer[SESSIONS_BYTES];
    struct bytes toc;
    status_t status = toc_read(cdrom, TOC_FORMAT_SESSIONS, 0, answer, sizeof(answer), &toc);
    if (status)
        return status;

    if (toc.length < SESSIONS_BYTES)
        return -EIO;

    /* Sessions are numbered from 1 without gaps, so the last one's number is their count. */
    session->number = session->count = bytes_u8(toc, TOC_LAST_SESSION);
    session->first_block = bytes_be32(toc, SESSIONS_BLOCK);
    *is_data = bytes_u8(toc, SESSIONS_CONTROL) & CONTROL_DATA;
    return 0;
}

/* ---- the full table ------------------------------------------------------------------------- */

/* Returns the block that an entry names; UINT32_MAX if it is before block 0. */
static uint32_t entry_block(struct bytes toc, size_t at)
{
    uint32_t seconds = bytes_u8(toc, at + ENTRY_MINUTE) * 60u + bytes_u8(toc, at + ENTRY_SECOND);
    uint32_t frames = seconds * 75u + bytes_u8(toc, at + ENTRY_FRAME);
    return frames >= MSF_OFFSET ? frames - MSF_OFFSET : UINT32_MAX;
}

/* Inserts a track before those that begin after it: drives should list them in order. */
static void insert_track(struct device_toc *toc, struct device_track track)
{
    unsigned at = toc->track_count++;
    for (; at && toc->tracks[at - 1].first_block > track.first_block; at--)
        toc->tracks[at] = toc->tracks[at - 1];
    toc->tracks[at] = track;
}

static void collect_tracks(struct bytes full, struct device_toc *toc)
{
    for (size_t at = TOC_HEADER_BYTES; bytes_has(full, at, ENTRY_BYTES); at += ENTRY_BYTES) {
        uint8_t point = bytes_u8(full, at + ENTRY_POINT);
        uint32_t block = entry_block(full, at);

        /* Other points describe lead-ins, lead-outs and the program area. */
        if (point < 1 || point > TRACKS_MAX || block == UINT32_MAX ||
            toc->track_count == DEVICE_TRACKS_MAX)
            continue;

        insert_track(toc, (struct device_track){
            .number = point,
            .session = bytes_u8(full, at + ENTRY_SESSION),
            .data = bytes_u8(full, at + ENTRY_CONTROL) & CONTROL_DATA,
            .first_block = block,
        });
    }
}

/* Returns the block where the session's lead-out begins; `otherwise` if the table has none. */
static uint32_t find_lead_out(struct bytes full, unsigned session, uint32_t otherwise)
{
    uint32_t block = otherwise;

    /* A session has one lead-out; if a drive lists several, the last counts. */
    for (size_t at = TOC_HEADER_BYTES; bytes_has(full, at, ENTRY_BYTES); at += ENTRY_BYTES)
        if (bytes_u8(full, at + ENTRY_SESSION) == session &&
            bytes_u8(full, at + ENTRY_POINT) == POINT_LEAD_OUT)
            block = entry_block(full, at);
    return block;
}

/* Sets the tracks' lengths. A track ends where the next one of its session begins, the last one at
 * the lead-out. */
static void measure_tracks(struct bytes full, struct device_toc *toc)
{
    for (unsigned i = 0; i < toc->track_count; i++) {
        struct device_track *track = &toc->tracks[i], *next = track + 1;

        /* The gap between sessions belongs to neither: a session ends at its lead-out. */
        uint32_t end;
        if (i + 1 < toc->track_count && next->session == track->session)
            end = next->first_block;
        else
            end = find_lead_out(full, track->session, track->first_block);
        if (end > track->first_block && end != UINT32_MAX)
            track->blocks = end - track->first_block;
    }
}

status_t cdrom_read_toc(struct cdrom *cdrom, struct device_toc *toc)
{
    uint8_t *answer = mem_alloc(TOC_BYTES_MAX);
    struct bytes full;
    if (!answer)
        return -ENOMEM;

    /* An odd length keeps it below SCSI_BULK_BYTES: a short answer must not be read by DMA. */
    status_t status = toc_read(cdrom, TOC_FORMAT_FULL, 1, answer, TOC_BYTES_MAX - 1, &full);
    if (!status) {
        *toc = (struct device_toc){ .session_count = bytes_u8(full, TOC_LAST_SESSION) };
        collect_tracks(full, toc);
        measure_tracks(full, toc);
    }

    mem_free(answer);
    return status;
}

/* ---- sessions ------------------------------------------------------------------------------- */

static status_t find_in_full_table(struct cdrom *cdrom, struct device_session *session)
{
    /* On the heap: 100 tracks are too large for a stack frame. */
    struct device_toc *toc = mem_alloc(sizeof(*toc));
    status_t status = toc ? cdrom_read_toc(cdrom, toc) : -ENOMEM;
    if (!status)
        status = toc_find_session(toc, session);
    mem_free(toc);
    return status;
}

status_t cdrom_find_session(struct cdrom *cdrom, struct device_session *session)
{
    bool is_data;

    /* Only the full table lists sessions other than the last. */
    if (session->number)
        return find_in_full_table(cdrom, session);
    status_t status = read_last_session(cdrom, session, &is_data);

    /* A session that begins with audio may have a data track, which only the full table names. */
    struct device_session same = { .number = session->number };
    if (!status && !is_data && !find_in_full_table(cdrom, &same))
        session->first_block = same.first_block;
    return status;
}

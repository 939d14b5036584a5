/*
 * toc.c - where the sessions of a disc begin (READ TOC/PMA/ATIP, MMC-5 6.26).
 */
#include "drivers/cdrom/cdrom.h"
#include "drivers/cdrom/mmc.h"
#include "lib/bytes.h"

enum {
    TOC_HEADER_BYTES = 4, /* length, first and last session */
    TOC_LAST_SESSION_BYTES = 12,
    TOC_ENTRY_BYTES = 11,
    TOC_BYTES_MAX = 2048,
    TOC_FORMAT_SESSIONS = 1,
    TOC_FORMAT_FULL = 2,
    TOC_MSF = 2, /* addresses as minute, second, frame: the full table has no other */
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

/* The last complete session: its number and the address of its first track. */
static status_t toc_last_session(struct cdrom *cdrom, struct device_session *session)
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
    return 0;
}

/* The least address of a track of this session; UINT32_MAX when it has none. */
static uint32_t toc_find_session(struct bytes toc, unsigned number)
{
    uint32_t first = UINT32_MAX;
    for (size_t at = TOC_HEADER_BYTES; bytes_has(toc, at, TOC_ENTRY_BYTES);
         at += TOC_ENTRY_BYTES) {
        uint8_t point = bytes_u8(toc, at + 3);
        uint32_t frames = (bytes_u8(toc, at + 8) * 60u + bytes_u8(toc, at + 9)) * 75u +
                          bytes_u8(toc, at + 10);
        if (bytes_u8(toc, at) == number && point >= 1 && point <= TRACKS_MAX &&
            frames >= MSF_OFFSET && frames - MSF_OFFSET < first)
            first = frames - MSF_OFFSET;
    }
    return first;
}

static status_t toc_named_session(struct cdrom *cdrom, struct device_session *session)
{
    uint8_t *answer = mem_alloc(TOC_BYTES_MAX);
    struct bytes toc;
    if (!answer)
        return -ENOMEM;
    status_t status = toc_read(cdrom, TOC_FORMAT_FULL, 1, answer, TOC_BYTES_MAX - 1, &toc);
    if (!status) {
        session->count = bytes_u8(toc, 3);
        session->first_block = toc_find_session(toc, session->number);
        if (session->first_block == UINT32_MAX)
            status = -ENOENT;
    }
    mem_free(answer);
    return status;
}

status_t cdrom_find_session(struct cdrom *cdrom, struct device_session *session)
{
    return session->number ? toc_named_session(cdrom, session)
                           : toc_last_session(cdrom, session);
}

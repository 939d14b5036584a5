/*
 * sheet_layout.c - turns a sheet's tracks and pieces into a disc: finds where each piece is in its
 * file, and where on the disc.
 *
 * The first piece is at block 0, and each follows the one before, unless the sheet gives its
 * block. Between sessions are their lead-out and lead-in. The headers of sectors take precedence: a
 * track whose volume counts its blocks by them is moved there (disc.h). A .ccd gives the block, so
 * the place in the file is moved instead.
 */
#include "drivers/storage/virtual/disc/sheet.h"

enum {
    GAP_AFTER_FIRST = 11400, /* lead-out, lead-in and pre-gap between sessions, in blocks */
    GAP_AFTER_LATER = 6900,
    WAVE_HEADER_BYTES = 44,
    UNKNOWN_BLOCKS = 300, /* of a track whose length is unknown: the shortest allowed */
};

struct layout {
    struct sheet *sheet;
    struct store **files;
    uint64_t reached[SHEET_FILES_MAX]; /* in each file: the end of the last piece */
    unsigned extent_count;
    struct disc_extent extents[SHEET_PIECES_MAX];
    uint32_t block; /* of the disc: the end of the last piece */
    bool begun[DEVICE_TRACKS_MAX]; /* it has an extent */
    uint32_t start[DEVICE_TRACKS_MAX], end[DEVICE_TRACKS_MAX]; /* of each track's pieces */
    struct disc_probe probe;
};

/* Finds how many sectors a piece has, and checks that its file contains them. */
static status_t piece_measure(struct layout *layout, const struct sheet_piece *piece,
                              uint32_t stride, uint64_t offset, uint32_t *blocks)
{
    struct sheet *sheet = layout->sheet;
    const struct sheet_file *file = &sheet->files[piece->file];
    uint64_t size = layout->files[piece->file]->size_bytes;

    /* Encoded audio cannot be measured without decoding it; WAVE gives a good estimate. */
    if (file->encoded) {
        if (*blocks == SHEET_REST) {
            uint64_t rest = size > offset + WAVE_HEADER_BYTES ? (size - offset) / stride : 0;
            *blocks = rest && rest < CD_FRAMES_MAX ? (uint32_t)rest : UNKNOWN_BLOCKS;
        }
        return 0;
    }

    if (offset > size)
        return sheet_refuse(sheet, piece->line, "%.60s: too short: %llu bytes, begins at %llu",
                            file->name, (unsigned long long)size, (unsigned long long)offset);
    if (*blocks == SHEET_REST) {
        uint64_t rest = (size - offset) / stride;
        *blocks = rest < CD_FRAMES_MAX ? (uint32_t)rest : CD_FRAMES_MAX + 1;
    }

    uint64_t end = offset + (uint64_t)*blocks * stride;
    if (!*blocks || end > size)
        return sheet_refuse(sheet, piece->line, "%.60s: too short: %llu bytes, needs %llu",
                            file->name, (unsigned long long)size,
                            (unsigned long long)(*blocks ? end : offset + stride));
    return 0;
}

/* Joins pieces that follow each other on the disc and in one file: they become one extent. */
static uint32_t pieces_join(const struct sheet *sheet, unsigned *at)
{
    const struct sheet_piece *piece = &sheet->pieces[*at];
    uint64_t blocks = piece->blocks;
    for (; piece->blocks != SHEET_REST && *at + 1 < sheet->piece_count; ++*at) {
        const struct sheet_piece *next = &sheet->pieces[*at + 1];

        /* A piece that is elsewhere in the file, or has its own block, begins another extent. */
        if (next->track != piece->track || next->file != piece->file || !next->follows ||
            next->placed)
            break;

        blocks = next->blocks == SHEET_REST ? SHEET_REST : blocks + next->blocks;
        piece = next;
    }

    /* Sums that no disc holds stay above the limit, so that the caller refuses them. */
    return blocks > CD_FRAMES_MAX && blocks != SHEET_REST ? CD_FRAMES_MAX + 1 : (uint32_t)blocks;
}

/* Makes the extent's blocks agree with the headers of its sectors: moves the extent on the disc or,
 * if the sheet gives its block, in the file. */
static void extent_place(struct layout *layout, struct disc_extent *extent, bool placed,
                         uint32_t lowest)
{
    struct store *file = layout->files[extent->file];
    if (extent->format != DISC_RAW || !disc_probe(&layout->probe, file, extent))
        return;

    /* How many blocks the first sector's header is ahead of the place that the sheet gives it. */
    int64_t ahead = (int64_t)(int32_t)extent->frame - CD_LEAD_FRAMES - extent->first_block;
    int64_t offset = (int64_t)extent->offset_bytes - ahead * extent->stride_bytes;

    /* Without a block in the sheet, the headers decide where the extent is. With one (.ccd), its
     * place in the file is corrected instead, if the file has those sectors. */
    if (!placed) {
        disc_place(&layout->probe, file, extent, lowest);
    } else if (ahead && offset >= 0 &&
               (uint64_t)offset + (uint64_t)extent->blocks * extent->stride_bytes <=
                   file->size_bytes) {
        extent->offset_bytes = (uint64_t)offset;
        extent->frame = extent->first_block + CD_LEAD_FRAMES;
    }
}

/* Finds where a track begins from its first piece, as the sheet describes it. */
static status_t track_begin(struct layout *layout, const struct sheet_piece *piece)
{
    struct sheet *sheet = layout->sheet;
    const struct sheet_track *track = &sheet->tracks[piece->track];

    /* A new session begins after the lead-out of the one before and its own lead-in. */
    if (piece->track && track->session != track[-1].session)
        layout->block += track[-1].session == sheet->tracks[0].session ? GAP_AFTER_FIRST
                                                                        : GAP_AFTER_LATER;

    if (piece->placed) {
        bool first = !piece->track;
        if (!first && piece->block < layout->end[piece->track - 1])
            return sheet_refuse(sheet, piece->line, "track %u begins before track %u ends",
                                track->number, track[-1].number);
        layout->block = piece->block;
    }

    layout->start[piece->track] = layout->block;
    return 0;
}

static status_t piece_add(struct layout *layout, const struct sheet_piece *piece,
                          uint32_t blocks, bool first)
{
    struct sheet *sheet = layout->sheet;
    const struct sheet_track *track = &sheet->tracks[piece->track];
    uint64_t offset = piece->follows ? layout->reached[piece->file] : piece->offset_bytes;
    status_t status = piece_measure(layout, piece, track->stride_bytes, offset, &blocks);
    if (status)
        return status;

    /* Where the sheet puts it. `frame` is the address that the first sector's
     * header should have. */
    struct disc_extent *extent = &layout->extents[layout->extent_count++];
    *extent = (struct disc_extent){
        .first_block = layout->block, .blocks = blocks, .format = track->format,
        .mode = track->mode, .file = piece->file, .stride_bytes = track->stride_bytes,
        .frame = layout->block + CD_LEAD_FRAMES, .offset_bytes = offset,
    };

    /* A track may move down to the end of the track before; later pieces only up. */
    uint32_t lowest = piece->track ? layout->end[piece->track - 1] : 0;
    extent_place(layout, extent, piece->placed, first ? lowest : layout->block);

    /* The track's start moves with its first extent, which may have been moved, or cut at
     * its beginning. */
    if (!layout->begun[piece->track])
        layout->start[piece->track] += extent->first_block + extent->blocks - blocks -
                                       layout->block;
    layout->begun[piece->track] = true;

    /* The next piece continues here, in the file and on the disc. */
    layout->reached[piece->file] = extent->offset_bytes +
                                   (uint64_t)extent->blocks * track->stride_bytes;
    layout->block = extent->first_block + extent->blocks;
    return 0;
}

static status_t layout_pieces(struct layout *layout)
{
    struct sheet *sheet = layout->sheet;
    status_t status = 0;
    for (unsigned i = 0; !status && i < sheet->piece_count; i++) {
        const struct sheet_piece *piece = &sheet->pieces[i];
        bool first = !i || piece[-1].track != piece->track;
        uint32_t blocks = pieces_join(sheet, &i);

        if (first)
            status = track_begin(layout, piece);

        /* Silence takes blocks of the disc, but has no extent. */
        if (!status && piece->file != SHEET_SILENCE && blocks)
            status = piece_add(layout, piece, blocks, first);
        else if (!status)
            layout->block += blocks;

        /* Checked after each piece, so that the sums of blocks stay far below 32 bits. */
        if (!status && layout->block > CD_FRAMES_MAX)
            status = sheet_refuse(sheet, piece->line, "more than a disc holds: 100 minutes");
        layout->end[piece->track] = layout->block;
    }
    return status;
}

/* Checks that each track has a block: an INDEX 01 after the end of its file leaves none. */
static status_t layout_check(const struct layout *layout)
{
    struct sheet *sheet = layout->sheet;
    for (unsigned i = 0; i < sheet->track_count; i++) {
        const struct sheet_track *track = &sheet->tracks[i];
        uint32_t blocks = layout->end[i] - layout->start[i];

        if (track->pregap_blocks >= blocks)
            return sheet_refuse(sheet, track->line, "track %u begins %u blocks after its %u "
                                "blocks end", track->number, track->pregap_blocks - blocks,
                                blocks);
    }
    return 0;
}

static void layout_toc(const struct layout *layout, struct sheet_result *result)
{
    const struct sheet *sheet = layout->sheet;
    struct device_toc *toc = result->toc;
    toc->track_count = sheet->track_count;
    for (unsigned i = 0; i < sheet->track_count; i++) {
        const struct sheet_track *track = &sheet->tracks[i];

        /* A track's pre-gap is counted to the track before it, as drives do; its own blocks
         * begin after that. */
        bool last = i + 1 == sheet->track_count || track[1].session != track->session;
        uint32_t first = layout->start[i] + track->pregap_blocks;
        uint32_t end = last ? layout->end[i] : layout->start[i + 1] + track[1].pregap_blocks;

        /* Sheets may number sessions as they like; the table counts them from 1. */
        if (!i || track->session != track[-1].session)
            toc->session_count++;

        toc->tracks[i] = (struct device_track){
            .number = track->number, .session = (uint8_t)toc->session_count,
            .data = track->mode != 0, .mode = track->mode,
            .first_block = first, .blocks = end > first ? end - first : 0,
        };

        if (track->format == DISC_RAW || track->format == DISC_BARE)
            result->sector_bytes = track->stride_bytes;
    }

    /* A sheet may be wrong about the mode. The table has that of the sectors, as the
     * probe found it. */
    for (unsigned i = 0; i < layout->extent_count; i++)
        for (unsigned j = 0; j < toc->track_count; j++)
            if (layout->extents[i].format == DISC_RAW &&
                layout->extents[i].first_block <= toc->tracks[j].first_block &&
                toc->tracks[j].first_block - layout->extents[i].first_block <
                    layout->extents[i].blocks)
                toc->tracks[j].mode = layout->extents[i].mode;
}

status_t sheet_layout(struct sheet *sheet, struct store **files, struct ledger *ledger,
                      struct sheet_result *result)
{
    /* On the heap: the tables take several pages. */
    struct layout *layout = mem_zalloc(sizeof(*layout));
    result->toc = mem_zalloc(sizeof(*result->toc));
    status_t status = layout && result->toc ? 0 : -ENOMEM;
    if (!status) {
        layout->sheet = sheet;
        layout->files = files;
        status = layout_pieces(layout);
    }
    if (!status)
        status = layout_check(layout);

    /* All pieces are placed: the disc takes over the files. */
    if (!status)
        status = store_disc_create(layout->extents, layout->extent_count, files,
                                   sheet->file_count, layout->block, ledger, &result->store);

    /* The table follows from where the extents ended up. */
    if (!status) {
        layout_toc(layout, result);
    } else {
        mem_free(result->toc);
        result->toc = NULL;
    }

    mem_free(layout);
    return status;
}

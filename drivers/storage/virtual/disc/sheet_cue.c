/*
 * sheet_cue.c - cue sheets.
 *
 *     FILE "name" BINARY          the file that what follows is in
 *       TRACK 01 MODE1/2352       a track begins
 *         PREGAP mm:ss:ff         silence before it that no file has
 *         INDEX 00 mm:ss:ff       its pre-gap begins here in the file
 *         INDEX 01 mm:ss:ff       the track itself does
 *         POSTGAP mm:ss:ff        silence after it that no file has
 *     REM SESSION 02              the next track begins another session
 *
 * Times count sectors from the start of the file; each track has sectors of its own size.
 */
#include "drivers/storage/virtual/disc/sheet.h"
#include "lib/macros.h"
#include "lib/text.h"

struct cue {
    struct sheet *sheet;
    struct sheet_file *file;
    struct sheet_track *track;
    struct sheet_piece *open; /* the last one of the file: ends where the next begins */
    uint32_t open_at;         /* where in the file, in sectors */
    uint32_t track_blocks;    /* that the track has so far, without the open piece */
    bool indexed;             /* INDEX 01 was there */
    uint8_t session;
};

static const struct sheet_type track_types[] = {
    { "AUDIO", DISC_NO_DATA, 0, 2352 },      { "CDG", DISC_NO_DATA, 0, 2448 },
    { "MODE1/2048", DISC_COOKED, 1, 2048 },  { "MODE1/2352", DISC_RAW, 1, 2352 },
    { "MODE1/2448", DISC_RAW, 1, 2448 },     { "MODE2/2048", DISC_COOKED, 2, 2048 },
    { "MODE2/2324", DISC_NO_DATA, 2, 2324 }, { "MODE2/2336", DISC_BARE, 2, 2336 },
    { "MODE2/2352", DISC_RAW, 2, 2352 },     { "MODE2/2448", DISC_RAW, 2, 2448 },
    { "CDI/2336", DISC_BARE, 2, 2336 },      { "CDI/2352", DISC_RAW, 2, 2352 },
    { 0 },
};

static status_t cue_file(struct cue *cue, char *at)
{
    struct sheet *sheet = cue->sheet;
    char *name = sheet_word(&at), *type = sheet_word(&at);
    if (!name || !*name || !type)
        return sheet_refuse(sheet, sheet->line, "FILE needs a name and a type");

    struct sheet_file *file = sheet_add_file(sheet);
    if (!file)
        return -EINVAL;

    /* Only these two types have sectors as they are on the disc. The byte order of audio does not
     * matter here. */
    file->name = name;
    file->encoded = !text_equal_fold(type, "BINARY") && !text_equal_fold(type, "MOTOROLA");

    /* The last piece of the previous file extends to that file's end. */
    if (cue->open)
        cue->open->blocks = SHEET_REST;
    cue->open = NULL;
    cue->file = file;
    return 0;
}

static status_t cue_refuse_unindexed(const struct cue *cue)
{
    return sheet_refuse(cue->sheet, cue->track->line, "track %u has no INDEX 01",
                        cue->track->number);
}

static status_t cue_track(struct cue *cue, char *at)
{
    struct sheet *sheet = cue->sheet;
    char *number = sheet_word(&at), *type = sheet_word(&at);
    uint32_t value;
    if (!number || !type || !sheet_number(number, DEVICE_TRACKS_MAX, &value) || !value)
        return sheet_refuse(sheet, sheet->line, "TRACK needs a number from 1 to 99 and a type");

    /* The order of commands: a file, then its tracks, each with its INDEX 01 before
     * the next track. */
    if (!cue->file)
        return sheet_refuse(sheet, sheet->line, "TRACK before FILE");
    if (cue->track && !cue->indexed)
        return cue_refuse_unindexed(cue);
    if (cue->track && value <= cue->track->number)
        return sheet_refuse(sheet, sheet->line, "track %u after track %u", value,
                            cue->track->number);

    /* The type gives the size of the sectors. One that is not known cannot be guessed. */
    const struct sheet_type *known = sheet_find_type(track_types, type);
    if (!known)
        return sheet_refuse(sheet, sheet->line, "unknown type of track: %.40s", type);

    struct sheet_track *track = sheet_add_track(sheet, known);
    if (!track)
        return -EINVAL;
    track->number = (uint8_t)value;
    track->session = cue->session;
    cue->track = track;
    cue->track_blocks = 0;
    cue->indexed = false;
    return 0;
}

static status_t cue_add_piece(struct cue *cue, uint8_t file, uint32_t blocks,
                              struct sheet_piece **result)
{
    struct sheet_piece *piece = sheet_add_piece(cue->sheet);
    if (!piece)
        return -EINVAL;

    /* Pieces are in the order of their file, without gaps: each begins where the
     * one before ends. */
    piece->file = file;
    piece->follows = true;
    piece->blocks = blocks;
    *result = piece;
    return 0;
}

/* Ends the open piece at `time` of the file, and opens the next. What a file has before its first
 * index belongs to the pre-gap. */
static status_t cue_open_piece(struct cue *cue, uint32_t time)
{
    struct sheet *sheet = cue->sheet;
    uint8_t file = (uint8_t)(sheet->file_count - 1);
    struct sheet_piece *piece = cue->open;
    status_t status = 0;

    if (piece && time < cue->open_at)
        return sheet_refuse(sheet, sheet->line, "INDEX goes back in the file");

    /* End the open piece here. Without one, the file's sectors before `time` are a piece
     * of this track. */
    if (piece)
        piece->blocks = time - cue->open_at;
    else if (time)
        status = cue_add_piece(cue, file, time, &piece);

    /* The piece may be one of the track before: TRACK does not end it, its first INDEX does. */
    if (piece && !status && piece->track == sheet->track_count - 1)
        cue->track_blocks += piece->blocks;

    /* Open the next one. Its length is known when the next index or the end of the file is. */
    if (!status)
        status = cue_add_piece(cue, file, SHEET_REST, &cue->open);
    cue->open_at = time;
    return status;
}

static status_t cue_index(struct cue *cue, char *at)
{
    struct sheet *sheet = cue->sheet;
    char *number = sheet_word(&at), *text = sheet_word(&at);
    uint32_t value, time;

    if (!number || !text || !sheet_number(number, 99, &value) || !sheet_time(text, &time))
        return sheet_refuse(sheet, sheet->line, "INDEX needs a number and mm:ss:ff");
    if (!cue->track)
        return sheet_refuse(sheet, sheet->line, "INDEX before TRACK");

    /* Higher indexes are inside the track, and nothing needs them. */
    if (value > 1)
        return 0;

    if (cue->indexed)
        return sheet_refuse(sheet, sheet->line, "INDEX %02u after INDEX 01", value);
    if (cue->file->encoded && cue->track->mode)
        return sheet_refuse(sheet, sheet->line, "a track of data in a file of audio");

    /* INDEX 01 is where the track begins: everything of it before that is its pre-gap. */
    status_t status = cue_open_piece(cue, time);
    if (!status && value == 1) {
        cue->indexed = true;
        cue->track->pregap_blocks = cue->track_blocks;
    }
    return status;
}

/* Adds the silence of PREGAP or POSTGAP. */
static status_t cue_gap(struct cue *cue, char *at)
{
    struct sheet *sheet = cue->sheet;
    struct sheet_piece *piece;
    char *text = sheet_word(&at);
    uint32_t time;

    if (!text || !sheet_time(text, &time))
        return sheet_refuse(sheet, sheet->line, "a gap needs mm:ss:ff");
    if (!cue->track)
        return sheet_refuse(sheet, sheet->line, "a gap before TRACK");

    /* Silence takes blocks of the disc, but none of a file. Before INDEX 01 it is counted as part
     * of the pre-gap. */
    status_t status = cue_add_piece(cue, SHEET_SILENCE, time, &piece);
    if (!status)
        cue->track_blocks += time;
    return status;
}

static status_t cue_remark(struct cue *cue, char *at)
{
    char *word = sheet_word(&at), *number = sheet_word(&at);
    uint32_t session;

    /* The usual way to mark where another session begins. All other remarks are ignored. */
    if (word && number && text_equal_fold(word, "SESSION") && sheet_number(number, 99, &session) &&
        session >= cue->session)
        cue->session = (uint8_t)session;
    return 0;
}

static status_t cue_ignore(struct cue *cue, char *at)
{
    (void)cue, (void)at;
    return 0;
}

static const struct {
    const char *name;
    status_t (*parse)(struct cue *cue, char *at);
} commands[] = {
    { "FILE", cue_file },         { "TRACK", cue_track },       { "INDEX", cue_index },
    { "PREGAP", cue_gap },        { "POSTGAP", cue_gap },       { "REM", cue_remark },
    { "CATALOG", cue_ignore },    { "CDTEXTFILE", cue_ignore }, { "FLAGS", cue_ignore },
    { "ISRC", cue_ignore },       { "PERFORMER", cue_ignore },  { "SONGWRITER", cue_ignore },
    { "TITLE", cue_ignore },      { "COMPOSER", cue_ignore },   { "ARRANGER", cue_ignore },
    { "MESSAGE", cue_ignore },    { "DISC_ID", cue_ignore },    { "GENRE", cue_ignore },
    { "UPC_EAN", cue_ignore },
};

static status_t cue_line(struct cue *cue, char *at)
{
    char *word = sheet_word(&at);
    if (!word)
        return 0;

    /* Commands in lower case are accepted. An unknown one may change the layout,
     * so it is refused. */
    for (unsigned i = 0; i < ARRAY_LENGTH(commands); i++)
        if (text_equal_fold(word, commands[i].name))
            return commands[i].parse(cue, at);
    return sheet_refuse(cue->sheet, cue->sheet->line, "unknown command: %.40s", word);
}

status_t sheet_parse_cue(struct sheet *sheet)
{
    struct cue cue = { .sheet = sheet, .session = 1 };
    status_t status = 0;
    for (char *line; !status && (line = sheet_line(sheet));)
        status = cue_line(&cue, line);

    /* The end of the text ends the last track, and the open piece: SHEET_REST is its length. */
    if (!status && !cue.track)
        status = sheet_refuse(sheet, sheet->line, "no TRACK");
    if (!status && !cue.indexed)
        status = cue_refuse_unindexed(&cue);
    return status;
}

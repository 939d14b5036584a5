/*
 * sheet_toc.c - cdrdao's .toc files: a list of words, in which line ends do not matter.
 *
 *     CD_ROM
 *     TRACK MODE1_RAW              a track begins
 *     PREGAP 00:02:00              silence before it
 *     ZERO 00:02:00                silence in it
 *     START 00:02:00               the length of its pre-gap; alone: all pieces so far
 *     DATAFILE "name" #12 00:10:00 a file, from byte 12 on, so long
 *     FILE "name" 00:01:00 1:00:00 samples, from a time on
 *
 * References  cdrdao(1), TOC-FILES.
 */
#include "drivers/storage/virtual/disc/sheet.h"
#include "lib/macros.h"
#include "lib/text.h"

enum { SAMPLES_A_BLOCK = 588 };

struct toc {
    struct sheet *sheet;
    struct sheet_track *track;
    uint32_t track_blocks; /* that it has so far; SHEET_REST: until the end of a file */
    unsigned line;         /* of the current command */
    char *word;            /* the next one */
    bool quoted;           /* it was in quotes */
};

static const struct sheet_type track_modes[] = {
    { "AUDIO", DISC_NO_DATA, 0, 2352 },       { "MODE0", DISC_NO_DATA, 1, 2336 },
    { "MODE1", DISC_COOKED, 1, 2048 },        { "MODE1_RAW", DISC_RAW, 1, 2352 },
    { "MODE2", DISC_BARE, 2, 2336 },          { "MODE2_RAW", DISC_RAW, 2, 2352 },
    { "MODE2_FORM1", DISC_COOKED, 2, 2048 },  { "MODE2_FORM2", DISC_NO_DATA, 2, 2324 },
    { "MODE2_FORM_MIX", DISC_BARE, 2, 2336 }, { 0 },
};

static void toc_next(struct toc *toc)
{
    toc->word = sheet_token(toc->sheet, &toc->quoted);
}

static bool toc_is(const struct toc *toc, const char *word)
{
    return toc->word && !toc->quoted && text_equal_fold(toc->word, word);
}

/* Skips the words for subchannel data after each sector; returns whether they were there. */
static bool toc_takes_subchannel(struct toc *toc)
{
    bool is = toc_is(toc, "RW") || toc_is(toc, "RW_RAW");
    if (is)
        toc_next(toc);
    return is;
}

static const struct sheet_type *toc_mode(const struct toc *toc)
{
    return toc->word && !toc->quoted ? sheet_find_type(track_modes, toc->word) : NULL;
}

static status_t toc_track(struct toc *toc)
{
    struct sheet *sheet = toc->sheet;
    const struct sheet_type *mode = toc_mode(toc);
    if (!mode)
        return sheet_refuse(sheet, toc->line, "unknown mode of track: %.40s",
                            toc->word ? toc->word : "none");

    struct sheet_track *track = sheet_add_track(sheet, mode);
    if (!track)
        return -EINVAL;

    toc_next(toc);
    track->line = toc->line;

    /* The format numbers the tracks by their order and knows one session. */
    track->number = (uint8_t)sheet->track_count;
    track->session = 1;

    /* 96 bytes after each sector, which are skipped when sectors are read. */
    if (toc_takes_subchannel(toc))
        track->stride_bytes += 96;
    toc->track = track;
    toc->track_blocks = 0;
    return 0;
}

/* Parses a length or position: mm:ss:ff, or a number of samples; in data tracks, of bytes. */
static bool toc_takes_length(struct toc *toc, uint32_t *blocks)
{
    uint32_t number;
    uint32_t unit = toc->track->mode ? toc->track->stride_bytes : SAMPLES_A_BLOCK;

    if (!toc->word || toc->quoted)
        return false;

    /* A last block that is only partly filled is a block, too. */
    if (!sheet_time(toc->word, blocks)) {
        if (!sheet_number(toc->word, UINT32_MAX - 1, &number))
            return false;
        *blocks = number / unit + (number % unit != 0);
    }
    toc_next(toc);
    return true;
}

static struct sheet_piece *toc_add_piece(struct toc *toc, uint8_t file, uint32_t blocks)
{
    struct sheet *sheet = toc->sheet;
    struct sheet_piece *piece = sheet_add_piece(sheet);
    if (!piece)
        return NULL;

    /* The line of the command, since the text has been read one word further. */
    piece->file = file;
    piece->line = toc->line;
    piece->blocks = blocks;

    /* The length of the track is unknown once one of its pieces is. */
    if (blocks == SHEET_REST || toc->track_blocks == SHEET_REST)
        toc->track_blocks = SHEET_REST;
    else
        toc->track_blocks += blocks;
    return piece;
}

static status_t toc_silence(struct toc *toc)
{
    struct sheet *sheet = toc->sheet;
    uint32_t blocks;

    /* cdrdao accepts a mode and subchannel words here. The sectors of silence have no bytes, so
     * neither matters. */
    if (toc_mode(toc))
        toc_next(toc);
    (void)toc_takes_subchannel(toc);
    if (!toc_takes_length(toc, &blocks))
        return sheet_refuse(sheet, toc->line, "silence needs a length");
    return toc_add_piece(toc, SHEET_SILENCE, blocks) ? 0 : -EINVAL;
}

static status_t toc_pregap(struct toc *toc)
{
    status_t status = toc_silence(toc);

    /* PREGAP is the first command of a track: all that it has so far is the pre-gap. */
    if (!status)
        toc->track->pregap_blocks = toc->track_blocks;
    return status;
}

static status_t toc_start(struct toc *toc)
{
    struct sheet *sheet = toc->sheet;
    uint32_t blocks = toc->track_blocks;

    /* Without a time, the track begins after the pieces that it has so far. */
    (void)toc_takes_length(toc, &blocks);
    if (blocks == SHEET_REST)
        return sheet_refuse(sheet, toc->line, "START after a file without a length");

    toc->track->pregap_blocks = blocks;
    return 0;
}

/* Finds the file of this name, and adds it if it is new. */
static bool toc_find_file(struct toc *toc, const char *name, uint8_t *index)
{
    struct sheet *sheet = toc->sheet;
    unsigned i = 0;
    while (i < sheet->file_count && !text_equal(sheet->files[i].name, name))
        i++;

    /* A file is often named once for each track; it is opened once. */
    if (i == sheet->file_count) {
        struct sheet_file *file = sheet_add_file(sheet);
        if (!file)
            return false;
        file->name = name;
        file->line = toc->line;
    }
    *index = (uint8_t)i;
    return true;
}

/* Parses the operands of FILE and DATAFILE. FILE has a start position before the length. */
static status_t toc_file(struct toc *toc, bool has_start)
{
    struct sheet *sheet = toc->sheet;
    uint32_t start = 0, blocks = SHEET_REST;
    uint64_t offset = 0;
    uint8_t file;

    /* The name. */
    if (!toc->word || !toc->quoted || !*toc->word)
        return sheet_refuse(sheet, toc->line, "a file's name in quotes is missing");
    if (!toc_find_file(toc, toc->word, &file))
        return -EINVAL;

    /* Options: SWAP is about audio samples, and #N is an offset in bytes. */
    toc_next(toc);
    if (toc_is(toc, "SWAP"))
        toc_next(toc);
    if (toc->word && !toc->quoted && *toc->word == '#') {
        if (text_parse_u64(toc->word + 1, &offset))
            return sheet_refuse(sheet, toc->line, "invalid offset: %.40s", toc->word);
        toc_next(toc);
    }

    /* The start and the length. A length of 0, or none, means the rest of the file. */
    if (has_start && !toc_takes_length(toc, &start))
        return sheet_refuse(sheet, toc->line, "FILE needs the place where it begins");
    (void)toc_takes_length(toc, &blocks);

    struct sheet_piece *piece = toc_add_piece(toc, file, blocks ? blocks : SHEET_REST);
    if (!piece)
        return -EINVAL;

    /* Both offsets add up. The sum is checked here; the layout compares it with the file's size. */
    uint64_t from = (uint64_t)start * toc->track->stride_bytes;
    if (__builtin_add_overflow(offset, from, &piece->offset_bytes))
        return sheet_refuse(sheet, toc->line, "an offset beyond all files");
    return 0;
}

static status_t toc_audio_file(struct toc *toc)
{
    return toc_file(toc, true);
}

static status_t toc_data_file(struct toc *toc)
{
    return toc_file(toc, false);
}

/* Commands that are ignored, with their operand: one word, or a text in braces. */
static status_t toc_skip_word(struct toc *toc)
{
    toc_next(toc);
    return 0;
}

static status_t toc_skip_braces(struct toc *toc)
{
    struct sheet *sheet = toc->sheet;
    unsigned depth = 0;

    /* Braces nest. Those in quotes are text, e.g. of a title. */
    do {
        /* The text has ended: without this check the loop would not. */
        if (!toc->word)
            return sheet_refuse(sheet, toc->line, "the brace is not closed");
        if (!toc->quoted)
            depth += (unsigned)(*toc->word == '{') - (unsigned)(depth && *toc->word == '}');
        toc_next(toc);
    } while (depth);
    return 0;
}

static status_t toc_skip_nothing(struct toc *toc)
{
    (void)toc;
    return 0;
}

static const struct {
    const char *name;
    bool in_track;
    status_t (*parse)(struct toc *toc);
} commands[] = {
    { "TRACK", false, toc_track },           { "SILENCE", true, toc_silence },
    { "ZERO", true, toc_silence },           { "PREGAP", true, toc_pregap },
    { "START", true, toc_start },            { "FILE", true, toc_audio_file },
    { "AUDIOFILE", true, toc_audio_file },   { "DATAFILE", true, toc_data_file },
    { "INDEX", true, toc_skip_word },        { "ISRC", true, toc_skip_word },
    { "CATALOG", false, toc_skip_word },     { "CD_TEXT", false, toc_skip_braces },
    { "NO", true, toc_skip_nothing },        { "COPY", true, toc_skip_nothing },
    { "PRE_EMPHASIS", true, toc_skip_nothing },
    { "TWO_CHANNEL_AUDIO", true, toc_skip_nothing },
    { "FOUR_CHANNEL_AUDIO", true, toc_skip_nothing },
    { "CD_DA", false, toc_skip_nothing },    { "CD_ROM", false, toc_skip_nothing },
    { "CD_ROM_XA", false, toc_skip_nothing }, { "CD_I", false, toc_skip_nothing },
};

static status_t toc_command(struct toc *toc)
{
    struct sheet *sheet = toc->sheet;

    /* Kept, since operands may be on later lines. */
    toc->line = sheet->line;
    for (unsigned i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (!toc_is(toc, commands[i].name))
            continue;

        /* Outside of a track these would have nothing to add to. */
        if (commands[i].in_track && !toc->track)
            return sheet_refuse(sheet, toc->line, "%s before TRACK", commands[i].name);
        toc_next(toc);
        return commands[i].parse(toc);
    }
    return sheet_refuse(sheet, toc->line, "unknown command: %.40s", toc->word);
}

status_t sheet_parse_toc(struct sheet *sheet)
{
    struct toc toc = { .sheet = sheet };
    status_t status = 0;

    /* Each command leaves the word after it in toc.word; a text ends after its last one. */
    for (toc_next(&toc); !status && toc.word;)
        status = toc_command(&toc);
    if (!status && !toc.track)
        status = sheet_refuse(sheet, sheet->line, "no TRACK");
    return status;
}

/*
 * sheet_ccd.c - CloneCD's control files: lines of KEY=VALUE in [sections].
 *
 *     [Entry 3]        an entry of the table of contents as the lead-in has it
 *     Session=1
 *     Point=0x01       a track's number, or 0xa2 for the lead-out
 *     Control=0x04     bit 2: data
 *     PLBA=0           its block
 *     [TRACK 1]
 *     MODE=1           0: audio
 *
 * The sectors, 2352 bytes each, are in the .img beside it, without the gaps between sessions.
 */
#include "drivers/storage/virtual/disc/sheet.h"
#include "lib/string.h"
#include "lib/text.h"

enum { POINT_LEAD_OUT = 0xa2, CONTROL_DATA = 4 };

static const struct sheet_type audio = { .mode = 0, .stride_bytes = 2352 };
static const struct sheet_type data = { .mode = 1, .stride_bytes = 2352 };

struct ccd_entry {
    uint32_t session, point, control;
    int64_t block;
    unsigned line;
};

struct ccd {
    struct sheet *sheet;
    bool in_entry, in_track;
    struct ccd_entry entry;   /* the current one */
    uint32_t track;           /* the one of the current section */
    uint8_t modes[DEVICE_TRACKS_MAX + 1];
    bool mode_known[DEVICE_TRACKS_MAX + 1];
    int64_t lead_out[DEVICE_TRACKS_MAX + 1]; /* by session */
};

/* Parses a number: decimal, with a sign, or hexadecimal after 0x. */
static bool ccd_value(const char *text, int64_t *value)
{
    uint64_t number;

    /* The limit leaves room for the sign. As unsigned numbers, negative values are outside of every
     * range that is checked later. */
    bool negative = *text == '-';
    if (text_parse_u64(text + negative, &number) || number > INT32_MAX)
        return false;
    *value = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

/* Takes an entry that is complete: a track, or where a session ends. */
static status_t ccd_end_entry(struct ccd *ccd)
{
    struct sheet *sheet = ccd->sheet;
    struct ccd_entry *entry = &ccd->entry;
    bool is_track = entry->point >= 1 && entry->point <= DEVICE_TRACKS_MAX;

    /* Other points of the lead-in (A0h, A1h, B0h) describe sessions and the whole disc. */
    if (!ccd->in_entry || (!is_track && entry->point != POINT_LEAD_OUT))
        return 0;

    /* The sheet is not trusted: session and block become indexes and sizes. */
    if (entry->session < 1 || entry->session > DEVICE_TRACKS_MAX)
        return sheet_refuse(sheet, entry->line, "an entry without a session from 1 to 99");
    if (entry->block < 0 || entry->block > CD_FRAMES_MAX)
        return sheet_refuse(sheet, entry->line, "an entry whose PLBA is outside of the disc");

    if (!is_track) {
        ccd->lead_out[entry->session] = entry->block;
        return 0;
    }

    /* A section [TRACK N] may give another mode; ccd_finish() sets the format. */
    const struct sheet_type *type = entry->control & CONTROL_DATA ? &data : &audio;
    struct sheet_track *track = sheet_add_track(sheet, type);
    struct sheet_piece *piece = track ? sheet_add_piece(sheet) : NULL;
    if (!piece)
        return -EINVAL;

    /* The .img has no gaps between sessions, so a piece follows the one before in the file, but not
     * on the disc. */
    track->number = (uint8_t)entry->point;
    track->session = (uint8_t)entry->session;
    track->line = piece->line = entry->line;
    piece->placed = piece->follows = true;
    piece->block = (uint32_t)entry->block;
    return 0;
}

/* Begins a section: "[Entry 3]", "[TRACK 1]". The one before it ends. */
static status_t ccd_section(struct ccd *ccd, char *line)
{
    status_t status = ccd_end_entry(ccd);

    /* The word after the name still has the bracket that closes the section. */
    char *at = line + 1, *name = sheet_word(&at), *number = sheet_word(&at);
    size_t length = number ? strlen(number) : 0;
    if (length && number[length - 1] == ']')
        number[length - 1] = '\0';

    /* All other sections are skipped: their keys have no meaning here. */
    ccd->in_entry = name && text_equal_fold(name, "Entry");
    ccd->in_track = name && number && text_equal_fold(name, "TRACK") &&
                    sheet_number(number, DEVICE_TRACKS_MAX, &ccd->track);

    /* Keys that are missing read as 0. */
    ccd->entry = (struct ccd_entry){ .line = ccd->sheet->line };
    return status;
}

static status_t ccd_key(struct ccd *ccd, char *line)
{
    struct sheet *sheet = ccd->sheet;
    struct ccd_entry *entry = &ccd->entry;
    char *equals = strchr(line, '='), *at = equals ? equals + 1 : NULL;
    int64_t value;

    if (!equals)
        return sheet_refuse(sheet, sheet->line, "neither a section nor KEY=VALUE");

    /* Split the line at the sign. Keys of other sections are not even looked at. */
    *equals = '\0';
    char *key = sheet_word(&line), *text = sheet_word(&at);
    if (!key || (!ccd->in_entry && !ccd->in_track))
        return 0;

    /* Many keys of an entry repeat each other (AMin, ALBA): only these are needed. */
    bool known = text_equal_fold(key, "Session") || text_equal_fold(key, "Point") ||
                 text_equal_fold(key, "Control") || text_equal_fold(key, "PLBA") ||
                 text_equal_fold(key, "MODE");
    if (!known)
        return 0;

    if (!text || !ccd_value(text, &value))
        return sheet_refuse(sheet, sheet->line, "%s needs a number", key);

    /* A mode other than 0 to 2 counts as audio, whose sectors are not read. */
    if (ccd->in_track && text_equal_fold(key, "MODE")) {
        ccd->modes[ccd->track] = (uint8_t)(value >= 0 && value <= 2 ? value : 0);
        ccd->mode_known[ccd->track] = true;
    } else if (text_equal_fold(key, "Session")) {
        entry->session = (uint32_t)value;
    } else if (text_equal_fold(key, "Point")) {
        entry->point = (uint32_t)value;
    } else if (text_equal_fold(key, "Control")) {
        entry->control = (uint32_t)value;
    } else if (text_equal_fold(key, "PLBA")) {
        entry->block = value;
    }
    return 0;
}

/* Sets the facts that need the whole file: each track's mode, and where it ends. */
static status_t ccd_finish(struct ccd *ccd)
{
    struct sheet *sheet = ccd->sheet;
    for (unsigned i = 0; i < sheet->track_count; i++) {
        struct sheet_track *track = &sheet->tracks[i];
        struct sheet_piece *piece = &sheet->pieces[i];

        /* A track ends where the next of its session begins; the last one, at the
         * session's lead-out. */
        bool last = i + 1 == sheet->track_count || track[1].session != track->session;
        int64_t end = last ? ccd->lead_out[track->session] : piece[1].block;

        /* The track's own section is more precise than the control bits of its entry. */
        if (ccd->mode_known[track->number])
            track->mode = ccd->modes[track->number];
        track->format = track->mode ? DISC_RAW : DISC_NO_DATA;

        /* A lead-out that is missing is 0, and is refused here, too. */
        if (end <= piece->block)
            return sheet_refuse(sheet, track->line, "track %u ends before it begins",
                                track->number);
        piece->blocks = (uint32_t)(end - piece->block);
    }
    return 0;
}

static status_t ccd_parse(struct ccd *ccd)
{
    struct sheet *sheet = ccd->sheet;
    status_t status = 0;

    /* The sections, line by line. The last entry has no section after it that would end it. */
    for (char *line; !status && (line = sheet_line(sheet));)
        if (*line)
            status = *line == '[' ? ccd_section(ccd, line) : ccd_key(ccd, line);
    if (!status)
        status = ccd_end_entry(ccd);

    if (!status && !sheet->track_count)
        status = sheet_refuse(sheet, sheet->line, "no entry of a track");
    if (status)
        return status;

    /* The only file, so there is room for it. */
    struct sheet_file *file = sheet_add_file(sheet);
    file->name = sheet->image_name;
    file->line = 1;
    return ccd_finish(ccd);
}

status_t sheet_parse_ccd(struct sheet *sheet)
{
    struct ccd *ccd = mem_zalloc(sizeof(*ccd));
    if (!ccd)
        return -ENOMEM;
    ccd->sheet = sheet;
    status_t status = ccd_parse(ccd);
    mem_free(ccd);
    return status;
}

/*
 * sheet.h - text files that describe a disc: cue sheets (.cue), CloneCD's .ccd, cdrdao's .toc.
 *
 * A parser turns the text into tracks and pieces: runs of sectors in a file, in the order of the
 * disc. The layout (sheet_layout.c) opens the files, finds where each piece belongs on the disc,
 * and makes a store of them and a table of contents.
 *
 * Files       are found from the sheet's directory, by exactly the name that it gives, else by one
 *             that differs in case, else, when the name has a drive letter or backslashes, by its
 *             last element.
 * Errors      -EINVAL and a reason that begins with the line: "line 3: ...". A file that cannot be
 *             opened: its errno and such a reason.
 * Budgets     SHEET_BYTES_MAX of text, and the numbers below. Text from a medium is not trusted.
 * Status      Tracks in WAVE, MP3 and the like are listed, but none of audio can be read.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_DISC_SHEET_H
#define DRIVERS_STORAGE_VIRTUAL_DISC_SHEET_H

#include "drivers/storage/virtual/disc/disc.h"

enum {
    SHEET_BYTES_MAX = 256 * 1024,
    SHEET_PIECES_MAX = 250,
    SHEET_FILES_MAX = DEVICE_TRACKS_MAX,
    SHEET_SILENCE = 0xff, /* no file */
};

#define SHEET_REST UINT32_MAX

/* A type of track, by the word that a sheet has for it. */
struct sheet_type {
    const char *name; /* NULL: the end of a list */
    enum disc_format format;
    uint8_t mode; /* 0: audio */
    uint16_t stride_bytes;
};

struct sheet_track {
    uint8_t number, session, mode; /* mode 0: audio */
    uint16_t stride_bytes;
    enum disc_format format;
    uint32_t pregap_blocks; /* of its pieces, before the block where it begins */
    unsigned line;
};

struct sheet_piece {
    uint8_t track; /* its index */
    uint8_t file;  /* its index, or SHEET_SILENCE */
    bool placed;   /* its first block on the disc is given, not where the one before ends */
    bool follows;  /* in its file, the piece before of that file; else it is at offset_bytes */
    uint32_t block, blocks; /* SHEET_REST: to the end of its file */
    uint64_t offset_bytes;
    unsigned line;
};

struct sheet_file {
    const char *name;
    bool encoded; /* samples of audio in a format of their own */
    unsigned line;
};

struct sheet {
    char *text, *at; /* `at`: what is not yet parsed */
    unsigned line;
    const char *image_name; /* of a .ccd: the file beside it that has all sectors */
    unsigned track_count, piece_count, file_count;
    struct sheet_track tracks[DEVICE_TRACKS_MAX];
    struct sheet_piece pieces[SHEET_PIECES_MAX];
    struct sheet_file files[SHEET_FILES_MAX];
    char *reason; /* of VIRTUAL_REASON_BYTES; borrowed */
};

/* How files are opened. */
struct sheet_opener {
    status_t (*open)(const char *path, bool writable, struct store **store,
                     struct device **holder);
    /* Changes the last element of path[bytes] to what the directory has in another case: 0 or
     * -ENOENT. NULL: it is not looked for. */
    status_t (*fold)(char *path, size_t bytes);
};

/* ---- for the callers: sheet.c -------------------------------------------------------------- */

/* What a sheet leads to; all of it is the caller's. */
struct sheet_result {
    struct store *store;
    struct device_toc *toc;
    uint32_t sector_bytes; /* of its data tracks, if they are whole sectors; else 0 */
    struct device *holders[VIRTUAL_HOLDERS_MAX]; /* of the files' bytes: references */
    unsigned holder_count;
};

/* Does the path end as sheets do? */
bool sheet_has_name(const char *path);
/* Opens the sheet of this path, whose text `from` has. reason[VIRTUAL_REASON_BYTES]: why not. */
status_t sheet_open(const char *path, struct store *from, const struct sheet_opener *opener,
                    struct ledger *ledger, char *reason, struct sheet_result *result) MUST_CHECK;

/* ---- for the parsers ----------------------------------------------------------------------- */

/* sheet->reason becomes "line N: ..."; returns -EINVAL. */
status_t sheet_refuse(struct sheet *sheet, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The next line, terminated, without blanks at its start; NULL at the end. */
char *sheet_line(struct sheet *sheet);
/* The next word in *at, terminated in place, which ends at `end`s too; what is in quotes is one,
 * without them. NULL: none. */
char *sheet_word(char **at);
/* Of the whole text: lines are counted, and what follows // is left out. *quoted, if not NULL. */
char *sheet_token(struct sheet *sheet, bool *quoted);
/* Decimal digits, all of the text, at most `most`. */
bool sheet_number(const char *text, uint32_t most, uint32_t *number);
/* mm:ss:ff in blocks. */
bool sheet_time(const char *text, uint32_t *blocks);
/* The type of this name in a list; NULL: unknown. */
const struct sheet_type *sheet_find_type(const struct sheet_type *types, const char *name);
/* The next track, of this type; a piece of the last track; the next file. They have their line, the
 * rest is zero. NULL: too many; `reason` is set. */
struct sheet_track *sheet_add_track(struct sheet *sheet, const struct sheet_type *type);
struct sheet_piece *sheet_add_piece(struct sheet *sheet);
struct sheet_file *sheet_add_file(struct sheet *sheet);

status_t sheet_parse_cue(struct sheet *sheet) MUST_CHECK;
status_t sheet_parse_ccd(struct sheet *sheet) MUST_CHECK;
status_t sheet_parse_toc(struct sheet *sheet) MUST_CHECK;

/* ---- sheet_layout.c ------------------------------------------------------------------------ */

/* `files`: one for each of the sheet's; taken over unless it fails. */
status_t sheet_layout(struct sheet *sheet, struct store **files, struct ledger *ledger,
                      struct sheet_result *result) MUST_CHECK;

#endif

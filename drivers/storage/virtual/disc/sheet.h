/*
 * sheet.h - text files that describe a disc: cue sheets (.cue), CloneCD's .ccd, cdrdao's .toc.
 *
 * Model       A parser turns the text into tracks and pieces: runs of sectors in a file, in the
 *             order of the disc. sheet.c opens the files; the layout (sheet_layout.c) finds where
 *             each piece belongs on the disc, and creates a store and a table of contents.
 * Files       Names are relative to the sheet's directory. A file is searched for by its exact
 *             name, then by one that differs in case, then, if the name contains backslashes, by
 *             its last element.
 * Errors      -EINVAL and a reason that begins with the line: "line 3: ...". A file that cannot be
 *             opened: its errno and such a reason.
 * Limits      SHEET_BYTES_MAX of text, and the numbers below. Text from a medium is not trusted.
 * Status      Audio tracks (BINARY, WAVE, MP3) are listed; their data cannot be read.
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

/* A track type, by the word that sheets use for it. */
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
    uint32_t pregap_blocks; /* blocks of its pieces before the track's first block */
    unsigned line;
};

struct sheet_piece {
    uint8_t track; /* its index */
    uint8_t file;  /* its index, or SHEET_SILENCE */
    bool placed;   /* the sheet gives `block`; else it follows the previous piece on the disc */
    bool follows;  /* it follows the previous piece in its file; else it is at offset_bytes */
    uint32_t block, blocks; /* SHEET_REST: to the end of its file */
    uint64_t offset_bytes;
    unsigned line;
};

struct sheet_file {
    const char *name;
    bool encoded; /* audio samples in another format: WAVE, MP3 */
    unsigned line;
};

struct sheet {
    char *text, *at; /* `at`: the text that is not yet parsed */
    unsigned line;
    const char *image_name; /* of a .ccd: the file beside it that contains all sectors */
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
    /* Replaces the last element of path[bytes] by a name in the directory that differs only in
     * case: 0 or -ENOENT. NULL: case matters. */
    status_t (*fold)(char *path, size_t bytes);
};

/* ---- for image.c: sheet.c ------------------------------------------------------------------- */

/* The disc that a sheet describes; the caller owns all of it. */
struct sheet_result {
    struct store *store;
    struct device_toc *toc;
    uint32_t sector_bytes; /* of its data tracks, if they are whole sectors; else 0 */
    struct device *holders[VIRTUAL_HOLDERS_MAX]; /* of the files' bytes: references */
    unsigned holder_count;
};

/* Returns whether the path ends in .cue, .ccd or .toc, in any case. */
bool sheet_has_name(const char *path);
/* Parses the sheet of this path, whose text is in `from`, and opens its files. On failure
 * reason[VIRTUAL_REASON_BYTES] is set. */
status_t sheet_open(const char *path, struct store *from, const struct sheet_opener *opener,
                    struct ledger *ledger, char *reason, struct sheet_result *result) MUST_CHECK;

/* ---- for the parsers: sheet_text.c --------------------------------------------------------- */

/* Sets sheet->reason to "line N: ..." and returns -EINVAL. */
status_t sheet_refuse(struct sheet *sheet, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Returns the next line, terminated in place, without leading blanks; NULL at the end. */
char *sheet_line(struct sheet *sheet);
/* Returns the next word in *at, terminated in place, or NULL. Text in quotes is one word; the
 * quotes are removed. */
char *sheet_word(char **at);
/* Returns the next word of the whole text, or NULL. Counts lines and skips comments (//). Braces
 * are words of their own. *quoted: it was in quotes. */
char *sheet_token(struct sheet *sheet, bool *quoted);
/* Parses a text that consists of decimal digits. False: it does not, or is above `most`. */
bool sheet_number(const char *text, uint32_t most, uint32_t *number);
/* Parses mm:ss:ff into blocks. */
bool sheet_time(const char *text, uint32_t *blocks);
/* Returns the type of this name in a list, or NULL. */
const struct sheet_type *sheet_find_type(const struct sheet_type *types, const char *name);
/* Append a track of this type, a piece of the last track, and a file. The line is set, other
 * members are zero. NULL: too many; `reason` is set. */
struct sheet_track *sheet_add_track(struct sheet *sheet, const struct sheet_type *type);
struct sheet_piece *sheet_add_piece(struct sheet *sheet);
struct sheet_file *sheet_add_file(struct sheet *sheet);

/* ---- the parsers: sheet_cue.c, sheet_ccd.c, sheet_toc.c ------------------------------------- */

status_t sheet_parse_cue(struct sheet *sheet) MUST_CHECK;
status_t sheet_parse_ccd(struct sheet *sheet) MUST_CHECK;
status_t sheet_parse_toc(struct sheet *sheet) MUST_CHECK;

/* ---- sheet_layout.c ------------------------------------------------------------------------ */

/* Places the pieces on the disc and creates its store. `files`: one for each of the sheet's; taken
 * over unless it fails. */
status_t sheet_layout(struct sheet *sheet, struct store **files, struct ledger *ledger,
                      struct sheet_result *result) MUST_CHECK;

#endif

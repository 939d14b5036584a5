/*
 * patch.h - the parts of a patch, and the operations of patch.
 *
 * Model       A patch is text with the differences of several files, each with a header and hunks.
 *             A hunk has two sides: the lines that it expects, and those that replace them. It is
 *             searched for near its line, first whole, then without its outer context lines.
 * Safety      The patch is hostile: its names never lead out of the directory, numbers are bounded,
 *             and a file is replaced only by a whole new content.
 * Ownership   Lines point into the text of the patch or of the file, which outlive them.
 * References  POSIX.1-2017, patch; GNU patch 2.7 for messages, offsets and fuzz.
 */
#ifndef SHELL_COMMANDS_EDIT_PATCH_PATCH_H
#define SHELL_COMMANDS_EDIT_PATCH_PATCH_H

#include "shell/shell.h"
#include "shell/words.h"

enum { PATCH_NAME_MAX = 1023, PATCH_TEXT_MAX = 64 << 20 };

struct patch_line {
    const char *text;
    size_t bytes; /* with LF, unless it is the last one of a file and has none */
};

struct patch_lines {
    struct patch_line *list;
    int64_t count, room;
};

/* One side of a hunk. */
struct patch_side {
    int64_t first;              /* its line, from 1 */
    struct patch_lines lines;
};

struct patch_hunk {
    struct patch_side old, new;
    int64_t before, after;      /* context lines at both ends */
    int64_t assumed;            /* empty context lines that the end of the patch lacks */
    const char *text;           /* as it is in the patch, from its "@@" line on */
    size_t bytes;
};

struct patch {
    struct shell *shell;
    bool reverse, dry_run, quiet, forward, force, batch, backs_up, keeps_no_backup, removes_empty;
    int64_t strip;              /* -p; -1: only the last element */
    int64_t fuzz_max;
    const char *operand;        /* the file to patch; NULL: as the patch names it */
    const char *output;         /* -o */
    struct buffer all_made;     /* what it gets: the new contents of all headers, in order */
    bool has_output;            /* it is written, even if that is empty */
    struct words rejected;      /* the names of the .rej files that this run has written, */
    struct words patched;       /* and of the files: only the first content is a backup */
    int result;

    /* the patch */
    char *text;
    size_t bytes, at;
    int64_t line;               /* of `at` */

    /* the header of the current file */
    char old_name[PATCH_NAME_MAX + 1], new_name[PATCH_NAME_MAX + 1];
    struct patch_line old_time, new_time; /* from the tab on; empty: none */
    bool old_missing, new_missing; /* /dev/null, or the time 0 */
    bool old_empty, new_empty;     /* the first hunk has no lines on this side */
    size_t header_at;
    int64_t header_line;
    struct patch_hunk hunk;

    /* the current file */
    char name[PATCH_NAME_MAX + 1];
    bool exists;
    char *content;
    size_t content_bytes;
    struct patch_lines input;
    struct buffer made;         /* the new content */
    int64_t copied;             /* lines of the input that are in `made` */
    int64_t in_offset, out_offset;
    struct buffer rejects;
    unsigned hunks, failed;
    bool skips, swapped, mismatch;
};

/* Appends a line. -ENOMEM. */
status_t patch_lines_add(struct patch_lines *lines, const char *text, size_t bytes) MUST_CHECK;
/* Divides a text into lines. -ENOMEM. */
status_t patch_lines_split(struct patch_lines *lines, const char *text, size_t bytes) MUST_CHECK;

/* Finds the header of the next file. Returns 1, or 0 at the end. */
int patch_next_file(struct patch *patch);
/* Parses the next hunk of the file. Returns 1, 0 if there is none, or an errno: -EUCLEAN after an
 * error message. */
int patch_next_hunk(struct patch *patch);
/* Exchanges the two sides of the hunk. */
void patch_swap(struct patch *patch);
/* Searches the input for the hunk without `fuzz` lines of its context. Returns its line, or 0. */
int64_t patch_locate(struct patch *patch, int64_t fuzz);
/* Applies all hunks of the current file. -EUCLEAN as patch_next_hunk(). */
status_t patch_file(struct patch *patch) MUST_CHECK;

#endif

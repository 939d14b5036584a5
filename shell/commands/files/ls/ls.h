/*
 * ls.h - what the parts of `ls` share: the options, the order of names, and their layout.
 *
 * Interface   ls.c collects the names and what is known of them; order.c filters and sorts a list;
 *             layout.c prints it: one name a line, with details, in columns, or with commas.
 * Ownership   A list belongs to ls.c; the others relink or print it.
 * References  POSIX.1-2017, ls; GNU coreutils.
 */
#ifndef SHELL_COMMANDS_FILES_LS_LS_H
#define SHELL_COMMANDS_FILES_LS_LS_H

#include "shell/reading/id_set.h"
#include "shell/reading/listing.h"

enum ls_format {
    LS_SINGLE,  /* one name per line: -1 */
    LS_DETAILS, /* -l */
    LS_DOWN,    /* columns, filled downwards: -C */
    LS_ACROSS,  /* filled row by row: -x */
    LS_COMMAS,  /* -m */
};
enum ls_order { LS_BY_NAME, LS_BY_SIZE, LS_BY_TIME, LS_BY_EXTENSION, LS_BY_VERSION, LS_UNSORTED };
enum ls_time { LS_MODIFIED, LS_ACCESSED, LS_CHANGED, LS_CREATED };
enum ls_quoting {
    LS_SAFE,      /* control characters and backslashes as \xHH: the console is not controlled */
    LS_LITERAL,   /* -N: the bytes as they are */
    LS_QUESTIONS, /* -q: control characters as ? */
    LS_ESCAPES,   /* -b: as in C, blanks too */
    LS_QUOTES,    /* -Q: as in C, within double quotes */
};
/* What is appended to a name. */
enum ls_marks { LS_NO_MARKS, LS_SLASHES /* -p */, LS_TYPES /* --file-type */, LS_ALL_MARKS };

struct ls {
    struct shell *shell;
    enum ls_format format;
    enum ls_order order;
    enum ls_time time;
    enum ls_quoting quoting;
    enum ls_marks marks;
    bool all, almost_all, no_backups;      /* -a, -A, -B */
    bool recursive, reverse, human;        /* -R, -r, -h */
    bool inodes, blocks, numeric, context; /* -i, -s, -n, -Z */
    bool colors, directories_first;
    bool follow_operands, follow;          /* -H, -L */
    const char *date_format;               /* --time-style; NULL: as date_text() */
    unsigned width;                        /* of a line; 0: without limit */
    bool titles;           /* "name:" above each directory */
    bool printed;          /* so a title needs an empty line before it */
    int result;
    struct name *operands; /* directories that were typed and are not listed yet */
    struct name *pending;  /* directories found below the current operand; .text: the path */
    size_t operand_length; /* of the current operand, without slashes at its end */
    struct id_set entered; /* directories listed below the current operand */
};

/* ---- order.c ------------------------------------------------------------------------------ */

/* Removes the names that are not listed: hidden ones, backups, and those of -I. */
struct name *ls_filter(const struct ls *ls, struct name *names);
struct name *ls_sort(const struct ls *ls, struct name *names);
/* Stores the time that -l shows and -t sorts by. Returns false if the node does not have it. */
bool ls_time_of(const struct ls *ls, const struct node_info *info, int64_t *seconds);

/* ---- layout.c ----------------------------------------------------------------------------- */

/* Prints a list. Names that were `typed` are paths from `directory`, others are in it. -ENOMEM. */
status_t ls_print(struct ls *ls, struct path *directory, const struct name *names,
                  bool typed) MUST_CHECK;
/* Writes a name or a path as the options say. Returns the columns that it takes; `print` is false
 * to measure it only. */
size_t ls_write(const struct ls *ls, const char *text, bool print);

#endif

/*
 * find.h - the expression of `find`: parsed into a list of terms, evaluated for each node.
 *
 * Model       The terms keep the order in which they were typed. They are evaluated in one pass
 *             from left to right, with a few bits for each level of parentheses, so that neither
 *             parsing nor evaluating recurses. `!` binds strongest, then -a (also unwritten), then
 *             -o. What cannot change the result is not evaluated.
 * Actions     -print -print0 -exec -delete. An expression without one ends with -print.
 * Interface   find.c walks and calls find_evaluate(); actions.c has the tests and
 *             actions that use more than the node's own information.
 * Errors      A wrong expression is one line on err and status 2. A node that cannot be looked at
 *             or changed is one line, and the status is 1 in the end; -ENOMEM ends the walk.
 * Ownership   Terms point into the command's words.
 * References  POSIX.1-2017 find; GNU findutils for -iname -empty -delete -print0 -maxdepth.
 */
#ifndef SHELL_COMMANDS_FILES_FIND_FIND_H
#define SHELL_COMMANDS_FILES_FIND_FIND_H

#include "shell/shell.h"
#include "shell/words.h"

enum {
    FIND_DEPTH_MAX = 64,    /* of parentheses within each other */
    FIND_BATCH_WORDS = 400, /* of one command of -exec ... + */
    FIND_BATCH_BYTES = 32768,
};

struct find_item {
    const char *path;    /* as it is printed: the start, and what was found below it */
    const char *name;    /* its last element */
    struct path *parent; /* borrowed; NULL: the start itself */
    unsigned depth;      /* 0: the start */
    struct node_info info;
};

struct find;
struct find_term;

struct find_primary {
    const char *name;
    /* Takes the words after the name: how many, or -1 after one line. NULL: there are none. */
    int (*parse)(struct find *find, struct find_term *term, char **words);
    bool (*evaluate)(struct find *find, struct find_term *term, const struct find_item *item);
    bool is_action;
    unsigned levels; /* INFO_ that it looks at */
};

enum find_kind { FIND_PRIMARY, FIND_OPEN, FIND_CLOSE, FIND_NOT, FIND_AND, FIND_OR };

struct find_term {
    struct find_term *next;
    enum find_kind kind;
    const struct find_primary *primary;
    const char *text;        /* a pattern */
    unsigned types;          /* a bit for each enum node_type */
    char sign;               /* -size: '+', '-' or 0 */
    uint64_t number, unit;   /* -size */
    bool has_modified;       /* -newer: of the file that was named */
    int64_t modified_s;
    char **words;            /* -exec: the command, */
    int count;               /* so many words without {} at the end of a batch */
    bool is_batch;           /* ended by + */
    struct words batch;
};

struct find {
    struct shell *shell;
    struct find_term *first, *last;
    bool has_action, has_prune, has_delete;
    bool contents_first; /* -depth */
    bool follow_start;   /* -H */
    uint64_t depth_min, depth_max;
    unsigned levels;     /* INFO_ that the expression looks at */
    /* while it runs */
    int result;          /* the command's status so far */
    bool prune;          /* do not enter the directory that was just evaluated */
    bool quit;
};

/* ---- expression.c -------------------------------------------------------------------- */

/* Appends the terms of words[0..), which NULL ends. SHELL_DONE or SHELL_USAGE, after one line;
 * SHELL_FAILED where memory or the file of -newer is missing. */
int find_parse(struct find *find, char **words) MUST_CHECK;
void find_evaluate(struct find *find, const struct find_item *item);
void find_free(struct find *find);

/* ---- actions.c ----------------------------------------------------------------------- */

/* One line on err, and the status becomes 1; -ENOMEM and -EINTR end the walk. Returns false. */
bool find_fail(struct find *find, const char *path, status_t status);
int find_parse_exec(struct find *find, struct find_term *term, char **words);
bool find_exec(struct find *find, struct find_term *term, const struct find_item *item);
/* Runs what is left of each -exec ... + at the end. */
void find_finish_batches(struct find *find);
bool find_is_empty(struct find *find, struct find_term *term, const struct find_item *item);
bool find_delete(struct find *find, struct find_term *term, const struct find_item *item);
bool find_print(struct find *find, struct find_term *term, const struct find_item *item);
bool find_print0(struct find *find, struct find_term *term, const struct find_item *item);

#endif

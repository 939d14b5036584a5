/*
 * find.h - the expression of `find`: parsed into a list of terms, evaluated for each node.
 *
 * Model       The terms keep the order in which they were typed. They are evaluated in one pass
 *             from left to right, with a few bits for each level of parentheses, so that neither
 *             parsing nor evaluation recurses. `!` binds strongest, then -a (which may be omitted),
 *             then -o. A term that cannot change the result is not evaluated.
 * Actions     -print -print0 -exec -delete. An expression without one ends with -print.
 * Interface   find.c walks the trees and calls find_evaluate(); expression.c parses and evaluates;
 *             actions.c has the actions, and the test that reads more than the node's information.
 * Errors      An invalid expression is reported in one line on err, with status 2. A node that
 *             cannot be examined or changed is reported, and the status becomes 1; -ENOMEM ends
 *             the walk.
 * Ownership   Terms point into the command's words.
 * References  POSIX.1-2017 find; GNU findutils for -iname -empty -delete -print0 -maxdepth.
 */
#ifndef SHELL_COMMANDS_FILES_FIND_FIND_H
#define SHELL_COMMANDS_FILES_FIND_FIND_H

#include "shell/shell.h"
#include "shell/words.h"

enum {
    FIND_DEPTH_MAX = 64,    /* nested parentheses: the bits of struct levels */
    FIND_BATCH_WORDS = 400, /* -exec ... + runs a command when it has this many words, */
    FIND_BATCH_BYTES = 32768, /* or this many bytes */
};

struct find_item {
    const char *path;    /* as printed: the start, and the path below it */
    const char *name;    /* its last element */
    struct path *parent; /* borrowed; NULL: the start itself */
    unsigned depth;      /* 0: the start */
    struct node_info info;
};

struct find;
struct find_term;

struct find_primary {
    const char *name;
    /* Parses the words after the name. Returns how many it took, or -1 after reporting an error.
     * NULL: it takes none. */
    int (*parse)(struct find *find, struct find_term *term, char **words);
    bool (*evaluate)(struct find *find, struct find_term *term, const struct find_item *item);
    bool is_action;
    unsigned levels; /* the INFO_ that it needs */
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
    bool has_modified;       /* -newer: the time of the reference file */
    int64_t modified_s;
    char **words;            /* -exec: the command */
    int count;               /* of its words, without the {} of a batch */
    bool is_batch;           /* -exec ... {} + */
    struct words batch;      /* the command with the paths collected so far */
};

struct find {
    struct shell *shell;
    struct find_term *first, *last;
    bool has_action, has_prune, has_delete;
    bool contents_first; /* -depth */
    bool follow_start;   /* -H */
    uint64_t depth_min, depth_max;
    unsigned levels;     /* the INFO_ that the expression needs */
    /* while it runs: */
    int result;          /* the command's status so far */
    bool prune;          /* do not enter the directory that was just evaluated */
    bool quit;
};

/* ---- expression.c -------------------------------------------------------------------- */

/* Parses the words up to NULL into terms. Returns SHELL_DONE; SHELL_USAGE if the expression is
 * invalid; SHELL_FAILED if memory is exhausted or -newer's file cannot be examined. */
int find_parse(struct find *find, char **words) MUST_CHECK;
void find_evaluate(struct find *find, const struct find_item *item);
void find_free(struct find *find);

/* ---- actions.c ----------------------------------------------------------------------- */

/* Reports an error; the status becomes 1. -ENOMEM and -EINTR end the walk. Returns false. */
bool find_fail(struct find *find, const char *path, status_t status);
int find_parse_exec(struct find *find, struct find_term *term, char **words);
bool find_exec(struct find *find, struct find_term *term, const struct find_item *item);
/* Runs the last, incomplete batch of each -exec ... +. */
void find_finish_batches(struct find *find);
bool find_is_empty(struct find *find, struct find_term *term, const struct find_item *item);
bool find_delete(struct find *find, struct find_term *term, const struct find_item *item);
bool find_print(struct find *find, struct find_term *term, const struct find_item *item);
bool find_print0(struct find *find, struct find_term *term, const struct find_item *item);

#endif

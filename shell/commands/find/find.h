/*
 * find.h - the expression of `find`: parsed into a list of terms, evaluated for each node.
 *
 * Model       The terms keep the order in which they were typed. They are evaluated in one pass
 *             from left to right, with a few bits for each level of parentheses, so that neither
 *             parsing nor evaluation recurses. `!` binds strongest, then -a (which may be omitted),
 *             then -o. A term that cannot change the result is not evaluated.
 * Actions     -print -print0 -printf -exec -delete. An expression without one ends with -print.
 * Interface   find.c walks the trees and calls find_evaluate(); expression.c parses and evaluates;
 *             tests.c has the larger tests, actions.c the actions and -empty, printf.c -printf.
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
    size_t start_length; /* of the start in `path` */
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

enum find_regex { FIND_EMACS, FIND_BASIC, FIND_EXTENDED };

enum find_kind { FIND_PRIMARY, FIND_OPEN, FIND_CLOSE, FIND_NOT, FIND_AND, FIND_OR };

struct find_term {
    struct find_term *next;
    enum find_kind kind;
    const struct find_primary *primary;
    const char *text;        /* a pattern, a format, or the letters of types */
    char sign;               /* of a number: '+', '-' or 0; of -perm: also '/' */
    uint64_t number, unit;
    char time;               /* the letter of the time that is tested: a B c m */
    bool has_time;           /* -newer: the time of the reference file */
    int64_t time_s;
    struct path *same;       /* -samefile; a reference */
    struct regex *regex;
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
    bool follow_start;   /* -H, -L */
    bool follow;         /* -L */
    enum find_regex regex; /* of the next -regex */
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

/* ---- tests.c ------------------------------------------------------------------------- */

/* Takes one word as the term's text. */
int find_parse_text(struct find *find, struct find_term *term, char **words);
/* Returns f d l, or b c p s where the mode says so, o for another special file, or ?. */
char find_type_letter(const struct node_info *info);
/* Stores the time that the letter names: a c m B. Returns false if the node does not have it. */
bool find_time_of(const struct node_info *info, char letter, int64_t *seconds);

int find_parse_number(struct find *find, struct find_term *term, char **words);
int find_parse_age(struct find *find, struct find_term *term, char **words);
int find_parse_newer(struct find *find, struct find_term *term, char **words);
int find_parse_type(struct find *find, struct find_term *term, char **words);
int find_parse_same(struct find *find, struct find_term *term, char **words);
int find_parse_mode(struct find *find, struct find_term *term, char **words);
int find_parse_regex(struct find *find, struct find_term *term, char **words);
int find_parse_regex_type(struct find *find, struct find_term *term, char **words);
bool find_has_id(struct find *find, struct find_term *term, const struct find_item *item);
bool find_has_links(struct find *find, struct find_term *term, const struct find_item *item);
bool find_is_age(struct find *find, struct find_term *term, const struct find_item *item);
bool find_is_newer(struct find *find, struct find_term *term, const struct find_item *item);
bool find_has_type(struct find *find, struct find_term *term, const struct find_item *item);
bool find_has_target_type(struct find *find, struct find_term *term,
                          const struct find_item *item);
bool find_has_target(struct find *find, struct find_term *term, const struct find_item *item);
bool find_is_same(struct find *find, struct find_term *term, const struct find_item *item);
bool find_has_mode(struct find *find, struct find_term *term, const struct find_item *item);
bool find_matches_regex(struct find *find, struct find_term *term, const struct find_item *item);

/* ---- printf.c ------------------------------------------------------------------------ */

bool find_printf(struct find *find, struct find_term *term, const struct find_item *item);

/* ---- actions.c ----------------------------------------------------------------------- */

/* Reports an error; the status becomes 1. -ENOMEM and -EINTR end the walk. Returns false. */
bool find_fail(struct find *find, const char *path, status_t status);
/* Reports an invalid expression; returns -1, as parse functions do. */
int find_wrong(struct find *find, const char *format, const char *word);
/* Returns the path of the node that is evaluated: a reference. */
status_t find_item_path(struct find *find, const struct find_item *item,
                        struct path **path) MUST_CHECK;
int find_parse_exec(struct find *find, struct find_term *term, char **words);
bool find_exec(struct find *find, struct find_term *term, const struct find_item *item);
/* Runs the last, incomplete batch of each -exec ... +. */
void find_finish_batches(struct find *find);
bool find_is_empty(struct find *find, struct find_term *term, const struct find_item *item);
bool find_delete(struct find *find, struct find_term *term, const struct find_item *item);
bool find_print(struct find *find, struct find_term *term, const struct find_item *item);
bool find_print0(struct find *find, struct find_term *term, const struct find_item *item);

#endif

/*
 * program.h - the steps to which compile.c compiles an expression, and which match.c follows.
 *
 * Model       A nondeterministic automaton: match.c follows all ways through the steps at once, one
 *             character after another, so no expression needs exponential time.
 * References  K. Thompson, Regular Expression Search Algorithm, CACM 11(6), 1968.
 */
#ifndef SHELL_REGEX_PROGRAM_H
#define SHELL_REGEX_PROGRAM_H

#include "shell/regex/regex.h"
#include "shell/regex/set.h"

enum { REGEX_HEAD_MAX = 16 };

enum step_kind {
    STEP_CODE,   /* matches this character */
    STEP_ANY,    /* matches any character */
    STEP_SET,    /* matches a character of a set */
    STEP_SPLIT,  /* continues with the next step and at `to` */
    STEP_JUMP,   /* continues at `to` */
    STEP_ASSERT, /* continues with the next step if the assertion holds */
    STEP_OPEN,   /* a group begins here: continues with the next step */
    STEP_CLOSE,  /* it ends here */
    STEP_BACK,   /* matches the text of a group */
    STEP_MATCH,
};

enum assertion {
    AT_START, AT_END, AT_EDGE, AT_NO_EDGE, AT_WORD_START, AT_WORD_END, NOT_AFTER_WORD,
    NOT_BEFORE_WORD,
};

struct step {
    enum step_kind kind;
    int to;               /* relative to this step */
    uint32_t code;        /* of STEP_CODE; enum assertion; the number of a group */
    struct regex_set set; /* of STEP_SET */
};

/* A way through the steps so far: the next step, and where its match begins. */
struct way {
    unsigned step;
    size_t start;
};

struct regex {
    bool fold;
    bool has_back;         /* it has back references: only groups.c can match it */
    unsigned group_count;
    char *text; /* sets point into it */
    struct step *steps;
    unsigned count, room;

    /* of a match that is under way; arrays of `count`, except `stack`: twice as many */
    struct way *now, *next;
    unsigned now_count, next_count;
    unsigned *marks, *stack;
    unsigned mark;

    /* where a match may begin */
    bool anywhere;             /* everywhere: a match may be empty */
    bool starts[256];          /* at these bytes; one beyond ASCII is the first of a character */
    char head[REGEX_HEAD_MAX]; /* every match begins with these bytes */
    unsigned head_bytes;

    /* of a text that is given in pieces */
    size_t fed_to;
    bool fed_match;
};

/* Finds where a match may begin. Called once, after compiling. */
void regex_find_starts(struct regex *e);

/* Finds a match by following all ways at once: the longest of the first ones, or with `any` the
 * first that is found. Not for back references. */
bool regex_follow(struct regex *e, const char *text, size_t bytes, size_t from, bool any,
                  size_t *start, size_t *end);
/* Returns whether a character or byte step takes this character. */
bool regex_step_takes(const struct regex *e, const struct step *step, uint32_t code);
/* Returns whether an assertion holds at a place of the text; `more`: the text continues. */
bool regex_holds(const char *text, size_t bytes, size_t at, bool more, enum assertion assertion);
/* Returns whether a match may begin with this byte. */
bool regex_may_start(const struct regex *e, const char *text, size_t bytes, size_t at);

#endif

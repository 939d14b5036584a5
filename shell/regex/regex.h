/*
 * regex.h - regular expressions for lines: those of grep, basic and extended.
 *
 * Basic       . [abc] [^a-z] [[:alpha:]] * ^ $ \(...\) \| \{n,m\} \+ \?
 * Extended    the same with ( ) | { } + ? themselves; a backslash makes them ordinary
 * Both        \w \W \s \S \b \B \< \>; any other character behind a backslash is itself. What
 *             repeats nothing (`*a`) is itself. There are no back references.
 * Characters  are matched, not bytes; bytes that are no UTF-8 are characters of their own. Those
 *             beyond ASCII count as letters.
 * Cost        A match takes time in proportion to text x expression, whatever they are; memory in
 *             proportion to the expression, which is REGEX_STEPS_MAX steps long at most.
 * Model       The expression is compiled to steps (compile.c); all ways through them are gone
 *             at once, a character after another (match.c).
 */
#ifndef SHELL_REGEX_REGEX_H
#define SHELL_REGEX_REGEX_H

#include "kernel/port.h"

enum { REGEX_STEPS_MAX = 8192, REGEX_GROUPS_MAX = 32, REGEX_REPEAT_MAX = 255,
       REGEX_HEAD_MAX = 16 };

enum {
    REGEX_EXTENDED = 1,
    REGEX_FIXED = 2,  /* every character stands for itself */
    REGEX_FOLD = 4,   /* upper and lower case are the same */
    REGEX_WORDS = 8,  /* no letter, digit or _ may stand beside a match */
    REGEX_LINES = 16, /* a match is the whole line */
};

/* ---- what compile.c makes for match.c ------------------------------------------ */

enum step_kind {
    STEP_CODE,   /* this character */
    STEP_ANY,
    STEP_SET,
    STEP_SPLIT,  /* continues with the next step and at `to` */
    STEP_JUMP,   /* continues at `to` */
    STEP_ASSERT, /* takes no character */
    STEP_MATCH,
};

enum assertion {
    AT_START, AT_END, AT_EDGE, AT_NO_EDGE, AT_WORD_START, AT_WORD_END, NOT_AFTER_WORD,
    NOT_BEFORE_WORD,
};

struct step {
    enum step_kind kind;
    int to;                     /* relative to this step */
    uint32_t code;              /* of STEP_CODE; enum assertion */
    bool negated;               /* STEP_SET */
    const char *set, *set_end;  /* STEP_SET: between the brackets, behind ^ */
};

/* A way that was gone so far: the next step, and where its match begins. */
struct way {
    unsigned step;
    size_t start;
};

struct regex {
    bool fold;
    char *text; /* what sets point into */
    struct step *steps;
    unsigned count, room;
    /* match.c's; `count` of each, but for the stack: twice */
    struct way *now, *next;
    unsigned now_count, next_count;
    unsigned *marks, *stack;
    unsigned mark;
    /* where a match may begin */
    bool anywhere;       /* everywhere: it may be empty */
    bool starts[256];    /* at these bytes; those beyond ASCII stand for all of their kind */
    char head[REGEX_HEAD_MAX]; /* every match begins with these bytes */
    unsigned head_bytes;
    /* of a text in pieces */
    size_t fed_to; /* where to continue in the next piece */
    bool fed_match;
};

/* Once, when the steps are there. */
void regex_find_starts(struct regex *e);

bool regex_set_has(const struct regex *e, const struct step *step, uint32_t code);
bool regex_is_word(uint32_t code);

/* ---- for callers that match------------------------------------------------------------------- */

/* -ENOMEM; -EINVAL: not well formed, and *why is the reason. */
status_t regex_create(const char *text, unsigned flags, struct regex **expression,
                           const char **why) MUST_CHECK;
void regex_destroy(struct regex *expression); /* NULL: nothing */
/* Is there a match within text[bytes]? */
bool regex_matches(struct regex *expression, const char *text, size_t bytes);
/* The same for a text of any length, given in pieces: `fed_match` is set after a match. All before
 * `fed_to` is used up, except the character before it. A caller that drops what is used up
 * subtracts its length from fed_to, and begins the next piece with the rest. */
void regex_begin(struct regex *expression);
void regex_feed(struct regex *expression, const char *text, size_t bytes, bool last);
/* The first match that begins at `from` or later, the longest of those: text[*start..*end). */
bool regex_find(struct regex *expression, const char *text, size_t bytes, size_t from,
                     size_t *start, size_t *end);

#endif

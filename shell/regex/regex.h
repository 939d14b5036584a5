/*
 * regex.h - regular expressions for lines: those of grep and sed, basic and extended.
 *
 * Basic       . [abc] [^a-z] [[:alpha:]] * ^ $ \(...\) \| \{n,m\} \+ \?
 * Extended    the same with ( ) | { } + ? themselves; a backslash makes them ordinary characters
 * Both        \w \W \s \S \b \B \< \>; a backslash before any other character keeps it. A *
 *             with nothing to repeat is an ordinary character. \1 to \9 with REGEX_GROUPS: the
 *             same text as the group of that number.
 * Characters  are matched, not bytes; each byte of invalid UTF-8 is a character. Characters beyond
 *             ASCII count as letters.
 * Cost        A match takes time in proportion to text x expression, and no memory. The expression
 *             has at most REGEX_STEPS_MAX steps. To find groups takes memory in proportion to
 *             match x expression, and with back references possibly much time: the search ends
 *             after REGEX_WORK_MAX steps with what it has found.
 * Groups      The match is the longest one; of the ways to match it, repetitions take as much as
 *             they can, from left to right, and the first alternative that leads to it is used.
 * Locking     One thread at a time may use an expression: matching changes it.
 * References  POSIX.1-2017, Base Definitions, 9 Regular Expressions; \w and the like are GNU's.
 */
#ifndef SHELL_REGEX_REGEX_H
#define SHELL_REGEX_REGEX_H

#include "kernel/port.h"

enum { REGEX_SPANS = 10, REGEX_WORK_MAX = 4 << 20 };
enum { REGEX_STEPS_MAX = 8192, REGEX_GROUPS_MAX = 32, REGEX_REPEAT_MAX = 255 };

enum {
    REGEX_EXTENDED = 1,
    REGEX_FIXED = 2,  /* every character is an ordinary one */
    REGEX_FOLD = 4,   /* ignores case */
    REGEX_WORDS = 8,  /* no letter, digit or _ may be next to a match */
    REGEX_LINES = 16, /* a match is the whole line */
    REGEX_GROUPS = 32, /* for regex_find_groups(), and for back references */
};

struct regex;

/* Compiles `text`. -ENOMEM; -EINVAL if it is invalid, and *why is the reason. */
status_t regex_create(const char *text, unsigned flags, struct regex **expression,
                      const char **why) MUST_CHECK;
/* Frees an expression, or does nothing for NULL. */
void regex_destroy(struct regex *expression);

/* Returns whether text[bytes] contains a match. */
bool regex_matches(struct regex *expression, const char *text, size_t bytes);
/* Finds the first match that begins at `from` or later, and the longest of those that begin there:
 * text[*start..*end). Returns false if there is none. */
bool regex_find(struct regex *expression, const char *text, size_t bytes, size_t from,
                size_t *start, size_t *end);

/* Where a group matched: text[start..end). It did not match if `start` is SIZE_MAX. */
struct regex_span {
    size_t start, end;
};

/* As regex_find(), and stores where the groups matched; spans[0] is the whole match. Returns 1, 0
 * if there is no match, -ENOMEM, or -EINTR. */
int regex_find_groups(struct regex *expression, const char *text, size_t bytes, size_t from,
                      struct regex_span spans[REGEX_SPANS]) MUST_CHECK;
/* Returns how many groups an expression has. */
unsigned regex_group_count(const struct regex *expression);

/*
 * As regex_matches(), for a text of any length that is given in pieces. regex_feed() returns
 * whether a match was found so far, and in *used how many bytes of the piece were matched against.
 * The next piece must begin with the bytes from there on, and with the byte before them; the caller
 * calls regex_drop() with the number of bytes that it leaves out of the next piece. Not for
 * expressions with back references.
 */
void regex_begin(struct regex *expression);
bool regex_feed(struct regex *expression, const char *text, size_t bytes, bool last,
                size_t *used);
void regex_drop(struct regex *expression, size_t bytes);

#endif

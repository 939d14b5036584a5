/*
 * pattern.h - patterns for file names, and reading a text character by character.
 *
 * Globs       * ? [a-z] [!a-z], and \ before any of them. A leading dot is matched only by a dot. A
 *             [ without ] is an ordinary character.
 * Characters  are matched, not bytes; each byte of invalid UTF-8 is a character.
 * Cost        A match takes time in proportion to text x pattern at most.
 * References  POSIX.1-2017, Shell Command Language, 2.13 Pattern Matching Notation. Classes such as
 *             [:alpha:] contain ASCII characters only.
 */
#ifndef SHELL_PATTERN_H
#define SHELL_PATTERN_H

#include "kernel/port.h"
#include "lib/utf8.h"

/* Returns whether a glob may match other texts than itself without its backslashes. */
bool glob_is_pattern(const char *glob);
/* Returns whether the whole text matches. */
bool glob_matches(const char *glob, const char *text, bool fold_case);
/* As glob_matches(), but a leading dot is an ordinary character, as for find. A slash always is. */
bool glob_matches_text(const char *glob, const char *text, bool fold_case);

enum { PATTERN_NO_CODE = 0x110000 }; /* plus the byte: a byte of invalid UTF-8 */

/* Decodes the first character of text[bytes], which must not be empty, and returns its length. With
 * `fold`, upper and lower case give the same code. Inline: the inner loop of grep. */
static inline size_t pattern_take(const char *text, size_t bytes, bool fold, uint32_t *code)
{
    if ((unsigned char)*text < 0x80) { /* nearly all are */
        *code = (unsigned char)*text;
        if (fold)
            *code = unicode_fold(*code);
        return 1;
    }
    int length = utf8_decode(text, bytes, code);
    if (length < 0) {
        *code = PATTERN_NO_CODE + (unsigned char)*text;
        return 1;
    }
    if (fold)
        *code = unicode_fold(*code);
    return (size_t)length;
}

#endif

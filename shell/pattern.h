/*
 * pattern.h - patterns for names, and the characters that patterns match.
 *
 * Globs       * ? [a-z] [!a-z] and \ before any of them; a leading dot matches only a dot. An open
 *             bracket stands for itself.
 * Characters  are matched, not bytes; bytes that are no UTF-8 are characters of their own.
 * Cost        A match takes time in proportion to text x pattern, whatever they are.
 */
#ifndef SHELL_PATTERN_H
#define SHELL_PATTERN_H

#include "kernel/port.h"
#include "lib/utf8.h"

bool glob_matches(const char *glob, const char *text, bool fold_case);
/* The same where a leading dot is a character like others: for find. A slash always is. */
bool glob_matches_text(const char *glob, const char *text, bool fold_case);

enum { PATTERN_NO_CODE = 0x110000 }; /* and above: bytes that are no UTF-8 */

/* The next character of text[bytes], which is not empty; returns the bytes it takes. With `fold`
 * both cases of a letter give the same. */
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

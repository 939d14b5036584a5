/*
 * pattern.h - does a text match? Globs for names, simple regular expressions for lines.
 *
 * Globs       * ? [a-z] [!a-z] and \ before any of them; a leading dot matches only a dot.
 * Expressions those of grep without groups: . * ^ $ [a-z] [^a-z] \. and nothing else.
 * Both        match characters, not bytes; bytes that are no UTF-8 are characters of their own. A
 *             pattern that is not well formed (an open bracket) stands for itself.
 * Cost        A match takes time in proportion to text x pattern, whatever they are.
 */
#ifndef KERNEL_SHELL_PATTERN_H
#define KERNEL_SHELL_PATTERN_H

#include "kernel/port.h"

bool glob_matches(const char *glob, const char *text, bool fold_case);

struct pattern;

/* `fixed`: every character stands for itself. NULL when memory is out. */
struct pattern *pattern_create(const char *text, bool fixed, bool fold_case);
void pattern_destroy(struct pattern *pattern); /* NULL: nothing */
/* Is there a match within text[bytes]? */
bool pattern_matches(struct pattern *pattern, const char *text, size_t bytes);

#endif

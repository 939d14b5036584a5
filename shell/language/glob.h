/*
 * glob.h - file names from patterns (pattern.h says what a pattern is).
 *
 * `/` is matched by itself alone, and upper and lower case differ.
 */
#ifndef SHELL_LANGUAGE_GLOB_H
#define SHELL_LANGUAGE_GLOB_H

#include "shell/shell.h"
#include "shell/words.h"

/* Adds what the pattern matches, sorted; nothing where nothing does. -EINTR after ^C. */
status_t glob_expand(struct shell *shell, const char *pattern, struct words *words) MUST_CHECK;

/* Takes the backslashes out, in place. */
void glob_unescape(char *pattern);

struct name_filter {
    bool (*wanted)(const char *name, const void *context);
    const void *context;
};

/* Adds the names in a directory ("" is the current one) that are wanted, sorted, with those of what
 * is mounted there. */
status_t directory_names(struct shell *shell, const char *directory,
                         const struct name_filter *filter, struct words *names) MUST_CHECK;

#endif

/*
 * glob.h - expands patterns (pattern.h) to file names.
 *
 * Model       Each element of a path is matched by itself, so a slash is matched only by a slash.
 *             Case matters.
 * References  POSIX.1-2017, Shell Command Language, 2.13.3 Patterns Used for Filename Expansion.
 */
#ifndef SHELL_LANGUAGE_EXPANSION_GLOB_H
#define SHELL_LANGUAGE_EXPANSION_GLOB_H

#include "shell/shell.h"
#include "shell/words.h"

/* Adds the names that the pattern matches, sorted; none if nothing matches. -EINTR after ^C. */
status_t glob_expand(struct shell *shell, const char *pattern, struct words *words) MUST_CHECK;

/* Removes the backslashes of a pattern, in place. */
void glob_unescape(char *pattern);

struct name_filter {
    bool (*wanted)(const char *name, const void *context);
    const void *context;
};

/* Adds the names in a directory that the filter wants, sorted. Names of mounts in it are included.
 * "" is the current directory. */
status_t directory_names(struct shell *shell, const char *directory,
                         const struct name_filter *filter, struct words *names) MUST_CHECK;

#endif

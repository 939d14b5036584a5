/*
 * paths.h - joining and splitting of paths as text.
 */
#ifndef SHELL_READING_PATHS_H
#define SHELL_READING_PATHS_H

#include "shell/shell.h"

/* Returns directory/name on the heap; NULL when memory is exhausted. */
char *join_path(const char *directory, const char *name);
/* Returns the last element of `path`, without trailing slashes. It points into `path`. */
const char *base_name(const char *path, size_t *length);
/* Calls shell_fail() for the item that a walk from `start` calls `text`. */
int shell_fail_below(struct shell *shell, const char *start, const char *text, status_t status);

#endif

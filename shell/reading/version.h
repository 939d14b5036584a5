/*
 * version.h - compares names as versions: digits within a name are a number, so that "a9" precedes
 * "a10". `sort -V` and `ls -v` use it.
 *
 * References  GNU coreutils, "Version sort ordering".
 */
#ifndef SHELL_READING_VERSION_H
#define SHELL_READING_VERSION_H

#include <stddef.h>

/* Returns < 0, 0 or > 0. */
int version_compare(const char *a, size_t a_bytes, const char *b, size_t b_bytes);

#endif

/*
 * listing.h - what several commands need of names: sorted lists, listings, ways to show numbers.
 *
 * Locking     None: lists belong to one thread.
 */
#ifndef SHELL_READING_LISTING_H
#define SHELL_READING_LISTING_H

#include "shell/shell.h"

/* ---- sorting ------------------------------------------------------------------------------ */

/* The first field of what is to be sorted. */
struct sortable {
    struct sortable *next;
};

/* Merge sort: stable, without memory or recursion. compare: < 0, 0, > 0. */
struct sortable *sort_list(struct sortable *list,
                           int (*compare)(const struct sortable *a, const struct sortable *b,
                                          const void *context),
                           const void *context);

/* ---- listings ----------------------------------------------------------------------------- */

struct name {
    struct sortable link;
    struct node_info info; /* .known 0: not before name_look() */
    status_t status;       /* of name_look() */
    char text[];
};

/* Adds a name in front of *names. */
status_t names_add(struct name **names, const char *text) MUST_CHECK;
/* Lists the directory in its order and, with `mounts`, what is mounted in it first; with those of
 * `levels` that the directory has. *names is NULL before. Returns why the list is not complete.
 * *skipped (NULL: not asked for) counts the invalid entries that the listing leaves out. */
status_t names_collect(struct path *directory, bool mounts, unsigned levels, struct name **names,
                       unsigned *skipped) MUST_CHECK;
/* Fills name->info, unless it is there, and status; `.` and `..` too. */
void name_look(struct path *directory, bool cross, struct name *name, unsigned levels);
int names_by_text(const struct sortable *a, const struct sortable *b, const void *context);
struct name *names_next(const struct name *name);
void names_free(struct name *names);

/* ---- showing ------------------------------------------------------------------------------ */

enum { SIZE_TEXT_BYTES = 24, MODE_TEXT_BYTES = 11, DATE_TEXT_BYTES = 24 };

/* "317", "1.2K", "48M": four characters at most, rounded up; or all digits when not `human`. */
void size_text(char text[SIZE_TEXT_BYTES], uint64_t bytes, bool human);
/* As size_text(), except that it writes KiB, rounded up, when not `human`: du, df, free. */
void space_text(char text[SIZE_TEXT_BYTES], uint64_t bytes, bool human);
/* "-rw-r--r--"; '?' for what is not known. */
void mode_text(char text[MODE_TEXT_BYTES], const struct node_info *info);
/* "2024-05-01 12:34" in UTC, or "-". */
void date_text(char text[DATE_TEXT_BYTES], bool known, int64_t seconds);
/* Columns that stream_escaped() takes for a text (width.h): four for a byte that it escapes. */
size_t text_columns(const char *text);
/* directory/name on the heap; NULL when memory is out. */
char *join_path(const char *directory, const char *name);
/* shell_fail() of what a walk that began at `start` calls `text`. */
int shell_fail_below(struct shell *shell, const char *start, const char *text, status_t status);
/* With `skipped` 0, returns `result`; else complains "NAME: 2 invalid records were skipped" and
 * returns SHELL_FAILED, unless `result` is worse. */
int shell_end_skipped(struct shell *shell, const char *name, unsigned skipped, int result);
/* The last element, without trailing slashes; points into `path`. */
const char *base_name(const char *path, size_t *length);

#endif

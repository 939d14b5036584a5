/*
 * listing.h - the names in a directory, as a list that can be sorted.
 *
 * Ownership   The list belongs to the caller, who frees it with names_free(), after errors too.
 * Locking     None: a list belongs to one thread.
 */
#ifndef SHELL_READING_LISTING_H
#define SHELL_READING_LISTING_H

#include "shell/reading/sort_list.h"
#include "shell/shell.h"

struct name {
    struct sortable link;
    struct node_info info; /* .known is 0 until name_look() was called */
    status_t status;       /* of name_look() */
    bool leads_to_directory; /* a link; for the caller */
    char text[];
};

/* Adds a name in front of *names. */
status_t names_add(struct name **names, const char *text) MUST_CHECK;
/*
 * Lists a directory in its own order, with the information of `levels` that the directory itself
 * holds. With `mounts`, the names that are mounted in it come first. *names must be NULL.
 *
 * Returns 0, or why the list is incomplete; *names holds what could be read. *skipped, unless NULL,
 * counts the invalid entries that the listing leaves out.
 */
status_t names_collect(struct path *directory, bool mounts, unsigned levels, struct name **names,
                       unsigned *skipped) MUST_CHECK;
/* Fills name->info, unless it is known, and name->status. The name may be `.` or `..`. */
void name_look(struct path *directory, bool cross, struct name *name, unsigned levels);
int names_by_text(const struct sortable *a, const struct sortable *b, const void *context);
struct name *names_next(const struct name *name);
void names_free(struct name *names);

/* Returns `result` if `skipped` is 0. Else reports "NAME: 2 invalid records were skipped" and
 * returns SHELL_FAILED, or `result` if that is not 0. */
int shell_end_skipped(struct shell *shell, const char *name, unsigned skipped, int result);

#endif

/*
 * resolve.h - the absolute path of a name, without links, `.` and `..`: for readlink and realpath.
 *
 * Model       The elements are walked one by one; the target of a link replaces the link's name in
 *             what is left of the path. The result is text, so it may name what does not exist.
 * Errors      -ENOENT, -ENOTDIR, -ELOOP after 40 links, -ENOMEM, or an error of the file system.
 *             With RESOLVE_MISSING, further links are elements like others instead.
 * Ownership   The caller frees the buffer, after errors too.
 */
#ifndef SHELL_COMMANDS_FILES_NAMES_RESOLVE_H
#define SHELL_COMMANDS_FILES_NAMES_RESOLVE_H

#include "shell/shell.h"
#include "shell/words.h"

enum resolve_mode {
    RESOLVE_EXISTING,    /* everything must exist */
    RESOLVE_LAST,        /* all but the last element must exist */
    RESOLVE_DIRECTORIES, /* nothing has to exist, but a file is not followed by a slash */
    RESOLVE_MISSING,     /* nothing has to exist */
};

/* Stores the path of `name`, relative to the current directory, in `result`, which is empty. With
 * `keep_links`, links are elements like others, and `..` removes the element before it. */
status_t resolve_name(struct shell *shell, const char *name, enum resolve_mode mode,
                      bool keep_links, struct buffer *result) MUST_CHECK;

/* Turns the absolute path `path` into one that leads there from the directory `from`. */
status_t resolve_relative(const char *path, const char *from, struct buffer *result) MUST_CHECK;

#endif

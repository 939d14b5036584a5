/*
 * copy.h - what cp and mv share: the copy of one file, and the name that each operand gets.
 *
 * Replacing   A copy is written beside the file that it replaces, and takes its name when it is
 *             complete (vfs.h, replacement): a copy that fails or is interrupted leaves the old
 *             file as it was.
 * Links       Are copied as links, or followed: link.c. The target of a link is not changed.
 */
#ifndef SHELL_COMMANDS_FILES_COPY_H
#define SHELL_COMMANDS_FILES_COPY_H

#include "shell/shell.h"

struct copied_directory;
struct copy_pending;

struct copy {
    struct shell *shell;
    bool recursive, verbose;
    bool keep_times;
    bool follow_operands, follow;  /* links that are operands, and all links */
    bool strict_links;             /* a link that cannot be stored is an error: -P, -d */
    bool parents;                  /* --parents: a target gets the whole path of its operand */
    bool makes_links;              /* -s: links to the operands, instead of copies */
    bool keep_old;                 /* -n: existing files are not replaced */
    bool asks, updates;            /* -i: ask before; -u: only files that are older */
    bool guards;                   /* ask before a file that cannot be written is replaced */
    bool forces;                   /* remove it instead of failing: cp -f, mv */
    bool to_is_file;               /* -T: the target is not a directory to copy into */
    bool writes_back;              /* since the last copy_sync(), a target is in memory only */
    struct vfs_sync_mark mark;     /* of when it began to be */
    struct copied_directory *open; /* of cp: the directories whose contents are being copied */
    struct copy_pending *pending;  /* of cp -L: links to directories, which are copied later */
};

/* The options that cp and mv have in common. */
#define COPY_OPTIONS \
    { 'f', "force", NULL, "replace existing files (the default)" }, \
    { 'n', "no-clobber", NULL, "do not replace existing files" }, \
    { 'i', "interactive", NULL, "ask before a file is replaced" }, \
    { 'u', "update", NULL, "replace only files that are older" }, \
    { 't', "target-directory", "DIR", "the target is the directory DIR" }, \
    { 'T', "no-target-directory", NULL, "the target is not a directory to put files in" }, \
    { 'v', "verbose", NULL, "report each file" }

/* Copies the content of `path`, which the command calls `from`, to the file `to`. */
int copy_file(struct copy *copy, struct path *path, const char *from, const char *to);
/* Creates a link `to` with the target of the link `path`, or replaces a file by it. Where the file
 * system stores no links, returns -EOPNOTSUPP unless `strict_links`; else the command's status. */
int copy_link(struct copy *copy, struct path *path, const char *from, const char *to);
/* -s: creates a link `to` that leads to `from`, the file `path`. */
int copy_make_link(struct copy *copy, struct path *path, const char *from, const char *to);
/* With -v: what'FROM' -> 'TO'. */
void copy_report(const struct copy *copy, const char *what, const char *from, const char *to);
/* Sets the modification time of a copy to that of `info`, where the file system stores one. */
void copy_set_modified(struct shell *shell, const char *to, const struct node_info *info);

/* Makes the copies at `to` durable; reports if that fails. */
int copy_sync(struct copy *copy, const char *to);

/* FROM... TO: calls one(copy, from, to) with the target of each operand: TO itself, or a name in
 * it if it is a directory. */
int copy_each(struct copy *copy, int count, char **words,
              int (*one)(struct copy *copy, const char *from, const char *to));
/* As copy_each(), with the directory of -t as the target if that is given. */
int copy_operands(struct copy *copy, int count, char **words,
                  int (*one)(struct copy *copy, const char *from, const char *to));
/* Returns whether -u keeps the old file: it is not older. -u is not about directories (GNU). */
bool copy_keeps(const struct copy *copy, struct path *from, struct path *old);
/* Returns 1 if -i allows that the file `to` is replaced, 0 if it stays, or an errno. */
int copy_may_replace(struct copy *copy, struct path *old, const char *to);
/* Returns true if there is something of that name, even a link without a target. */
bool copy_exists(struct shell *shell, const char *name);
/* Finds out whether `name`, which need not exist, is in the directory `above` or below it. */
status_t copy_is_below(struct shell *shell, const char *name, struct path *above,
                       bool *below) MUST_CHECK;

#endif

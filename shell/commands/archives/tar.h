/*
 * tar.h - the blocks of tar archives, and the operations of tar.
 *
 * Model       An archive is a sequence of members: a header block, then the content in whole
 *             blocks. A pax or GNU header before a member has values that do not fit in it. Two
 *             blocks of zeroes, or the end of the file, end the archive.
 * Safety      The bytes are hostile: numbers are checked, names are bounded, and a member is only
 *             extracted below the directory: names with `..` are refused, a leading slash is
 *             removed, and symbolic links are made after everything else, so that no member is
 *             written through one.
 * References  POSIX.1-2017, pax: "ustar Interchange Format" and "pax Interchange Format"; GNU tar's
 *             types L and K.
 */
#ifndef SHELL_COMMANDS_ARCHIVES_TAR_H
#define SHELL_COMMANDS_ARCHIVES_TAR_H

#include "shell/reading/input.h"
#include "shell/words.h"

enum { TAR_BLOCK = 512, TAR_NAME_MAX = 4095, TAR_TROUBLE = 2 };

struct tar_member {
    char name[TAR_NAME_MAX + 1], link[TAR_NAME_MAX + 1];
    char user[33], group[33];
    char type;          /* '0' file, '1' hard link, '2' symbolic link, '5' directory, ... */
    uint32_t mode, uid, gid;
    uint64_t size;      /* of the content in the archive */
    int64_t modified_s;
};

struct tar {
    struct shell *shell;
    struct path *directory; /* -C */
    bool verbose, to_output, keeps;
    uint64_t strip;         /* --strip-components */
    struct words excluded;  /* patterns of --exclude and -X */
    struct words listed;    /* names of -T */
    bool has_modified;      /* --mtime */
    int64_t modified_s;
    char **names;           /* operands */
    int count;
    bool *found;            /* which operands were found */
    int result;
    size_t list_width;      /* of owner and size in -tv */

    /* reading */
    struct input *input;
    const char *data;       /* read and not taken yet */
    size_t left;
    struct tar_member member;
    struct words links;     /* symbolic links to make at the end: name, target, ... */
    struct buffer extended; /* the content of a pax or GNU header */

    struct stream *out;     /* writing */
};

/* Decodes a header into tar->member, except a name that a header before it gave. Returns 1, 0 for a
 * block of zeroes, or -EUCLEAN if its checksum differs. */
int tar_decode(struct tar_member *member, const uint8_t block[TAR_BLOCK]);
/* Encodes a header. Returns false if a value does not fit. */
bool tar_encode(const struct tar_member *member, uint8_t block[TAR_BLOCK]);
/* Applies the records "LENGTH KEY=VALUE\n" of a pax header. Returns false if they are invalid. */
bool tar_apply_pax(struct tar_member *member, const char *text, size_t bytes);

/* -t and -x: read tar->input, and list or extract its members. */
status_t tar_read(struct tar *tar, bool extracts) MUST_CHECK;
/* -c: writes the operands to tar->out. */
void tar_write(struct tar *tar);
/* Prints a member: its name, or with `long_form` a line as that of `ls -l`. */
void tar_list(struct tar *tar, struct stream *out, const struct tar_member *member,
              bool long_form);
/* Collects the patterns of --exclude and -X, and the names of -T. Returns false after an error
 * message. */
bool tar_collect(struct tar *tar);
/* Returns whether a pattern matches the name, a directory that contains it, or the end of one of
 * these after a slash. */
bool tar_excludes(const struct tar *tar, const char *name);
/* Sets the owner of a member as --owner and --group ask. */
void tar_set_owner(const struct tar *tar, struct tar_member *member);
/* Reports "tar: NAME: reason" and sets the result. */
void tar_fail(struct tar *tar, const char *name, status_t status);

#endif

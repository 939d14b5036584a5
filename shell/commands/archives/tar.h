/*
 * tar.h - the blocks of tar archives, and the operations of tar.
 *
 * Model       An archive is a sequence of members: a header block, then the content in whole
 *             blocks. A pax or GNU header before a member has values that do not fit in it. Two
 *             blocks of zeroes, or the end of the file, end the archive. It may be packed by
 *             gzip.
 * Safety      The bytes are hostile: numbers are checked, names are bounded, and a member is only
 *             extracted below the directory: names with `..` are refused, a leading slash is
 *             removed, and symbolic links are made after everything else, so that no member is
 *             written through one.
 * Sparse      The content of a sparse file is only the areas that are not zeroes. `map` has their
 *             offsets and lengths.
 * Files       tar_header.c one header; tar_input.c the members of an archive; tar_map.c and
 *             tar_sparse.c sparse files; tar_read.c -t and -x; tar_extract.c what a member becomes;
 *             tar_write.c -c; tar_select.c which members; tar_owner.c the values that options give
 *             to them.
 * References  POSIX.1-2017, pax: "ustar Interchange Format" and "pax Interchange Format"; GNU tar
 *             manual: "Basic Tar Format", "Storing Sparse Files".
 */
#ifndef SHELL_COMMANDS_ARCHIVES_TAR_H
#define SHELL_COMMANDS_ARCHIVES_TAR_H

#include "lib/deflate/deflate.h"
#include "shell/commands/archives/unpack.h"
#include "shell/words.h"

enum { TAR_BLOCK = 512, TAR_NAME_MAX = 4095, TAR_TROUBLE = 2, TAR_AREAS_MAX = 65536 };

struct tar_member {
    char name[TAR_NAME_MAX + 1], link[TAR_NAME_MAX + 1];
    char user[33], group[33];
    char type;          /* '0' file, '1' hard link, '2' symbolic link, '5' directory, ... */
    uint32_t mode, uid, gid;
    uint64_t size;      /* of the content in the archive */
    int64_t modified_s;
    bool sparse;
    bool map_in_content; /* of a sparse file */
    uint64_t full_size, area_offset; /* of a sparse file; of its area whose length is next */
};

/* An area of a sparse file that has content. */
struct tar_area {
    uint64_t offset, bytes;
};

struct tar {
    struct shell *shell;
    struct path *directory; /* where names are relative to: -C */
    const struct option_value *next_directory; /* of -C, not entered yet */
    bool verbose, to_output, keeps, absolute, keeps_times;
    bool wildcards;         /* operands are patterns */
    bool warned;            /* that a slash was removed */
    uint64_t strip;         /* --strip-components */
    struct words excluded;  /* patterns of --exclude and -X */
    struct words excluded_names; /* those after --no-wildcards */
    struct words listed;    /* names of -T */
    bool has_modified;      /* --mtime */
    int64_t modified_s;
    char **names;           /* operands */
    int count;
    bool *found;            /* which operands were found */
    int result;
    size_t list_width;      /* of owner and size in -tv */

    /* reading */
    struct unpack input;
    const char *data;       /* read and not taken yet */
    size_t left;
    uint64_t taken_bytes;
    bool began, skips;      /* a header was found; the last block was an invalid one */
    struct tar_member member;
    struct buffer map;      /* of a sparse member: struct tar_area */
    struct words links;     /* symbolic links to make at the end: name, target, ... */
    struct words directories; /* times to set at the end: name, seconds, ... */
    struct buffer extended; /* the content of a pax or GNU header */

    /* writing */
    struct stream *out;
    struct gzipper *gzipper; /* NULL: not packed */
};

/* ---- tar_header.c ------------------------------------------------------------------------- */

/* Decodes a header into tar->member, except a name that a header before it gave. Returns 1, 0 for a
 * block of zeroes, or -EUCLEAN if its checksum differs. */
int tar_decode(struct tar_member *member, const uint8_t block[TAR_BLOCK]);
/* Decodes an octal number, or a binary one (GNU). */
int64_t tar_decode_number(const uint8_t *field, size_t bytes);
/* Encodes a header. Returns false if a value does not fit. */
bool tar_encode(const struct tar_member *member, uint8_t block[TAR_BLOCK]);
/* Applies the records "LENGTH KEY=VALUE\n" of a pax header; `map` gets the areas of a sparse file.
 * Returns false if they are invalid. */
bool tar_apply_pax(struct tar_member *member, struct buffer *map, const char *text, size_t bytes);

/* ---- tar_input.c -------------------------------------------------------------------------- */

/* What headers before a member gave, kept until its own header is read. */
struct tar_pending {
    struct buffer pax, name, link;
};

/* Shows at most `bytes` of what follows, and takes it. Returns how many, 0 at the end, or an
 * errno. */
ssize_t tar_take(struct tar *tar, uint64_t bytes, const char **data) MUST_CHECK;
/* Takes all of the bytes. Returns 1, 0 if the archive ended before the first, -ENODATA if it ended
 * within them, or an errno. `to` may be NULL. */
int tar_take_all(struct tar *tar, void *to, uint64_t bytes) MUST_CHECK;
/* Skips what is left of a content, and the padding of its last block. */
status_t tar_skip_content(struct tar *tar, uint64_t left, uint64_t size) MUST_CHECK;
/* Reads the headers of the next member. Returns 1, 0 at the end of the archive, or an errno. */
int tar_next_member(struct tar *tar, struct tar_pending *pending) MUST_CHECK;

/* ---- tar_map.c, tar_sparse.c -------------------------------------------------------------- */

/* Adds an area to the map. Returns false if it overlaps the one before, or is beyond any file. */
bool tar_add_area(struct buffer *map, uint64_t offset, uint64_t bytes);
size_t tar_area_count(const struct buffer *map);
struct tar_area tar_area_at(const struct buffer *map, size_t number);
/* Reads the map at the start of a member's content. *left is what is not read. */
status_t tar_read_content_map(struct tar *tar, uint64_t *left) MUST_CHECK;
/* Copies the content of a sparse member to a file, or to standard output. */
status_t tar_copy_sparse(struct tar *tar, struct file *file, uint64_t *left) MUST_CHECK;

/* ---- the operations ----------------------------------------------------------------------- */

/* -t and -x: read tar->input, and list or extract its members. */
status_t tar_read(struct tar *tar, bool extracts) MUST_CHECK;
/* Extracts the member, and takes what it needs of its content. */
status_t tar_extract(struct tar *tar, uint64_t *left) MUST_CHECK;
/* Makes the symbolic links and sets the times of directories, last of all. */
void tar_extract_rest(struct tar *tar);
/* -c: writes the operands to tar->out. */
void tar_write(struct tar *tar);
/* Prints a member: its name, or with `long_form` a line as that of `ls -l`. */
void tar_list(struct tar *tar, struct stream *out, const struct tar_member *member,
              const char *name, bool long_form);

/* ---- tar_select.c, tar_owner.c ------------------------------------------------------------ */

/* Enters the directories of -C that were given before operand number `operand`. Returns false after
 * an error message. */
bool tar_enter(struct tar *tar, int operand);
/* Collects the patterns of --exclude and -X, and the names of -T. Returns false after an error
 * message. */
bool tar_collect(struct tar *tar);
/* Returns whether a pattern matches the name, a directory that contains it, or the end of one of
 * these after a slash. */
bool tar_excludes(const struct tar *tar, const char *name);
/* Returns whether an operand names the member, or a directory that contains it; or if there are no
 * operands. */
bool tar_is_wanted(struct tar *tar, const char *name);
/* Returns the name without the part up to a last `..` and slashes at its start, with a warning the
 * first time; unchanged with -P. */
const char *tar_safe_name(struct tar *tar, const char *name);
/* Returns the name without the elements that --strip-components removes; NULL: nothing is left. */
const char *tar_strip_name(const struct tar *tar, const char *name);
/* Sets the owner, time and mode of a member as the options ask. */
void tar_set_owner(const struct tar *tar, struct tar_member *member);
/* Applies a mode as chmod does: octal, or as in "u=rw,go+X". Returns false if it is not one. */
bool tar_apply_mode(const char *text, bool directory, uint32_t *mode);
/* Reports "tar: NAME: reason" and sets the result. */
void tar_fail(struct tar *tar, const char *name, status_t status);

#endif

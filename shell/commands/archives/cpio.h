/*
 * cpio.h - the members of cpio archives, and the operations of cpio.
 *
 * Model       An archive is a sequence of members: a header, a name, a content. One with the name
 *             "TRAILER!!!" ends it. In the forms newc and crc, names and contents are padded to
 *             four bytes; odc has no padding. Of several names of one file, only the last has the
 *             content in newc. An archive that is read may be packed by gzip.
 * Safety      The bytes are hostile: numbers are checked, names are bounded, and a member is only
 *             extracted below the directory: names with `..` are refused, a leading slash is
 *             removed, and symbolic links are made after everything else, so that no member is
 *             written through one.
 * Files       cpio_header.c one header; cpio_read.c -i and -t; cpio_make.c what a member becomes,
 *             for -i and -p; cpio_write.c -o and -p; cpio.c the command.
 * References  GNU cpio manual, "File Formats"; the Linux kernel's "initramfs buffer format";
 *             POSIX.1-2017, pax: "cpio Interchange Format" (odc).
 */
#ifndef SHELL_COMMANDS_ARCHIVES_CPIO_H
#define SHELL_COMMANDS_ARCHIVES_CPIO_H

#include "shell/commands/archives/unpack.h"
#include "shell/words.h"

enum {
    CPIO_NAME_MAX = 4095,
    CPIO_HEADER_MAX = 110,
    CPIO_BLOCK = 512,
    CPIO_TROUBLE = 2,
};

enum cpio_form { CPIO_ODC, CPIO_NEWC, CPIO_CRC };

/* member.mode */
enum {
    CPIO_TYPE = 0170000,
    CPIO_DIRECTORY = 0040000,
    CPIO_FILE = 0100000,
    CPIO_LINK = 0120000,
};

struct cpio_member {
    enum cpio_form form;
    char name[CPIO_NAME_MAX + 1];
    char link[CPIO_NAME_MAX + 1]; /* of a symbolic link: its content */
    uint32_t mode, uid, gid, links;
    uint64_t number, device;      /* what the names of one file have in common */
    uint64_t size;
    int64_t modified_s;
    uint32_t sum;                 /* of the bytes, in the form crc */
    size_t name_bytes;            /* with the NUL */
};

struct cpio {
    struct shell *shell;
    struct path *directory; /* where members are made */
    bool lists, makes_parents, keeps_times, replaces, verbose, absolute, to_output, excludes;
    bool follows;           /* -L */
    struct words patterns;
    int result;
    struct cpio_member member;
    uint64_t bytes;         /* read from, or written to, the archive */
    bool warned;            /* that a slash was removed */
    struct words links;     /* symbolic links to make at the end: name, target, ... */
    struct words waiting;   /* names without content: name, "NUMBER DEVICE", ... */

    /* Shows the next piece of the member's content. Returns its length, 0 at the end, or an
     * errno. */
    ssize_t (*content)(struct cpio *cpio, const char **data);

    /* reading */
    struct unpack input;
    const char *data;       /* read and not taken yet */
    size_t left;
    uint64_t content_left;
    uint32_t sum;           /* of the content so far */

    /* writing */
    struct stream *out;
    enum cpio_form form;
    struct file *file;      /* whose content is the member's */
    char piece[CPIO_BLOCK];
};

/* ---- cpio_header.c ------------------------------------------------------------------------ */

/* Returns the size of a header that begins with these six bytes, 0 if none does. */
size_t cpio_header_bytes(const char magic[6], enum cpio_form *form);
/* Decodes a header of member->form. Returns false if a number is not valid. */
bool cpio_decode(struct cpio_member *member, const char *header);
/* Encodes a header. Returns its size; 0 if a value does not fit. */
size_t cpio_encode(const struct cpio_member *member, char header[CPIO_HEADER_MAX + 1]);
/* Returns how many zeros follow this number of bytes of a header and name, or of a content. */
unsigned cpio_padding(enum cpio_form form, uint64_t bytes);

/* ---- the operations ----------------------------------------------------------------------- */

/* -i and -t: reads an archive. -EUCLEAN if it is damaged, -ENODATA if it ends too early. */
status_t cpio_read(struct cpio *cpio) MUST_CHECK;
/* Makes the member under this name: a file, a directory or a link. -EUCLEAN and -ENODATA are of its
 * content; other errors are reported. */
status_t cpio_make(struct cpio *cpio, const char *name) MUST_CHECK;
/* Makes the symbolic links, last of all, and files whose content has not come. */
void cpio_make_rest(struct cpio *cpio);
/* -o: writes the files that a list names; -p: makes them below `directory`. */
status_t cpio_write(struct cpio *cpio, struct input *list) MUST_CHECK;
status_t cpio_pass(struct cpio *cpio, struct input *list) MUST_CHECK;
/* Reports "cpio: NAME: reason" and sets the result. */
void cpio_fail(struct cpio *cpio, const char *name, status_t status);

#endif

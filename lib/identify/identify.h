/*
 * identify.h - which format bytes are in: file systems, partition tables, images, archives, files.
 *
 *   identify.c  the table of signatures and the search
 *   checks.c    checks for formats whose signature proves little
 *   window.c    reads the source
 *
 * Signatures are entries of one table (offset, bytes, kind, name). `mount`, `volinfo`, the monitor
 * and `file` all use it, so a format has one name everywhere.
 *
 * Model       The source is read in windows of 2 KiB around the offsets of the table, in ascending
 *             order and never past its end: a dozen windows, and up to 200 with a long volume
 *             recognition sequence. An unreadable window matches no signature; the others are still
 *             read, and `status` keeps the first error.
 * Locking     None: a struct identify belongs to one thread.
 * Ownership   Names and MIME types are static. A struct identify is over 2 KiB: allocate it.
 * References  Each format's own; ECMA-167 2/8 and 3/9 for the volume recognition sequence; UEFI 5.3
 *             for GPT.
 * Status      Labels, versions and sizes are not decoded. Formats without a signature, or with one
 *             only at a variable offset, are not identified.
 */
#ifndef LIB_IDENTIFY_IDENTIFY_H
#define LIB_IDENTIFY_IDENTIFY_H

#include <stdbool.h>
#include "lib/bytes.h"
#include "lib/status.h"

/* In the order in which they are reported. */
enum identity_kind {
    IDENTITY_VOLUME,     /* a file system, or a container of volumes */
    IDENTITY_PARTITIONS, /* a partition table or a boot sector */
    IDENTITY_IMAGE,      /* an image of a disc or a disk */
    IDENTITY_ARCHIVE,    /* an archive or compressed data */
    IDENTITY_FILE,       /* any other file format */
};

struct identity {
    enum identity_kind kind;
    const char *name; /* "ext4 file system", "PNG image data" */
    const char *mime; /* "image/png" */
    unsigned order;   /* in the table */
};

struct identify_source {
    /* Reads at offset. Returns the bytes read, 0 past the end, or an errno if it read none. */
    ssize_t (*read)(struct identify_source *source, uint64_t offset, void *buffer, size_t bytes);
    uint64_t size_bytes;
};

/* Parts of a device in which any system looks for signatures: the farthest are VMFS's, 2 MiB after
 * the beginning, and those of Promise RAID, 3087 sectors before the end. */
enum { IDENTIFY_HEAD_BYTES = 4 << 20, IDENTIFY_TAIL_BYTES = 2 << 20 };

enum { IDENTIFY_WINDOW_BYTES = 2048, IDENTITIES_MAX = 6 };

struct identify {
    struct identify_source *source;
    unsigned count;  /* of found */
    status_t status; /* 0, or the first error of reading the source */
    struct identity found[IDENTITIES_MAX]; /* in the order of the table: by kind */
    /* window.c's */
    uint64_t window_at;
    size_t window_bytes;
    uint8_t window[IDENTIFY_WINDOW_BYTES];
};

/* Fills identify->found with the formats that the source has signatures of. Returns 0, with read
 * errors in identify->status; -EINTR if reading was interrupted. */
status_t identify(struct identify *identify, struct identify_source *source) MUST_CHECK;

/* Stores the name of the first format found and of all others of its kind, such as "ISO 9660 file
 * system, UDF file system"; with `all`, those of partition tables too. "" if none was found. */
void identify_text(const struct identify *identify, bool all, char *text, size_t bytes);

#endif

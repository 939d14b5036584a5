/*
 * medium.h - decoding what the medium holds.
 *
 *   iso9660.h     field offsets of descriptors and directory records, and the standard's numbers
 *   medium.c      reads through the metadata cache; counts anomalies
 *   scan.c        directory records, in order
 *   stamp.c       dates
 *   susp.c        system use entries: Rock Ridge
 *   names.c       identifiers to names
 *   attributes.c  what a record says about its node
 *   session.c     where the sessions of a disc or an image begin
 *
 * Bytes are decoded by checked readers, never overlaid by structs. Every length is checked against
 * what remains before it is used, and every loop has a budget (budgets.h).
 */
#ifndef FS_CDFS_MEDIUM_MEDIUM_H
#define FS_CDFS_MEDIUM_MEDIUM_H

#include "fs/cdfs/medium/iso9660.h"
#include "kernel/dev/device.h"
#include "kernel/vfs/cache/cache.h"
#include "kernel/vfs/fsd.h"
#include "lib/charset/charset.h"

struct cdfs;

/* ---- medium.c ----------------------------------------------------------------------------- */

/* Invalid but harmless structures, counted in struct cdfs. */
enum cdfs_anomaly {
    ANOMALY_BOTH_ENDIAN,    /* the two halves of a number differ */
    ANOMALY_TERMINATOR,     /* a descriptor set without a terminator */
    ANOMALY_VOLUME_SIZE,    /* a volume larger than the device */
    ANOMALY_RECORD,         /* an invalid directory record: the rest of its sector is skipped */
    ANOMALY_DIRECTORY_SIZE, /* a directory's size is not a multiple of the sector */
    ANOMALY_SECTIONS,       /* the last section of a file is missing */
    ANOMALY_SUSP_ENTRY,     /* a system use entry longer than its area */
    ANOMALY_CONTINUATION,   /* a continuation area out of range, too long, or too many */
    ANOMALY_ROCK_RIDGE,     /* a Rock Ridge entry with invalid fields */
    ANOMALY_NAME,           /* characters were replaced, or equal names numbered */
    ANOMALY_BUDGET,         /* a directory with too many entries */
    ANOMALY_OVERLAP,        /* a directory that runs into another one, where it is cut */
    ANOMALY_OTHER_VOLUME,   /* a file whose record names another disc */
    ANOMALY_DESCRIPTORS,    /* too many volume descriptors */
    ANOMALY_OUTSIDE,        /* an extent beyond the volume, but on the device */
    ANOMALY_COUNT,
};

/* Reads exactly `bytes` from the device. -EIO if it ends before them, or the device's error. */
status_t cdfs_read(struct cdfs *cdfs, uint64_t address, void *buffer, size_t bytes) MUST_CHECK;
/* Counts an anomaly in the ledger. */
void cdfs_anomaly(struct cdfs *cdfs, enum cdfs_anomaly anomaly);

/* ---- scan.c ------------------------------------------------------------------------------- */

/* A directory record (9.1) that was checked: its lengths agree with each other and its sector. */
struct cdfs_record {
    uint64_t address;      /* of the record, in bytes from the start of the device */
    uint64_t data_address; /* of the extent's first byte, after the extended attributes */
    uint32_t data_bytes;
    unsigned flags, unit_blocks, gap_blocks, sequence_number;
    struct bytes identifier, system_use; /* in raw[] */
    uint8_t raw[255];
};

/* A scan over the records from `address` to `end`. It belongs to one thread. */
struct cdfs_scan {
    struct cdfs *cdfs;
    uint64_t address, end;
    unsigned skipped;       /* invalid records, each with the rest of its sector */
    struct cache_view view; /* of the current sector; .page is NULL before the first one */
    uint64_t view_address;
};

void cdfs_scan_begin(struct cdfs_scan *scan, struct cdfs *cdfs, uint64_t address, uint64_t end);
/* Returns 1 and the next record, 0 at the end, or an errno if a sector cannot be read. */
int cdfs_scan_next(struct cdfs_scan *scan, struct cdfs_record *record) MUST_CHECK;
void cdfs_scan_end(struct cdfs_scan *scan);

/* Reads the record at this address. -EUCLEAN if there is none. */
status_t cdfs_record_at(struct cdfs *cdfs, uint64_t address,
                        struct cdfs_record *record) MUST_CHECK;
/* Decodes `raw` into *record, which holds a copy. Returns false if it is not a record. */
bool cdfs_record_decode(struct cdfs *cdfs, struct bytes raw, uint64_t address,
                        struct cdfs_record *record);
/* Returns whether the record directly before this one is its associated file (9.1.6 bit 2; 9.3
 * orders them). `before` is scratch. */
bool cdfs_record_is_associated(struct cdfs *cdfs, const struct cdfs_record *record,
                               struct cdfs_record *before);
/* "." and ".." have identifiers of one byte, 0 and 1 (6.8.2.2). */
bool cdfs_record_is_self(const struct cdfs_record *record);
bool cdfs_record_is_parent(const struct cdfs_record *record);
bool cdfs_record_is_dot(const struct cdfs_record *record); /* either of them */
/* Returns whether a supplementary descriptor is Joliet's: version 1, with the escape sequence of
 * UCS-2 level 1, 2 or 3. */
bool cdfs_descriptor_is_joliet(struct bytes b);

/* ---- stamp.c ------------------------------------------------------------------------------ */

enum cdfs_stamp_kind {
    STAMP_NONE,    /* not recorded */
    STAMP_SHORT,
    STAMP_SECONDS,
    STAMP_INVALID, /* recorded, but not a date */
};

enum { STAMP_SHORT_BYTES = 7, STAMP_LONG_BYTES = 17 };

/* A date as it was recorded. It is converted only when it is asked for, which most never are. */
struct cdfs_stamp {
    uint8_t kind;                    /* enum cdfs_stamp_kind */
    uint8_t date[STAMP_SHORT_BYTES]; /* STAMP_SHORT: 9.1.5; STAMP_SECONDS: the low bytes of the
                                      * seconds since 1970, little-endian */
};

/* Converts a date of 17 bytes (8.4.26.1) to seconds since 1970. Returns false if it is invalid or
 * not recorded. */
bool cdfs_time_long(struct bytes b, size_t offset, int64_t *seconds);
/* Returns the date at `offset`, of 7 or of 17 bytes. */
struct cdfs_stamp cdfs_stamp_make(struct bytes b, size_t offset, size_t width);
/* Converts to seconds since 1970. Returns false if it is invalid or not recorded. */
bool cdfs_stamp_seconds(const struct cdfs_stamp *stamp, int64_t *seconds);

/* ---- susp.c ------------------------------------------------------------------------------- */

/* From ZF: the content is packed. */
struct cdfs_zisofs {
    unsigned version;      /* 1 or 2; 0 if it is not packed */
    uint32_t header_bytes;
    unsigned block_log2;
    uint64_t size_bytes;   /* unpacked */
};

/* The Rock Ridge fields of a record. Allocate it on the heap: it is 5 KiB. */
struct cdfs_rock {
    bool has_name, has_mode, has_link, has_child, has_parent, relocated, sparse;
    struct cdfs_zisofs zisofs;
    uint32_t mode, links, uid, gid;
    uint64_t device_number;
    struct cdfs_stamp created, modified, accessed, changed;
    uint64_t child_address; /* from CL: of the directory that is shown in place of this record */
    size_t name_length, target_length;
    bool component_continues, target_rooted;
    char name[NAME_BYTES_MAX + 1];
    char target[PATH_BYTES_MAX + 1];
};

/* Clears *rock and fills it from the record's system use area and its continuations. Invalid ones
 * are anomalies. An errno if a continuation cannot be read: *rock then holds what preceded it,
 * which may be part of a name or target. */
status_t cdfs_rock_read(struct cdfs *cdfs, const struct cdfs_record *record,
                        struct cdfs_rock *rock) MUST_CHECK;
/* Returns in *relocated whether the directory at this address has a PL entry in its "..", as only
 * relocated directories do. -ENOMEM. `record` and `rock` are scratch. */
status_t cdfs_is_relocated(struct cdfs *cdfs, uint64_t address, struct cdfs_record *record,
                           struct cdfs_rock *rock, bool *relocated) MUST_CHECK;
/* Returns whether the root's "." record has an SP entry, which says that SUSP applies, and stores
 * the number of bytes before the entries of each record in *skip. */
bool cdfs_susp_detect(const struct cdfs_record *root_dot, unsigned *skip);

/* ---- names.c ------------------------------------------------------------------------------ */

struct cdfs_name {
    size_t length;
    int version; /* n of `;n`, or -1 */
    char text[NAME_BYTES_MAX + 1];
};

/* Makes the name that is shown in this tree: UTF-8, without `;n` and a bare trailing dot, never
 * empty, `.` or `..`, without NUL and `/`. `rock` may be NULL. */
void cdfs_name_make(struct cdfs *cdfs, const struct cdfs_record *record,
                    const struct cdfs_rock *rock, struct cdfs_name *name);
/* Splits `NAME;n`. Returns the length without `;n` and a trailing dot; *version is n, or -1. */
size_t cdfs_name_split(const char *name, size_t length, int *version);
/* Returns the charset of a name in bytes: the one that the mount asks for; else Latin-1 for a name
 * outside Rock Ridge that is not UTF-8; else NULL for UTF-8, with `_` for invalid bytes. */
const struct charset *cdfs_name_charset(const struct cdfs *cdfs, bool rock, const char *name,
                                        size_t length);
/* Converts big-endian UCS-2 (with surrogate pairs) to UTF-8, at most `bytes`. Returns the length;
 * sets *replaced if half a pair became `_`. */
size_t cdfs_name_from_ucs2(struct bytes identifier, char *text, size_t bytes, bool *replaced);

/* ---- attributes.c ------------------------------------------------------------------------- */

/* What a record says about its node. It is kept for each entry of an indexed directory, so it is
 * small. */
struct cdfs_attributes {
    uint64_t size_bytes;     /* of the unpacked content, or of a link's target */
    uint64_t address;        /* of the content's first byte */
    uint64_t device_number;
    struct cdfs_stamp created, modified, accessed, changed;
    uint32_t mode, links, uid, gid;
    bool has_mode, hidden;
    bool associated;         /* an associated file precedes it */
    bool simple;             /* the node needs no other record, no unpacking and no other disc */
    uint8_t type;            /* enum node_type */
};

void cdfs_attributes_make(const struct cdfs *cdfs, const struct cdfs_record *record,
                          const struct cdfs_rock *rock, struct cdfs_attributes *attributes);
/* Returns false if further records belong to the node: more sections, or a relocated directory. */
bool cdfs_attributes_are_complete(const struct cdfs_record *record, const struct cdfs_rock *rock);
/* Stores the attributes in *info, which keeps its id. */
void cdfs_attributes_report(const struct cdfs_attributes *attributes, unsigned levels,
                            struct node_info *info);

/* ---- session.c ---------------------------------------------------------------------------- */

/* Finds session->number, or the last one for 0, whose number is then stored: in the drive's table
 * of contents, else on the medium itself. A medium without sessions is one session. -ENOENT if it
 * has fewer. */
status_t cdfs_session_find(struct cdfs *cdfs, struct device_session *session) MUST_CHECK;

#endif

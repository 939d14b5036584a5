/*
 * cdfs.h - what the files of fs/cdfs share.
 *
 *   volume.c   descriptors, choice of the name tree, mount and dismount
 *   session.c  where the sessions of a disc or an image begin
 *   scan.c     directory records, one after another
 *   stamp.c    dates
 *   susp.c     system use entries: Rock Ridge
 *   names.c    identifiers to names
 *   facts.c    what a record says of its node
 *   index.c    a directory's entries in memory: unique names, look-up
 *   directory.c the slots that look into a directory
 *   node.c     vnodes: extents, links
 *   data.c     a file's bytes, straight from the disc into the cache's pages
 *   small.c    small files that lie side by side, fetched and kept together
 *   describe.c all of it in words
 *   worker.c   a file's bytes that need work: gathered, or unpacked by zisofs.c
 *
 * Trees       A mount shows one of four: plain, Rock Ridge (plain records with better names),
 *             Joliet, or enhanced (ISO 9660:1999: longer plain names). Vnode ids are the byte
 *             address of the (first) directory record with the tree in bits 62-63, so they never
 *             collide and survive a reboot; the root is VNODE_ROOT.
 * Metadata    Directories, continuation areas and descriptors are read through one cache over the
 *             device (`meta`), so looking at a record again costs no command.
 * Anomalies   What is wrong but harmless is tolerated and counted in the ledger.
 * Locking     A mounted cdfs does not change but for the ledger (atomics), what it remembers of the
 *             last look-up and of small files (under `index_lock`), and each directory's index,
 *             which is installed under that lock, too, and freed again when memory is wanted.
 */
#ifndef FS_CDFS_CDFS_H
#define FS_CDFS_CDFS_H

#include "fs/cdfs/iso9660.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/cache/cache.h"
#include "kernel/vfs/fsd.h"
#include "lib/charset.h"

enum cdfs_tree { TREE_PLAIN, TREE_ROCK_RIDGE, TREE_JOLIET, TREE_ENHANCED, TREE_COUNT };

enum cdfs_anomaly {
    ANOMALY_BOTH_ENDIAN,   /* the two halves of a number differ */
    ANOMALY_TERMINATOR,    /* the descriptor set has no end */
    ANOMALY_VOLUME_SIZE,   /* larger than the device */
    ANOMALY_RECORD,        /* a directory record that is none: the rest of its sector is skipped */
    ANOMALY_DIRECTORY_SIZE, /* no multiple of the sector */
    ANOMALY_SECTIONS,      /* the last section of a file is missing */
    ANOMALY_SUSP_ENTRY,    /* a system use entry longer than its area */
    ANOMALY_CONTINUATION,  /* continuation area out of range, too long, or too many */
    ANOMALY_ROCK_RIDGE,    /* an entry whose fields make no sense */
    ANOMALY_NAME,          /* characters were replaced, or equal names told apart */
    ANOMALY_BUDGET,        /* a directory with too many entries */
    ANOMALY_OVERLAP,       /* a directory that runs into another one: it ends there */
    ANOMALY_OTHER_VOLUME,  /* a file whose record names another disc */
    ANOMALY_DESCRIPTORS,   /* more volume descriptors than are looked at */
    ANOMALY_OUTSIDE,       /* an extent beyond the volume, but on the device */
    ANOMALY_COUNT,
};

/* A date as it was recorded: many are never asked for. */
struct cdfs_stamp {
    uint8_t kind;    /* enum cdfs_stamp_kind */
    uint8_t date[7]; /* STAMP_SHORT: 9.1.5; STAMP_SECONDS: since 1970, little-endian */
};

enum cdfs_stamp_kind {
    STAMP_NONE,    /* not recorded */
    STAMP_SHORT,
    STAMP_SECONDS,
    STAMP_INVALID, /* recorded, but no date */
};

/* What a record says of its node. Kept for each entry of a directory that is looked into, so it is
 * small. */
struct cdfs_facts {
    uint64_t size_bytes;     /* of the content: unpacked; a link's target */
    uint64_t address;        /* of the content's first byte */
    uint64_t device_number;
    struct cdfs_stamp created, modified, accessed, changed;
    uint32_t mode, links, uid, gid;
    bool has_mode, hidden, associated; /* an associated file comes before it */
    bool plain;              /* the node can be made of them: no other record, no packing */
    uint8_t type;            /* enum node_type */
};

/* The last look-up's: the vnode that is made next is nearly always this one. */
struct cdfs_found {
    vnode_id_t id;
    struct cdfs_facts facts; /* plain ones */
};

/* Small files, and how far they were opened one behind the other. */
struct cdfs_small {
    struct cache cache;    /* the device; what follows is under index_lock */
    uint64_t first, next;  /* device address of the row's first one, and behind the last one */
    uint32_t files;        /* in the row */
    uint64_t ahead_end;    /* read ahead up to here */
    uint32_t window_bytes; /* by this much; 0: nothing yet */
};

struct cdfs {
    struct fsd fsd;
    struct cache meta;       /* the device, in logical sectors */
    uint64_t device_bytes;
    uint64_t session_address; /* where the session begins whose descriptors count */
    uint32_t block_bytes;    /* logical block: 512, 1024 or 2048 */
    uint64_t volume_blocks;
    unsigned set_size, sequence_number; /* of the volume set: discs, and which one this is */
    enum cdfs_tree tree;
    const struct charset *charset; /* of names in bytes; NULL: not asked for (names.c) */
    bool high_sierra;        /* the plain tree's records are of that older kind */
    unsigned susp_skip;      /* SP: bytes before system use entries */
    uint8_t root_record[PVD_ROOT_RECORD_BYTES];
    uint64_t root_record_address, root_address; /* of its record; of its first sector */
    char volume_name[128];
    struct spin index_lock;  /* rank CACHE: the nodes' index pointers, `found`, `small` */
    struct cdfs_found found;
    struct cdfs_small small;
    struct cdfs_worker *worker; /* NULL until a file needs one; under worker_lock */
    struct mutex worker_lock;   /* rank FSD */
    _Atomic uint64_t last_serial;
    _Atomic uint64_t last_directory; /* address of that which was fetched last */
    struct cdfs_node_maker *_Atomic spare_maker; /* node.c's; NULL: none */
    _Atomic uint32_t anomalies[ANOMALY_COUNT];
};

static inline struct cdfs *cdfs_of(struct fsd *fsd)
{
    return fsd->private_data;
}

/* ---- medium.c ----------------------------------------------------------------------------- */

/* Reads exactly `bytes` from the device. -EIO if it ends before them, or the device's error. */
status_t cdfs_read(struct cdfs *cdfs, uint64_t address, void *buffer, size_t bytes) MUST_CHECK;
/* Counts an anomaly in the ledger. */
void cdfs_anomaly(struct cdfs *cdfs, enum cdfs_anomaly anomaly);

/* ---- session.c ---------------------------------------------------------------------------- */

/* Finds session->number (0: the last, and answered so), from the drive's table of contents or the
 * medium itself; a medium without any is one session. -ENOENT: it has fewer. */
status_t cdfs_session_find(struct cdfs *cdfs, struct device_session *session) MUST_CHECK;

/* ---- scan.c ------------------------------------------------------------------------------- */

/* A directory record, checked: its lengths fit each other and its sector. */
struct cdfs_record {
    uint64_t address; /* bytes from the start of the device */
    uint64_t data_address; /* of the extent's first byte, after the extended attributes */
    uint32_t data_bytes;
    unsigned flags, unit_blocks, gap_blocks, sequence_number;
    struct bytes identifier, system_use; /* in raw[] */
    uint8_t raw[255];
};

/* Records from `address` to `end`. One scan belongs to one thread. */
struct cdfs_scan {
    struct cdfs *cdfs;
    uint64_t address, end;
    unsigned skipped; /* invalid records, each with the rest of its sector */
    struct cache_view view; /* of the sector at hand; .page NULL: none */
    uint64_t view_address;
};

void cdfs_scan_begin(struct cdfs_scan *scan, struct cdfs *cdfs, uint64_t address, uint64_t end);
/* 1 and the next record, 0 at the end, or an errno when a sector could not be read. */
int cdfs_scan_next(struct cdfs_scan *scan, struct cdfs_record *record) MUST_CHECK;
void cdfs_scan_end(struct cdfs_scan *scan);

/* The one record at this address; -EUCLEAN when there is none. */
status_t cdfs_record_at(struct cdfs *cdfs, uint64_t address,
                        struct cdfs_record *record) MUST_CHECK;
/* Decodes `raw`; false when it is not a record. */
bool cdfs_record_decode(struct cdfs *cdfs, struct bytes raw, uint64_t address,
                        struct cdfs_record *record);
/* Is the record right before this one that of its associated file (9.1.6 bit 2, order: 9.3)? */
bool cdfs_record_is_associated(struct cdfs *cdfs, const struct cdfs_record *record,
                               struct cdfs_record *before);
/* "." or ".." (9.1.11: identifiers of one byte, 0 or 1). */
bool cdfs_record_is_dot(const struct cdfs_record *record);
/* Returns whether a supplementary descriptor is Joliet's: version 1, with the escape sequence of
 * UCS-2 level 1, 2 or 3. */
bool cdfs_descriptor_is_joliet(struct bytes b);

/* ---- stamp.c ------------------------------------------------------------------------------ */

/* 8.4.26.1: sixteen digits and an offset. Seconds since 1970; false for a date that is none. */
bool cdfs_time_long(struct bytes b, size_t offset, int64_t *seconds);

/* From a date of 7 or of 17 bytes at `offset`. */
struct cdfs_stamp cdfs_stamp_make(struct bytes b, size_t offset, size_t width);
/* False for a date that is none, or was not recorded. */
bool cdfs_stamp_seconds(const struct cdfs_stamp *stamp, int64_t *seconds);

/* ---- susp.c ------------------------------------------------------------------------------- */

/* ZF: the content is packed. */
struct cdfs_zisofs {
    unsigned version;  /* 1 or 2; 0: it is not packed */
    uint32_t header_bytes;
    unsigned block_log2;
    uint64_t size_bytes; /* unpacked */
};

/* What Rock Ridge says of a record. Large: keep it on the heap. */
struct cdfs_rock {
    bool has_name, has_mode, has_link, has_child, has_parent, relocated, sparse;
    struct cdfs_zisofs zisofs;
    uint32_t mode, links, uid, gid;
    uint64_t device_number;
    struct cdfs_stamp created, modified, accessed, changed;
    uint64_t child_address; /* CL: of the directory that stands here */
    size_t name_length, target_length;
    bool component_continues, target_rooted;
    char name[NAME_BYTES_MAX + 1];
    char target[PATH_BYTES_MAX + 1];
};

/* Clears *rock and fills it from the record's system use area and its continuations. What is wrong
 * with those is an anomaly; an errno when one could not be read: *rock then holds what came before
 * it, which may be part of a name or target. */
status_t cdfs_rock_read(struct cdfs *cdfs, const struct cdfs_record *record,
                        struct cdfs_rock *rock) MUST_CHECK;
/* Has the directory at this address a PL in its "..", which only moved ones have? -ENOMEM. `record`
 * and `rock` are scratch. */
status_t cdfs_is_relocated(struct cdfs *cdfs, uint64_t address, struct cdfs_record *record,
                           struct cdfs_rock *rock, bool *relocated) MUST_CHECK;
/* SP in the root's "." record: does SUSP apply, and how many bytes come before its entries? */
bool cdfs_susp_detect(const struct cdfs_record *root_dot, unsigned *skip);

/* ---- names.c ------------------------------------------------------------------------------ */

struct cdfs_name {
    size_t length;
    int version; /* ;n, or -1 */
    char text[NAME_BYTES_MAX + 1];
};

/* The name as shown: by the tree, UTF-8, without `;n` and a bare trailing dot, never empty, `.`,
 * `..`, and without NUL and `/`. `rock` may be NULL. */
void cdfs_name_make(struct cdfs *cdfs, const struct cdfs_record *record,
                    const struct cdfs_rock *rock, struct cdfs_name *name);
/* Splits `NAME;n` as asked for: the length without it and without a trailing dot; the version, or
 * -1. */
size_t cdfs_name_split(const char *name, size_t length, int *version);
/* What names in bytes are decoded by: the charset that the mount asks for; else, outside Rock
 * Ridge, Latin-1 for what is not UTF-8. NULL: they are UTF-8, or what is not becomes `_`. */
const struct charset *cdfs_name_charset(const struct cdfs *cdfs, bool rock, const char *name,
                                        size_t length);
/* UCS-2 big-endian to UTF-8. */
size_t cdfs_name_from_ucs2(struct bytes identifier, char *text, size_t bytes, bool *replaced);

/* ---- facts.c ------------------------------------------------------------------------------ */

void cdfs_facts_make(const struct cdfs *cdfs, const struct cdfs_record *record,
                     const struct cdfs_rock *rock, struct cdfs_facts *facts);
/* Or are there more records that have a say? */
bool cdfs_facts_are_whole(const struct cdfs_record *record, const struct cdfs_rock *rock);
/* Adds what they say to what is known, but for the id. */
void cdfs_facts_tell(const struct cdfs_facts *facts, unsigned levels, struct node_info *info);

/* ---- index.c ------------------------------------------------------------------------------ */

struct cdfs_index;

struct cdfs_index_entry {
    vnode_id_t id;
    struct cdfs_index_entry *next;      /* in the order of the directory */
    struct cdfs_index_entry *bucket_next;
    struct cdfs_index_entry *older;     /* lower versions: hidden, in no bucket */
    uint32_t hash;                      /* of the folded name */
    uint32_t renamed;                   /* the last number given to an equal name */
    uint16_t length;
    int16_t version;
    bool hidden;                        /* a lower version: found as NAME;n only */
    uint8_t type;                       /* enum node_type; NODE_NONE: only the node can tell */
    const struct cdfs_facts *facts;     /* NULL: only the node can tell */
    char name[];
};

struct cdfs_node;

/* The directory's index: a reference, built when there is none. */
status_t cdfs_index_get(struct cdfs *cdfs, struct cdfs_node *directory,
                        struct cdfs_index **index) MUST_CHECK;
void cdfs_index_put(struct cdfs_index *index); /* NULL: nothing */
/* Frees the directory's index unless it is in use; try-lock only. */
void cdfs_index_trim(struct cdfs *cdfs, struct cdfs_node *directory);
/* The entry of this name: spelt so, or differing only in case, or as NAME;n; or NULL. */
const struct cdfs_index_entry *cdfs_index_entry(struct cdfs_index *index, const char *name,
                                                size_t length);
/* The entry after `entry` (NULL: the first), hidden ones left out; NULL at the end. */
const struct cdfs_index_entry *cdfs_index_next(const struct cdfs_index *index,
                                               const struct cdfs_index_entry *entry);
/* Why the listing is not whole, or 0. */
status_t cdfs_index_status(const struct cdfs_index *index);
/* How many invalid records were skipped. */
unsigned cdfs_index_skipped(const struct cdfs_index *index);

/* ---- directory.c -------------------------------------------------------------------------- */

status_t cdfs_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                     vnode_id_t *id);
status_t cdfs_get_child_info(struct fsd *fsd, struct vnode *directory, struct element element,
                             unsigned levels, struct node_info *info);
size_t cdfs_actual_name(struct fsd *fsd, struct vnode *directory, struct element element,
                        char *name);
status_t cdfs_open_dir(struct fsd *fsd, struct vnode *directory, void **result);
int cdfs_read_dir(struct fsd *fsd, struct vnode *directory, void *opaque, uint64_t *position,
                  unsigned levels, struct dir_entry *entry);
void cdfs_close_dir(struct fsd *fsd, struct vnode *directory, void *opaque);

/* ---- node.c ------------------------------------------------------------------------------- */

/* A part of a file that lies in one piece on the disc, but for interleaving. */
struct cdfs_extent {
    uint64_t file_offset, address, length_bytes;
    uint32_t unit_bytes, gap_bytes; /* interleaved: 0, 0 when not */
};

struct cdfs_node {
    uint64_t serial;       /* > 0; no other node of the mount ever has it */
    struct cdfs_facts facts;
    uint64_t size_bytes;   /* on the disc: packed, if it is */
    char *target;          /* of a link */
    struct cdfs_extent first, *extents; /* extents == &first for one */
    unsigned extent_count;
    struct cdfs_zisofs zisofs;
    bool needs_work;          /* the worker makes the bytes */
    struct cdfs_index *index; /* of a directory; under index_lock */
};

status_t cdfs_get_vnode(struct fsd *fsd, struct vnode *vnode);
void cdfs_put_vnode(struct fsd *fsd, struct vnode *vnode);
void cdfs_trim_vnode(struct fsd *fsd, struct vnode *vnode);
status_t cdfs_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                       struct node_info *info);
ssize_t cdfs_read_link(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes);

/* ---- extents.c ---------------------------------------------------------------------------- */

/* Returns whether the extents can be read in whole sectors. If not, the worker gathers them. */
bool cdfs_extents_are_plain(const struct cdfs *cdfs, const struct cdfs_node *node);
/* Returns the extent that holds this byte of the file, NULL past the end. */
const struct cdfs_extent *cdfs_extent_find(const struct cdfs_node *node, uint64_t offset);
/* Copies bytes of the file as they are on the disc (packed, if they are) through the metadata cache.
 * Blocks. Returns 0, or an errno with the number of good bytes in *done. */
status_t cdfs_copy(struct cdfs *cdfs, const struct cdfs_node *node, uint64_t offset, void *buffer,
                   size_t bytes, size_t *done) MUST_CHECK;

/* ---- data.c ------------------------------------------------------------------------------- */

void cdfs_read_write(struct fsd *fsd, struct vfs_io *io);
void cdfs_finish_io(struct fsd *fsd, struct vfs_io *io);

/* ---- small.c ------------------------------------------------------------------------------ */

void cdfs_small_init(struct cdfs *cdfs);
void cdfs_small_destroy(struct cdfs *cdfs);
/* Lets the common cache hold the content of a file that is small and lies in one piece. */
void cdfs_small_hold(struct cdfs *cdfs, const struct cdfs_node *node, struct vnode *vnode);
/* Fetches what was opened, and what is likely to be next. */
status_t cdfs_open(struct fsd *fsd, struct vnode *vnode, bool write);

/* ---- describe.c --------------------------------------------------------------------------- */

/* FSD_DESCRIBE_VOLUME and FSD_DESCRIBE_NODE. */
status_t cdfs_ioctl(struct fsd *fsd, struct vnode *vnode, unsigned operation, void *argument,
                    size_t bytes);

/* ---- worker.c ----------------------------------------------------------------------------- */

/* Makes sure that the mount has its worker. */
status_t cdfs_worker_start(struct cdfs *cdfs) MUST_CHECK;
void cdfs_worker_stop(struct cdfs *cdfs);
/* Hands it an io of a vnode whose data needs work. Never waits. */
void cdfs_worker_submit(struct cdfs *cdfs, struct vfs_io *io);

/* ---- zisofs.c ----------------------------------------------------------------------------- */

struct cdfs_unpacker;

/* The worker's own; NULL when memory is out. */
struct cdfs_unpacker *cdfs_unpacker_create(void);
void cdfs_unpacker_destroy(struct cdfs_unpacker *unpacker); /* NULL: nothing */
/* Frees what it unpacked last, and the room for more. */
void cdfs_unpacker_release(struct cdfs_unpacker *unpacker);
/* Unpacks the part of the file at `offset`: *data is valid until the next call, and *bytes long
 * (up to the end of its block). -EUCLEAN when the packed data is damaged. */
status_t cdfs_unpack(struct cdfs_unpacker *unpacker, struct cdfs *cdfs,
                     const struct cdfs_node *node, uint64_t offset, const uint8_t **data,
                     size_t *bytes) MUST_CHECK;
/* Is what ZF says something that can be read? */
bool cdfs_zisofs_valid(const struct cdfs_zisofs *zisofs);

#endif

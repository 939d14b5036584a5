/*
 * fat.h - the FAT file systems: FAT12, FAT16 and FAT32, with long names.
 *
 *   boot.c       the boot sector -> struct fat_geometry
 *   medium.c     bytes of the volume
 *   table.c      the file allocation table: entries, free clusters
 *   chain.c      chains of clusters -> runs
 *   record.c     directory records: attributes, times, short and long names
 *   index.c      a directory's records by name
 *   directory.c  look-up and listing
 *   node.c       vnodes: information
 *   volume.c     mounting, the volume, the table of operations
 *   write/name.c     the short and long forms of a new name
 *   write/encode.c   directory records, as they are stored
 *   write/slots.c    the records of a directory: which are free, and where new ones are put
 *   write/space.c    free clusters: counted, allocated to nodes, given back
 *   write/content.c  reading and writing of files, sizes and times
 *   write/change.c   create, mkdir, unlink, rename
 *   write/marks.c    the marks of a volume in use
 *   write/state.c    making it writable, and read-only again
 *   tools/           make and check volumes
 *
 * Model       A volume is, in this order: reserved sectors with the boot sector, one or more copies
 *             of the table, the root directory (FAT12 and FAT16), and clusters, numbered from 2.
 *             The table has an entry for each cluster: the next one of the same file, or the end.
 *             A directory is a file of records of 32 bytes. A long name is stored in records of its
 *             own before the short one.
 * Ids         A vnode id is the byte address of the node's short record on the volume.
 *             A removed file's id is given to another one only when no file is open on it.
 * Reading     A chain is read when its file is opened, and kept as runs of consecutive clusters, so
 *             that transfers never wait for the table.
 * Writing     Structures change through kernel/vfs/layout/changes.h, one operation at a time. A
 *             file's clusters are promised when bytes are written to its cache, allocated and
 *             entered in the table when the bytes are written back, and linked to its record when
 *             the device has the bytes:
 *
 *               create        LINK    the records, in one block of the device where they fit
 *               write         NEW     entries of new clusters
 *                             LINK    the record, or the entry of the last cluster before
 *                             UNLINK  the size, if the chain was continued
 *               mkdir         NEW     the first cluster; then as create
 *               rename        LINK    the new records, or the record that is replaced, in place
 *                             UNLINK  the old records (LINK, if they are in the same block)
 *               unlink        UNLINK  the records; FREE, after the last close: the entries
 *               truncate      LINK    the record; UNLINK the chain's new end; FREE the entries
 *
 *             So a crash leaves clusters without a file, a chain that is longer than its file, or
 *             copies of the table that differ. Clusters and records are used again only after the
 *             commit of their release.
 * Hostile     Cluster numbers are checked before use. A chain ends where it returns to one of its
 *             clusters. What is wrong is counted (enum fat_anomaly), and shown by `volinfo`. A file
 *             or directory whose chain is broken cannot be written. Freeing a file frees no cluster
 *             that is free already.
 * Locking     An operation (changes_begin) has the slots of directories, `linked`, and the search
 *             for free clusters to itself. fat.lock (rank VNODE): runs, attributes, promises and
 *             indexes of nodes, the lists of unsaved and removed nodes. It is not held while the
 *             medium is read or memory is allocated.
 * References  Microsoft FAT specification 1.03 (boot sector: 3; table: 4; directories: 6, 7).
 * Status      The label is not changed. The limit of a directory is 65,536 records. exFAT is
 *             another format.
 */
#ifndef FS_FAT_FAT_H
#define FS_FAT_FAT_H

#include "kernel/vfs/layout/changes.h"
#include "kernel/vfs/layout/clusters.h"
#include "kernel/vfs/layout/name_index.h"
#include "lib/bytes.h"
#include "lib/charset/charset.h"

/* ---- budgets ------------------------------------------------------------------------------ */

enum {
    FAT_DIRECTORY_BYTES_MAX = 16 << 20, /* the specification allows 2 MiB */
    FAT_SHORT_BYTES = 12,               /* NAME.EXT */
    FAT_LONG_UNITS_MAX = 255,           /* of UTF-16 */
    FAT_NAME_BYTES_MAX = 3 * FAT_LONG_UNITS_MAX,
    FAT_DIRECTORY_RECORDS_MAX = 65536,  /* of one that grows */
    FAT_UNSAVED_BUCKETS = 512,
};

/* ---- boot.c ------------------------------------------------------------------------------- */

struct fat_geometry {
    bool marked;                  /* the boot sector has a jump and a signature */
    uint8_t media;                /* the table's first byte, too */
    unsigned bits;                /* of an entry of the table: 12, 16 or 32 */
    uint32_t sector_bytes, cluster_bytes;
    unsigned tables;              /* copies that are kept equal */
    uint64_t table_address, table_bytes;
    uint64_t root_address, root_bytes; /* FAT12 and FAT16 */
    uint32_t root_cluster;        /* FAT32 */
    uint64_t data_address;        /* of cluster 2 */
    uint32_t clusters;            /* their numbers are 2..clusters + 1 */
    uint64_t volume_bytes;
    uint64_t state_address;       /* of the byte with BOOT_STATE_DIRTY; 0: none */
    uint64_t info_address;        /* of FSInfo; 0: none */
    uint32_t serial;
    char label[FAT_SHORT_BYTES];  /* trimmed; "": none */
};

enum { FAT_BOOT_BYTES = 512, FAT_FIRST_CLUSTER = 2 };

/* Decodes the boot sector. -EMEDIUMTYPE if it is not that of a FAT volume. One that is not marked
 * proves nothing: the caller looks at the table. */
status_t fat_boot_decode(struct bytes boot, struct fat_geometry *geometry) MUST_CHECK;

/* ---- the volume --------------------------------------------------------------------------- */

enum fat_anomaly {
    FAT_ANOMALY_CHAIN_SHORT,  /* files whose chain ends before their size does */
    FAT_ANOMALY_CHAIN_LONG,   /* files whose chain continues after their end */
    FAT_ANOMALY_CHAIN_BAD,    /* chains that lead to a free, bad or impossible cluster */
    FAT_ANOMALY_CHAIN_LOOP,   /* files whose chain returns to one of its clusters */
    FAT_ANOMALY_DIRECTORY,    /* directories that loop or are longer than the limit */
    FAT_ANOMALY_RECORD,       /* invalid records */
    FAT_ANOMALY_LONG_NAME,    /* long names that do not belong to the record after them */
    FAT_ANOMALY_NAME,         /* names that had to be changed */
    FAT_ANOMALY_TABLE,        /* tables too small for the clusters */
    FAT_ANOMALIES,
};

/* The marks of a volume: not unmounted, errors met; and FSInfo's number of free clusters, which may
 * be INFO_UNKNOWN (boot.h). */
struct fat_marks {
    bool dirty, errors;
    uint32_t free;
};

struct fat {
    struct fsd fsd;
    struct fat_geometry geometry;
    struct cache cache;            /* of the device: the table and directories */
    const struct charset *charset; /* of short names */
    int64_t zone_s;                /* seconds that the volume's times are ahead of UTC */
    uint32_t block_bytes;          /* what the device writes as a whole */
    struct spin lock;
    _Atomic uint64_t free_clusters; /* of a volume that was never writable; UINT64_MAX: not counted
                                       yet */

    /* since it was writable */
    _Atomic bool writable;          /* now: it is marked as in use */
    bool marked;                    /* `marks` was read, and the volume's may be ours since */
    struct changes *_Atomic changes; /* NULL: it never was */
    struct clusters clusters;
    _Atomic bool counted;           /* the free clusters */
    _Atomic bool write_failed;
    struct fat_marks marks;         /* before it became writable */
    struct fat_marks marks_next;    /* that are being written */
    struct list *unsaved;           /* buckets of nodes that are newer than their records */
    struct list removed;            /* nodes without a name that are still in use */
    _Atomic uint32_t anomalies[FAT_ANOMALIES];
};

static inline struct fat *fat_of(struct fsd *fsd)
{
    return fsd->private_data;
}

/* medium.c */
void fat_count(struct fat *fat, enum fat_anomaly anomaly);
/* Reads bytes of the volume through the device's cache. -EIO past the end of the device. */
status_t fat_read(struct fat *fat, uint64_t address, void *memory, size_t bytes) MUST_CHECK;

static inline uint64_t fat_cluster_address(const struct fat *fat, uint32_t cluster)
{
    return fat->geometry.data_address +
           (uint64_t)(cluster - FAT_FIRST_CLUSTER) * fat->geometry.cluster_bytes;
}

static inline bool fat_cluster_exists(const struct fat *fat, uint32_t cluster)
{
    return cluster >= FAT_FIRST_CLUSTER && cluster - FAT_FIRST_CLUSTER < fat->geometry.clusters;
}

/* ---- table.c ------------------------------------------------------------------------------ */

struct fat_node;

/* Returns entry number n of a piece of the table that begins with a whole pair of entries: a value
 * of table.h, whatever the width. */
uint32_t fat_entry_decode(struct bytes table, unsigned bits, size_t n);
status_t fat_entry_read(struct fat *fat, uint32_t cluster, uint32_t *entry) MUST_CHECK;

/* Consecutive entries that change. */
struct fat_entries {
    uint32_t first, count;
    bool chained;  /* each leads to the next one, the last to `next`; else they become free */
    uint32_t next;
};

/* Changes entries, in all copies of the table. In an operation. */
status_t fat_entries_write(struct fat *fat, enum change_epoch epoch,
                           const struct fat_entries *entries) MUST_CHECK;
status_t fat_entry_write(struct fat *fat, enum change_epoch epoch, uint32_t cluster,
                         uint32_t value) MUST_CHECK;
/* clusters_ops; `first` may be any even number. */
status_t fat_clusters_load(struct clusters *clusters, uint32_t first, uint32_t count,
                           uint8_t *used);
status_t fat_clusters_free(struct clusters *clusters, uint32_t first, uint32_t count);

/* ---- chain.c ------------------------------------------------------------------------------ */

struct fat_chain {
    struct runs runs; /* the caller frees them */
    bool sound;       /* it ends as a chain should, and not before its file does */
};

/* Reads the chain that begins at a cluster. `bytes`: a file's size. A chain that ends early, loops,
 * or leads to an invalid cluster is counted; what was read until then is returned. -ENOMEM, -EINTR,
 * or the error of reading the table. */
status_t fat_chain_read(struct fat *fat, uint32_t first, uint64_t bytes, bool directory,
                        struct fat_chain *chain) MUST_CHECK;
/* Reads the node's chain into node->runs, unless that was done. */
status_t fat_node_read_chain(struct fat *fat, struct fat_node *node) MUST_CHECK;

/* ---- record.c ----------------------------------------------------------------------------- */

enum { FAT_RECORD_BYTES = 32 };

enum fat_attribute {
    FAT_READ_ONLY = 0x01,
    FAT_HIDDEN = 0x02,
    FAT_SYSTEM = 0x04,
    FAT_VOLUME = 0x08,
    FAT_DIRECTORY = 0x10,
    FAT_ARCHIVE = 0x20,
    FAT_LONG_NAME = 0x0f, /* all of the first four */
    FAT_ATTRIBUTES = 0x3f,
};

/* What a short record contains, besides its name. */
struct fat_attributes {
    uint8_t attributes;
    uint32_t cluster; /* 0: none */
    uint32_t size_bytes;
    bool has_modified, has_created, has_accessed;
    int64_t modified_s, created_s, accessed_s;
};

enum fat_record_kind {
    FAT_RECORD_END,     /* nothing follows */
    FAT_RECORD_FREE,    /* deleted */
    FAT_RECORD_LONG,    /* a part of a long name */
    FAT_RECORD_LABEL,
    FAT_RECORD_DOT,     /* "." or ".." */
    FAT_RECORD_NODE,
    FAT_RECORD_INVALID,
};

enum fat_record_kind fat_record_kind(struct bytes record);
void fat_record_attributes(const struct fat *fat, struct bytes record,
                           struct fat_attributes *attributes);
/* Decodes the short name into name[FAT_NAME_BYTES_MAX + 1], and returns its length. */
size_t fat_record_name(struct fat *fat, struct bytes record, char *name);
/* Decodes a label's name. */
void fat_record_label(struct bytes record, char label[FAT_SHORT_BYTES]);

/* Returns the short name's checksum, which each part of its long name repeats (7.2). */
uint8_t fat_short_checksum(struct bytes record);

/* Collects the parts of a long name, which come last part first. */
struct fat_long_name {
    uint16_t units[FAT_LONG_UNITS_MAX + 13];
    unsigned parts, missing; /* missing: parts that still have to come; parts 0: no name */
    uint8_t checksum;        /* of the short name that it belongs to */
};

/* Takes one part. Returns false if it does not continue the name: that name is dropped. */
bool fat_long_name_take(struct fat_long_name *name, struct bytes record);
/* Decodes the name if it is complete and belongs to the short record; returns its length, or 0. The
 * name is dropped in each case. */
size_t fat_long_name_end(struct fat *fat, struct fat_long_name *name, struct bytes record,
                         char *text);

/* ---- write/name.c ------------------------------------------------------------------------- */

enum { FAT_RAW_NAME_BYTES = 11, FAT_NAME_RECORDS_MAX = 21 };

/* The forms of a name that is to be stored. */
struct fat_name {
    uint16_t units[FAT_LONG_UNITS_MAX];
    unsigned unit_count;
    bool is_long; /* the short name is an alias, and the long one is stored too */
    uint8_t raw[FAT_RAW_NAME_BYTES]; /* the short name; of a long one, once there is an alias */
    uint8_t lower;                   /* RECORD_CASE */
};

/* Parses a name. -EINVAL if no FAT volume can hold it (control characters, `"*:<>?\|`, a dot or
 * blank at its end), -ENAMETOOLONG if it has more than 255 units of UTF-16. */
status_t fat_name_parse(struct element element, struct fat_name *name) MUST_CHECK;

/* Generates aliases for a long name, the next one with each call. */
struct fat_alias {
    char stem[FAT_SHORT_BYTES], extension[FAT_SHORT_BYTES];
    size_t stem_length, extension_length;
    uint16_t sum;
    unsigned number;
};

void fat_alias_begin(const struct fat_name *name, struct fat_alias *alias);
/* Stores the next alias in name->raw; false if there are no more. */
bool fat_alias_next(struct fat_alias *alias, struct fat_name *name);
/* Stores the short name as text, in upper case, and returns its length. */
size_t fat_short_text(const struct fat_name *name, char text[FAT_SHORT_BYTES + 1]);

/* ---- write/encode.c ----------------------------------------------------------------------- */

/* Returns the time, as exactly as records store it. */
int64_t fat_now(void);
/* Returns whether the format has a date for this time. */
bool fat_time_fits(const struct fat *fat, int64_t seconds);
/* Stores everything except the name in a short record. Times that are not known stay. */
void fat_record_update(const struct fat *fat, const struct fat_attributes *attributes,
                       uint8_t record[FAT_RECORD_BYTES]);
void fat_record_set_cluster(const struct fat *fat, uint32_t cluster,
                            uint8_t record[FAT_RECORD_BYTES]);
/* Encodes the record of a volume's label, of 11 bytes. */
void fat_record_encode_label(uint8_t record[FAT_RECORD_BYTES], const char *label,
                             int64_t seconds);
/* Encodes the record "." or "..". */
void fat_record_encode_dot(const struct fat *fat, const char *dots,
                           const struct fat_attributes *attributes,
                           uint8_t record[FAT_RECORD_BYTES]);
/* Returns how many records a node of this name has. */
unsigned fat_name_records(const struct fat_name *name);
/* Encodes all of them. `source`: a short record, of which everything except the name is copied. */
void fat_name_encode(const struct fat_name *name, const uint8_t source[FAT_RECORD_BYTES],
                     uint8_t *records);

/* ---- index.c ------------------------------------------------------------------------------ */

/* What an index knows of an entry. */
struct fat_details {
    struct fat_attributes attributes; /* when the directory was read */
    uint32_t slot, count;             /* its records */
};

/* The names of one node, as they are read from its records. */
struct fat_set {
    struct name_entry entry; /* refers to the members below */
    struct fat_details details;
    char text[FAT_NAME_BYTES_MAX + 1], short_text[FAT_SHORT_BYTES * 3 * 2];
};

/* Returns a reference to the directory's index, which is built if there is none. The details of its
 * entries are struct fat_details. */
status_t fat_index_get(struct fat *fat, struct fat_node *directory,
                       struct name_index **index) MUST_CHECK;
/* Reads the records of one node. -EUCLEAN if they are not those of one. */
status_t fat_set_read(struct fat *fat, const struct fat_node *directory, uint32_t slot,
                      uint32_t count, struct fat_set *set) MUST_CHECK;
/* Copies the n-th run of a node; false past the last. */
bool fat_node_run(struct fat *fat, const struct fat_node *node, size_t n, struct run *run);

/* ---- write/slots.c ------------------------------------------------------------------------ */

/* Which records of a directory are in use. */
struct fat_slots {
    uint8_t *used, *removed; /* a bit for each: in use; removed since the last commit */
    size_t room;             /* bytes of each */
    uint32_t end;            /* from here on no record was ever used */
    uint32_t removed_count;
    unsigned commits;        /* changes_commits() when they were removed */
    uint32_t searched[FAT_NAME_RECORDS_MAX + 1]; /* before it there is no room for n records */
};

/* Where a node's records are put. */
struct fat_place {
    uint32_t slot, count;
    uint32_t skipped;      /* free records before them, from the directory's end on */
    bool at_end;
    uint64_t before_bytes; /* of the directory, before it grew for them */
};

void fat_slots_free(struct fat_slots *slots);
/* Returns the address of a record of the directory. */
uint64_t fat_slot_address(const struct fat_node *directory, uint32_t slot);
/* Finds room for `count` records. -ENOSPC if the directory may not grow, -EUCLEAN if its chain is
 * broken, -EAGAIN if there will be room after a commit. In an operation, as all that follow. */
status_t fat_slots_find(struct fat *fat, struct fat_node *directory, uint32_t count,
                        struct fat_place *place) MUST_CHECK;
/* Writes the records; the directory grows for them. */
status_t fat_slots_write(struct fat *fat, struct fat_node *directory,
                         const struct fat_place *place, const uint8_t *records) MUST_CHECK;
/* The records were kept: they are in use. */
void fat_slots_take(struct fat_node *directory, const struct fat_place *place);
/* Marks a node's records as free. */
status_t fat_slots_remove(struct fat *fat, struct fat_node *directory, uint32_t slot,
                          uint32_t count, enum change_epoch epoch) MUST_CHECK;
/* Their removal was kept: they are available after the next commit. */
void fat_slots_drop(struct fat *fat, struct fat_node *directory, uint32_t slot, uint32_t count);

/* ---- node.c ------------------------------------------------------------------------------- */

struct fat_node {
    struct vnode *vnode;
    vnode_id_t id;            /* where its record is. The vnode's follows when a rename has ended */
    struct fat_attributes attributes; /* size_bytes: as recorded. The vnode's may be larger */
    bool root, directory;
    bool unlinked;            /* its name was removed */
    _Atomic bool has_runs;    /* the chain was read */
    bool sound;               /* fat_chain.sound */
    struct runs runs;         /* all its clusters, */
    uint32_t linked;          /* of which the first ones, this many, can be reached */
    uint64_t reserved;        /* clusters that are promised to it */
    bool grown;               /* the recorded size waits for the link to its clusters, */
    unsigned grown_commits;   /* until changes_commits() is larger */
    struct clusters_release *release; /* for put_vnode, which cannot allocate it */
    struct name_slot index;   /* a directory's */
    struct fat_slots slots;
    struct list unsaved_link, removed_link;
};

/* Reads the short record of an id. -ENOENT if there is none. */
status_t fat_record_load(struct fat *fat, vnode_id_t id,
                         struct fat_attributes *attributes) MUST_CHECK;
/* name_format.info */
status_t fat_entry_info(struct fsd *fsd, vnode_id_t id, const void *details, unsigned levels,
                        struct node_info *info);
/* Enters a node into the table of nodes that are newer than their records, or removes it. The
 * caller holds fat->lock. */
void fat_node_unsaved(struct fat *fat, struct fat_node *node, bool unsaved);

status_t fat_get_vnode(struct fsd *fsd, struct vnode *vnode);
void fat_put_vnode(struct fsd *fsd, struct vnode *vnode);
void fat_trim_vnode(struct fsd *fsd, struct vnode *vnode);
status_t fat_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                      struct node_info *info);

/* ---- write/space.c ------------------------------------------------------------------------ */

/* Returns how many clusters are free and not promised. They are counted the first time. */
status_t fat_count_free(struct fat *fat, uint64_t *clusters) MUST_CHECK;
/* Counts the free clusters, once: before the first change. Not in an operation. */
status_t fat_count_clusters(struct fat *fat) MUST_CHECK;
/* Promises clusters; flushes if there are too few, since removed ones may become free then. Not in
 * an operation. -ENOSPC. */
status_t fat_promise(struct fat *fat, uint64_t clusters) MUST_CHECK;
/* Takes up to `wanted` consecutive clusters, those from `near` on if they are free. In an
 * operation, as all that follow; the caller writes their entries. */
status_t fat_allocate(struct fat *fat, uint32_t near, uint32_t wanted, uint32_t *first,
                      uint32_t *count) MUST_CHECK;
/* Allocates promised clusters to a file, until it has this many. An error: it has none of them, and
 * the caller undoes the operation. */
status_t fat_extend(struct fat *fat, struct fat_node *node, uint32_t clusters) MUST_CHECK;
/* Appends to the runs of a node, and takes back promises. */
status_t fat_runs_add(struct fat *fat, struct fat_node *node, uint64_t address, uint64_t bytes,
                      uint64_t promised) MUST_CHECK;
void fat_runs_cut(struct fat *fat, struct fat_node *node, uint64_t bytes);
/* Takes the clusters after `bytes` bytes from a node, in an operation that is undone. */
void fat_give_back(struct fat *fat, struct fat_node *node, uint64_t bytes);
uint32_t fat_address_cluster(const struct fat *fat, uint64_t address);
/* Return a node's cluster number `index`, 0 if it has fewer, and how many it has. */
uint32_t fat_node_cluster(const struct fat *fat, const struct fat_node *node, uint32_t index);
uint32_t fat_node_clusters(const struct fat *fat, const struct fat_node *node);
/* fsd_ops.flush */
status_t fat_flush(struct fsd *fsd);

/* ---- write/content.c ---------------------------------------------------------------------- */

/* Stores attributes in the node's record. In an operation. */
status_t fat_node_record(struct fat *fat, struct fat_node *node, enum change_epoch epoch,
                         const struct fat_attributes *attributes) MUST_CHECK;
status_t fat_open(struct fsd *fsd, struct vnode *vnode, bool write);
void fat_read_write(struct fsd *fsd, struct vfs_io *io);
void fat_finish_io(struct fsd *fsd, struct vfs_io *io);
status_t fat_reserve(struct fsd *fsd, struct vnode *vnode, uint64_t offset, uint64_t bytes);
status_t fat_prepare_write(struct fsd *fsd, struct vnode *vnode, uint64_t offset, uint64_t bytes);
status_t fat_data_written(struct fsd *fsd, struct vnode *vnode, uint64_t size);
status_t fat_set_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                      const struct node_info *info);

/* ---- write/change.c ----------------------------------------------------------------------- */

status_t fat_create(struct fsd *fsd, struct vnode *directory, struct element element,
                    vnode_id_t *id);
status_t fat_mkdir(struct fsd *fsd, struct vnode *directory, struct element element,
                   vnode_id_t *id);
status_t fat_unlink(struct fsd *fsd, struct vnode *directory, struct element element,
                    struct vnode *vnode);
status_t fat_rename(struct fsd *fsd, struct vnode *from, struct element old_name,
                    struct vnode *node, struct vnode *to, struct element new_name,
                    struct vnode *replaced);

/* ---- write/marks.c ------------------------------------------------------------------------ */

status_t fat_marks_read(struct fat *fat, struct fat_marks *marks) MUST_CHECK;
/* Writes the marks, and makes them and everything before durable. Not in an operation. After an
 * error, the marks of a volume that is in use replace them. */
status_t fat_marks_write(struct fat *fat, const struct fat_marks *marks) MUST_CHECK;
/* The same with those of a volume that is in use. */
status_t fat_marks_in_use(struct fat *fat) MUST_CHECK;

/* ---- write/state.c ------------------------------------------------------------------------ */

/* Creates what only a writable volume needs, once. */
status_t fat_writing_start(struct fat *fat) MUST_CHECK;
status_t fat_set_writable(struct fsd *fsd, bool writable);
/* Frees what a writable volume needs. What is pending is lost. */
void fat_writing_stop(struct fat *fat);

/* ---- directory.c -------------------------------------------------------------------------- */

status_t fat_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                    vnode_id_t *id);
status_t fat_get_child_info(struct fsd *fsd, struct vnode *directory, struct element element,
                            unsigned levels, struct node_info *info);
size_t fat_actual_name(struct fsd *fsd, struct vnode *directory, struct element element,
                       char *name);
status_t fat_open_dir(struct fsd *fsd, struct vnode *directory, void **cursor);

/* ---- volume.c ----------------------------------------------------------------------------- */

/* driver.mount_fs */
status_t fat_mount(const struct device_handle *handle, const char *options, struct fsd **fsd);

#endif

/*
 * fat.h - the FAT file systems: FAT12, FAT16 and FAT32, with long names.
 *
 *   boot.c       the boot sector -> struct fat_geometry
 *   medium.c     bytes of the volume
 *   table.c      the file allocation table: chains of clusters -> runs
 *   record.c     directory records: attributes, times, short and long names
 *   index.c      a directory's records by name
 *   directory.c  look-up and listing
 *   node.c       vnodes: information, content
 *   volume.c     mounting, the volume, the table of operations
 *
 * Model       A volume is, in this order: reserved sectors with the boot sector, one or more copies
 *             of the table, the root directory (FAT12 and FAT16), and clusters, numbered from 2.
 *             The table has an entry for each cluster: the next one of the same file, or the end.
 *             A directory is a file of records of 32 bytes. A long name is stored in records of its
 *             own before the short one.
 * Ids         A vnode id is the byte address of the node's short record on the volume.
 * Reading     A chain is read when its file is opened, and kept as runs of consecutive clusters, so
 *             that reading content never waits for the table.
 * Hostile     Cluster numbers are checked before use. A chain is at most as long as the file's
 *             size needs, and never longer than the volume, so loops end. What is wrong is counted
 *             (enum fat_anomaly), and shown by `volinfo`.
 * Locking     fat.lock (rank VNODE): runs and indexes of nodes. It is not held while the medium is
 *             read.
 * References  Microsoft FAT specification 1.03 (boot sector: 3; table: 4; directories: 6, 7).
 * Status      Read-only. exFAT is another format.
 */
#ifndef FS_FAT_FAT_H
#define FS_FAT_FAT_H

#include "kernel/vfs/layout/name_index.h"
#include "kernel/vfs/layout/runs.h"
#include "lib/bytes.h"
#include "lib/charset/charset.h"

/* ---- budgets ------------------------------------------------------------------------------ */

enum {
    FAT_DIRECTORY_BYTES_MAX = 16 << 20, /* the specification allows 2 MiB */
    FAT_SHORT_BYTES = 12,               /* NAME.EXT */
    FAT_LONG_UNITS_MAX = 255,           /* of UTF-16 */
    FAT_NAME_BYTES_MAX = 3 * FAT_LONG_UNITS_MAX,
};

/* ---- boot.c ------------------------------------------------------------------------------- */

struct fat_geometry {
    unsigned bits;                /* of an entry of the table: 12, 16 or 32 */
    uint32_t sector_bytes, cluster_bytes;
    unsigned tables;              /* copies */
    uint64_t table_address, table_bytes;
    uint64_t root_address, root_bytes; /* FAT12 and FAT16 */
    uint32_t root_cluster;        /* FAT32 */
    uint64_t data_address;        /* of cluster 2 */
    uint32_t clusters;            /* their numbers are 2..clusters + 1 */
    uint64_t volume_bytes;
    uint32_t serial;
    char label[FAT_SHORT_BYTES];  /* trimmed; "": none */
};

enum { FAT_BOOT_BYTES = 512, FAT_FIRST_CLUSTER = 2 };

/* Decodes the boot sector. -EMEDIUMTYPE if it is not that of a FAT volume. */
status_t fat_boot_decode(struct bytes boot, struct fat_geometry *geometry) MUST_CHECK;

/* ---- the volume --------------------------------------------------------------------------- */

enum fat_anomaly {
    FAT_ANOMALY_CHAIN_SHORT,  /* files whose chain ends before their size does */
    FAT_ANOMALY_CHAIN_LONG,   /* files whose chain continues after their end */
    FAT_ANOMALY_CHAIN_BAD,    /* chains that lead to a free, bad or impossible cluster */
    FAT_ANOMALY_DIRECTORY,    /* directories that loop or are longer than the limit */
    FAT_ANOMALY_RECORD,       /* invalid records */
    FAT_ANOMALY_LONG_NAME,    /* long names that do not belong to the record after them */
    FAT_ANOMALY_NAME,         /* names that had to be changed */
    FAT_ANOMALY_TABLE,        /* tables too small for the clusters */
    FAT_ANOMALIES,
};

struct fat {
    struct fsd fsd;
    struct fat_geometry geometry;
    struct cache cache;            /* of the device: the table and directories */
    const struct charset *charset; /* of short names */
    int64_t zone_s;                /* seconds that the volume's times are ahead of UTC */
    struct spin lock;
    _Atomic uint64_t free_clusters; /* UINT64_MAX: not counted yet */
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

/* Reads the chain that begins at a cluster. `bytes`: the file's size, whose clusters are read and
 * no more; for a directory, the most that it may have. A chain that ends early, loops, or leads to
 * an invalid cluster is counted; what was read until then is returned. -ENOMEM, -EINTR, or the
 * error of reading the table. The caller frees the runs. */
status_t fat_chain_read(struct fat *fat, uint32_t first, uint64_t bytes, bool directory,
                        struct runs *runs) MUST_CHECK;
/* Reads the node's chain into node->runs, unless that was done. */
status_t fat_node_read_chain(struct fat *fat, struct fat_node *node) MUST_CHECK;
/* Counts the free clusters. The result is kept. */
status_t fat_count_free(struct fat *fat, uint64_t *clusters) MUST_CHECK;

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

/* ---- name.c ------------------------------------------------------------------------------- */

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

/* ---- encode.c ----------------------------------------------------------------------------- */

/* Returns whether the format has a date for this time. */
bool fat_time_fits(const struct fat *fat, int64_t seconds);
/* Stores everything except the name in a short record. Times that are not known stay. */
void fat_record_update(const struct fat *fat, const struct fat_attributes *attributes,
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

/* Returns a reference to the directory's index, which is built if there is none. The details of its
 * entries are struct fat_attributes. */
status_t fat_index_get(struct fat *fat, struct fat_node *directory,
                       struct name_index **index) MUST_CHECK;

/* ---- node.c ------------------------------------------------------------------------------- */

struct fat_node {
    struct fat_attributes attributes;
    bool root;
    _Atomic bool has_runs;    /* the chain was read; the runs are constant from then on */
    struct runs runs;
    struct name_slot index;   /* a directory's */
};

void fat_attributes_info(const struct fat_attributes *attributes, vnode_id_t id,
                         struct node_info *info);

status_t fat_get_vnode(struct fsd *fsd, struct vnode *vnode);
void fat_put_vnode(struct fsd *fsd, struct vnode *vnode);
void fat_trim_vnode(struct fsd *fsd, struct vnode *vnode);
status_t fat_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                      struct node_info *info);
status_t fat_open(struct fsd *fsd, struct vnode *vnode, bool write);
void fat_read_write(struct fsd *fsd, struct vfs_io *io);
void fat_finish_io(struct fsd *fsd, struct vfs_io *io);

/* ---- directory.c -------------------------------------------------------------------------- */

status_t fat_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                    vnode_id_t *id);
status_t fat_get_child_info(struct fsd *fsd, struct vnode *directory, struct element element,
                            unsigned levels, struct node_info *info);
size_t fat_actual_name(struct fsd *fsd, struct vnode *directory, struct element element,
                       char *name);
status_t fat_open_dir(struct fsd *fsd, struct vnode *directory, void **cursor);

#endif

/*
 * exfat.h - the exFAT file system.
 *
 *   boot.c       the boot regions -> struct exfat_geometry
 *   medium.c     bytes of the volume, and the count of what is wrong with them
 *   chain.c      clusters of a file -> runs
 *   record.c     sets of directory entries: attributes, times, names
 *   directory.c  a directory's names: index, look-up, listing
 *   node.c       vnodes: information, content
 *   volume.c     mounting, the volume, the table of operations
 *
 * Model       A volume has a boot region with a copy, a table (FAT) and a heap of clusters,
 *             numbered from 2. A file is described by a set of entries of 32 bytes in its
 *             directory: the file entry, the stream extension (size, first cluster), and the parts
 *             of the name. Its clusters are consecutive (NoFatChain), or linked by the table. The
 *             allocation bitmap has a bit for each cluster in use.
 * Ids         A vnode id is the byte address of the node's file entry on the volume. A set that
 *             continues in another cluster is found again by its checksum.
 * Valid data  Bytes of a file from ValidDataLength on were never written, and read as zeroes.
 * Hostile     As in FAT: cluster numbers are checked, chains are bounded, sets have checksums, and
 *             what is wrong is counted (enum exfat_anomaly).
 * Locking     exfat.lock (rank VNODE): runs and indexes of nodes. It is not held while the medium
 *             is read.
 * References  Microsoft exFAT file system specification 1.00: 3 (boot region), 4 (FAT), 6 and 7
 *             (directory entries).
 * Status      Read-only. Names are compared by Unicode's case folding, not by the volume's up-case
 *             table. No TexFAT (two tables).
 */
#ifndef FS_EXFAT_EXFAT_H
#define FS_EXFAT_EXFAT_H

#include "kernel/vfs/layout/name_index.h"
#include "kernel/vfs/layout/runs.h"
#include "lib/bytes.h"

/* ---- budgets ------------------------------------------------------------------------------ */

enum {
    EXFAT_DIRECTORY_BYTES_MAX = 256 << 20, /* 7.6.6 */
    EXFAT_NAME_UNITS_MAX = 255,
    EXFAT_NAME_BYTES_MAX = 3 * EXFAT_NAME_UNITS_MAX,
    EXFAT_LABEL_UNITS_MAX = 11,
};

/* ---- boot.c ------------------------------------------------------------------------------- */

enum {
    EXFAT_FIRST_CLUSTER = 2,
    EXFAT_BOOT_SECTORS = 12, /* of a boot region; the copy follows the first one */
    EXFAT_SECTOR_BYTES_MAX = 4096,
};

struct exfat_geometry {
    uint32_t sector_bytes, cluster_bytes;
    uint64_t table_address, table_bytes, heap_address, volume_bytes;
    uint32_t clusters; /* their numbers are 2..clusters + 1 */
    uint32_t root_cluster, serial;
    bool dirty, failing; /* volume flags: not unmounted cleanly; the medium had errors */
};

/* Decodes a boot sector. -EMEDIUMTYPE if it is not one; -EUCLEAN if a field is impossible. */
status_t exfat_boot_decode(struct bytes boot, struct exfat_geometry *geometry) MUST_CHECK;
/* Adds a sector of a boot region to its checksum; sector 0 is the boot sector. */
uint32_t exfat_boot_checksum(uint32_t sum, struct bytes data, unsigned sector);

/* ---- the volume --------------------------------------------------------------------------- */

enum exfat_anomaly {
    EXFAT_ANOMALY_BOOT,      /* the first boot region was invalid, and its copy is used */
    EXFAT_ANOMALY_CHAIN,     /* chains that end early or lead to an impossible cluster */
    EXFAT_ANOMALY_DIRECTORY, /* directories that loop or are longer than the limit */
    EXFAT_ANOMALY_SET,       /* sets of entries that are incomplete or have a wrong checksum */
    EXFAT_ANOMALY_NAME,      /* names that had to be changed */
    EXFAT_ANOMALY_BITMAP,    /* no allocation bitmap, or one that is too short */
    EXFAT_ANOMALIES,
};

/* What a set of entries says about a node, besides its name. */
struct exfat_attributes {
    uint16_t attributes;
    uint32_t cluster;      /* 0: none */
    bool consecutive;      /* NoFatChain */
    uint64_t size_bytes, valid_bytes;
    bool has_modified, has_created, has_accessed;
    int64_t modified_s, created_s, accessed_s;
};

enum exfat_attribute {
    EXFAT_READ_ONLY = 0x01,
    EXFAT_HIDDEN = 0x02,
    EXFAT_SYSTEM = 0x04,
    EXFAT_DIRECTORY = 0x10,
    EXFAT_ARCHIVE = 0x20,
};

struct exfat {
    struct fsd fsd;
    struct exfat_geometry geometry;
    struct cache cache; /* of the device: table and directories */
    struct exfat_attributes bitmap;
    char label[EXFAT_LABEL_UNITS_MAX * 3 + 1];
    int64_t zone_s; /* of times without a zone */
    struct spin lock;
    _Atomic uint64_t free_clusters; /* UINT64_MAX: not counted yet */
    _Atomic uint32_t anomalies[EXFAT_ANOMALIES];
};

static inline struct exfat *exfat_of(struct fsd *fsd)
{
    return fsd->private_data;
}

/* medium.c */
void exfat_count(struct exfat *exfat, enum exfat_anomaly anomaly);
/* Reads bytes of the volume through the device's cache. -EIO past the end of the device. */
status_t exfat_read(struct exfat *exfat, uint64_t address, void *memory, size_t bytes) MUST_CHECK;

static inline bool exfat_cluster_exists(const struct exfat *exfat, uint32_t cluster)
{
    return cluster >= EXFAT_FIRST_CLUSTER &&
           cluster - EXFAT_FIRST_CLUSTER < exfat->geometry.clusters;
}

static inline uint64_t exfat_cluster_address(const struct exfat *exfat, uint32_t cluster)
{
    return exfat->geometry.heap_address +
           (uint64_t)(cluster - EXFAT_FIRST_CLUSTER) * exfat->geometry.cluster_bytes;
}

/* ---- chain.c ------------------------------------------------------------------------------ */

/* Finds the clusters of `bytes` bytes; for the root directory, whose size is not recorded, up to
 * the end of its chain. What is wrong is counted, and the clusters before it are returned. -ENOMEM,
 * -EINTR, or the error of reading the table. The caller frees the runs. */
status_t exfat_chain_read(struct exfat *exfat, const struct exfat_attributes *attributes,
                          bool root, struct runs *runs) MUST_CHECK;
/* Reads the table's entry of a cluster: the next one. */
status_t exfat_table_read(struct exfat *exfat, uint32_t cluster, uint32_t *next) MUST_CHECK;

/* ---- record.c ----------------------------------------------------------------------------- */

enum {
    EXFAT_ENTRY_BYTES = 32,
    EXFAT_SET_ENTRIES_MAX = 19, /* a file entry, a stream extension, 17 parts of the name */
};

enum exfat_entry_type {
    EXFAT_ENTRY_END = 0x00,
    EXFAT_ENTRY_BITMAP = 0x81,
    EXFAT_ENTRY_UPCASE = 0x82,
    EXFAT_ENTRY_LABEL = 0x83,
    EXFAT_ENTRY_FILE = 0x85,
    EXFAT_ENTRY_STREAM = 0xc0,
    EXFAT_ENTRY_NAME = 0xc1,
    EXFAT_ENTRY_USED = 0x80,   /* bit: in use */
    EXFAT_ENTRY_SECONDARY = 0x40, /* bit: belongs to the set of the entry before */
};

/* Returns the number of entries after a file entry that belong to its set. */
unsigned exfat_set_secondaries(struct bytes file_entry);
/* Decodes a complete set; name[EXFAT_NAME_BYTES_MAX + 1], *name_bytes. Returns false if it is
 * invalid. */
bool exfat_set_decode(struct exfat *exfat, struct bytes set, struct exfat_attributes *attributes,
                      char *name, size_t *name_bytes);
/* Decodes the place and the size in a bitmap entry. */
void exfat_bitmap_decode(struct bytes entry, struct exfat_attributes *attributes);
void exfat_label_decode(struct exfat *exfat, struct bytes entry);

/* ---- directory.c -------------------------------------------------------------------------- */

struct exfat_node {
    struct exfat_attributes attributes;
    bool root;
    _Atomic bool has_runs; /* the chain was read; the runs are constant from then on */
    struct runs runs;
    struct name_slot index;   /* a directory's */
};

/* Reads the node's chain, unless that was done. (chain.c) */
status_t exfat_node_read_chain(struct exfat *exfat, struct exfat_node *node) MUST_CHECK;
/* Returns a reference to the directory's index, whose details are struct exfat_attributes. */
status_t exfat_index_get(struct exfat *exfat, struct exfat_node *directory,
                         struct name_index **index) MUST_CHECK;
status_t exfat_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id);
status_t exfat_get_child_info(struct fsd *fsd, struct vnode *directory, struct element element,
                              unsigned levels, struct node_info *info);
size_t exfat_actual_name(struct fsd *fsd, struct vnode *directory, struct element element,
                         char *name);
status_t exfat_open_dir(struct fsd *fsd, struct vnode *directory, void **cursor);
void exfat_attributes_info(const struct exfat_attributes *attributes, vnode_id_t id,
                           struct node_info *info);

/* ---- node.c ------------------------------------------------------------------------------- */

status_t exfat_get_vnode(struct fsd *fsd, struct vnode *vnode);
void exfat_put_vnode(struct fsd *fsd, struct vnode *vnode);
void exfat_trim_vnode(struct fsd *fsd, struct vnode *vnode);
status_t exfat_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                        struct node_info *info);
status_t exfat_open(struct fsd *fsd, struct vnode *vnode, bool write);
void exfat_read_write(struct fsd *fsd, struct vfs_io *io);
void exfat_finish_io(struct fsd *fsd, struct vfs_io *io);

#endif

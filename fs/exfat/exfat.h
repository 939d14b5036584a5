/*
 * exfat.h - the exFAT file system.
 *
 *   boot.c       the boot regions -> struct exfat_geometry
 *   medium.c     bytes of the volume, and the count of what is wrong with them
 *   chain.c      clusters of a file -> runs
 *   record.c     sets of directory entries: attributes, times, names
 *   find.c       a set by its address
 *   upcase.c     the up-case table, and hashes of names
 *   directory.c  a directory's names: index, look-up, listing
 *   node.c       vnodes: information, content
 *   volume.c     mounting, the volume, the table of operations
 *   driver.c     the driver
 *   write/encode.c   sets of entries, as they are stored
 *   write/slots.c    room for sets in a directory
 *   write/space.c    the allocation bitmap, and links in the table
 *   write/content.c  writing and truncating files
 *   write/change.c   create, mkdir, unlink
 *   write/rename.c   rename
 *   write/state.c    read-only and writable, clean and dirty; flush
 *   tools/           making and checking volumes
 *
 * Model       A volume has a boot region with a copy, a table (FAT) and a heap of clusters,
 *             numbered from 2. A file is described by a set of entries of 32 bytes in its
 *             directory: the file entry, the stream extension (size, first cluster), and the parts
 *             of the name. Its clusters are consecutive (NoFatChain), or linked by the table. The
 *             allocation bitmap has a bit for each cluster in use.
 * Ids         A vnode id is the byte address of the node's file entry on the volume. A set that
 *             continues in another cluster is found again by its checksum.
 * Valid data  Bytes of a file from ValidDataLength on were never written, and read as zeroes.
 * Order       Changes are written in epochs (kernel/vfs/layout/changes.h). New clusters, their bits
 *             and their links: NEW. Sets of entries: LINK, after the file's bytes. Removed sets:
 *             UNLINK. Bits of released clusters: FREE. The file entry and the stream extension,
 *             which have a checksum in common, are changed together: Spindle places them in one
 *             block of the device, so that they change at once.
 *             A power failure leaves clusters in use that no file has, the dirty flag, and perhaps
 *             a chain that is longer than its file.
 * Hostile     As in FAT: cluster numbers are checked, chains are bounded, sets have checksums, and
 *             what is wrong is counted (enum exfat_anomaly). A file whose clusters end early is not
 *             written, nor a directory of which not all names are known.
 * Locking     Operations exclude each other: changes_begin(). exfat.lock (rank VNODE) guards what
 *             others read meanwhile: runs and attributes of nodes, slots of indexes, the list of
 *             unlinked nodes. It is held for moments: not across allocations or reads.
 * References  Microsoft exFAT file system specification 1.00: 3 (boot region), 4 (FAT), 6 and 7
 *             (directory entries).
 * Status      Names are compared by Unicode's case folding, not by the volume's up-case table. No
 *             TexFAT (two tables). Sets that other systems placed across blocks change in two
 *             writes.
 */
#ifndef FS_EXFAT_EXFAT_H
#define FS_EXFAT_EXFAT_H

#include "kernel/vfs/layout/changes.h"
#include "kernel/vfs/layout/clusters.h"
#include "kernel/vfs/layout/name_index.h"
#include "kernel/vfs/layout/runs.h"
#include "kernel/vfs/layout/wide_name.h"
#include "lib/bytes.h"

/* ---- budgets ------------------------------------------------------------------------------ */

enum {
    EXFAT_DIRECTORY_BYTES_MAX = 256 << 20, /* 7.6.6 */
    EXFAT_NAME_UNITS_MAX = 255,
    EXFAT_NAME_BYTES_MAX = 3 * EXFAT_NAME_UNITS_MAX,
    EXFAT_LABEL_UNITS_MAX = 11,
    EXFAT_UPCASE_ROOM = 65536, /* for an encoded up-case table */
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
    struct exfat_attributes bitmap, upcase_place; /* their clusters and sizes */
    uint32_t upcase_checksum;
    bool located; /* they were, when it was mounted: the root directory has them */
    char label[EXFAT_LABEL_UNITS_MAX * 3 + 1];
    _Atomic int64_t zone_s; /* of times without a zone */
    struct spin lock;
    _Atomic uint64_t free_clusters; /* UINT64_MAX: not counted yet */
    _Atomic uint32_t anomalies[EXFAT_ANOMALIES];

    /* state.c's: from the first time that the volume is made writable */
    bool writable; /* fsd.read_only is true already while the last bytes are written */
    bool dirty, dirty_next; /* the mark that the medium has; the one that replaces it */
    struct changes *_Atomic changes; /* NULL: nothing was ever changed */
    struct runs bitmap_runs;
    struct clusters clusters;
    uint16_t *upcase;     /* the upper case of each unit of UTF-16 */
    uint32_t block_bytes; /* what the device writes as a whole */
    unsigned removed;     /* changes_commits() when an entry was removed last; UINT32_MAX: never */
    struct list unlinked; /* nodes without a name that are in use */
};

static inline struct exfat *exfat_of(struct fsd *fsd)
{
    return fsd->private_data;
}

/* medium.c */
void exfat_count(struct exfat *exfat, enum exfat_anomaly anomaly);
/* Reads bytes of the volume through the device's cache, with the changes that are pending. -EIO
 * past the end of the device. */
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

#define EXFAT_TABLE_BAD 0xfffffff7u /* the cluster is damaged */
#define EXFAT_TABLE_END 0xffffffffu /* the last cluster of its file */


/* Finds the clusters of `bytes` bytes; for the root directory, whose size is not recorded, up to
 * the end of its chain. What is wrong is counted, and the clusters before it are returned. -ENOMEM,
 * -EINTR, or the error of reading the table. The caller frees the runs. */
status_t exfat_chain_read(struct exfat *exfat, const struct exfat_attributes *attributes,
                          bool root, struct runs *runs) MUST_CHECK;
/* Reads the table's entry of a cluster: the next one, or EXFAT_TABLE_END. */
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
uint16_t exfat_set_checksum(struct bytes set);
/* Decodes a complete set; name[EXFAT_NAME_BYTES_MAX + 1], *name_bytes. Returns false if it is
 * invalid. */
bool exfat_set_decode(struct exfat *exfat, struct bytes set, struct exfat_attributes *attributes,
                      char *name, size_t *name_bytes);
/* Decodes the times in a file entry. */
void exfat_times_decode(const struct exfat *exfat, struct bytes file,
                        struct exfat_attributes *attributes);
/* Decodes the place and the size in a bitmap entry. */
void exfat_bitmap_decode(struct bytes entry, struct exfat_attributes *attributes);
/* The same of the up-case table's entry, with its checksum. */
void exfat_upcase_decode(struct bytes entry, struct exfat_attributes *attributes,
                         uint32_t *checksum);
void exfat_label_decode(struct exfat *exfat, struct bytes entry);

/* ---- write/encode.c ----------------------------------------------------------------------- */

#define EXFAT_TIME_FIRST ((int64_t)315532800) /* 1980-01-01 */

/* Returns whether the format has a date for this time. */
bool exfat_time_fits(int64_t seconds);
/* Stores attributes in a set of that many entries. */
void exfat_set_patch(const struct exfat *exfat, const struct exfat_attributes *attributes,
                     uint8_t *set, unsigned entries);
/* Returns how many entries the set of a name has. */
unsigned exfat_set_entries(const struct wide_name *name);
/* Stores a name, and all that is needed besides the attributes, in a set. */
void exfat_set_name(const struct exfat *exfat, const struct wide_name *name, uint8_t *set);

/* ---- upcase.c ----------------------------------------------------------------------------- */

/* Reads the volume's table, unless that was done. -EUCLEAN if its checksum is wrong, -ENOMEM. */
status_t exfat_upcase_load(struct exfat *exfat) MUST_CHECK;
/* Adds to the checksum of a table. */
uint32_t exfat_table_checksum(uint32_t sum, struct bytes data);
uint16_t exfat_name_hash(const struct exfat *exfat, const struct wide_name *name);
/* Encodes a table for a new volume into out[EXFAT_UPCASE_ROOM]. -ENOMEM. */
status_t exfat_upcase_encode(uint8_t *out, size_t *bytes) MUST_CHECK;

/* Where a set is: its first entries at `address`, the others at `next`, in another cluster. */
struct exfat_place {
    uint64_t address, next;
    unsigned entries, first_entries;
};

/* ---- find.c ------------------------------------------------------------------------------- */

/* Loads the set at an address. -ENOENT if there is none; -EUCLEAN, -ENOMEM, or an error of
 * reading. */
status_t exfat_set_load(struct exfat *exfat, vnode_id_t id, struct exfat_attributes *attributes,
                        struct exfat_place *place) MUST_CHECK;

/* ---- chain.c: nodes ------------------------------------------------------------------------ */

struct exfat_node {
    /* Under exfat.lock; changed within operations, except the time of modification. */
    struct exfat_attributes attributes;
    struct exfat_place place; /* the root has none */
    bool root, directory;
    _Atomic bool has_runs;    /* the chain was read */
    bool damaged;             /* it ends before the size does */
    struct runs runs;         /* under exfat.lock; replaced within operations */
    struct name_slot index;   /* a directory's */
    uint64_t reserved;        /* clusters that are promised; under exfat.lock */
    uint64_t extended_bytes;  /* a size by set_info that data_written records, once the bytes */
    uint64_t extended_from;   /* up to here are written; both within operations */

    /* a directory's, within operations (slots.c) */
    bool scanned;             /* the following are known */
    uint64_t end;             /* the offset of the first entry that was never used */
    uint64_t holes;           /* unused entries before it */
    uint64_t gaps;            /* where to search for them: most before it are too small */
    unsigned removed;         /* exfat.removed of this directory */

    /* of a node without a name */
    struct clusters_release *release; /* for its clusters; NULL: it has a name */
    struct list unlinked_link;
    vnode_id_t id;
};

/* Reads the node's chain, unless that was done. */
status_t exfat_node_read_chain(struct exfat *exfat, struct exfat_node *node) MUST_CHECK;
/* Copies the attributes. */
struct exfat_attributes exfat_node_attributes(struct exfat *exfat, const struct exfat_node *node);

/* ---- directory.c -------------------------------------------------------------------------- */

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

/* ---- write/space.c ------------------------------------------------------------------------ */

/* An operation that changes the volume. What it allocated is given back if it fails; what it is to
 * do to nodes in memory is done when it has succeeded. */
struct exfat_operation {
    struct exfat *exfat;
    struct runs taken;            /* clusters */
    struct exfat_node *grown;     /* gets grown_runs, and their kind of chain; or NULL */
    struct runs grown_runs;
    bool grown_consecutive;
    struct exfat_node *directory; /* is to be scanned again if the operation fails; or NULL */
};

/* Begins and ends an operation. `status`: whether it failed; returned. */
status_t exfat_begin(struct exfat *exfat, struct exfat_operation *operation) MUST_CHECK;
status_t exfat_end(struct exfat_operation *operation, status_t status) MUST_CHECK;
status_t exfat_space_start(struct exfat *exfat) MUST_CHECK;
/* Returns how many clusters contain that many bytes. */
uint64_t exfat_clusters_of(const struct exfat *exfat, uint64_t bytes);
/* Allocates clusters after the last one of the node's runs, as consecutive as possible, and links
 * them unless they all are. The node has them once the operation has ended. -ENOSPC. */
status_t exfat_grow(struct exfat_operation *operation, struct exfat_node *node,
                    uint64_t clusters) MUST_CHECK;
/* Allocates one cluster for a new directory, zeroed. */
status_t exfat_new_directory(struct exfat_operation *operation, uint32_t *cluster) MUST_CHECK;
/* Zeroes clusters that nothing leads to, on the device. */
status_t exfat_zero(struct exfat *exfat, uint64_t address, uint64_t bytes) MUST_CHECK;
/* Sets or clears the bits of [first, first + count), numbered from 0. */
status_t exfat_bits_set(struct exfat *exfat, uint32_t first, uint32_t count, bool used,
                        enum change_epoch epoch) MUST_CHECK;
/* Sets the table's entry of a cluster. */
status_t exfat_link(struct exfat *exfat, enum change_epoch epoch, uint32_t cluster,
                    uint32_t next) MUST_CHECK;
uint32_t exfat_cluster_at(const struct exfat *exfat, uint64_t address);
/* Marks all queued clusters as free, in an operation of its own. */
status_t exfat_free_released(struct exfat *exfat) MUST_CHECK;

/* ---- write/slots.c ------------------------------------------------------------------------ */

/* Finds room for a set in a directory, which grows if necessary. */
status_t exfat_slots_find(struct exfat_operation *operation, struct exfat_node *directory,
                          unsigned entries, struct exfat_place *place) MUST_CHECK;
status_t exfat_place_read(struct exfat *exfat, const struct exfat_place *place,
                          uint8_t *set) MUST_CHECK;
/* Writes a new set: what leads to it in LINK, what follows in another block in NEW. */
status_t exfat_place_write(struct exfat *exfat, const struct exfat_place *place,
                           const uint8_t *set) MUST_CHECK;
/* Writes the first two entries of a set that exists. */
status_t exfat_place_update(struct exfat *exfat, const struct exfat_place *place,
                            const uint8_t *set) MUST_CHECK;
/* Marks its entries from the n-th on as unused. */
status_t exfat_place_clear(struct exfat *exfat, const struct exfat_place *place, unsigned from,
                           enum change_epoch epoch) MUST_CHECK;
/* Returns whether all entries are in one block of the device. */
bool exfat_place_is_atomic(const struct exfat *exfat, const struct exfat_place *place);
/* Counts entries of a directory that a change leaves unused. */
void exfat_slots_leave(struct exfat *exfat, struct exfat_node *directory, unsigned entries);
/* Stores a node's attributes in its set. The root has none: nothing happens. */
status_t exfat_node_store(struct exfat *exfat, const struct exfat_node *node,
                          const struct exfat_attributes *attributes) MUST_CHECK;

/* ---- write/change.c, write/rename.c ------------------------------------------------------- */

status_t exfat_create(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id);
status_t exfat_mkdir(struct fsd *fsd, struct vnode *directory, struct element element,
                     vnode_id_t *id);
status_t exfat_unlink(struct fsd *fsd, struct vnode *directory, struct element element,
                      struct vnode *vnode);
status_t exfat_rename(struct fsd *fsd, struct vnode *from, struct element old_name,
                      struct vnode *node, struct vnode *to, struct element new_name,
                      struct vnode *replaced);

/* What changes of a directory need: its index, complete. */
status_t exfat_names_get(struct exfat *exfat, struct exfat_node *directory,
                         struct name_index **index) MUST_CHECK;
/* Prepares a node to lose its name: reads its chain, and checks that a directory is empty. */
status_t exfat_unlink_prepare(struct exfat *exfat, struct exfat_node *node) MUST_CHECK;
/* The node has lost its name: put_vnode releases its clusters. To be called before another node can
 * get its entries, and so its id. Cancel: it keeps the name. */
void exfat_unlink_finish(struct exfat *exfat, struct vnode *vnode);
void exfat_unlink_cancel(struct exfat_node *node);
/* Stores a directory's size, if it has grown, and the time of its modification: now. */
status_t exfat_directory_store(struct exfat_operation *operation,
                               struct exfat_node *directory) MUST_CHECK;
/* Note names that an operation adds or removes (changes.h). */
void exfat_name_added(struct exfat *exfat, const struct exfat_node *directory,
                      struct element element);
void exfat_name_removed(struct exfat *exfat, const struct exfat_node *directory,
                        struct element element);

/* ---- write/content.c ---------------------------------------------------------------------- */

status_t exfat_reserve(struct fsd *fsd, struct vnode *vnode, uint64_t offset, uint64_t bytes);
status_t exfat_prepare_write(struct fsd *fsd, struct vnode *vnode, uint64_t offset,
                             uint64_t bytes);
status_t exfat_data_written(struct fsd *fsd, struct vnode *vnode, uint64_t size);
status_t exfat_set_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                        const struct node_info *info);

/* ---- write/state.c ------------------------------------------------------------------------ */

status_t exfat_flush(struct fsd *fsd);
status_t exfat_set_writable(struct fsd *fsd, bool writable);
void exfat_state_stop(struct exfat *exfat);
/* Prepares all that changes need, once. -EROFS if the volume is too damaged. */
status_t exfat_changes_start(struct exfat *exfat) MUST_CHECK;
/* Writes the volume's flags and how much is in use, durably. */
status_t exfat_flags_write(struct exfat *exfat, bool dirty) MUST_CHECK;

/* ---- volume.c ----------------------------------------------------------------------------- */

/* driver.mount_fs */
status_t exfat_mount(const struct device_handle *handle, const char *options, struct fsd **fsd);

#endif

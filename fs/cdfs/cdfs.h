/*
 * cdfs.h - the CD file system: ISO 9660 with Rock Ridge, Joliet, zisofs, and High Sierra.
 *
 *   medium/      decodes what the medium holds: descriptors, directory records, system use entries,
 *                dates, names, sessions                                       (medium/medium.h)
 *   index/       a directory's entries in memory: unique names, look-up       (index/index.h)
 *   content/     a file's bytes: extents, transfers, the worker, zisofs       (content/content.h)
 *   node.c       makes vnodes from directory records
 *   directory.c  looks up and lists names, through the index
 *   describe.c   prints the volume and its nodes for `volinfo`
 *   volume.c     mounts and dismounts: chooses a session and a name tree
 *   budgets.h    limits of every loop over a medium
 *
 * Each of these uses only those above it, except that the folders know struct cdfs and struct
 * cdfs_node.
 *
 * Trees       A mount shows one of four name trees: plain, Rock Ridge (plain records with better
 *             names), Joliet, or enhanced (ISO 9660:1999: longer plain names). A vnode id is the
 *             byte address of the (first) directory record with the tree in bits 62-63, so ids
 *             never collide and survive a reboot. The root's id is VNODE_ROOT.
 * Metadata    Directories, continuation areas and descriptors are read through one cache over the
 *             device (`meta`), so reading a record again costs no command.
 * Anomalies   Invalid but harmless structures are tolerated and counted in a ledger, which
 *             `volinfo` prints.
 * Locking     A mounted cdfs is immutable except for the ledger (atomic counters), the result of
 *             the last look-up, the read-ahead state of small files, and each directory's index.
 *             The last three are under `index_lock`. Indexes are freed when memory runs low.
 * References  ECMA-119 (ISO 9660), ISO 9660:1999, Joliet (1995), SUSP 1.12, RRIP 1.12.
 * Status      Read-only. Sparse files (RRIP SF) are listed but cannot be opened.
 */
#ifndef FS_CDFS_CDFS_H
#define FS_CDFS_CDFS_H

#include "fs/cdfs/content/content.h"
#include "fs/cdfs/index/index.h"
#include "fs/cdfs/medium/medium.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/cache/cache.h"
#include "kernel/vfs/fsd.h"

enum cdfs_tree { TREE_PLAIN, TREE_ROCK_RIDGE, TREE_JOLIET, TREE_ENHANCED, TREE_COUNT };

/* A vnode id: the record's address in the low bits, the tree in bits 62 and 63. */
enum { CDFS_ID_TREE_SHIFT = 62 };

static inline uint64_t cdfs_id_address(vnode_id_t id)
{
    return id & (((uint64_t)1 << CDFS_ID_TREE_SHIFT) - 1);
}

/* The result of the last look-up: the vnode that is made next is nearly always this one. */
struct cdfs_found {
    vnode_id_t id;
    struct cdfs_attributes attributes; /* simple ones; else nothing was found */
};

struct cdfs {
    struct fsd fsd;
    struct cache meta;              /* the device, in logical sectors */
    uint64_t device_bytes;
    uint64_t session_address;       /* of the session whose descriptors are used */
    uint32_t block_bytes;           /* logical block: 512, 1024 or 2048 */
    uint64_t volume_blocks;
    unsigned set_size, sequence_number; /* of the volume set: number of discs, and this disc */
    enum cdfs_tree tree;
    const struct charset *charset;  /* of names in bytes; NULL for the default (medium/names.c) */
    bool high_sierra;               /* the records of the plain tree are High Sierra's */
    unsigned susp_skip;             /* from SP: bytes before the system use entries */
    uint8_t root_record[PVD_ROOT_RECORD_BYTES];
    uint64_t root_record_address, root_address; /* of the root's record, and of its first sector */
    char volume_name[128];
    struct spin index_lock;         /* rank CACHE: the nodes' index pointers, `found`, `small` */
    struct cdfs_found found;
    struct cdfs_small small;
    struct cdfs_worker *worker;     /* NULL until a file needs it; under worker_lock */
    struct mutex worker_lock;       /* rank FSD */
    _Atomic uint64_t last_serial;
    _Atomic uint64_t last_directory; /* address of the directory that was indexed last */
    struct cdfs_node_builder *_Atomic spare_builder; /* node.c's; NULL for none */
    _Atomic uint32_t anomalies[ANOMALY_COUNT];
};

static inline struct cdfs *cdfs_of(struct fsd *fsd)
{
    return fsd->private_data;
}

/* ---- node.c ------------------------------------------------------------------------------- */

/* What a vnode's private_data points to. Immutable, except for the index. */
struct cdfs_node {
    uint64_t serial;       /* > 0; no other node of the mount ever has the same */
    struct cdfs_attributes attributes;
    uint64_t size_bytes;   /* on the disc: of the packed bytes, if they are packed */
    char *target;          /* of a symbolic link; owned */
    struct cdfs_extent first, *extents; /* extents == &first for a single one; else owned */
    unsigned extent_count;
    struct cdfs_zisofs zisofs;
    bool needs_work;          /* the worker makes the bytes */
    struct cdfs_index *index; /* of a directory: a reference, or NULL; under index_lock */
};

status_t cdfs_get_vnode(struct fsd *fsd, struct vnode *vnode);
void cdfs_put_vnode(struct fsd *fsd, struct vnode *vnode);
void cdfs_trim_vnode(struct fsd *fsd, struct vnode *vnode);
status_t cdfs_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                       struct node_info *info);
ssize_t cdfs_read_link(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes);

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

/* ---- describe.c --------------------------------------------------------------------------- */

/* FSD_DESCRIBE_VOLUME and FSD_DESCRIBE_NODE. */
status_t cdfs_ioctl(struct fsd *fsd, struct vnode *vnode, unsigned operation, void *argument,
                    size_t bytes);

#endif

/*
 * name_index.h - the names of one directory in memory, for file systems whose directories are lists
 * of records and whose names are found in any case.
 *
 * Model       A file system reads the directory once, adds an entry for each node, and completes
 *             the index; from then on it is constant. An entry has the name, perhaps an alias that
 *             is found but not listed, and details of the file system's own. A directory keeps its
 *             index in a slot until reclaim takes it.
 * Names       If two names differ in case only, which a damaged volume may contain, the later one
 *             gets a number: NAME~2. So every entry that is listed can be found.
 * Locking     The slot's functions take its lock, which is the file system's (rank VNODE or lower).
 *             An index in use is constant.
 * Ownership   References are counted; the slot has one.
 */
#ifndef KERNEL_VFS_LAYOUT_NAME_INDEX_H
#define KERNEL_VFS_LAYOUT_NAME_INDEX_H

#include "kernel/vfs/fsd.h"

struct name_index;

struct name_entry {
    struct name_entry *next;               /* in the order of the directory */
    struct name_entry *by_name, *by_alias; /* in their buckets */
    vnode_id_t id;
    const void *details;                   /* a copy; aligned to 8 */
    const char *name, *alias;              /* terminated; alias: NULL if there is none */
    uint16_t name_bytes, alias_bytes;
    unsigned last_number;                  /* name_index.c's: given to a later, equal name */
};

/* What the index does for its file system. */
struct name_format {
    /* Fills in the information on the node of an entry, from the details. */
    void (*info)(const struct name_entry *entry, struct node_info *info);
    bool trims; /* dots and blanks at the end of a name that is asked for are ignored */
};

/* ---- making ------------------------------------------------------------------------------- */

/* Returns an empty index with one reference, or NULL. `format` is borrowed. */
struct name_index *name_index_create(const struct name_format *format);
/* Adds an entry at the end, with copies of all. `alias`: NULL or a second name. -ENOMEM. */
status_t name_index_add(struct name_index *index, const struct name_entry *entry,
                        size_t details_bytes) MUST_CHECK;
/* Completes the index. `status`: why the rest of the directory is missing, or 0; `skipped`: invalid
 * records. Adds the number of names that were changed to *renamed. -ENOMEM. */
status_t name_index_complete(struct name_index *index, status_t status, unsigned skipped,
                             unsigned *renamed) MUST_CHECK;

/* ---- using -------------------------------------------------------------------------------- */

/* Returns the entry with this name, else with this alias, in any case; NULL if there is none. */
const struct name_entry *name_index_find(const struct name_index *index, const char *name,
                                         size_t length);
const struct name_format *name_index_format(const struct name_index *index);
const struct name_entry *name_index_first(const struct name_index *index); /* NULL: empty */
status_t name_index_status(const struct name_index *index);
unsigned name_index_skipped(const struct name_index *index);
void name_index_put(struct name_index *index); /* NULL: nothing */

/* ---- the slots of fsd_ops (name_slots.c) ----------------------------------------------------- */

/*
 * These do what the slots of the same names do, and put the reference to the index. A name that is
 * missing in an incomplete index may exist: the error that cut the index is returned for it.
 */
status_t name_index_lookup(struct name_index *index, struct element element,
                           vnode_id_t *id) MUST_CHECK;
status_t name_index_child_info(struct name_index *index, struct element element,
                               struct node_info *info) MUST_CHECK;
size_t name_index_actual_name(struct name_index *index, struct element element, char *name);
/* The cursor keeps the reference, so that its entries stay valid until close_dir. */
status_t name_index_open_dir(struct name_index *index, void **cursor) MUST_CHECK;

/* Slots for the table itself. */
int name_index_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor, uint64_t *position,
                        unsigned levels, struct dir_entry *entry);
void name_index_close_dir(struct fsd *fsd, struct vnode *directory, void *cursor);

/* ---- slots -------------------------------------------------------------------------------- */

/* Returns a reference to the index in the slot, or NULL. */
struct name_index *name_index_get(struct spin *lock, struct name_index **slot);
/* Puts an index into an empty slot. Returns a reference to the slot's index, which may be another
 * thread's; takes the caller's reference over. */
struct name_index *name_index_keep(struct spin *lock, struct name_index **slot,
                                   struct name_index *index);
/* Empties the slot unless its index is in use. Only tries the lock: for reclaim. */
void name_index_trim(struct spin *lock, struct name_index **slot);

#endif

/*
 * name_index.h - the names of one directory in memory, for file systems whose directories are lists
 * of records and whose names are found in any case.
 *
 * Model       A file system reads the directory once, adds an entry for each node, and completes
 *             the index. From then on it changes the index with each change of the directory. An
 *             entry has the name, perhaps an alias that is found but not listed, and details of the
 *             file system's own. A directory keeps its index in a slot until reclaim takes it.
 * Names       If two names differ in case only, which a damaged volume may contain, the later one
 *             gets a number: NAME~2. So every entry that is listed can be found. A name that is
 *             inserted later must be free.
 * Listing     A reader has a place of its own in the list of entries, after the entry that it read
 *             last. So it continues without a search, and entries inserted or removed meanwhile
 *             make it neither skip nor repeat another. Entries newer than the reader are not
 *             listed.
 * Details     They are what the record contained when it was read or inserted. A file system that
 *             changes records without their directory reads them again in name_format.info.
 * Locking     Each index has a mutex (rank FSD), which is held while memory is allocated, never
 *             while the file system is called. The slot's functions take the slot's lock, which is
 *             the file system's (rank VNODE or lower). name_index_put() takes no lock.
 * Ownership   References are counted; the slot has one. Entries are never returned by reference,
 *             since another thread may remove them: callers get copies.
 */
#ifndef KERNEL_VFS_LAYOUT_NAME_INDEX_H
#define KERNEL_VFS_LAYOUT_NAME_INDEX_H

#include "kernel/vfs/fsd.h"

enum { NAME_DETAILS_BYTES_MAX = 96 };

struct name_index;

/* An entry, as it is added, inserted or returned: the texts and details are borrowed. */
struct name_entry {
    vnode_id_t id;
    const void *details;      /* name_format.details_bytes; aligned to 8 when returned */
    const char *name, *alias; /* alias: NULL if there is none */
    uint16_t name_bytes, alias_bytes;
};

/* A copy of what a look-up found. */
struct name_found {
    vnode_id_t id;
    _Alignas(8) uint8_t details[NAME_DETAILS_BYTES_MAX];
};

/* What a file system does for its indexes. */
struct name_format {
    size_t details_bytes; /* at most NAME_DETAILS_BYTES_MAX */
    /* Reads a directory, adds its entries and completes the index. No lock is held. An error, such
     * as -EINTR, keeps the index from being used; damage of the medium is not one: the index is
     * completed with it. */
    status_t (*read)(struct fsd *fsd, void *directory, struct name_index *index);
    /* Fills in these levels of the information on the node of an entry. May read the medium.
     * -ENOENT if the record was removed meanwhile: a listing continues with the next entry. */
    status_t (*info)(struct fsd *fsd, vnode_id_t id, const void *details, unsigned levels,
                     struct node_info *info);
    bool trims; /* dots and blanks at the end of a name that is asked for are ignored */
};

/* ---- making, in name_format.read ------------------------------------------------------------ */

/* Adds an entry at the end, with copies of all; a name that is taken gets a number. -ENOMEM. */
status_t name_index_add(struct name_index *index, const struct name_entry *entry) MUST_CHECK;
/* Completes the index. `status`: why the rest of the directory is missing, or 0; `skipped`: invalid
 * records. Returns the number of names that were changed. */
unsigned name_index_complete(struct name_index *index, status_t status, unsigned skipped);

/* ---- using -------------------------------------------------------------------------------- */

/* Finds the entry with this name, else with this alias, in any case. Returns false if there is
 * none. */
bool name_index_find(struct name_index *index, const char *name, size_t length,
                     struct name_found *found);
size_t name_index_count(struct name_index *index); /* of entries */
/* Returns why the index has only some of the names, or 0 if it has them all. A directory whose
 * index is incomplete must not be changed: a name may exist, or the directory not be empty. */
status_t name_index_status(const struct name_index *index);
void name_index_put(struct name_index *index); /* NULL: nothing */

/* ---- changing ----------------------------------------------------------------------------- */

/* Inserts an entry at the end. -EEXIST if its name is taken, as a name or as an alias; -ENOMEM. */
status_t name_index_insert(struct name_index *index, const struct name_entry *entry) MUST_CHECK;
/* Removes the entry with this name, if its id is this one. Returns whether there was one. */
bool name_index_remove(struct name_index *index, const char *name, size_t length, vnode_id_t id);
/* Inserts an entry and removes that of another name (of this id), which may be the same name, in
 * one step: a look-up finds one of them. A third entry of the new name, with the id `replaced`, is
 * removed too; VNODE_NONE: the new name is free. A listing that has not reached the old entry
 * lists the new one in its place. -ENOENT if there is no entry of the old name, -EEXIST if the new
 * one is taken by another, -ENOMEM; nothing changes then. */
status_t name_index_replace(struct name_index *index, const char *name, size_t length,
                            vnode_id_t id, const struct name_entry *entry,
                            vnode_id_t replaced) MUST_CHECK;

/* ---- the slots of fsd_ops (name_slots.c) ----------------------------------------------------- */

/*
 * These do what the slots of the same names do, and put the reference to the index. A name that is
 * missing in an incomplete index may exist: the error that cut the index is returned for it.
 */
status_t name_index_lookup(struct name_index *index, struct element element,
                           vnode_id_t *id) MUST_CHECK;
status_t name_index_child_info(struct name_index *index, struct element element, unsigned levels,
                               struct node_info *info) MUST_CHECK;
size_t name_index_actual_name(struct name_index *index, struct element element, char *name);
/* The cursor keeps the reference until close_dir: reclaim leaves the index alone meanwhile, so that
 * the listing sees all changes. */
status_t name_index_open_dir(struct name_index *index, void **cursor) MUST_CHECK;

/* Slots for the table itself. */
int name_index_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor, uint64_t *position,
                        unsigned levels, struct dir_entry *entry);
void name_index_close_dir(struct fsd *fsd, struct vnode *directory, void *cursor);

/* ---- slots -------------------------------------------------------------------------------- */

/* Where a directory keeps its index. Zero: empty. */
struct name_slot {
    struct name_index *index; /* a reference, or NULL */
    unsigned trims;           /* how often it was emptied */
};

/* Returns a reference to the directory's index; reads the directory if the slot is empty. -ENOMEM,
 * or the error of name_format.read. */
status_t name_index_get(const struct name_format *format, struct fsd *fsd, struct spin *lock,
                        struct name_slot *slot, void *directory,
                        struct name_index **index) MUST_CHECK;
/* Empties the slot unless its index is in use. Only tries the lock: for reclaim. */
void name_index_trim(struct spin *lock, struct name_slot *slot);

#endif

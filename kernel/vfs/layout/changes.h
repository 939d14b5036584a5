/*
 * changes.h - the structures of a volume (allocation tables, directories), changed in memory and
 * written in an order that leaves a valid volume whenever power fails.
 *
 * Model       An operation of the file system (create, rename, ...) changes bytes of the volume.
 *             Each change names an epoch. The changes of later epochs are written when those of
 *             earlier ones are durable, so that nothing on the medium leads to what is not there:
 *               MARK    that the volume is in use, or is not; only marks change these bytes
 *               NEW     what nothing leads to yet: new clusters, the content of new directories
 *               LINK    names, sizes and links that lead to them
 *               UNLINK  the removal of names
 *               FREE    the release of what was removed
 *             Many operations are collected and written together: a commit costs at most four
 *             flushes, not four for each operation.
 * Stages      A byte may be changed several times before a commit. If it has a change in the same
 *             or an earlier epoch, the new one follows or replaces it. But if its pending change
 *             is in a LATER epoch, the order of time and the order of epochs contradict each
 *             other. The operation then begins a new group, with four epochs of its own that are
 *             written after all those of the group before. A stage is an epoch of a group.
 *               An operation belongs to one group: which one is decided when it ends, for all of
 *             its changes except marks, which are in the first one. Each stage keeps its own
 *             bytes, since later values must not be written early.
 * Invariants  Between two flushes the blocks of one stage are written, each with the bytes of the
 *             stages before, and its own. Therefore:
 *             1. While a change of stage n is on the medium, all changes of the stages before n
 *                are durable: the flush between them has succeeded.
 *             2. Within an operation, an earlier epoch is an earlier stage: it has one group.
 *             3. Of two operations, a change of the first in an epoch before the epoch of a change
 *                of the second is in an earlier stage: groups never decrease.
 *             4. The last value of a byte is in the last of its stages: in the same group by the
 *                test for contradictions, in another since groups are written in order. So the
 *                volume ends as changes_read() shows it.
 *             A block of the device is written as a whole or not at all.
 * Failures    After a failed write or flush, everything from that stage on is pending, and the
 *             next commit writes it again: a device may have lost what it had not flushed. The
 *             bytes of files are not: the caller of the commit learns that they may be lost.
 *               A mark that could not be written is replaced by the former one before anything else
 *             is changed or written: a volume that stays in use is marked as such.
 * Interface   changes_begin(), changes_write() ..., changes_end(); from time to time
 *             changes_commit(). Reading needs no operation.
 *             - Clusters and slots of records that an operation released are used again only after
 *               a commit: when changes_commits() has increased. This also holds for clusters that
 *               have pending changes, which would overwrite a file's new bytes.
 *             - Where an operation changes a byte twice, in two epochs, the earlier epoch comes
 *               first; else both epochs write the last value. (Entries of a FAT12 share bytes.)
 *             - A file's bytes are written without this module, before the operation that records
 *               its size ends: the first flush of a commit precedes every LINK.
 * Locking     Operations and commits exclude each other; the caller holds no lock. Readers see each
 *             changed block completely, but an operation in progress too.
 * Ownership   Borrows the fsd and the cache, which outlive it. A block that has changes is in
 *             memory as it will be, as it was written, and once for each stage that changes it.
 */
#ifndef KERNEL_VFS_LAYOUT_CHANGES_H
#define KERNEL_VFS_LAYOUT_CHANGES_H

#include "kernel/vfs/fsd.h"

enum change_epoch {
    CHANGE_MARK,
    CHANGE_NEW,
    CHANGE_LINK,
    CHANGE_UNLINK,
    CHANGE_FREE,
    CHANGE_EPOCHS,
};

struct changes;

/* Creates an empty set of changes; NULL if memory is exhausted. `cache`: over the FSD's device, as
 * device_cache_init() makes it; the FSD reads it directly only where nothing is ever changed.
 * block_bytes: what the device writes as a whole, from 512 to 4096. */
struct changes *changes_create(struct fsd *fsd, struct cache *cache, uint32_t block_bytes);
/* Drops what is pending. Waits for requests in flight. NULL is allowed. */
void changes_destroy(struct changes *changes);

/* ---- operations --------------------------------------------------------------------------- */

/* Begins an operation, once the operation or commit in progress has ended. Commits first, if too
 * much is pending. -EINTR, or what changes_commit() returns. */
status_t changes_begin(struct changes *changes) MUST_CHECK;
/* Ends it. With `keep` its changes are pending; else they are undone. */
void changes_end(struct changes *changes, bool keep);
/* Changes bytes of the volume, at any address; data NULL: to zeroes. An error, and then nothing was
 * changed: -ENOMEM; -EIO past the end of the device; or that of reading the rest of a block. */
status_t changes_write(struct changes *changes, enum change_epoch epoch, uint64_t address,
                       const void *data, size_t bytes) MUST_CHECK;

/* Notes that the operation removes a name of a directory, or adds one. Names that were removed may
 * still be on the medium when those of a later operation are there: so an operation that adds a
 * name removed since the last commit begins a new group, and no state has the name twice.
 * `directory`: a number of the directory's own. Case is ignored; a name that is only similar costs
 * a group. */
void changes_remove_name(struct changes *changes, uint64_t directory, const char *name,
                         size_t bytes);
void changes_add_name(struct changes *changes, uint64_t directory, const char *name, size_t bytes);
/* Returns whether adding a name would begin a new group: each costs the commit a few flushes. */
bool changes_name_waits(struct changes *changes, uint64_t directory, const char *name,
                        size_t bytes);

/* ---- reading ------------------------------------------------------------------------------ */

/* Reads what the volume will contain when everything is written. -EIO past its end. */
status_t changes_read(struct changes *changes, uint64_t address, void *memory,
                      size_t bytes) MUST_CHECK;
/* Reads what it contains now, or may contain if writing has failed. */
status_t changes_read_medium(struct changes *changes, uint64_t address, void *memory,
                             size_t bytes) MUST_CHECK;

/* ---- writing ------------------------------------------------------------------------------ */

/* Makes everything durable: the operations that have ended, and all bytes that were written to the
 * device before. Costs one flush if nothing is pending; else one before the first LINK, and one
 * after each stage that has changes. The first error; -EINTR: what is in flight ends by itself. */
status_t changes_commit(struct changes *changes) MUST_CHECK;
/* Writes a mark of the volume, as an operation and a commit with nothing in between. put() changes
 * its bytes in CHANGE_MARK: to the new mark, or to the `former` one if the commit has failed, also
 * later if it fails itself. Returns what changes_begin(), put() or the commit does. */
status_t changes_commit_mark(struct changes *changes,
                             status_t (*put)(struct fsd *fsd, bool former)) MUST_CHECK;
/* Returns whether an operation is not durable yet. */
bool changes_pending(struct changes *changes);
/* Returns the time_now_us() at which the oldest of them ended; TIME_NEVER if there is none. */
uint64_t changes_since_us(struct changes *changes);
/* Returns how many commits have succeeded. */
unsigned changes_commits(struct changes *changes);

#endif

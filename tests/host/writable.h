/*
 * writable.h - what every file system that can be written must do: one body for all of them.
 *
 * The volume is on disk0, and is mounted at /m. Bodies panic on the first deviation.
 */
#ifndef TESTS_HOST_WRITABLE_H
#define TESTS_HOST_WRITABLE_H

#include "tests/host/rig.h"

struct writable {
    unsigned tree_files;  /* that fit into the volume, for the tests of many names */
    bool folds;           /* names are found in any case */
};

/* Mount the volume read-only and make it writable, and unmount it. */
void writable_mount(void);
void writable_unmount(void);
/* Creates, changes, moves and removes files and directories, and looks at the result, before and
 * after an unmount. The volume is empty before and after. */
void writable_conform(const struct writable *fs);
/* The part of it about attributes: the volume is mounted. */
void writable_attributes(void);
/* The part of it about directories that are moved while they are in use, below a directory ("": the
 * root), which any file system may be mounted on. */
void writable_moves(const char *top);
/* Several threads create and remove files in one directory: none gets another's. */
void writable_reuse(void);
/* Makes random changes of files and directories, and of a model of them, and compares both, before
 * and after an unmount. The tree is left on the volume. */
void writable_random(unsigned changes);
/* The same in parts. With `forgiving`, a change may fail (device full, failed writes): the model
 * then learns what the file system has. */
void writable_random_begin(void);
void writable_random_changes(unsigned changes, bool forgiving);
void writable_random_end(void);
/* Returns a hash of all names, sizes and contents below a directory; an error is a part of it. */
uint64_t writable_hash(const char *path);
/* Removes everything below a directory. */
void writable_clear(const char *path);

#endif

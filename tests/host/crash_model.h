/*
 * crash_model.h - what a file system promises of a volume when power fails at any moment.
 *
 * Model       A history of trees. Each operation makes the next tree from the last one; a tree is a
 *             list of names, each in a directory and of a node. A file has versions of its content;
 *             each word of it occurs only once in a test.
 *             At a power failure, the trees since the last sync are possible, up to that of the
 *             operation in progress. The volume may mix them, but
 *             - each name is of one of these trees, and shows a node that it had there;
 *             - each word of a file is of one of the file's own versions, and its size is between
 *               theirs: no file shows bytes of another one, or of what was there before;
 *             - a name that all of these trees have is there;
 *             - a node that all of these trees have is there, by one of its names.
 *             fsync() makes the file's own part of that begin later.
 * Locking     One thread.
 */
#ifndef TESTS_HOST_CRASH_MODEL_H
#define TESTS_HOST_CRASH_MODEL_H

#include "kernel/vfs/vfs.h"

enum {
    MODEL_NODES = 64,
    MODEL_NAMES = 24,
    MODEL_TIMES = 100,
    MODEL_NAME_BYTES = 40,
    MODEL_ROOT = 0,
    MODEL_NONE = -1,
    MODEL_FOUND = 64,
};

/* ---- the history -------------------------------------------------------------------------- */

/* Begins a history whose tree 0 has the root only. */
void model_reset(void);
/* Frees all versions. */
void model_free(void);
/* Ends an operation: returns the number of the tree that it has made. */
unsigned model_step(void);

/* Returns the node of a path in the last tree, or MODEL_NONE. Elements are divided by slashes. */
int model_find(const char *path);
enum node_type model_type(int node);
bool model_is_empty(int directory);
/* Returns whether `node` is `directory` or inside it. */
bool model_is_inside(int node, int directory);
/* Returns the last version of a file. */
const uint8_t *model_content(int node, uint32_t *bytes);

/* Return the new node, or MODEL_NONE if the directory does not exist or the name does. */
int model_create(const char *path, enum node_type type);
void model_remove(const char *path);
/* Replaces the node that has the name already. */
void model_rename(const char *from, const char *to);
/* Adds a version, a copy, to the tree that is being made. */
void model_change(int node, const uint8_t *content, uint32_t bytes);

/* ---- a volume after a power failure ------------------------------------------------------- */

struct model_found {
    int parent; /* in the list of found nodes; MODEL_NONE: the root */
    char name[MODEL_NAME_BYTES];
    enum node_type type;
    uint8_t *content;
    uint32_t bytes;
    uint64_t may_be; /* a bit for each node; model_check() sets it */
};

/* The trees that are possible. */
struct model_window {
    unsigned first, last;
    unsigned first_of[MODEL_NODES]; /* a later one, for a file that was synced by itself */
};

/* Returns what is wrong with what was found, or NULL. Parents precede their children. */
const char *model_check(const struct model_window *window, struct model_found *found,
                        unsigned count);

#endif

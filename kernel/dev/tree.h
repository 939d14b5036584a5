/*
 * tree.h - the device tree as publish.c changes it. Finding and listing: device.h.
 *
 * Published devices are found by number, by alias and by name below a parent, through hash tables
 * of a fixed size: with thousands of devices a look-up takes a few comparisons.
 *
 * Locking     Threads; takes the tree's mutex (rank DEVTREE).
 */
#ifndef KERNEL_DEV_TREE_H
#define KERNEL_DEV_TREE_H

#include "kernel/dev/internal.h"

/* Empties the tree: the next device gets number 1. */
void tree_start(void);
/* Puts a device into the tree with a number, the alias of its class with the lowest free number,
 * and a reference of the tree's. -ENODEV if its parent is not in the tree; -EEXIST if the parent
 * has a child of that name, or if the alias of a part is in use. */
status_t tree_enter(struct device *device) MUST_CHECK;
/* Takes a device without children out of the tree and sets `gone`. *left: it was in the tree, whose
 * reference is now the caller's. Returns false if it has children, which must leave first. */
bool tree_leave(struct device *device, bool *left);
/* Returns a reference to the deepest first child, or to the device itself if it has no children. */
struct device *tree_leaf(struct device *device);
/* Returns a reference to the first device in the tree whose number is above `after`, or NULL. */
struct device *tree_next(unsigned after);

#endif

/*
 * tree.h - how kernel/dev/device.c finds published devices: by number, by alias, by name below a
 * parent. Hash tables of a fixed size: with thousands of devices a few comparisons a look-up.
 *
 * Locking     The caller holds the tree's mutex.
 */
#ifndef KERNEL_DEV_TREE_H
#define KERNEL_DEV_TREE_H

#include "kernel/dev/device.h"

void tree_start(void); /* empty */
/* Enters a device with its number and parent, and gives it the alias of its class with the lowest
 * free number. */
void tree_insert(struct device *device);
void tree_remove(struct device *device);

/* Borrowed; NULL: none. */
struct device *tree_find_number(unsigned number);
struct device *tree_find_alias(const char *alias);
struct device *tree_find_child(const struct device *parent, const char *name, size_t length);

#endif

/*
 * list.h - the list of drivers, as match.c changes it.
 *
 * Locking     Threads; a spin of rank QUEUE inside.
 */
#ifndef KERNEL_DEV_DRIVER_LIST_H
#define KERNEL_DEV_DRIVER_LIST_H

#include "kernel/dev/driver.h"

/* Adds a driver, in use once: the caller puts it. -EEXIST if the name is in use, -ENOMEM. */
status_t driver_list_add(const struct driver *driver) MUST_CHECK;
/* Removes a driver that is not in use; *has_root: it accepted the root of the tree. -ENOENT,
 * -EBUSY, -EOPNOTSUPP as driver_unregister(). */
status_t driver_list_remove(const struct driver *driver, bool *has_root) MUST_CHECK;
/* Records that the driver accepted the root. */
void driver_list_set_root(const struct driver *driver);
/* Returns whether it did, and forgets it. */
bool driver_list_clear_root(const struct driver *driver);
/* Counts the drivers that were added so far. */
unsigned driver_list_changes(void);

#endif

/*
 * hostfs.h - a directory of the host in Spindle's tree, as a file system of the type "hostfs".
 *
 * Model       A node is a path of the host, found by a vnode id that is made from device and inode
 *             number. Files have no cache: each read and write is the host's. Links are Spindle's
 *             to follow, in its own tree, so no link leads out of the directory.
 * Changes     The host may change the directory at any time. A node whose path leads elsewhere by
 *             then is -ESTALE or -ENOENT.
 * Status      Read-only unless hostfs_mount() was asked for more. Devices, pipes and sockets of the
 *             host are listed, but cannot be opened.
 */
#ifndef HOST_HOSTFS_H
#define HOST_HOSTFS_H

#include <stdbool.h>

#include "lib/status.h"

/* Mounts a directory of the host at `where`, which is created. Once. */
status_t hostfs_mount(const char *directory, bool writable, const char *where) MUST_CHECK;

#endif

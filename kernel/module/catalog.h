/*
 * catalog.h - /System/drivers/index in memory: which driver objects the boot disc has.
 *
 * Form        A line for each object: "NAME TAB FILE TAB SHA-256 TAB DRIVES TAB NEEDS". DRIVES are
 *             entries in the form of info.h, separated by ";", NEEDS are names of other drivers,
 *             separated by ";"; the last column may be missing.
 * Checks      The file is a person's or another kernel's: a line without these columns, with an
 *             invalid name, a slash in FILE, a control character or the name of an earlier line is
 *             ignored. How many are, or why the file cannot be used, is logged once for each disc.
 * Model       The file of a read-only disc is read once, and stays in memory while the same medium
 *             is at /System. Another file may change, so it is read for each catalog_get().
 * Locking     Threads; no lock is held. catalog_get() may read the disc.
 * Ownership   catalog_get() returns a reference; the texts are valid until catalog_put().
 */
#ifndef KERNEL_MODULE_CATALOG_H
#define KERNEL_MODULE_CATALOG_H

#include "kernel/port.h"

#define CATALOG_FOLDER "/System/drivers/"

enum { CATALOG_BYTES_MAX = 64 * 1024 };

struct catalog_line {
    const char *name, *file, *drives, *needs;
};

struct catalog {
    _Atomic unsigned references;
    char *text;
    unsigned count;
    struct catalog_line *lines;
};

/* -ENOENT if there is no index, -EFBIG if it is too large; -EINTR, -ENOMEM, or an error of the
 * disc. */
status_t catalog_get(struct catalog **catalog) MUST_CHECK;
void catalog_put(struct catalog *catalog);

/* Returns the line of this name, or NULL. */
const struct catalog_line *catalog_find(const struct catalog *catalog, const char *name);

/* Frees what is kept in memory (host tests). */
void catalog_stop(void);

#endif

/*
 * wide_name.h - names in UTF-16, as FAT (long names) and exFAT store them.
 *
 * Both allow the same characters and lengths. Names of devices of DOS (CON, NUL, LPT1) are allowed,
 * as in Linux; Windows shows such a file, but cannot open it. A surrogate without its partner has
 * no form in UTF-8, so it is never written; one that is read becomes `_`.
 */
#ifndef KERNEL_VFS_LAYOUT_WIDE_NAME_H
#define KERNEL_VFS_LAYOUT_WIDE_NAME_H

#include "kernel/vfs/fsd.h"

enum { WIDE_UNITS_MAX = 255 };

struct wide_name {
    uint16_t units[WIDE_UNITS_MAX];
    unsigned count;
};

/* Converts from UTF-8. -EINVAL for invalid bytes and for a character that no name may contain
 * (controls and "*:<>?\|); -ENAMETOOLONG. */
status_t wide_name_encode(struct element element, struct wide_name *name) MUST_CHECK;
/* The same for the name that a file is to have. -EINVAL also for a dot or blank at its end: Windows
 * and Linux leave those out, so that `a.` and `a` would be one name there. */
status_t wide_name_parse(struct element element, struct wide_name *name) MUST_CHECK;

#endif

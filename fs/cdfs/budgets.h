/*
 * budgets.h - limits of every loop over a medium.
 *
 * A loop ends when its budget is used up, whatever the medium contains; exceeding a budget is
 * counted as an anomaly. The budgets are far above what real discs need.
 */
#ifndef FS_CDFS_BUDGETS_H
#define FS_CDFS_BUDGETS_H

enum {
    CDFS_DESCRIPTORS_MAX = 256,          /* sectors searched for volume descriptors */
    CDFS_SESSIONS_MAX = 99,              /* sessions of a medium without a table of contents */
    CDFS_ENTRIES_MAX = 1 << 20,          /* entries of a directory */
    CDFS_SECTIONS_MAX = 4096,            /* extents of a file */
    CDFS_CONTINUATIONS_MAX = 32,         /* CE entries followed for one record */
    CDFS_CONTINUATION_BYTES_MAX = 32768, /* all continuation areas of one record */
    CDFS_PARTIAL_INDEX_US = 10000000,    /* an incomplete listing is read again after this */
};

#endif

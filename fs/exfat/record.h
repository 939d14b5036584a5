/*
 * record.h - the places of the fields in directory entries, for those who decode and encode them.
 *
 * References  Microsoft exFAT specification 1.00: 7.1 (bitmap), 7.2 (up-case table), 7.3 (label),
 *             7.4 (file), 7.6 (stream extension), 7.7 (name).
 */
#ifndef FS_EXFAT_RECORD_H
#define FS_EXFAT_RECORD_H

/* A file entry. */
enum {
    FILE_SECONDARIES = 1,
    FILE_CHECKSUM = 2, /* 2 bytes, which the checksum leaves out */
    FILE_ATTRIBUTES = 4,
    FILE_CREATED = 8,
    FILE_MODIFIED = 12,
    FILE_ACCESSED = 16,
    FILE_CREATED_CENTISECONDS = 20,
    FILE_MODIFIED_CENTISECONDS = 21,
    FILE_CREATED_ZONE = 22,
    FILE_MODIFIED_ZONE = 23,
    FILE_ACCESSED_ZONE = 24,
};

/* A stream extension. */
enum {
    STREAM_FLAGS = 1,
    STREAM_NAME_UNITS = 3,
    STREAM_NAME_HASH = 4,
    STREAM_VALID_BYTES = 8,
    STREAM_CLUSTER = 20,
    STREAM_BYTES = 24,

    FLAG_ALLOCATED = 1 << 0,
    FLAG_CONSECUTIVE = 1 << 1,
};

/* A part of the name. */
enum { NAME_UNITS = 2, NAME_UNITS_PER_ENTRY = 15 };

/* The label; the allocation bitmap; the up-case table. */
enum { LABEL_COUNT = 1, LABEL_UNITS = 2 };
enum { BITMAP_CLUSTER = 20, BITMAP_BYTES = 24 };
enum { UPCASE_CHECKSUM = 4, UPCASE_CLUSTER = 20, UPCASE_BYTES = 24 };

enum { ZONE_VALID = 0x80, ZONE_QUARTER_S = 15 * 60 };

#endif

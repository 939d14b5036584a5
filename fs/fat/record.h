/*
 * record.h - the places of the fields of directory records.
 *
 * References  Microsoft FAT specification 1.03, 6 (short records), 7 (long names).
 */
#ifndef FS_FAT_RECORD_H
#define FS_FAT_RECORD_H

/* A short record. */
enum fat_short_field {
    RECORD_NAME = 0, /* 8 bytes and 3, padded with blanks */
    RECORD_ATTRIBUTES = 11,
    RECORD_CASE = 12,
    RECORD_CREATED_CENTISECONDS = 13,
    RECORD_CREATED_TIME = 14,
    RECORD_CREATED_DATE = 16,
    RECORD_ACCESSED_DATE = 18,
    RECORD_CLUSTER_HIGH = 20,
    RECORD_MODIFIED_TIME = 22,
    RECORD_MODIFIED_DATE = 24,
    RECORD_CLUSTER_LOW = 26,
    RECORD_SIZE = 28,
};

enum {
    STEM_BYTES = 8,
    EXTENSION_BYTES = 3,
    CASE_STEM = 0x08, /* these letters are lower case: Windows NT and later */
    CASE_EXTENSION = 0x10,

    FIRST_END = 0x00,
    FIRST_FREE = 0xe5,
    FIRST_E5 = 0x05, /* stands for E5, which begins Japanese names */
};

/* A record of a long name. */
enum fat_long_field {
    LONG_ORDER = 0,
    LONG_ATTRIBUTES = 11,
    LONG_TYPE = 12,
    LONG_CHECKSUM = 13,
    LONG_CLUSTER = 26,
};

enum {
    LONG_LAST = 0x40,
    LONG_ORDER_MASK = 0x3f,
    LONG_PART_UNITS = 13,
    LONG_PARTS_MAX = 20,
};

/* The places of the 13 units of a part. */
static const unsigned char long_unit_offsets[LONG_PART_UNITS] = { 1,  3,  5,  7,  9,  14, 16,
                                                                  18, 20, 22, 24, 28, 30 };

#endif

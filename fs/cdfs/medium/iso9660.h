/*
 * iso9660.h - the fields of ECMA-119, by its own section numbers.
 *
 * Structures of the medium are never overlaid by structs: every field is read from checked bytes
 * at its offset. Offsets here count from 0; the standard's byte positions from 1.
 *
 * References  ECMA-119 (4th edition) 7 (numbers), 8 (volume descriptors), 9.1 (directory records);
 *             Joliet specification, 1995; El Torito specification 1.0.
 */
#ifndef FS_CDFS_MEDIUM_ISO9660_H
#define FS_CDFS_MEDIUM_ISO9660_H

#include "lib/bytes.h"

enum {
    ISO_SECTOR_BYTES = 2048,   /* 6.1.2 logical sector */
    ISO_FIRST_DESCRIPTOR = 16, /* 6.2.1 sector of the first volume descriptor */
};

/* 8.1 common to all volume descriptors */
enum {
    VD_TYPE = 0,
    VD_STANDARD_ID = 1, /* "CD001" */
    VD_STANDARD_ID_BYTES = 5,
    VD_VERSION = 6,

    VD_TYPE_BOOT = 0,
    VD_TYPE_PRIMARY = 1,
    VD_TYPE_SUPPLEMENTARY = 2, /* 8.5; version 2: enhanced */
    VD_TYPE_PARTITION = 3,
    VD_TYPE_TERMINATOR = 255,
};

/* 8.4 primary, 8.5 supplementary */
enum {
    PVD_SYSTEM_ID = 8,
    PVD_SYSTEM_ID_BYTES = 32,
    PVD_VOLUME_ID = 40,
    PVD_VOLUME_ID_BYTES = 32,
    PVD_SPACE_SIZE = 80,       /* 733, logical blocks */
    SVD_ESCAPES = 88,
    PVD_SET_SIZE = 120,        /* 723 */
    PVD_SEQUENCE_NUMBER = 124, /* 723 */
    PVD_BLOCK_BYTES = 128,     /* 723 */
    PVD_ROOT_RECORD = 156,
    PVD_ROOT_RECORD_BYTES = 34,
    PVD_VOLUME_SET_ID = 190,
    PVD_PUBLISHER_ID = 318,
    PVD_PREPARER_ID = 446,
    PVD_APPLICATION_ID = 574,
    PVD_LONG_ID_BYTES = 128,   /* of each of these four */
    PVD_CREATED = 813,         /* 8.4.26.1, as the next three */
    PVD_MODIFIED = 830,
    PVD_EXPIRES = 847,
    PVD_EFFECTIVE = 864,
};

/* 8.2 boot record, and what El Torito stores in it */
enum {
    BOOT_SYSTEM_ID = 7,
    BOOT_SYSTEM_ID_BYTES = 32,
    BOOT_CATALOG = 71, /* le32, sector */
};

/* High Sierra, from which ISO 9660 was made: the same structures, some fields elsewhere. */
enum {
    HS_TYPE = 8,
    HS_STANDARD_ID = 9, /* "CDROM" */
    HS_VERSION = 14,
    HS_VOLUME_ID = 48,
    HS_SPACE_SIZE = 88,
    HS_SET_SIZE = 128,
    HS_SEQUENCE_NUMBER = 132,
    HS_BLOCK_BYTES = 136,
    HS_ROOT_RECORD = 180,

    HS_DR_FLAGS = 24, /* its dates have no zone, which makes room for the flags */
};

/* 9.1 directory record */
enum {
    DR_LENGTH = 0,
    DR_XAR_BLOCKS = 1,
    DR_EXTENT = 2,           /* 733, logical block */
    DR_DATA_BYTES = 10,      /* 733 */
    DR_DATE = 18,            /* 9.1.5, 7 bytes */
    DR_FLAGS = 25,
    DR_UNIT_BLOCKS = 26,
    DR_GAP_BLOCKS = 27,
    DR_SEQUENCE_NUMBER = 28, /* 723 */
    DR_ID_LENGTH = 32,
    DR_ID = 33,
    DR_BYTES_MIN = 34,

    DR_FLAG_HIDDEN = 0x01,   /* 9.1.6 */
    DR_FLAG_DIRECTORY = 0x02,
    DR_FLAG_ASSOCIATED = 0x04,
    DR_FLAG_MULTI_EXTENT = 0x80,
};

/* 9.1.5 date of 7 bytes */
enum {
    SHORT_YEAR = 0, /* since 1900 */
    SHORT_MONTH = 1,
    SHORT_DAY = 2,
    SHORT_HOUR = 3,
    SHORT_MINUTE = 4,
    SHORT_SECOND = 5,
    SHORT_ZONE = 6, /* quarter hours east of Greenwich, signed */
};

/* 8.4.26.1 date of 17 bytes: decimal digits, and the zone as above */
enum {
    LONG_YEAR = 0, /* 4 digits; the others 2 */
    LONG_MONTH = 4,
    LONG_DAY = 6,
    LONG_HOUR = 8,
    LONG_MINUTE = 10,
    LONG_SECOND = 12,
    LONG_HUNDREDTHS = 14,
    LONG_ZONE = 16,
};

/* 7.1.1 */
static inline uint8_t iso_711(struct bytes b, size_t offset)
{
    return bytes_u8(b, offset);
}

/* 7.2.3: both byte orders. The little-endian half is used; *agree becomes false if they differ. */
static inline uint16_t iso_723(struct bytes b, size_t offset, bool *agree)
{
    if (bytes_le16(b, offset) != bytes_be16(b, offset + 2))
        *agree = false;
    return bytes_le16(b, offset);
}

/* 7.3.1 */
static inline uint32_t iso_731(struct bytes b, size_t offset)
{
    return bytes_le32(b, offset);
}

/* 7.3.3: as 7.2.3 */
static inline uint32_t iso_733(struct bytes b, size_t offset, bool *agree)
{
    if (bytes_le32(b, offset) != bytes_be32(b, offset + 4))
        *agree = false;
    return bytes_le32(b, offset);
}

#endif

/*
 * susp.h - the fields of system use entries: SUSP 1.12, RRIP 1.12, and zisofs' ZF.
 *
 * An entry is a signature of two letters, its length, a version, and data. Offsets of the header
 * count from the start of the entry; all others from the data, 4 bytes later.
 */
#ifndef FS_CDFS_MEDIUM_SUSP_H
#define FS_CDFS_MEDIUM_SUSP_H

/* SUSP 4.1 the header of every entry */
enum { SUE_SIGNATURE = 0, SUE_LENGTH = 2, SUE_VERSION = 3, SUE_DATA = 4 };

/* SUSP 5.1 continuation area */
enum { CE_BLOCK = 0, CE_OFFSET = 8, CE_LENGTH = 16, CE_BYTES = 24 };

/* SUSP 5.3 sharing protocol indicator; its offsets count from the start of the entry */
enum { SP_SKIP = 6, SP_BYTES = 7 };

/* RRIP 4.1.1 POSIX attributes. Version 1.10 and earlier end before the serial number; some writers
 * end before the owner. */
enum { PX_MODE = 0, PX_LINKS = 8, PX_UID = 16, PX_GID = 24, PX_BYTES_MIN = 8 };

/* RRIP 4.1.2 device number */
enum { PN_HIGH = 0, PN_LOW = 8 };

/* RRIP 4.1.3 symbolic link: flags, then components (4.1.3.1) */
enum {
    SL_COMPONENTS = 1,

    COMPONENT_FLAGS = 0,
    COMPONENT_LENGTH = 1,
    COMPONENT_CONTENT = 2,

    COMPONENT_CONTINUE = 0x01, /* the next component continues this name */
    COMPONENT_CURRENT = 0x02,  /* "." */
    COMPONENT_PARENT = 0x04,   /* ".." */
    COMPONENT_ROOT = 0x08,     /* "/" */
};

/* RRIP 4.1.4 alternate name */
enum {
    NM_FLAGS = 0,
    NM_CONTENT = 1,

    NM_CURRENT = 0x02, /* the name of ".", which names no node */
    NM_PARENT = 0x04,
};

/* RRIP 4.1.5.1 child link, 4.1.5.2 parent link */
enum { CL_BLOCK = 0, CL_BYTES = 8, PL_BYTES = 8 };

/* RRIP 4.1.6 time stamps. The flags' low bits say which stamps follow, in this order. */
enum {
    TF_FLAGS = 0,
    TF_STAMPS = 1,

    TF_CREATION = 0x01,
    TF_MODIFY = 0x02,
    TF_ACCESS = 0x04,
    TF_ATTRIBUTES = 0x08,
    TF_LONG_FORM = 0x80, /* of 17 bytes each, not of 7 */
};

/* zisofs: algorithm "pz" or, for zisofs2, "PZ" */
enum {
    ZF_ALGORITHM = 0,
    ZF_HEADER_WORDS = 2, /* the header's size in words of 4 bytes */
    ZF_BLOCK_LOG2 = 3,
    ZF_SIZE = 4,         /* unpacked; 733, or le64 in zisofs2 */
};

#endif

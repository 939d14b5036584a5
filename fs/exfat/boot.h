/*
 * boot.h - the places of the boot sector's fields, and their limits.
 *
 * References  Microsoft exFAT specification 1.00: 3.1.
 */
#ifndef FS_EXFAT_BOOT_H
#define FS_EXFAT_BOOT_H

enum exfat_boot_field {
    BOOT_JUMP = 0, /* 3 bytes */
    BOOT_NAME = 3, /* 8 bytes */
    BOOT_PARTITION_SECTOR = 64,
    BOOT_VOLUME_SECTORS = 72,
    BOOT_TABLE_SECTOR = 80,
    BOOT_TABLE_SECTORS = 84,
    BOOT_HEAP_SECTOR = 88,
    BOOT_CLUSTERS = 92,
    BOOT_ROOT_CLUSTER = 96,
    BOOT_SERIAL = 100,
    BOOT_REVISION = 104,
    BOOT_FLAGS = 106,
    BOOT_SECTOR_SHIFT = 108,
    BOOT_CLUSTER_SHIFT = 109,
    BOOT_TABLES = 110,
    BOOT_DRIVE = 111,
    BOOT_PERCENT = 112,
    BOOT_CODE = 120,
    BOOT_SIGNATURE = 510,
};

enum {
    SIGNATURE = 0xaa55,
    REVISION_MAJOR = 1,
    PERCENT_UNKNOWN = 0xff,
    FLAG_DIRTY = 1 << 1,
    FLAG_FAILING = 1 << 2,
    SECTOR_SHIFT_MIN = 9,
    SECTOR_SHIFT_MAX = 12,
    CLUSTER_SHIFT_MAX = 25, /* of a cluster's bytes: 32 MiB */
};

#define CLUSTERS_MAX 0xfffffff5u

#endif

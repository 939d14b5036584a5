/*
 * boot.h - the places of the boot sector's fields, and the limits that decide between FAT12, FAT16
 * and FAT32.
 *
 * References  Microsoft FAT specification 1.03, 3.1 to 3.5 (boot sector), 5 (FSInfo).
 */
#ifndef FS_FAT_BOOT_H
#define FS_FAT_BOOT_H

enum fat_boot_field {
    BOOT_JUMP = 0,
    BOOT_SYSTEM_NAME = 3, /* 8 bytes: of the program that made the volume */
    BOOT_SECTOR_BYTES = 11,
    BOOT_CLUSTER_SECTORS = 13,
    BOOT_RESERVED_SECTORS = 14,
    BOOT_TABLES = 16,
    BOOT_ROOT_ENTRIES = 17,
    BOOT_SECTORS_16 = 19,
    BOOT_MEDIA = 21,
    BOOT_TABLE_SECTORS_16 = 22,
    BOOT_TRACK_SECTORS = 24,
    BOOT_HEADS = 26,
    BOOT_SECTORS_32 = 32,

    /* FAT12 and FAT16 */
    BOOT_DRIVE_16 = 36,
    BOOT_STATE_16 = 37, /* BOOT_STATE_DIRTY */
    BOOT_EXTENDED_16 = 38,
    BOOT_SERIAL_16 = 39,
    BOOT_LABEL_16 = 43,
    BOOT_TYPE_16 = 54,
    BOOT_CODE_16 = 62,

    /* FAT32 */
    BOOT_TABLE_SECTORS_32 = 36,
    BOOT_MIRRORING = 40, /* the active table, if BOOT_MIRRORING_OFF */
    BOOT_ROOT_CLUSTER = 44,
    BOOT_INFO_SECTOR = 48,
    BOOT_BACKUP_SECTOR = 50,
    BOOT_DRIVE_32 = 64,
    BOOT_STATE_32 = 65,
    BOOT_EXTENDED_32 = 66,
    BOOT_SERIAL_32 = 67,
    BOOT_LABEL_32 = 71,
    BOOT_TYPE_32 = 82,
    BOOT_CODE_32 = 90,

    BOOT_SIGNATURE = 510,
};

enum {
    SIGNATURE = 0xaa55,
    JUMP_NEAR = 0xe9,
    JUMP_SHORT = 0xeb,
    MEDIA_REMOVABLE = 0xf0,
    MEDIA_FIRST = 0xf8, /* the smallest of the others; of disks */
    BOOT_STATE_DIRTY = 1,
    BOOT_STATE_ERRORS = 2,
    EXTENDED_SIGNATURE = 0x29, /* serial number, label and type are present */
    EXTENDED_SERIAL_ONLY = 0x28,
    BOOT_MIRRORING_OFF = 0x80,
    BOOT_ACTIVE_TABLE = 0x0f,

    LABEL_BYTES = 11,
    SECTOR_BYTES_MAX = 4096,
    TABLES_MAX = 4,
    CLUSTERS_12_MAX = 4084, /* more are FAT16 */
    CLUSTERS_16_MAX = 65524, /* more are FAT32 */
};

#define CLUSTERS_32_MAX 0x0ffffff5u

/* The FSInfo sector of FAT32. */
enum fat_info_field {
    INFO_LEAD = 0,
    INFO_STRUCTURE = 484,
    INFO_FREE_CLUSTERS = 488, /* INFO_UNKNOWN: not known */
    INFO_NEXT_CLUSTER = 492,  /* where to look for a free one */
    INFO_TRAIL = 508,
};

#define INFO_LEAD_SIGNATURE 0x41615252u
#define INFO_STRUCTURE_SIGNATURE 0x61417272u
#define INFO_TRAIL_SIGNATURE 0xaa550000u
#define INFO_UNKNOWN 0xffffffffu

#endif

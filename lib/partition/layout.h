/*
 * layout.h - where the fields of partition tables are: for the decoders and the editor.
 *
 * References  UEFI 2.10, 5.2 (MBR) and 5.3 (GPT).
 */
#ifndef LIB_PARTITION_LAYOUT_H
#define LIB_PARTITION_LAYOUT_H

enum {
    /* a GPT header; the primary is in the second sector, the backup in the last one */
    GPT_SIGNATURE = 0, /* "EFI PART" */
    GPT_REVISION = 8,
    GPT_HEADER_BYTES = 12,
    GPT_HEADER_CRC = 16,
    GPT_SECTOR = 24,       /* its own */
    GPT_OTHER = 32,        /* that of the other header */
    GPT_FIRST_USABLE = 40,
    GPT_LAST_USABLE = 48,
    GPT_DISK_GUID = 56,
    GPT_ENTRIES = 72,
    GPT_ENTRY_COUNT = 80,
    GPT_ENTRY_BYTES = 84,
    GPT_ENTRIES_CRC = 88,
    GPT_HEADER_BYTES_MIN = 92,
    GPT_REVISION_1 = 0x00010000,
    GPT_PRIMARY_SECTOR = 1,

    /* an entry of a GPT */
    GPT_ENTRY_TYPE = 0, /* a GUID; zeroes: not used */
    GPT_ENTRY_GUID = 16,
    GPT_ENTRY_FIRST = 32,
    GPT_ENTRY_LAST = 40,
    GPT_ENTRY_NAME = 56,
    GPT_ENTRY_NAME_UNITS = 36,
    GPT_ENTRY_BYTES_MIN = 128,
    GUID_BYTES = 16,

    /* an MBR, and an extended boot record */
    MBR_DISK_SIGNATURE = 440,
    MBR_TABLE = 446,
    MBR_ENTRIES = 4,
    MBR_ENTRY_BYTES = 16,
    MBR_SIGNATURE = 510, /* 55 AA */

    /* an entry of an MBR */
    MBR_STATUS = 0,
    MBR_FIRST_CHS = 1,
    MBR_TYPE = 4,
    MBR_LAST_CHS = 5,
    MBR_FIRST = 8,
    MBR_COUNT = 12,

    MBR_TYPE_EXTENDED = 0x05,
    MBR_TYPE_EXTENDED_LBA = 0x0f,
    MBR_TYPE_EXTENDED_LINUX = 0x85,
    MBR_TYPE_PROTECTIVE = 0xee,
};

#endif

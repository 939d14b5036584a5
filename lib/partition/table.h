/*
 * table.h - partition tables: MBR with its extended chains, and GPT.
 *
 *   table.c      chooses the scheme
 *   mbr.c        the master boot record, and the chain of extended boot records
 *   gpt.c        the GUID partition table: both headers, and the entries
 *   types.c      the names of the types
 *   decode.c     what these share: sectors, the list of partitions, notes
 *   edit.c       the editor (edit.h)
 *   layout.h     where the fields are
 *
 * drivers/storage/partition makes a part of the disk of each partition.
 *
 * Model       The decoder reads a disk through a callback and fills a list. It knows no devices,
 *             allocates nothing and takes no locks: the same sources are tested and fuzzed alone.
 * Invariant   Each partition in the list is inside the medium, begins after the table's first
 *             sector and overlaps no other one; the numbers differ. A partition that violates this
 *             is left out, and one that ends after the medium is cut. Both are noted.
 * Schemes     An MBR with an entry of type EE announces a GPT, which is then used, whatever else
 *             the MBR contains (hybrid MBR). If the primary header or its entries are invalid, the
 *             backup is used. If that is invalid too, the other entries of the MBR are used.
 * Numbers     MBR: 1 to 4 for the entries of the table, from 5 on in the order of the chain. GPT:
 *             the position of the entry.
 * Bounds      PARTITION_COUNT_MAX partitions, as many extended boot records, 512 KiB of GPT entries
 *             and PARTITION_NOTES_MAX notes.
 * Ownership   A struct partition_table has 28 KiB: allocate it.
 * References  UEFI 2.10, chapter 5 (GPT and MBR). Extended boot records are not standardized:
 *             they are read as the common systems write them.
 * Status      Other schemes (Apple, BSD, Sun) are not decoded. Of attributes, none.
 */
#ifndef LIB_PARTITION_TABLE_H
#define LIB_PARTITION_TABLE_H

#include <stdbool.h>
#include "lib/bytes.h"
#include "lib/status.h"

enum {
    PARTITION_COUNT_MAX = 128,
    PARTITION_TYPE_BYTES = 40,    /* of a name of a type, or of a GUID as text */
    PARTITION_NAME_BYTES = 109,   /* 36 characters of UTF-16 as UTF-8, and a NUL */
    PARTITION_PIECE_BYTES = 4096, /* the longest read */
    PARTITION_NOTES_MAX = 8,
};

enum partition_scheme { PARTITION_NONE, PARTITION_MBR, PARTITION_GPT };

/* Returns the scheme's usual name, such as "GPT". */
const char *partition_scheme_name(enum partition_scheme scheme);

struct partition {
    unsigned number;
    uint64_t base_bytes, length_bytes;
    char type[PARTITION_TYPE_BYTES]; /* "EFI system"; of an unknown type its number */
    char name[PARTITION_NAME_BYTES]; /* of a GPT: as the medium has it, in valid UTF-8; or "" */
};

/* Where a table is read from. */
struct partition_source {
    /* Reads whole sectors, at most PARTITION_PIECE_BYTES, inside the medium. */
    status_t (*read)(struct partition_source *source, uint64_t offset_bytes, void *buffer,
                     size_t bytes);
    /* Reports something invalid: "partition 2 overlaps partition 1; left out". */
    void (*note)(struct partition_source *source, const char *text);
    uint64_t size_bytes;
    uint32_t sector_bytes; /* in which an MBR counts: 512 to 4096. A GPT may count in others */
};

struct partition_table {
    enum partition_scheme scheme;
    unsigned count;
    struct partition partitions[PARTITION_COUNT_MAX];
    /* The decoder's. */
    uint8_t piece[PARTITION_PIECE_BYTES];
    uint32_t chain[PARTITION_COUNT_MAX]; /* the extended boot records so far */
    unsigned chain_length, notes;
};

/* Fills in *table; PARTITION_NONE if the medium has no partition table. Errors of source->read for
 * the first sector; an unreadable sector elsewhere is noted, and what needs it is left out. */
status_t partition_table_read(struct partition_source *source,
                              struct partition_table *table) MUST_CHECK;
/* Returns whether the medium is an ISO 9660 volume as a whole. One that can also be written to a
 * disk has a partition table in front of it (isohybrid). */
bool partition_is_volume(struct partition_source *source, struct partition_table *table);

#endif

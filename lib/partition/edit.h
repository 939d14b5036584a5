/*
 * edit.h - creates partition tables, and adds and deletes partitions.
 *
 * Model       The editor reads the raw table, changes it in memory and writes it back: an MBR is
 *             its first sector; of a GPT both copies are written, the backup first, with a flush
 *             between them, so that one copy is valid whenever power fails. What the editor does
 *             not change, such as boot code, attributes and a hybrid MBR, stays as it is.
 * Alignment   Partitions begin and end at multiples of 1 MiB, as other systems expect, if there is
 *             room for that.
 * MBR         Only the four entries of the table itself are edited. An extended partition counts as
 *             used space, and is not deleted: its logical partitions would be lost with it.
 * Locking     None: the caller has the disk alone.
 * Ownership   A struct partition_edit has 72 KiB: allocate it.
 * References  UEFI 2.10, chapter 5.
 */
#ifndef LIB_PARTITION_EDIT_H
#define LIB_PARTITION_EDIT_H

#include "lib/partition/decode.h"

enum {
    PARTITION_ENTRIES_BYTES = 32 * 1024, /* of GPT entries at most; usual are 16 KiB */
    PARTITION_RANDOM_BYTES = 16,
    PARTITION_ALIGN_BYTES = 1024 * 1024,
};

struct partition_edit {
    struct partition_source source;  /* reads; set by the caller, with size and sector */
    /* Writes whole sectors inside the medium, and makes them durable. Set by the caller. */
    status_t (*write)(struct partition_edit *edit, uint64_t offset_bytes, const void *data,
                      size_t bytes);
    status_t (*flush)(struct partition_edit *edit);
    uint8_t random[PARTITION_RANDOM_BYTES]; /* for a GUID or a signature; set by the caller */
    const char *why;                        /* after an error of the editor's own; else NULL */

    /* the editor's */
    struct partition_table table;
    struct decoder decoder;
    struct gpt_header header;
    uint8_t guid[PARTITION_RANDOM_BYTES]; /* of the disk */
    uint64_t primary_entries, backup_sector, backup_entries; /* the places of both copies */
    uint8_t sector[PARTITION_PIECE_BYTES]; /* that is being made; else a copy of the MBR */
    uint8_t entries[PARTITION_ENTRIES_BYTES];
};

/* What a new partition is for. */
struct partition_kind {
    uint8_t mbr;          /* its type in an MBR */
    const uint8_t *gpt;   /* its GUID in a GPT, in the order of the medium */
};

/* Finds a kind by name: fat, exfat, ntfs, linux, swap, efi; or an MBR type such as 0x83, stored in
 * *kind, whose GUID is then NULL. Returns false if it is none. */
bool partition_kind_find(const char *name, struct partition_kind *kind);

/* Reads the table: edit->table.scheme is PARTITION_NONE if there is none. -EUCLEAN if it is
 * damaged, -EINVAL with edit->why, or an error of source.read. */
status_t partition_edit_load(struct partition_edit *edit) MUST_CHECK;
/* Makes an empty table. The ends of the medium, with what other systems recognize contents by,
 * become zeroes (lib/identify/identify.h). -ENOSPC if the medium is too small. */
status_t partition_edit_create(struct partition_edit *edit,
                               enum partition_scheme scheme) MUST_CHECK;
/* Add a partition of at least `bytes`, or 0: of the largest free space; remove one. Need
 * partition_edit_load(). -ENOSPC, -ENOENT, -EMLINK if all entries are used, -EINVAL with a reason
 * in edit->why. */
status_t partition_edit_add(struct partition_edit *edit, uint64_t bytes,
                            const struct partition_kind *kind, unsigned *number) MUST_CHECK;
status_t partition_edit_delete(struct partition_edit *edit, unsigned number) MUST_CHECK;

#endif

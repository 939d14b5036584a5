/*
 * decode.h - what the decoders of partition tables share; see table.h.
 */
#ifndef LIB_PARTITION_DECODE_H
#define LIB_PARTITION_DECODE_H

#include "lib/partition/table.h"

/* A decoder at work. */
struct decoder {
    struct partition_source *source;
    struct partition_table *table;
    uint32_t sector_bytes; /* of the table that is being decoded */
    uint64_t sectors;      /* whole ones of the medium */
};

/* ---- decode.c ----------------------------------------------------------------------------- */

/* Sets the sectors that the decoder counts in. */
void decoder_set_sector(struct decoder *decoder, uint32_t sector_bytes);
/* Reads sectors into table->piece: `count` of them, or fewer at the end of the medium. *got has
 * the bytes. -EIO outside the medium; errors of source->read. */
status_t decoder_read(struct decoder *decoder, uint64_t sector, unsigned count,
                      struct bytes *got) MUST_CHECK;
/* Adds a partition to the list, if it can be admitted. Returns it, for its type and name; NULL if
 * it was left out. */
struct partition *decoder_add(struct decoder *decoder, unsigned number, uint64_t first,
                              uint64_t count);
void decoder_note(struct decoder *decoder, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- mbr.c -------------------------------------------------------------------------------- */

enum { MBR_SECTOR_BYTES = 512 }; /* what is used of a sector */

/* A copy of the first sector. */
struct mbr {
    uint8_t bytes[MBR_SECTOR_BYTES];
};

/* Returns whether it is a table with a used entry, and not the boot sector of a volume. */
bool mbr_is_table(const struct mbr *mbr);
/* Returns whether an entry announces a GPT. */
bool mbr_is_protective(const struct mbr *mbr);
void mbr_decode(struct decoder *decoder, const struct mbr *mbr);

/* ---- gpt.c -------------------------------------------------------------------------------- */

struct gpt_header {
    uint64_t other, first_usable, last_usable, entries; /* sectors */
    uint32_t entry_count, entry_bytes, entries_crc;
};

/* Fills in *header from this sector. Returns NULL, or why it is not a valid header. */
const char *gpt_header_read(struct decoder *decoder, uint64_t sector, struct gpt_header *header);
/* Returns NULL if the entries have the header's checksum, or what is wrong. */
const char *gpt_entries_check(struct decoder *decoder, const struct gpt_header *header);
/* Returns false if neither header is valid. */
bool gpt_decode(struct decoder *decoder);

/* ---- types.c ------------------------------------------------------------------------------ */

void type_name_mbr(uint8_t type, char text[PARTITION_TYPE_BYTES]);
/* The GUID's 16 bytes are in the order of the medium. */
void type_name_gpt(struct bytes guid, char text[PARTITION_TYPE_BYTES]);

#endif

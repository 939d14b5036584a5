/*
 * disc.h - a store of 2048-byte blocks over CD sectors in one file or several.
 *
 * A disc is a list of extents: blocks whose sectors follow each other in one file, each sector a
 * `stride` from the next. Blocks between the extents and audio blocks are -EIO. Sectors with an EDC
 * are verified and corrected before their data is returned (cd_sector.h); the ledger counts the
 * damaged ones.
 *
 * Addresses   Block n of the drive is block n of the disc, as volumes and tables of contents count.
 * Ownership   The store owns its files. The ledger is borrowed, and outlives the store.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_DISC_DISC_H
#define DRIVERS_STORAGE_VIRTUAL_DISC_DISC_H

#include "drivers/storage/virtual/disc/cd_sector.h"
#include "drivers/storage/virtual/disc/ledger.h"
#include "drivers/storage/virtual/store/store.h"

enum disc_format {
    DISC_NO_DATA, /* audio, or sectors without 2048 bytes of data */
    DISC_COOKED,  /* the 2048 bytes of data only */
    DISC_RAW,     /* 2352 bytes, and perhaps subchannel data */
    DISC_BARE,    /* 2336 bytes of mode 2: no sync, no header */
};

struct disc_extent {
    uint32_t first_block, blocks;
    enum disc_format format;
    uint8_t mode, file;
    uint16_t stride_bytes;
    uint32_t frame;        /* RAW: the address in the header of the first sector */
    uint64_t offset_bytes; /* of the first sector in the file */
};

/* Creates a store of `blocks` blocks. The extents are in the order of their blocks; both arrays are
 * copied. Takes the files over unless it fails: -ENOMEM. */
status_t store_disc_create(const struct disc_extent *extents, unsigned extent_count,
                           struct store *const *files, unsigned file_count, uint32_t blocks,
                           struct ledger *ledger, struct store **store) MUST_CHECK;

/* If the file contains whole CD sectors of 2352, 2336, 2368 or 2448 bytes, replaces *store by a
 * store of their data, and sets *toc to a table of contents on the heap, which the caller owns.
 * Else *store is unchanged and *toc is NULL. -ENOMEM: *store is unchanged. */
status_t store_raw_detect(struct store **store, struct ledger *ledger, uint32_t *sector_bytes,
                          struct device_toc **toc) MUST_CHECK;

/* Memory for looking at sectors. */
struct disc_probe {
    struct cd_check check;
    uint8_t sector[2448];
};

/* Returns whether the extent's sectors have its format. Mode and frame are set to those of most of
 * the sectors that it reads. */
bool disc_probe(struct disc_probe *probe, struct store *file, struct disc_extent *extent);
/* Moves an extent that was probed to the block in the headers of its sectors, if that differs from
 * first_block and the ISO 9660 volume on it counts its blocks by the headers. Blocks below `lowest`
 * are cut off. */
void disc_place(struct disc_probe *probe, struct store *file, struct disc_extent *extent,
                uint32_t lowest);

#endif

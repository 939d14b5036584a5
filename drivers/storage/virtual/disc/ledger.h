/*
 * ledger.h - counts and logs the sectors of an image that were corrected or refused.
 *
 * Each sector is counted once, however often it is read, and logged once; after LEDGER_LINES lines
 * sectors are only counted. Without memory to remember a sector it may be counted again.
 *
 * Locking     ledger_note(): one thread at a time. The counts: any context.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_DISC_LEDGER_H
#define DRIVERS_STORAGE_VIRTUAL_DISC_LEDGER_H

#include "drivers/storage/virtual/disc/cd_sector.h"
#include "kernel/port.h"

enum {
    LEDGER_LINES = 20,
    LEDGER_PAGE_BLOCKS = 8 * 4096,
    LEDGER_PAGES = (CD_FRAMES_MAX + LEDGER_PAGE_BLOCKS - 1) / LEDGER_PAGE_BLOCKS,
};

struct ledger {
    const char *name; /* of the image, for the log: borrowed */
    _Atomic uint32_t corrected, refused;
    unsigned lines;
    uint8_t *seen[LEDGER_PAGES]; /* one bit per block; NULL: none of these was noted */
};

/* Counts and logs the verdict of a block, unless it is CD_GOOD or the block was noted before. */
void ledger_note(struct ledger *ledger, uint32_t block, enum cd_verdict verdict);
/* Frees the bits. */
void ledger_clear(struct ledger *ledger);

#endif

/*
 * ledger.h - which sectors of an image were corrected, and which had to be refused.
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
    uint8_t *seen[LEDGER_PAGES]; /* a bit a block; NULL: none of them was seen */
};

void ledger_note(struct ledger *ledger, uint32_t block, enum cd_verdict verdict);
/* Frees what it remembers. */
void ledger_clear(struct ledger *ledger);

#endif

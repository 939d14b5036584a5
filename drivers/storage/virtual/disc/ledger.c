/*
 * ledger.c - a bit per block of the disc, in pages that are allocated when first needed.
 */
#include "drivers/storage/virtual/disc/ledger.h"
#include "kernel/log.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

/* Marks the block as seen; returns whether it was already. */
static bool ledger_mark(struct ledger *ledger, uint32_t block)
{
    uint32_t page = block / LEDGER_PAGE_BLOCKS, bit = block % LEDGER_PAGE_BLOCKS;
    if (page >= LEDGER_PAGES)
        return false;

    /* Without memory for the page, the block counts as new each time. */
    uint8_t **seen = &ledger->seen[page];
    if (!*seen && !vfs_memory_is_short(1))
        *seen = mem_zalloc(LEDGER_PAGE_BLOCKS / 8);
    if (!*seen)
        return false;

    uint8_t mask = (uint8_t)(1u << bit % 8), *byte = *seen + bit / 8;
    bool was = *byte & mask;
    *byte |= mask;
    return was;
}

void ledger_note(struct ledger *ledger, uint32_t block, enum cd_verdict verdict)
{
    if (verdict == CD_GOOD || ledger_mark(ledger, block))
        return;

    bool corrected = verdict == CD_CORRECTED;
    atomic_fetch_add(corrected ? &ledger->corrected : &ledger->refused, 1);

    /* A scratched disc can have thousands of such sectors: the log gets the first ones only. */
    if (ledger->lines == LEDGER_LINES)
        return;
    log_write(corrected ? LOG_INFO : LOG_WARN, "vdrive", "%s: block %u: %s%s", ledger->name, block,
              cd_verdict_text(verdict), corrected ? " by its ECC" : "");

    if (++ledger->lines == LEDGER_LINES)
        log_warn("vdrive", "%s: further sectors are only counted: see vdrive info", ledger->name);
}

void ledger_clear(struct ledger *ledger)
{
    for (unsigned i = 0; i < LEDGER_PAGES; i++) {
        mem_free(ledger->seen[i]);
        ledger->seen[i] = NULL;
    }
}

/*
 * dma.c - the bus master of an IDE controller (SFF-8038i).
 *
 * The bus master reads a table of (address, length) pairs that cover the data. An entry must not
 * cross a 64 KiB boundary; addresses and lengths are even and below 4 GiB. The "interrupt" bit of
 * its status follows the channel's line in every mode, so it also shows whether a shared interrupt
 * came from this channel.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "lib/macros.h"

enum {
    MASTER_COMMAND = 0,
    MASTER_STATUS = 2,
    MASTER_TABLE = 4,

    MASTER_START = 1 << 0,
    MASTER_TO_MEMORY = 1 << 3,

    MASTER_ACTIVE = 1 << 0,
    MASTER_ERROR = 1 << 1,     /* cleared by writing 1 */
    MASTER_INTERRUPT = 1 << 2, /* the same */
    MASTER_KEEP = 3 << 5,      /* the firmware's notes on the units, which only software changes */
    MASTER_SIMPLEX = 1 << 7,   /* the controller runs one channel at a time */
    MASTER_ABSENT = 0xff,      /* a status that no device drives */

    BOUNDARY_BYTES = 1 << 16,
    TABLE_ENTRIES = PAGE_BYTES / 8,
    TABLE_LAST = 1 << 15,
};

struct dma_entry {
    uint32_t address;
    uint16_t bytes; /* 0: 64 KiB */
    uint16_t flags;
};

static uint8_t master_status(const struct ide_channel *channel)
{
    return register_read8(&channel->place.master, MASTER_STATUS);
}

static void master_command(const struct ide_channel *channel, uint8_t bits)
{
    register_write8(&channel->place.master, MASTER_COMMAND, bits);
}

static void master_clear(const struct ide_channel *channel, uint8_t bits)
{
    register_write8(&channel->place.master, MASTER_STATUS, channel->master_keep | bits);
}

void ide_dma_configure(struct ide_channel *channel)
{
    if (!channel->place.master.access)
        return;

    /* A simplex controller has one bus master for both channels, which run at the same time here:
     * the first channel gets it. */
    uint8_t status = master_status(channel);
    bool usable = status != MASTER_ABSENT && !(status & MASTER_SIMPLEX && channel->place.second);

    /* The table register has 32 bits, so the page must be below 4 GiB. */
    channel->dma_table = usable ? page_alloc_low() : NULL;
    if (!channel->dma_table)
        return;

    channel->dma_table_address = (uint32_t)mem_physical(channel->dma_table);

    /* Read once: a port access is the slowest step of a short command. */
    channel->master_keep = status & MASTER_KEEP;

    /* The firmware may have left it in the middle of a transfer. */
    master_command(channel, 0);
    master_clear(channel, MASTER_ERROR | MASTER_INTERRUPT);
}

/* ---- the table ---------------------------------------------------------------------------- */

/* Appends entries for memory that is contiguous for the device. */
static bool table_add(struct dma_entry *entries, unsigned *count, uint64_t address, uint32_t bytes)
{
    /* Unreachable memory is not an error of the command: the caller then uses PIO. */
    if (address + bytes - 1 > UINT32_MAX || address % 2 || bytes % 2)
        return false;

    while (bytes) {
        /* Up to the next 64 KiB boundary; a whole 64 KiB are written as 0. */
        uint32_t piece = BOUNDARY_BYTES - (uint32_t)(address % BOUNDARY_BYTES);
        piece = min(piece, bytes);

        if (*count == TABLE_ENTRIES)
            return false;
        entries[(*count)++] = (struct dma_entry){ (uint32_t)address, (uint16_t)piece, 0 };
        address += piece;
        bytes -= piece;
    }
    return true;
}

static bool table_build(struct dma_entry *entries, struct ata_data *data)
{
    unsigned count = 0;
    uint64_t address;
    while (data->left_bytes) {
        /* Segments that are too short end before the data. */
        uint32_t bytes = ata_data_next_physical(data, UINT32_MAX, &address);
        if (!bytes || !table_add(entries, &count, address, bytes))
            return false;
    }

    /* No data at all would leave the table without its end mark. */
    if (!count)
        return false;
    entries[count - 1].flags = TABLE_LAST;
    return true;
}

/* ---- running ------------------------------------------------------------------------------ */

bool ide_dma_prepare(struct ide_channel *channel, struct ata_data data, bool to_memory)
{
    /* The table is one per channel. No other command uses it: the channel has one opening. */
    if (!ide_has_dma(channel) || !table_build(channel->dma_table, &data))
        return false;

    /* The direction must not change while the bus master runs: it is set before the start bit. */
    master_command(channel, to_memory ? MASTER_TO_MEMORY : 0);
    master_clear(channel, MASTER_ERROR | MASTER_INTERRUPT);
    register_write32(&channel->place.master, MASTER_TABLE, channel->dma_table_address);
    return true;
}

void ide_dma_start(struct ide_channel *channel, bool to_memory)
{
    master_command(channel, MASTER_START | (to_memory ? MASTER_TO_MEMORY : 0));
}

bool ide_dma_stop(struct ide_channel *channel)
{
    /* The status is read first: clearing the start bit also clears the active bit. A bus master
     * that is still active has memory left: the unit moved less than expected. */
    uint8_t status = master_status(channel);
    master_command(channel, 0);
    master_clear(channel, MASTER_ERROR | MASTER_INTERRUPT);
    return !(status & (MASTER_ACTIVE | MASTER_ERROR));
}

/* Keeps the error bit, which the worker reads in ide_dma_stop(). */
bool ide_dma_take_interrupt(struct ide_channel *channel)
{
    if (!(master_status(channel) & MASTER_INTERRUPT))
        return false;
    master_clear(channel, MASTER_INTERRUPT);
    return true;
}

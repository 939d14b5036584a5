/*
 * dma.c - the bus master of an IDE controller (SFF-8038i).
 *
 * The bus master reads a table of (address, length) pairs that cover the data. An entry must not
 * cross a 64 KiB boundary; addresses and lengths are even and below 4 GiB. The "interrupt" bit of
 * its status follows the channel's line in every mode, so it also shows whether a shared interrupt
 * came from this channel.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "kernel/x86/ports.h"
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
    MASTER_KEEP = 3 << 5,      /* the firmware's notes on the units: written back unchanged */
    MASTER_SIMPLEX = 1 << 7,   /* the controller runs one channel at a time */
    MASTER_ABSENT = 0xff,      /* a status that no device drives */
    MASTER_SECOND_CHANNEL = 8, /* the bit of the port */

    BOUNDARY_BYTES = 1 << 16,
    TABLE_ENTRIES = PAGE_BYTES / 8,
    TABLE_LAST = 1 << 15,
};

struct dma_entry {
    uint32_t address;
    uint16_t bytes; /* 0: 64 KiB */
    uint16_t flags;
};

static uint16_t master_port(const struct ide_channel *channel, unsigned number)
{
    return (uint16_t)(channel->bus_master_port + number);
}

static void master_clear(const struct ide_channel *channel, uint8_t bits)
{
    uint8_t keep = port_in8(master_port(channel, MASTER_STATUS)) & MASTER_KEEP;
    port_out8(master_port(channel, MASTER_STATUS), keep | bits);
}

void ide_dma_configure(struct ide_channel *channel)
{
    if (!channel->bus_master_port)
        return;

    /* A simplex controller has one bus master for both channels, which run at the same time here:
     * the first channel gets it. */
    uint8_t status = port_in8(master_port(channel, MASTER_STATUS));
    bool second = channel->bus_master_port & MASTER_SECOND_CHANNEL;
    bool usable = status != MASTER_ABSENT && !(status & MASTER_SIMPLEX && second);

    /* The table register has 32 bits, so the page must be below 4 GiB. */
    channel->dma_table = usable ? page_alloc_low() : NULL;
    if (!channel->dma_table) {
        channel->bus_master_port = 0;
        return;
    }

    /* The firmware may have left it in the middle of a transfer. */
    port_out8(master_port(channel, MASTER_COMMAND), 0);
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

static bool table_build(struct dma_entry *entries, const struct scsi_command *command)
{
    uint32_t left = command->length_bytes;
    unsigned count = 0;
    for (unsigned i = 0; left && i < command->segment_count; i++) {
        const struct io_segment *segment = &command->segments[i];
        uint32_t bytes = min(segment->length_bytes, left), piece;
        left -= bytes;

        /* Pages that are adjacent here need not be adjacent for the device. */
        for (const char *at = segment->address; bytes; at += piece, bytes -= piece) {
            piece = (uint32_t)mem_contiguous(at, bytes);
            if (!table_add(entries, &count, mem_physical(at), piece))
                return false;
        }
    }

    /* Segments that are too short, or no data at all, would leave
     * the table without its end mark. */
    if (left || !count)
        return false;
    entries[count - 1].flags = TABLE_LAST;
    return true;
}

/* ---- running ------------------------------------------------------------------------------ */

bool ide_dma_prepare(struct ide_channel *channel, const struct scsi_command *command)
{
    /* The table is one per channel. No other command uses it: the channel has one opening. */
    if (!channel->bus_master_port || !table_build(channel->dma_table, command))
        return false;

    /* The direction must not change while the bus master runs: it is set before the start bit. */
    port_out8(master_port(channel, MASTER_COMMAND), MASTER_TO_MEMORY);
    master_clear(channel, MASTER_ERROR | MASTER_INTERRUPT);
    port_out32(master_port(channel, MASTER_TABLE), (uint32_t)mem_physical(channel->dma_table));
    return true;
}

void ide_dma_start(struct ide_channel *channel)
{
    port_out8(master_port(channel, MASTER_COMMAND), MASTER_TO_MEMORY | MASTER_START);
}

bool ide_dma_stop(struct ide_channel *channel)
{
    /* The status is read first: clearing the start bit also clears the active bit. A bus master
     * that is still active has memory left to fill: the unit sent less than expected. */
    uint8_t status = port_in8(master_port(channel, MASTER_STATUS));
    port_out8(master_port(channel, MASTER_COMMAND), 0);
    master_clear(channel, MASTER_ERROR | MASTER_INTERRUPT);
    return !(status & (MASTER_ACTIVE | MASTER_ERROR));
}

/* Keeps the error bit, which the worker reads in ide_dma_stop(). */
bool ide_dma_take_interrupt(struct ide_channel *channel)
{
    if (!(port_in8(master_port(channel, MASTER_STATUS)) & MASTER_INTERRUPT))
        return false;
    master_clear(channel, MASTER_INTERRUPT);
    return true;
}

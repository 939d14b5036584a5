/*
 * dma.c - the bus master of an IDE controller (SFF-8038i).
 *
 * The master reads a table of (address, length) pairs that cover the data; an entry must not cross
 * a 64 KiB boundary, and addresses and lengths are even and below 4 GiB. The note "interrupt" in
 * its status follows the channel's line in every mode, so it also says whose a shared one was.
 */
#include "drivers/storage/ata/ide/ata.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"

enum {
    MASTER_COMMAND = 0,
    MASTER_STATUS = 2,
    MASTER_TABLE = 4,

    MASTER_START = 1 << 0,
    MASTER_TO_MEMORY = 1 << 3,

    MASTER_ACTIVE = 1 << 0,
    MASTER_ERROR = 1 << 1,     /* written 1: cleared */
    MASTER_INTERRUPT = 1 << 2, /* the same */
    MASTER_KEEP = 3 << 5,      /* the firmware's notes on the units: written back as they were */
    MASTER_SIMPLEX = 1 << 7,

    BOUNDARY_BYTES = 1 << 16,
    TABLE_ENTRIES = PAGE_BYTES / 8,
    TABLE_LAST = 1 << 15,
};

struct dma_entry {
    uint32_t address;
    uint16_t bytes; /* 0: 64 KiB */
    uint16_t flags;
};

static uint16_t master_port(const struct ata_channel *channel, unsigned number)
{
    return (uint16_t)(channel->bus_master_port + number);
}

static void master_clear(const struct ata_channel *channel, uint8_t notes)
{
    uint8_t keep = port_in8(master_port(channel, MASTER_STATUS)) & MASTER_KEEP;
    port_out8(master_port(channel, MASTER_STATUS), keep | notes);
}

void ata_dma_configure(struct ata_channel *channel)
{
    if (!channel->bus_master_port)
        return;
    uint8_t status = port_in8(master_port(channel, MASTER_STATUS));
    bool second = channel->bus_master_port & 8;
    channel->dma_table = status & MASTER_SIMPLEX && second ? NULL : page_alloc_low();
    if (!channel->dma_table || status == 0xff) { /* 0xff: no device at this address */
        channel->bus_master_port = 0;
        return;
    }
    port_out8(master_port(channel, MASTER_COMMAND), 0);
    master_clear(channel, MASTER_ERROR | MASTER_INTERRUPT);
}

/* ---- the table ---------------------------------------------------------------------------- */

/* Appends entries for memory that is one piece for the device. */
static bool table_add(struct dma_entry *entries, unsigned *count, uint64_t address, uint32_t bytes)
{
    if (address + bytes - 1 > UINT32_MAX || address % 2 || bytes % 2)
        return false;
    while (bytes) {
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

static bool table_build(struct dma_entry *entries, const struct packet_command *command)
{
    uint32_t left = command->length_bytes;
    unsigned count = 0;
    for (unsigned i = 0; left && i < command->segment_count; i++) {
        const struct io_segment *segment = &command->segments[i];
        uint32_t bytes = segment->length_bytes < left ? segment->length_bytes : left, piece;
        left -= bytes;
        for (const char *at = segment->address; bytes; at += piece, bytes -= piece) {
            piece = (uint32_t)mem_contiguous(at, bytes);
            if (!table_add(entries, &count, mem_physical(at), piece))
                return false;
        }
    }
    if (left || !count)
        return false;
    entries[count - 1].flags = TABLE_LAST;
    return true;
}

/* ---- running ------------------------------------------------------------------------------ */

bool ata_dma_prepare(struct ata_channel *channel, const struct packet_command *command)
{
    if (!channel->bus_master_port || !table_build(channel->dma_table, command))
        return false;
    port_out8(master_port(channel, MASTER_COMMAND), MASTER_TO_MEMORY);
    master_clear(channel, MASTER_ERROR | MASTER_INTERRUPT);
    port_out32(master_port(channel, MASTER_TABLE), (uint32_t)mem_physical(channel->dma_table));
    return true;
}

void ata_dma_start(struct ata_channel *channel)
{
    port_out8(master_port(channel, MASTER_COMMAND), MASTER_TO_MEMORY | MASTER_START);
}

/* A master that is still active has memory left to fill: the unit gave less than was wanted. */
bool ata_dma_stop(struct ata_channel *channel)
{
    uint8_t status = port_in8(master_port(channel, MASTER_STATUS));
    port_out8(master_port(channel, MASTER_COMMAND), 0);
    master_clear(channel, MASTER_ERROR | MASTER_INTERRUPT);
    return !(status & (MASTER_ACTIVE | MASTER_ERROR));
}

bool ata_dma_take_interrupt(struct ata_channel *channel)
{
    if (!(port_in8(master_port(channel, MASTER_STATUS)) & MASTER_INTERRUPT))
        return false;
    master_clear(channel, MASTER_INTERRUPT); /* and not the error, which the worker wants to see */
    return true;
}

/*
 * dma.c - the bus master of an IDE controller (SFF-8038i).
 *
 * The master reads a table of (address, length) pairs that cover the data; an entry must not cross
 * a 64 KiB boundary, and addresses and lengths are even and below 4 GiB. The note "interrupt" in
 * its status follows the channel's line in every mode, so it also says whose a shared one was.
 */
#include "drivers/ata/ata.h"
#include "kernel/x86/ports.h"

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

/* The table while it is filled; the last entry is kept apart so that it can still grow. */
struct dma_builder {
    struct dma_entry *entries;
    unsigned count;
    uint32_t address, bytes; /* of the open entry; bytes 0: none */
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
    if (!channel->dma_table || status == 0xff) { /* 0xff: nobody answers at this address */
        channel->bus_master_port = 0;
        return;
    }
    port_out8(master_port(channel, MASTER_COMMAND), 0);
    master_clear(channel, MASTER_ERROR | MASTER_INTERRUPT);
}

/* ---- the table ---------------------------------------------------------------------------- */

static bool builder_close(struct dma_builder *builder, uint16_t flags)
{
    if (!builder->bytes)
        return true;
    if (builder->count == TABLE_ENTRIES)
        return false;
    builder->entries[builder->count++] = (struct dma_entry){
        .address = builder->address,
        .bytes = (uint16_t)builder->bytes,
        .flags = flags,
    };
    builder->bytes = 0;
    return true;
}

/* Adds memory that does not cross a page. */
static bool builder_add(struct dma_builder *builder, uint64_t address, uint32_t bytes)
{
    if (address + bytes - 1 > UINT32_MAX || address % 2 || bytes % 2)
        return false;
    bool follows = builder->bytes && address == (uint64_t)builder->address + builder->bytes &&
                   address % BOUNDARY_BYTES;
    if (follows) {
        builder->bytes += bytes;
        return true;
    }
    if (!builder_close(builder, 0))
        return false;
    builder->address = (uint32_t)address;
    builder->bytes = bytes;
    return true;
}

/* Physical addresses are asked for page by page: segments are contiguous for the kernel only. */
static bool builder_add_segment(struct dma_builder *builder, const char *memory, uint32_t bytes)
{
    while (bytes) {
        uint32_t piece = PAGE_BYTES - (uint32_t)((uintptr_t)memory % PAGE_BYTES);
        if (piece > bytes)
            piece = bytes;
        if (!builder_add(builder, mem_physical(memory), piece))
            return false;
        memory += piece;
        bytes -= piece;
    }
    return true;
}

static bool dma_build_table(struct dma_entry *entries, const struct packet_command *command)
{
    struct dma_builder builder = { .entries = entries };
    uint32_t left = command->length_bytes;
    for (unsigned i = 0; left && i < command->segment_count; i++) {
        const struct io_segment *segment = &command->segments[i];
        uint32_t bytes = segment->length_bytes < left ? segment->length_bytes : left;
        if (!builder_add_segment(&builder, segment->address, bytes))
            return false;
        left -= bytes;
    }
    return !left && builder_close(&builder, TABLE_LAST);
}

/* ---- running ------------------------------------------------------------------------------ */

bool ata_dma_prepare(struct ata_channel *channel, const struct packet_command *command)
{
    if (!channel->bus_master_port || !dma_build_table(channel->dma_table, command))
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

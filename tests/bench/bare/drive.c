/* drive.c - READ(10) by PACKET and bus master DMA. See bare.h. */
#include "kernel/port.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"
#include "tests/bench/bare/bare.h"

enum {
    PCI_ADDRESS = 0xcf8,
    PCI_DATA = 0xcfc,
    PCI_COMMAND = 0x04,
    PCI_CLASS = 0x08,
    PCI_BAR_4 = 0x20,
    PCI_IO_AND_MASTER = 5,
    CLASS_IDE = 0x0101,

    COMMAND_BLOCK = 0x170,
    DATA = COMMAND_BLOCK,
    FEATURES = COMMAND_BLOCK + 1,
    COUNT_LOW = COMMAND_BLOCK + 4,
    COUNT_HIGH = COMMAND_BLOCK + 5,
    UNIT = COMMAND_BLOCK + 6,
    COMMAND = COMMAND_BLOCK + 7, /* read: status, which takes the interrupt back */
    CONTROL = 0x376,             /* read: status, which does not */
    FEATURE_DMA = 1,
    COMMAND_PACKET = 0xa0,
    STATUS_ERROR = 1,
    STATUS_REQUEST = 8,
    STATUS_BUSY = 0x80,

    MASTER_SECOND = 8,
    MASTER_STATUS = 2,
    MASTER_TABLE = 4,
    MASTER_START = 1,
    MASTER_TO_MEMORY = 8,
    MASTER_ERROR = 2,
    MASTER_INTERRUPT = 4,

    BOUNDARY_BYTES = 1 << 16,
    ENTRIES = TRANSFER_BYTES_MAX / BOUNDARY_BYTES + 1,
    ENTRY_LAST = 0x8000,

    REQUEST_SENSE = 0x03,
    SENSE_BYTES = 18,
    READ_10 = 0x28,
    TRIES = 100000,
};

#define KERNEL_BASE 0xffffffff80000000u /* linker.ld */

struct dma_entry {
    uint32_t address;
    uint16_t bytes, flags;
};

static struct dma_entry table[ENTRIES] __attribute__((aligned(4096)));
static uint16_t master;

static uint32_t pci_read(uint32_t function, uint32_t offset)
{
    port_out32(PCI_ADDRESS, 0x80000000u | function << 8 | offset);
    return port_in32(PCI_DATA);
}

void drive_start(void)
{
    for (uint32_t function = 0; function < 256; function++) {
        if (pci_read(function, PCI_CLASS) >> 16 != CLASS_IDE)
            continue;
        uint32_t command = pci_read(function, PCI_COMMAND) & 0xffff;
        port_out32(PCI_DATA, command | PCI_IO_AND_MASTER);
        master = (uint16_t)((pci_read(function, PCI_BAR_4) & 0xfffc) + MASTER_SECOND);
        port_out8(CONTROL, 0); /* enables interrupts */
        port_out8(UNIT, 0);
        return;
    }
    panic("no IDE controller");
}

static void wait_for(uint8_t wanted)
{
    for (int i = 0; i < TRIES; i++)
        if ((port_in8(CONTROL) & (STATUS_BUSY | STATUS_REQUEST)) == wanted)
            return;
    panic("drive: timeout: status %02x", port_in8(CONTROL));
}

static unsigned fill_table(uint32_t physical, uint32_t bytes)
{
    unsigned count = 0;
    while (bytes) {
        uint32_t piece = BOUNDARY_BYTES - physical % BOUNDARY_BYTES;
        piece = min(piece, bytes);
        table[count++] = (struct dma_entry){ physical, (uint16_t)piece, 0 };
        physical += piece;
        bytes -= piece;
    }
    table[count - 1].flags = ENTRY_LAST;
    return count;
}

/* Sends a packet command that reads `bytes` bytes by DMA. Returns the drive's status after it. */
static uint8_t packet(const uint8_t bytes_of[12], uint32_t physical, uint32_t bytes)
{
    if (fill_table(physical, bytes) > ENTRIES)
        panic("drive: invalid transfer of %u bytes", bytes);

    /* Stop the bus master, clear its status bits (by writing ones), and set its table. */
    port_out8(master, MASTER_TO_MEMORY);
    port_out8(master + MASTER_STATUS, MASTER_ERROR | MASTER_INTERRUPT);
    port_out32(master + MASTER_TABLE, (uint32_t)((uintptr_t)table - KERNEL_BASE));

    port_out8(FEATURES, FEATURE_DMA);
    port_out8(COUNT_LOW, 0xfe);
    port_out8(COUNT_HIGH, 0xff);
    port_out8(COMMAND, COMMAND_PACKET);
    wait_for(STATUS_REQUEST);
    port_out16_string(DATA, bytes_of, 6);

    /* The data transfer starts only when both the packet and the bus master are ready. */
    port_out8(master, MASTER_TO_MEMORY | MASTER_START);
    machine_wait_drive();
    port_out8(master, 0);
    return port_in8(COMMAND); /* acknowledges the interrupt */
}

/* The first command after power-on fails with unit attention: the sense data is read, which clears
 * it, and the command is sent again. */
void drive_read(uint32_t block, uint32_t blocks, uint32_t physical)
{
    static const uint8_t sense[12] = { REQUEST_SENSE, [4] = SENSE_BYTES };
    const uint8_t read[12] = {
        READ_10,
        [2] = (uint8_t)(block >> 24), (uint8_t)(block >> 16), (uint8_t)(block >> 8), (uint8_t)block,
        [7] = (uint8_t)(blocks >> 8), (uint8_t)blocks,
    };
    for (int tries = 0; tries < 3; tries++) {
        if (!(packet(read, physical, blocks * BLOCK_BYTES) & STATUS_ERROR))
            return;
        (void)packet(sense, physical, SENSE_BYTES);
    }
    panic("drive: cannot read block %u", block);
}

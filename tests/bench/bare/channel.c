/* channel.c - a channel of an IDE controller and its bus master. See bare.h. */
#include "kernel/port.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"
#include "tests/bench/bare/bare.h"

enum {
    CLASS_IDE = 0x0101,
    BAR_MASTER = PCI_BAR + 4 * 4,

    MASTER_STATUS = 2,
    MASTER_TABLE = 4,
    MASTER_START = 1,
    MASTER_TO_MEMORY = 8,
    MASTER_ERROR = 2,
    MASTER_INTERRUPT = 4,

    BOUNDARY_BYTES = 1 << 16,
    ENTRIES = TRANSFER_BYTES_MAX / BOUNDARY_BYTES + 1,
    ENTRY_LAST = 0x8000,
    TRIES = 100000,
};

struct dma_entry {
    uint32_t address;
    uint16_t bytes, flags;
};

static const struct {
    uint16_t commands, control; /* reading `control` returns the status and keeps the interrupt */
    uint16_t master;            /* from the start of the controller's registers */
    unsigned line;
} channels[] = { { 0x1f0, 0x3f6, 0, 14 }, { 0x170, 0x376, 8, 15 } };

static struct dma_entry table[ENTRIES] __attribute__((aligned(4096)));
static uint16_t commands, control, master;

void channel_start(unsigned channel)
{
    uint32_t function = pci_find(PCI_CLASS, 16, CLASS_IDE, "IDE controller");
    master = (uint16_t)((pci_read(function, BAR_MASTER) & 0xfffc) + channels[channel].master);
    commands = channels[channel].commands;
    control = channels[channel].control;
    machine_listen(channels[channel].line);
    port_out8(control, 0); /* enables interrupts */
    channel_write(IDE_UNIT, 0);
}

void channel_write(unsigned where, uint8_t value)
{
    port_out8((uint16_t)(commands + where), value);
}

void channel_wait(uint8_t wanted)
{
    for (int i = 0; i < TRIES; i++)
        if ((port_in8(control) & (IDE_STATUS_BUSY | IDE_STATUS_REQUEST)) == wanted)
            return;
    panic("drive: timeout: status %02x", port_in8(control));
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

void channel_prepare(uint32_t physical, uint32_t bytes, bool to_memory)
{
    if (fill_table(physical, bytes) > ENTRIES)
        panic("drive: invalid transfer of %u bytes", bytes);

    /* Stop the bus master, clear its status bits (by writing ones), and set its table. */
    port_out8(master, to_memory ? MASTER_TO_MEMORY : 0);
    port_out8(master + MASTER_STATUS, MASTER_ERROR | MASTER_INTERRUPT);
    port_out32(master + MASTER_TABLE, physical_of(table));
}

uint8_t channel_transfer(bool to_memory)
{
    port_out8(master, (uint8_t)((to_memory ? MASTER_TO_MEMORY : 0) | MASTER_START));
    machine_wait();
    port_out8(master, 0);
    return port_in8(commands + IDE_COMMAND); /* acknowledges the interrupt */
}

void channel_send(const uint8_t packet[12])
{
    port_out16_string((uint16_t)(commands + IDE_DATA), packet, 6);
}

uint8_t channel_finish(void)
{
    machine_wait();
    return port_in8(commands + IDE_COMMAND);
}

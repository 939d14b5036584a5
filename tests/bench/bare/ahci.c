/* ahci.c - an AHCI disk, one command at a time. See bare.h. */
#include "kernel/port.h"
#include "tests/bench/bare/bare.h"

enum {
    CLASS_AHCI = 0x0106,
    BAR_REGISTERS = PCI_BAR + 5 * 4,

    /* The controller's registers (AHCI 3.1), as indexes of 32-bit words. */
    GLOBAL_CONTROL = 0x04 / 4,
    GLOBAL_STATUS = 0x08 / 4,
    PORTS_IMPLEMENTED = 0x0c / 4,
    GLOBAL_ENABLE = (int)0x80000000, /* with the next: AE and IE */
    GLOBAL_INTERRUPTS = 2,

    /* A port's (3.3). */
    PORT_FIRST = 0x100 / 4,
    PORT_WORDS = 0x80 / 4,
    PORTS = 32,
    LIST = 0x00 / 4,
    LIST_HIGH = 0x04 / 4,
    RECEIVED = 0x08 / 4,
    RECEIVED_HIGH = 0x0c / 4,
    STATUS = 0x10 / 4,
    ENABLE = 0x14 / 4,
    COMMAND = 0x18 / 4,
    TASK_FILE = 0x20 / 4,
    LINK = 0x28 / 4,
    LINK_ERROR = 0x30 / 4,
    ISSUE = 0x38 / 4,

    COMMAND_START = 1,
    COMMAND_RECEIVE = 1 << 4,
    COMMAND_RECEIVING = 1 << 14,
    COMMAND_RUNNING = 1 << 15,
    LINK_PRESENT = 3,
    TASK_ERROR = 1,
    TRIES = 1000000,

    /* A command's header and table (4.2.2, 4.2.3). */
    HEADER_FIS_WORDS = 5,
    HEADER_WRITE = 1 << 6,
    HEADER_ONE_ENTRY = 1 << 16,
    FIS_HOST_TO_DEVICE = 0x27,
    FIS_COMMAND = 0x80,
    DEVICE_LBA = 0x40,

    READ_DMA_EXT = 0x25,
    WRITE_DMA_EXT = 0x35,
    FLUSH_CACHE_EXT = 0xea,
};

struct header {
    uint32_t flags, transferred, table, table_high, reserved[4];
};

struct table {
    uint8_t fis[64], packet[16], reserved[48];
    uint32_t address, address_high, reserved_entry, last_byte;
};

static struct header headers[32] __attribute__((aligned(1024)));
static uint8_t received[256] __attribute__((aligned(256)));
static struct table table __attribute__((aligned(128)));
static volatile uint32_t *registers, *port;

static void find_port(void)
{
    for (unsigned i = 0; i < PORTS; i++) {
        port = registers + PORT_FIRST + i * PORT_WORDS;
        if ((registers[PORTS_IMPLEMENTED] >> i & 1) && (port[LINK] & 0xf) == LINK_PRESENT)
            return;
    }
    panic("ahci: no disk");
}

/* The firmware may have left the port running with its own lists. */
static void stop_port(void)
{
    port[COMMAND] &= ~(uint32_t)(COMMAND_START | COMMAND_RECEIVE);
    for (int i = 0; port[COMMAND] & (COMMAND_RUNNING | COMMAND_RECEIVING); i++)
        if (i == TRIES)
            panic("ahci: the port does not stop");
}

static void ahci_start(void)
{
    uint32_t function = pci_find(PCI_CLASS, 16, CLASS_AHCI, "AHCI controller");
    registers = memory(pci_read(function, BAR_REGISTERS) & ~0xfffu);
    registers[GLOBAL_CONTROL] |= (uint32_t)GLOBAL_ENABLE;
    find_port();
    stop_port();

    port[LIST] = physical_of(headers);
    port[LIST_HIGH] = 0;
    port[RECEIVED] = physical_of(received);
    port[RECEIVED_HIGH] = 0;
    port[LINK_ERROR] = ~0u;
    port[STATUS] = ~0u;
    port[COMMAND] |= COMMAND_RECEIVE;
    port[COMMAND] |= COMMAND_START;

    port[ENABLE] = ~0u;
    registers[GLOBAL_STATUS] = ~0u;
    registers[GLOBAL_CONTROL] |= GLOBAL_INTERRUPTS;
    machine_listen(pci_read(function, PCI_LINE) & 0xf);
}

/* Issues the command of the table, and sleeps until the port has finished it. */
static void issue(void)
{
    port[ISSUE] = 1;
    do {
        machine_wait();
        port[STATUS] = port[STATUS];
        registers[GLOBAL_STATUS] = registers[GLOBAL_STATUS];
    } while (port[ISSUE] & 1);
    if (port[TASK_FILE] & TASK_ERROR)
        panic("ahci: task file %08x", port[TASK_FILE]);
}

static void prepare(uint8_t command, uint32_t sector, uint32_t sectors, uint32_t flags)
{
    const uint8_t fis[64] = {
        FIS_HOST_TO_DEVICE, FIS_COMMAND, command, 0,
        (uint8_t)sector, (uint8_t)(sector >> 8), (uint8_t)(sector >> 16), DEVICE_LBA,
        (uint8_t)(sector >> 24), 0, 0, 0,
        (uint8_t)sectors, (uint8_t)(sectors >> 8),
    };
    __builtin_memcpy(table.fis, fis, sizeof(fis));
    headers[0] = (struct header){ .flags = HEADER_FIS_WORDS | flags, .table = physical_of(&table) };
}

static void ahci_transfer(uint32_t sector, uint32_t physical, uint32_t bytes, bool writing)
{
    table.address = physical;
    table.last_byte = bytes - 1;
    prepare(writing ? WRITE_DMA_EXT : READ_DMA_EXT, sector, bytes / SECTOR_BYTES,
            HEADER_ONE_ENTRY | (writing ? HEADER_WRITE : 0));
    issue();
}

static void ahci_flush(void)
{
    prepare(FLUSH_CACHE_EXT, 0, 0, 0);
    issue();
}

const struct disk ahci_disk = { "ahci", ahci_start, ahci_transfer, ahci_flush };

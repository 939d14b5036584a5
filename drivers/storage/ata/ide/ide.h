/*
 * ide.h - the files of the IDE transport among themselves.
 *
 *   controller.c  driver: IDE controllers on PCI, where their channels' ports are
 *   isa.c         driver: channels at the traditional ports, without a PCI function
 *   channel.c     from ports to devices: claims them, configures the channel, publishes it
 *   detect.c      which units a channel has
 *   packet.c      the PACKET command: from the CDB to the status, by PIO or DMA
 *   taskfile.c    other commands, and the channel's reset
 *   dma.c         the bus master and its table of memory
 *   registers.c   registers, bounded waits, selection, the interrupt
 *
 * Model       A channel is two ports sharing one set of registers, so one command runs at a time:
 *             its packet queue has one opening. Once the queue runs, registers and `struct
 *             ide_port` belong to its worker; the interrupt handler only touches `raised`.
 * Waiting     The worker sleeps until the interrupt for data and for the end of a command. A
 *             handshake of microseconds is polled a few times before it sleeps. Every wait has a
 *             limit (kernel/dev/deadlines.h). A line that is not routed, or that loses interrupts
 *             repeatedly, is polled with short sleeps.
 * Locking     ide_channel.lock (rank QUEUE): expecting, raised.
 * References  ATA/ATAPI-6: 7 (registers), 9.2 (reset), 9.8 (PACKET), 8.16 (IDENTIFY PACKET DEVICE);
 *             SFF-8038i (bus master); PCI IDE Controller Specification 1.0 (native mode).
 * Status      Packet units only, and no data out. Transfer modes stay as the firmware set them.
 */
#ifndef DRIVERS_STORAGE_ATA_IDE_IDE_H
#define DRIVERS_STORAGE_ATA_IDE_IDE_H

#include "drivers/storage/ata/ata.h"
#include "kernel/dev/deadlines.h"
#include "kernel/dev/packet_queue.h"
#include "kernel/x86/interrupts.h"

/* Registers, as offsets from the command block's base; the last three are names for packets. */
enum ide_register {
    IDE_DATA = 0,
    IDE_FEATURES = 1, /* written; read: error */
    IDE_SECTOR_COUNT = 2,
    IDE_LBA_LOW = 3,
    IDE_LBA_MID = 4,
    IDE_LBA_HIGH = 5,
    IDE_DEVICE = 6,
    IDE_STATUS = 7, /* read: acknowledges the interrupt; written: command */
    IDE_COMMAND = 7,
    IDE_INTERRUPT_REASON = IDE_SECTOR_COUNT,
    IDE_BYTE_COUNT_LOW = IDE_LBA_MID,
    IDE_BYTE_COUNT_HIGH = IDE_LBA_HIGH,
};

enum {
    IDE_CONTROL_NIEN = 1 << 1, /* no interrupts */
    IDE_CONTROL_SRST = 1 << 2,

    IDE_DEVICE_BASE = 0xa0, /* bits that old units want set */
    IDE_DEVICE_SECOND = 1 << 4,
};

struct ide_channel;

struct ide_port {
    struct ata_port ata;
    struct ide_channel *channel;
    unsigned number;       /* 0 master, 1 slave */
    bool answers;          /* its registers do: worth waiting for after a reset */
};

struct ide_channel {
    struct packet_queue queue;
    char name[8];
    uint16_t command_port, control_port;
    uint16_t bus_master_port; /* 0: none */
    unsigned line;
    bool polled;              /* no interrupts: the line is not routed, or too many were lost */
    struct device *device;    /* borrowed: its destroy ends the channel */
    struct ide_port ports[2];
    const struct ide_port *selected;
    unsigned lost_interrupts; /* in a row */
    void *dma_table;          /* a page */

    struct spin lock;
    bool expecting, raised;
    struct wait_queue interrupt;
    struct interrupt_handler handler;
};

/* Where a channel is. */
struct ide_place {
    unsigned number; /* of its name */
    uint16_t command_port, control_port;
    uint16_t bus_master_port; /* 0: none */
    unsigned line;
};

/* ---- controller.c ------------------------------------------------------------------------- */

struct pci_function;

/* Finds a controller's first (0) or second (1) channel. False if it has no ports. */
bool ide_find_place(const struct pci_function *function, unsigned channel,
                    struct ide_place *place);

/* ---- channel.c ---------------------------------------------------------------------------- */

enum { IDE_CHANNELS_MAX = 16 };

/* Claims a channel's ports, before they are touched. False if another channel has them. */
bool ide_claim_ports(uint16_t command_port) MUST_CHECK;
/* Creates a channel and identifies its units. NULL on allocation failure. */
struct ide_channel *ide_channel_create(const struct ide_place *place);
/* Puts the channel into the device tree and serves its units. On failure it is freed. */
status_t ide_channel_publish(struct ide_channel *channel, struct device *controller) MUST_CHECK;
void ide_channel_free(struct ide_channel *channel);

/* ---- detect.c ----------------------------------------------------------------------------- */

/* Finds and identifies the units of a channel, with interrupts off. Starts its queue if there may
 * be one. -ENOMEM. */
status_t ide_detect_units(struct ide_channel *channel) MUST_CHECK;

/* ---- packet.c ----------------------------------------------------------------------------- */

/* The channel's transport for its packet queue. */
extern const struct packet_transport ide_transport;

/* ---- taskfile.c --------------------------------------------------------------------------- */

/* Carries a command other than PACKET to its end. */
void ide_start(struct ata_port *port, struct ata_command *command);
/* Stops the bus master, resets both units and waits for those that answer. */
void ide_reset(struct ide_channel *channel);

/* ---- dma.c -------------------------------------------------------------------------------- */

/* Allocates the table. Without memory for it, or if the controller serves one channel at a time and
 * this is the second, the channel is left without a bus master. */
void ide_dma_configure(struct ide_channel *channel);
/* Describes the command's memory to the stopped bus master. False if it cannot reach it. */
bool ide_dma_prepare(struct ide_channel *channel, const struct scsi_command *command) MUST_CHECK;
void ide_dma_start(struct ide_channel *channel);
/* Stops it. Returns true if all the memory was filled without an error on the bus. */
bool ide_dma_stop(struct ide_channel *channel);
/* Returns true if this channel raised its interrupt, and clears the bus master's note of it. */
bool ide_dma_take_interrupt(struct ide_channel *channel);

/* ---- registers.c -------------------------------------------------------------------------- */

static inline uint16_t ide_register(const struct ide_channel *channel, enum ide_register number)
{
    return (uint16_t)(channel->command_port + number);
}

/* Returns true for a status that no unit drives: the bus floats, with or without a resistor that
 * pulls bit 7 down. */
static inline bool ide_status_floats(uint8_t status)
{
    return status == 0xff || status == 0x7f;
}

/* Reads the status without acknowledging an interrupt. */
uint8_t ide_status(const struct ide_channel *channel);
/* Waits 400 ns: after a command or a selection the status is not valid earlier. */
void ide_settle(const struct ide_channel *channel);
/* Polls until (status & mask) == value; -ETIMEDOUT after limit_us. */
status_t ide_wait(const struct ide_channel *channel, uint8_t mask, uint8_t value,
                  uint64_t limit_us) MUST_CHECK;
/* Selects the unit, whatever state it is in. */
void ide_point(struct ide_port *port);
/* Selects the unit, idle. -ETIMEDOUT if the channel stays busy. */
status_t ide_select(struct ide_port *port) MUST_CHECK;
/* Lets interrupts count from now on. To be called before whatever may raise one. */
void ide_expect(struct ide_channel *channel);
/* Sleeps until the unit is no longer busy (nor, with `whole`, moving data). -ETIMEDOUT. */
status_t ide_await(struct ide_channel *channel, bool whole, uint64_t deadline_us) MUST_CHECK;
/* Connects the channel's interrupt line, or sets `polled` if there is none. */
void ide_connect_interrupt(struct ide_channel *channel);
void ide_disconnect_interrupt(struct ide_channel *channel);

#endif

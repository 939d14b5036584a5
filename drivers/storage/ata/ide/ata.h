/*
 * ata.h - the files of the ATA driver among themselves.
 *
 *   controller.c  the driver: takes IDE controllers on PCI, finds their ports
 *   isa.c         channels at the old ports, on no PCI function
 *   attach.c      from ports to devices: takes them, configures, publishes
 *   identify.c    detect -> identify: which units stand on a channel, and what they are
 *   channel.c     registers, bounded waits, selecting, reset, the interrupt
 *   atapi.c       the packet protocol: one command from CDB to status, by PIO or DMA, and sense
 *   dma.c         the bus master and its table of memory
 *   worker.c      a thread a channel: takes commands that are due, one after another
 *
 * Model       A channel is two units behind one set of registers, so one command runs at a time.
 *             Once its worker has started, registers and `struct ata_unit` are the worker's alone;
 *             other threads only touch the command queue, the interrupt only `raised`.
 * Waiting     Data and the end of a command are waited for asleep, until the interrupt; a handshake
 *             of microseconds is polled a few times before it sleeps. No wait is without a limit
 *             (deadlines.h). A line that is not routed, or that loses interrupts again and again,
 *             is polled with short sleeps.
 * Locking     ata_channel.lock (rank QUEUE): commands, stopping, expecting, raised.
 * References  ATA/ATAPI-6: 7 (registers), 9.2 (reset), 9.8 (PACKET), 8.16 (IDENTIFY PACKET DEVICE);
 *             SFF-8038i (bus master); PCI IDE Controller Specification 1.0 (native mode).
 * Status      Packet units only; data goes from the unit to memory. Disks are found and named.
 *             Transfer modes stay as the firmware set them.
 */
#ifndef DRIVERS_STORAGE_ATA_IDE_ATA_H
#define DRIVERS_STORAGE_ATA_IDE_ATA_H

#include "kernel/bus/scsi.h"
#include "kernel/dev/deadlines.h"
#include "kernel/sched/sync.h"
#include "kernel/x86/interrupts.h"

/* Registers, from the command block's base. Those of the second row have that name for packets. */
enum ata_register {
    ATA_DATA = 0,
    ATA_FEATURES = 1, /* written; read: error */
    ATA_SECTOR_COUNT = 2,
    ATA_LBA_LOW = 3,
    ATA_LBA_MID = 4,
    ATA_LBA_HIGH = 5,
    ATA_DEVICE = 6,
    ATA_STATUS = 7, /* read: acknowledges the interrupt; written: command */
    ATA_COMMAND = 7,
    ATA_INTERRUPT_REASON = ATA_SECTOR_COUNT,
    ATA_BYTE_COUNT_LOW = ATA_LBA_MID,
    ATA_BYTE_COUNT_HIGH = ATA_LBA_HIGH,
};

enum {
    STATUS_ERR = 1 << 0, /* CHK for packets: sense data waits */
    STATUS_DRQ = 1 << 3,
    STATUS_DF = 1 << 5,
    STATUS_BSY = 1 << 7,

    CONTROL_NIEN = 1 << 1, /* no interrupts */
    CONTROL_SRST = 1 << 2,

    REASON_COMMAND = 1 << 0, /* C/D: the packet, or the end; clear: data */
    REASON_IN = 1 << 1,      /* I/O: to the host */
    REASON_MASK = 3,

    COMMAND_PACKET = 0xa0,
    COMMAND_IDENTIFY_PACKET = 0xa1,
    COMMAND_IDENTIFY = 0xec,

    FEATURE_DMA = 1 << 0,
    FEATURE_DMA_IN = 1 << 2, /* said to units that ask for it: the data goes to the host */

    DEVICE_BASE = 0xa0, /* bits that old units want set */
    DEVICE_SECOND = 1 << 4,
};

struct ata_channel;

struct ata_unit {
    struct ata_channel *channel;
    unsigned number; /* 0 master, 1 slave */
    bool answers;    /* its registers do: worth waiting for after a reset */
    bool is_packet;
    unsigned packet_bytes; /* 12 or 16 */
    bool dma_direction;    /* wants FEATURE_DMA_IN */
    unsigned dma_failures; /* in a row */
    bool dma_worked;         /* a transfer by DMA was good */
    struct packet_unit_info info;
};

struct ata_channel {
    char name[8];
    uint16_t command_port, control_port;
    uint16_t bus_master_port; /* 0: none */
    unsigned line;
    bool polled; /* no interrupts come: not routed, or too many were lost */
    struct device *device; /* borrowed: its destroy ends the channel */
    struct ata_unit units[2];
    const struct ata_unit *selected;
    unsigned lost_interrupts; /* in a row */
    void *dma_table; /* a page */

    struct spin lock;
    struct list commands; /* struct packet_command, as they came */
    struct wait_queue arrival;
    bool stopping;
    bool expecting, raised;
    struct wait_queue interrupt;
    struct interrupt_handler handler;
    struct thread *worker;
};

/* Where a channel is. */
struct ata_place {
    unsigned number; /* of its name */
    uint16_t command_port, control_port;
    uint16_t bus_master_port; /* 0: none */
    unsigned line;
};

enum { ATA_CHANNELS_MAX = 16 };

/* ---- controller.c ------------------------------------------------------------------------- */

struct pci_function;

/* The place of a controller's first (0) or second (1) channel. False: it has no ports. */
bool ata_find_place(const struct pci_function *function, unsigned channel,
                    struct ata_place *place);

/* ---- attach.c ----------------------------------------------------------------------------- */

/* False: they are a channel's already. Before the ports are touched. */
bool ata_take_ports(uint16_t command_port) MUST_CHECK;
/* A channel with its units identified, or NULL without memory. */
struct ata_channel *ata_channel_find(const struct ata_place *place);
/* Puts it into the tree and serves its units; on failure it is freed. */
status_t ata_channel_publish(struct ata_channel *channel, struct device *controller) MUST_CHECK;
void ata_channel_free(struct ata_channel *channel);

/* ---- channel.c ---------------------------------------------------------------------------- */

static inline uint16_t ata_port(const struct ata_channel *channel, enum ata_register number)
{
    return (uint16_t)(channel->command_port + number);
}

/* The status without acknowledging an interrupt. */
uint8_t ata_status(const struct ata_channel *channel);
/* 400 ns: after a command or a selection the status is not valid earlier. */
void ata_settle(const struct ata_channel *channel);
/* Polls until (status & mask) == value; -ETIMEDOUT after limit_us. */
status_t ata_wait(const struct ata_channel *channel, uint8_t mask, uint8_t value,
                  uint64_t limit_us) MUST_CHECK;
/* Makes the unit the one that listens, whatever it is doing. */
void ata_point(struct ata_unit *unit);
/* Makes the unit the one that listens, idle. -ETIMEDOUT when the channel stays busy. */
status_t ata_select(struct ata_unit *unit) MUST_CHECK;
/* Stops the bus master and resets both units; waits for those that answer. */
void ata_reset(struct ata_channel *channel);
/* From now on the interrupt counts: called before what may raise it. */
void ata_expect(struct ata_channel *channel);
/* Sleeps until the unit is no longer busy (nor, with `whole`, moving data). -ETIMEDOUT. */
status_t ata_await(struct ata_channel *channel, bool whole, uint64_t deadline_us) MUST_CHECK;
/* Takes the channel's interrupt line; where there is none, polls. */
void ata_connect_interrupt(struct ata_channel *channel);
void ata_disconnect_interrupt(struct ata_channel *channel);

/* ---- identify.c --------------------------------------------------------------------------- */

/* Finds and identifies the units, interrupts off. Fills their info; logs disks. */
void ata_identify_units(struct ata_channel *channel);

/* ---- dma.c -------------------------------------------------------------------------------- */

/* Takes the table; without one, or when the master serves one channel at a time and this is the
 * second, the channel is left without a bus master. */
void ata_dma_configure(struct ata_channel *channel);
/* Describes the command's memory to the bus master, stopped. False: it cannot reach it. */
bool ata_dma_prepare(struct ata_channel *channel, const struct packet_command *command) MUST_CHECK;
void ata_dma_start(struct ata_channel *channel);
/* Stops it. True when all the memory was filled, without an error on the bus. */
bool ata_dma_stop(struct ata_channel *channel);
/* Did this channel raise its interrupt? Clears the master's note of it. */
bool ata_dma_take_interrupt(struct ata_channel *channel);

/* ---- atapi.c ------------------------------------------------------------------------------ */

/* Carries out a command and sets its result; on CHECK CONDITION fetches the sense data. */
void atapi_execute(struct ata_unit *unit, struct packet_command *command);

/* ---- worker.c ----------------------------------------------------------------------------- */

extern const struct packet_transport ata_packet_transport;

status_t ata_worker_start(struct ata_channel *channel) MUST_CHECK;
/* Waits for the running command; what still waits ends with -ENODEV. */
void ata_worker_stop(struct ata_channel *channel);

#endif

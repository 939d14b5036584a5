/*
 * ide.h - the files of the IDE transport among themselves.
 *
 *   controller.c  driver: IDE controllers on PCI, where their channels' registers are
 *   isa.c         driver: channels at the traditional ports, without a PCI function
 *   channel.c     from registers to devices: configures the channel, publishes it, ends it
 *   detect.c      which units a channel has
 *   command.c     ATA commands: from the task file to the result
 *   packet.c      the PACKET command: from the CDB to the status
 *   pio.c         data through the data register
 *   dma.c         the bus master and its table of memory
 *   interrupt.c   the interrupt, and waiting for it
 *   registers.c   bounded waits for a status, selection, the channel's reset
 *
 * Model       A channel is two ports sharing one set of registers, so one command runs at a time:
 *             its queue has one opening, and both units take turns in it. Once the queue runs,
 *             registers and `struct ide_port` belong to its worker; the interrupt handler only
 *             touches `raised`.
 * Waiting     The worker sleeps until the interrupt for data and for the end of a command. A
 *             handshake of microseconds is polled a few times before it sleeps. Every wait has a
 *             limit (kernel/dev/deadlines.h). A line that is not routed, or that loses interrupts
 *             repeatedly, is polled with short sleeps.
 * Modes       In compatibility mode a channel is at the ports and the line of the first PCs, in
 *             native mode at the function's base address registers and its interrupt, which both
 *             channels then share. Transfer modes stay as the firmware set them.
 * Locking     ide_channel.lock (rank QUEUE): expecting, raised. ide_controller.lock (rank DEVICE):
 *             native.
 * References  ATA/ATAPI-6: 7 (registers), 9.2 (reset), 9.4 to 9.8 (protocols), 8.16 (IDENTIFY
 *             PACKET DEVICE); SFF-8038i (bus master); PCI IDE Controller Specification 1.0 (native
 *             mode).
 * Status      One command at a time, as parallel ATA has it: no TCQ. Transfer modes are not set.
 */
#ifndef DRIVERS_STORAGE_ATA_IDE_IDE_H
#define DRIVERS_STORAGE_ATA_IDE_IDE_H

#include "drivers/storage/ata/ata.h"
#include "kernel/isa.h"
#include "kernel/bus/pci.h"
#include "kernel/dev/deadlines.h"

/* The command block; the last three are names for packets. */
enum ide_register {
    IDE_DATA = 0,
    IDE_FEATURES = 1, /* written; read: error */
    IDE_ERROR = 1,
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

    IDE_COMMAND_BYTES = 8,
};

/* The control block has one register: the alternate status, or device control. */
enum {
    IDE_CONTROL = 0,
    IDE_CONTROL_BYTES = 1,

    IDE_CONTROL_NIEN = 1 << 1, /* no interrupts */
    IDE_CONTROL_SRST = 1 << 2,
    IDE_CONTROL_HOB = 1 << 7,  /* read the previous content of the registers */

    IDE_DEVICE_BASE = 0xa0,    /* bits that old units want set */
    IDE_DEVICE_SECOND = 1 << 4,
};

struct ide_channel;
struct ide_controller;

struct ide_port {
    struct ata_port ata;
    struct ide_channel *channel;
    unsigned number;       /* 0 master, 1 slave */
    bool answers;          /* its registers do: worth waiting for after a reset */
};

/* Where a channel is. */
struct ide_place {
    unsigned number;                           /* of its name */
    uint64_t port;                             /* of the command block: identifies it */
    unsigned line;                             /* in compatibility mode; IDE_LINE_NONE: none */
    struct registers command, control, master; /* no access table in `master`: no bus master */
    bool second;                               /* of its controller */
    bool native;                               /* interrupts come from the controller */
    struct ide_controller *controller;         /* NULL: not on PCI, as the next two */

    /* Lets a channel in native mode see the controller's interrupts. -ENODEV without any. */
    status_t (*connect)(struct ide_channel *channel);
    /* The channel ends: unmaps its registers. */
    void (*release)(struct ide_channel *channel);
};

enum { IDE_LINE_NONE = 0xff };

struct ide_channel {
    struct packet_queue queue;
    struct list claim;        /* channel.c's */
    char name[8];
    struct ide_place place;
    struct device *device;    /* a reference; its destroy ends the channel */
    struct ide_port ports[2];
    const struct ide_port *selected;
    void *dma_table;          /* a page; NULL: the bus master is not used */
    uint32_t dma_table_address; /* for the bus master */
    uint8_t master_keep;      /* bits of its status register that are written back unchanged */

    bool polled;              /* no interrupts: none is connected, or too many were lost */
    bool line_connected;
    unsigned lost_interrupts; /* in a row */
    struct isa_interrupt line;
    struct spin lock;
    bool expecting, raised;
    struct wait_queue interrupt;
};

/* ---- channel.c ---------------------------------------------------------------------------- */

/* Returns true if another channel has this command block. */
bool ide_port_is_claimed(uint64_t port);
/* Creates a channel and identifies its units. NULL on allocation failure; the place is then still
 * the caller's. */
struct ide_channel *ide_channel_create(const struct ide_place *place);
/* Puts the channel into the device tree and serves its units. On failure it is freed. */
status_t ide_channel_publish(struct ide_channel *channel, struct device *controller) MUST_CHECK;
void ide_channel_free(struct ide_channel *channel);
/* Takes a published channel out of the tree, its units first. It is freed with its last use. */
void ide_channel_remove(struct ide_channel *channel);

/* ---- detect.c ----------------------------------------------------------------------------- */

/* Finds and identifies the units of a channel, with interrupts off. Starts its queue if there may
 * be one. -ENOMEM. */
status_t ide_detect_units(struct ide_channel *channel) MUST_CHECK;

/* ---- command.c, packet.c ------------------------------------------------------------------ */

/* Carries an ATA command to its end, as start() of struct ata_port_ops. */
void ide_start(struct ata_port *port, struct ata_command *command);
/* The transport of packets. */
extern const struct packet_transport ide_transport;

/* ---- pio.c -------------------------------------------------------------------------------- */

/* Move `bytes` between the data register and the command's memory, in words. Bytes in that exceed
 * the data are dropped; bytes out that exceed them are zero. */
void ide_take(struct ide_channel *channel, struct ata_data *data, uint32_t bytes);
void ide_give(struct ide_channel *channel, struct ata_data *data, uint32_t bytes);
/* Sends the CDB, of which a unit takes 12 or 16 bytes. */
void ide_give_packet(struct ide_channel *channel, const uint8_t cdb[SCSI_CDB_BYTES],
                     uint32_t bytes);
/* Drops the data of a unit that failed and still requests to move some. */
void ide_drain(struct ide_channel *channel);

/* ---- dma.c -------------------------------------------------------------------------------- */

/* Allocates the table. Without memory for it, or if the controller serves one channel at a time and
 * this is the second, the channel is left without a bus master. */
void ide_dma_configure(struct ide_channel *channel);
/* Describes the memory to the stopped bus master. False if it cannot reach it. */
bool ide_dma_prepare(struct ide_channel *channel, struct ata_data data,
                     bool to_memory) MUST_CHECK;
void ide_dma_start(struct ide_channel *channel, bool to_memory);
/* Stops it. Returns true if all the memory was used without an error on the bus. */
bool ide_dma_stop(struct ide_channel *channel);
/* Returns true if this channel raised its interrupt, and clears the bus master's note of it. */
bool ide_dma_take_interrupt(struct ide_channel *channel);

static inline bool ide_has_dma(const struct ide_channel *channel)
{
    return channel->dma_table;
}

/* ---- interrupt.c -------------------------------------------------------------------------- */

/* Looks whether the channel raised the interrupt, and notes it. In interrupts. */
bool ide_handle_interrupt(void *channel);
/* Lets interrupts count from now on. To be called before whatever may raise one. */
void ide_expect(struct ide_channel *channel);
/* Sleeps until the unit is no longer busy (nor, with `whole`, moving data). No ide_settle() is
 * needed before it. -ETIMEDOUT. */
status_t ide_await(struct ide_channel *channel, bool whole, uint64_t deadline_us) MUST_CHECK;
/* Connects the channel's interrupt, or sets `polled` if there is none. */
void ide_connect_interrupt(struct ide_channel *channel);
void ide_disconnect_interrupt(struct ide_channel *channel);

/* ---- registers.c -------------------------------------------------------------------------- */

static inline uint8_t ide_read(const struct ide_channel *channel, enum ide_register number)
{
    return register_read8(&channel->place.command, number);
}

static inline void ide_write(const struct ide_channel *channel, enum ide_register number,
                             uint8_t value)
{
    register_write8(&channel->place.command, number, value);
}

/* Sets the device control register; interrupts stay off if the channel is polled. */
void ide_control(const struct ide_channel *channel, uint8_t bits);

/* Returns true for a status that no unit drives: the bus floats, with or without a resistor that
 * pulls bit 7 down. */
static inline bool ide_status_floats(uint8_t status)
{
    return status == 0xff || status == 0x7f;
}

/* Reads the status without acknowledging an interrupt. */
static inline uint8_t ide_status(const struct ide_channel *channel)
{
    return register_read8(&channel->place.control, IDE_CONTROL);
}

/* Waits 400 ns: after a command or a selection the status is not valid earlier. */
void ide_settle(const struct ide_channel *channel);
/* Polls until (status & mask) == value; -ETIMEDOUT after limit_us. Usually it is so at once, and
 * the clock is not needed. */
status_t ide_wait_longer(const struct ide_channel *channel, uint8_t mask, uint8_t value,
                         uint64_t limit_us) MUST_CHECK;
static inline status_t ide_wait(const struct ide_channel *channel, uint8_t mask, uint8_t value,
                                uint64_t limit_us)
{
    if ((ide_status(channel) & mask) == value)
        return 0;
    return ide_wait_longer(channel, mask, value, limit_us);
}
/* Selects the unit, whatever state it is in. */
void ide_point(struct ide_port *port);
/* Selects the unit, idle, if necessary after a reset. -ENODEV if it has stopped answering, -EIO if
 * the channel stays busy. */
status_t ide_acquire(struct ide_port *port) MUST_CHECK;
/* Stops the bus master, resets both units and waits for those that answer. */
void ide_reset(struct ide_channel *channel);

#endif

/*
 * ata.h - the contract between the ATA command set and the transports that carry its commands.
 *
 * An ATA disk takes the same commands at an IDE channel and at a SATA port. The command set builds
 * task files and reads their results; a transport carries them. Units that take SCSI packets
 * instead (ATAPI) are identified here, too, and published as SCSI units.
 *
 *   command.c   commands: submitting, running, the memory of their data, PACKET
 *   identify.c  IDENTIFY data -> struct ata_identity
 *   outcome.c   status and error register -> (errno, action)
 *   port.c      identifies the unit at a port, and publishes it
 *   disk.c      driver of disks: io transfers -> commands
 *   ide/ ahci/  the transports
 *
 * Model       port      the place of one unit: an IDE channel's master or slave, or a SATA port. A
 *                       transport embeds a `struct ata_port` in its channel.
 *             command   a task file, its data, and the task file that the unit answered with.
 *             channel   the queue that a port's commands go through (kernel/bus/command_queue.h),
 *                       shared by the ports of an IDE channel. It carries SCSI commands as well, so
 *                       it is a packet_queue: `channel->commands` takes the ATA commands, and the
 *                       SCSI commands reach start() of the transport's struct packet_transport.
 * Transport   implements ata_port_ops.start() and struct packet_transport. Its life of a port:
 *                 packet_queue_start() -> reset the unit -> ata_port_identify() -> set the limits
 *                 -> ata_port_publish() -> ... -> ata_port_remove() -> packet_queue_stop()
 * Queued      READ and WRITE FPDMA QUEUED are sent if the unit has a queue and limits.depth of the
 *             port is above 1. All other commands are `alone`: none runs beside a queued command.
 *             When a queued command fails, the unit stops the others. The transport then calls
 *             command_queue_recover(). In its reset() it reads the log page 10h, ends the failed
 *             command with the registers found there, and leaves the others to the queue, which
 *             marks them as interrupted: the disk submits those again.
 * Memory      Data is in memory from mem_alloc or page_alloc. A transport may use DMA for every
 *             protocol.
 * Locking     Commands: as in kernel/bus/command_queue.h. A port's members are constant from
 *             ata_port_publish() on, except those of DMA, which belong to the channel's worker.
 * Ownership   A port is embedded in its transport's channel, and lives until the channel's device
 *             is destroyed. A command belongs to the channel from ata_submit() to the callback.
 * References  ATA/ATAPI-6: 7 (registers), 8 (commands), 9 (protocols), 9.12 (signatures). ACS-2: 7
 *             (commands), 7.16 (IDENTIFY DEVICE), 4.15 (queued commands).
 * Status      No security commands, no TRIM, no power management. Disks without LBA are refused.
 */
#ifndef DRIVERS_STORAGE_ATA_ATA_H
#define DRIVERS_STORAGE_ATA_ATA_H

#include "kernel/dev/packet_queue.h"

enum ata_operation {
    ATA_READ_SECTORS = 0x20,
    ATA_READ_SECTORS_EXT = 0x24,
    ATA_READ_DMA_EXT = 0x25,
    ATA_READ_LOG_EXT = 0x2f,
    ATA_WRITE_SECTORS = 0x30,
    ATA_WRITE_SECTORS_EXT = 0x34,
    ATA_WRITE_DMA_EXT = 0x35,
    ATA_READ_FPDMA_QUEUED = 0x60,
    ATA_WRITE_FPDMA_QUEUED = 0x61,
    ATA_PACKET = 0xa0,
    ATA_IDENTIFY_PACKET = 0xa1,
    ATA_READ_DMA = 0xc8,
    ATA_WRITE_DMA = 0xca,
    ATA_FLUSH_CACHE = 0xe7,
    ATA_FLUSH_CACHE_EXT = 0xea,
    ATA_IDENTIFY = 0xec,
    ATA_SET_FEATURES = 0xef,
};

/* The status register. */
enum {
    ATA_STATUS_ERR = 1 << 0, /* CHK for packets: the unit has sense data */
    ATA_STATUS_DRQ = 1 << 3,
    ATA_STATUS_DF = 1 << 5,
    ATA_STATUS_BSY = 1 << 7,
};

/* The error register (ATA-6 7.9, 8.27.6). */
enum {
    ATA_ERROR_NM = 1 << 1,   /* no medium */
    ATA_ERROR_ABRT = 1 << 2, /* the command is invalid, or could not be carried out */
    ATA_ERROR_IDNF = 1 << 4, /* no such sector */
    ATA_ERROR_UNC = 1 << 6,  /* of reads: the data could not be corrected. Of writes: protected */
    ATA_ERROR_ICRC = 1 << 7, /* the data were damaged on the cable */
};

/* The device register: the address is an LBA. Bit 4 is the transport's (master or slave). */
enum { ATA_DEVICE_LBA = 1 << 6 };

/* The features register of PACKET (ATA-6 8.23). */
enum {
    ATA_PACKET_DMA = 1 << 0,
    ATA_PACKET_DMA_IN = 1 << 2, /* for units that need it: the data goes to the host */
};

/* LBA mid and high after a reset. The second of each pair: a unit on a SATA bridge. */
enum {
    ATA_SIGNATURE_DISK = 0x0000,
    ATA_SIGNATURE_DISK_SATA = 0xc33c,
    ATA_SIGNATURE_PACKET = 0xeb14,
    ATA_SIGNATURE_PACKET_SATA = 0x9669,
    ATA_SIGNATURE_NONE = 0xffff,
};

enum { ATA_IDENTIFY_WORDS = 256, ATA_IDENTIFY_BYTES = 512 };

/* ---- commands ------------------------------------------------------------------------------- */

/* How a command moves its data (ATA-6 9.4 to 9.7, ACS-2 11). */
enum ata_protocol {
    ATA_NON_DATA,
    ATA_PIO_IN,
    ATA_PIO_OUT,
    ATA_DMA_IN,
    ATA_DMA_OUT,
    ATA_QUEUED_IN,
    ATA_QUEUED_OUT,
};

/* The registers that a command is given. Of a command that is not extended, only the low 28 bits of
 * the LBA and the low 8 of the others are used; LBA 27:24 are sent in the device register. */
struct ata_taskfile {
    uint8_t operation, device;
    bool extended;           /* 48-bit: the registers of an IDE unit are written twice */
    uint16_t features, count; /* of a queued command: start() finds its tag in `count` */
    uint64_t lba;
};

/* The registers at the end of a command. */
struct ata_result {
    bool valid; /* the unit ended the command; else the transport did, and the rest is zero */
    uint8_t status, error;
    uint64_t lba;
};

struct ata_port;

struct ata_command {
    /* The submitter sets timeout_us and, if the unit is published, device to the unit's; it may set
     * not_before_us. The result is base.status: 0; -EIO if the unit reported an error
     * (result.valid) or the transport failed; -ETIMEDOUT, -ENODEV (the unit is gone), -ECANCELED
     * (aborted), -EOPNOTSUPP (the transport cannot carry it). */
    struct bus_command base;

    /* Set by the submitter. */
    enum ata_protocol protocol;
    struct ata_taskfile taskfile;
    const struct io_segment *segments; /* borrowed; together >= skip_bytes + length_bytes */
    unsigned segment_count;
    uint32_t skip_bytes;               /* of the segments, before the first byte moved */
    uint32_t length_bytes;             /* of the data: whole blocks */
    uint32_t block_bytes;              /* PIO: what the unit moves for one DRQ */
    void (*complete)(struct ata_command *command);
    void *context;

    struct ata_result result; /* the transport's, valid in the callback */
    struct ata_port *port;    /* ata_submit()'s */
};

/* Queues a command; it ends once, through its callback, on the channel's worker. Callbacks must not
 * wait; they may submit. */
void ata_submit(struct ata_port *port, struct ata_command *command);
/* Runs a command and waits for its end; `complete` and `context` are not the caller's. Returns
 * base.status. Threads, but not the channel's worker. */
status_t ata_execute(struct ata_port *port, struct ata_command *command) MUST_CHECK;
/* For transports: ends a started command, as command_queue_done() does. status 0: the unit ended
 * it, and `result` is filled. */
void ata_done(struct ata_command *command, status_t status);

/* ---- the memory of a command: for transports ------------------------------------------------ */

/* A place in the data of an ATA or a SCSI command. */
struct ata_data {
    const struct io_segment *segments;
    unsigned segment_count;
    uint32_t offset_bytes; /* in the first of the segments */
    uint32_t left_bytes;
};

struct ata_data ata_data_of(const struct ata_command *command);
struct ata_data ata_data_of_packet(const struct scsi_command *command);
/* Returns the next piece, of at most `most` bytes. 0 at the end. */
uint32_t ata_data_peek(struct ata_data *data, uint32_t most, uint8_t **memory);
/* Steps over a part of the piece that ata_data_peek() returned. */
void ata_data_step(struct ata_data *data, uint32_t bytes);
/* Returns the next piece and steps over it. */
uint32_t ata_data_next(struct ata_data *data, uint32_t most, uint8_t **memory);
/* The same for a piece that is contiguous for a device. */
uint32_t ata_data_next_physical(struct ata_data *data, uint32_t most, uint64_t *address);

/* Returns the registers of the PACKET command that sends a SCSI command, its data by DMA or by
 * PIO. */
struct ata_taskfile ata_packet_taskfile(const struct ata_port *port,
                                        const struct scsi_command *command, bool dma);

/* ---- what a failure means ------------------------------------------------------------------- */

enum ata_action {
    ATA_ACTION_DONE,
    ATA_ACTION_AGAIN,  /* interrupted by another command's failure: send it again */
    ATA_ACTION_RETRY,  /* may pass: try again a few times */
    ATA_ACTION_LATE,   /* no answer: try once more */
    ATA_ACTION_MEDIUM, /* one sector cannot be read or written; result.lba may name it */
    ATA_ACTION_REFUSE, /* another try would fail, too */
    ATA_ACTIONS,
};

struct ata_outcome {
    enum ata_action action;
    status_t status;
    const char *why; /* in a log line: "uncorrectable error" */
};

/* Returns what the end of a command leads to. (outcome.c) */
struct ata_outcome ata_outcome(const struct ata_command *command);

/* ---- units ---------------------------------------------------------------------------------- */

/* What IDENTIFY data report. */
struct ata_identity {
    char model[41], firmware[9], serial[21]; /* trimmed, printable ASCII */
    bool dma;

    /* Packet units only. */
    uint8_t device_type;   /* as in INQUIRY */
    unsigned packet_bytes; /* 12 or 16 */
    bool dma_direction;    /* wants ATA_PACKET_DMA_IN */

    /* Disks only. Nothing here was checked: see ata_identity_fault(). */
    bool lba, lba48;
    uint64_t sectors;
    uint32_t sector_bytes;   /* logical: what an LBA counts */
    uint32_t physical_bytes; /* what the disk writes at once */
    unsigned queue_depth;    /* commands that it queues; 0: it has no queue */
    bool flush, flush_extended;
    bool write_cache;        /* volatile, and on */
    bool removable, locked;  /* locked: by a password */
    uint16_t rotation;       /* per minute; 1: it does not rotate; 0: unknown */
};

enum ata_kind { ATA_KIND_NONE, ATA_KIND_DISK, ATA_KIND_PACKET };

struct ata_port_ops {
    /* Sends a command to the port's unit, as start() of struct command_kind: ata_done() ends it,
     * before start() returns or later. */
    void (*start)(struct ata_port *port, struct ata_command *command);
    /* The unit's device was destroyed after ata_port_remove(): no command of that unit comes any
     * more, so the port may be identified again or freed. NULL: nothing to do. */
    void (*released)(struct ata_port *port);
};

struct ata_port {
    /* The transport's, set before ata_port_identify(). */
    const struct ata_port_ops *ops;
    struct packet_queue *channel;
    const char *name;         /* "master"; the unit's device gets it */
    const char *channel_name; /* "ide1"; for the log */

    /* The transport's, set before ata_port_publish(): the limits of one command's data. depth: the
     * queued commands that it carries at once; 0 or 1: none. */
    struct io_limits limits;
    bool dma;                 /* data is carried by DMA at the moment */

    /* Set here. */
    enum ata_kind kind;
    struct ata_identity identity;
    unsigned dma_failures;    /* in a row */
    bool dma_worked;          /* a transfer by DMA succeeded */
    struct device *device;    /* the unit's: a reference; NULL: not published */
    struct scsi_unit unit;    /* of a packet unit */
};

/* On this bus are disks; bus_data is the port. Packet units are on scsi_bus. */
extern const struct bus_type ata_bus;

/* Decodes IDENTIFY DEVICE or IDENTIFY PACKET DEVICE data. False if they contain a checksum that is
 * wrong; the identity is then unspecified. (identify.c, as the next) */
bool ata_identify_decode(const uint16_t words[ATA_IDENTIFY_WORDS],
                         struct ata_identity *identity) MUST_CHECK;
/* Returns why a disk that reports this cannot be used, or NULL. */
const char *ata_identity_fault(const struct ata_identity *identity);

/* Identifies the unit that showed this signature after a reset, and sets kind and identity. False:
 * there is none. Threads, but not the channel's worker. (port.c, as the next) */
bool ata_port_identify(struct ata_port *port, unsigned signature);
/* Publishes the unit under its channel's device. 0 also for a unit that is ignored after a line in
 * the log. */
status_t ata_port_publish(struct ata_port *port, struct device *channel) MUST_CHECK;
/* Removes the unit from the tree, if it was published. */
void ata_port_remove(struct ata_port *port);
/* Returns the port of a packet unit's command. */
struct ata_port *ata_port_of(const struct scsi_command *command);
/* Notes how a transfer by DMA ended, on the worker. After repeated failures it clears port->dma:
 * the data then goes by PIO. */
void ata_port_count_dma(struct ata_port *port, status_t status);

#endif

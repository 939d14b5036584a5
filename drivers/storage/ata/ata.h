/*
 * ata.h - what all ATA transports share: task files, IDENTIFY data, packet units.
 *
 *   identify.c  IDENTIFY data -> struct ata_identity
 *   port.c      identifies the unit at a port; publishes a packet unit as a SCSI unit
 *   ide/        the transport for IDE controllers: registers in port space, bus master DMA
 *
 * Model       A port is the place of one unit: an IDE channel's master or slave, or a SATA port. A
 *             transport fills `struct ata_port` and its ops; everything that is the same whichever
 *             registers carry a command is here. SCSI commands reach a packet unit through the
 *             channel's packet queue, whose start() calls execute_packet().
 * Locking     None of its own: while a port is probed it is one thread's; from then on it belongs
 *             to the worker of its channel's packet queue.
 * Ownership   A port is embedded in its transport's channel, and lives until the channel's device
 *             is destroyed.
 * References  ATA/ATAPI-6: 7 (registers), 8.15 and 8.16 (IDENTIFY), 8.23 (PACKET), 9.12
 *             (signatures).
 * Status      Packet units only: disks are identified and named in the log.
 */
#ifndef DRIVERS_STORAGE_ATA_ATA_H
#define DRIVERS_STORAGE_ATA_ATA_H

#include "kernel/bus/scsi.h"

enum ata_command {
    ATA_PACKET = 0xa0,
    ATA_IDENTIFY_PACKET = 0xa1,
    ATA_IDENTIFY = 0xec,
};

/* The status register. */
enum {
    ATA_STATUS_ERR = 1 << 0, /* CHK for packets: the unit has sense data */
    ATA_STATUS_DRQ = 1 << 3,
    ATA_STATUS_DF = 1 << 5,
    ATA_STATUS_BSY = 1 << 7,
};

/* The features register of PACKET. */
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

enum { ATA_IDENTIFY_WORDS = 256 };

/* How a command moves its data. */
enum ata_protocol { ATA_NON_DATA, ATA_PIO_IN };

/* A command other than PACKET: the registers before it and after it. */
struct ata_taskfile {
    enum ata_protocol protocol;
    uint8_t command, features;
    uint16_t count;
    uint64_t lba;         /* 28 bits */
    uint16_t *words;      /* ATA_PIO_IN: one block of `word_count` words */
    unsigned word_count;
    uint32_t timeout_us;
    uint8_t status;       /* the result: the status register */
};

/* What IDENTIFY data report. */
struct ata_identity {
    char model[41], firmware[9], serial[21]; /* trimmed, printable ASCII */
    bool dma;
    /* Packet units only. */
    uint8_t device_type;   /* as in INQUIRY */
    unsigned packet_bytes; /* 12 or 16 */
    bool dma_direction;    /* wants ATA_PACKET_DMA_IN */
};

struct ata_port;

struct ata_port_ops {
    /* Runs a command and waits for its end. -EIO if the unit reported an error or did not enter the
     * data phase; -ETIMEDOUT. */
    status_t (*execute)(struct ata_port *port, struct ata_taskfile *taskfile);
    /* Carries a SCSI command, as struct packet_transport's start(). */
    void (*execute_packet)(struct ata_port *port, struct scsi_command *command);
};

enum ata_kind { ATA_KIND_NONE, ATA_KIND_DISK, ATA_KIND_PACKET };

struct ata_port {
    const struct ata_port_ops *ops;
    const char *name;         /* "master"; the unit's device gets it */
    const char *channel_name; /* "ide1"; for the log */
    enum ata_kind kind;
    struct ata_identity identity;
    bool dma;                 /* packets' data is carried by DMA at the moment */
    struct scsi_unit unit;    /* of a packet unit */
};

/* Decodes IDENTIFY DEVICE or IDENTIFY PACKET DEVICE data. (identify.c) */
void ata_identify_decode(const uint16_t words[ATA_IDENTIFY_WORDS], struct ata_identity *identity);

/* Identifies the unit that showed this signature after a reset, and sets kind and identity. False:
 * there is none. (port.c, as the next) */
bool ata_port_identify(struct ata_port *port, unsigned signature);
/* Publishes a packet unit under its channel's device. The transport has set the limits and the
 * channel of port->unit; the rest is filled here. */
status_t ata_port_publish(struct ata_port *port, struct device *channel) MUST_CHECK;
/* Returns the port of the command's unit, for a transport's start(). */
struct ata_port *ata_port_of(const struct scsi_command *command);

#endif

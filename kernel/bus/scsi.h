/*
 * scsi.h - where a command set meets its transport.
 *
 * A CD drive takes SCSI command packets whatever carries them. drivers/storage/scsi/cdrom builds
 * packets and reads sense data; a transport (drivers/storage/ata/ide) carries them to a unit and
 * returns the answer. A transport publishes one device per unit, whose bus_data of type packet_bus
 * is a struct packet_unit_info; a command layer takes the unit in its add_device and publishes the
 * data device as the unit's child.
 *
 * Model       submit() queues a command on the unit's channel; commands of a channel run one after
 *             another on the channel's worker thread. The command ends exactly once, through its
 *             callback, on that worker. After CHECK CONDITION the transport has itself fetched the
 *             sense data (REQUEST SENSE) before the callback.
 * Deadline    timeout_us runs from the moment the command reaches the unit. Past it the transport
 *             stops the channel (so that no late DMA can land), resets it, and ends the command
 *             with -ETIMEDOUT.
 * Memory      Data of PACKET_BULK_BYTES and more may be carried by DMA, so its segments come from
 *             mem_alloc or page_alloc and should keep the unit's limits; a transport carries what
 *             does not keep them too, but slower. Shorter data may be anywhere, a stack included.
 * Locking     submit: any context but interrupts. Callbacks wait for nothing; they may submit.
 * References  SPC-3 (sense data 4.5), MMC-5, ATA/ATAPI-6 section 9.8 (PACKET).
 */
#ifndef KERNEL_BUS_SCSI_H
#define KERNEL_BUS_SCSI_H

#include "kernel/dev/device.h"

enum { PACKET_CDB_BYTES = 16, PACKET_SENSE_BYTES = 18, PACKET_BULK_BYTES = 2048 };

struct packet_command {
    /* set by the submitter */
    uint8_t cdb[PACKET_CDB_BYTES]; /* 12 bytes are sent to an ATAPI unit */
    struct io_segment *segments;   /* where the data goes, >= length_bytes; borrowed until the
                                      callback */
    unsigned segment_count;
    uint32_t length_bytes;         /* of data wanted, device to memory; 0: no data */
    uint32_t timeout_us;
    uint64_t not_before_us;        /* do not start it earlier (time_now_us); 0: at once */
    void (*complete)(struct packet_command *command);
    void *context;

    /* the result, valid in the callback */
    status_t status;               /* 0 done; -EIO, -ETIMEDOUT, -ENODEV */
    bool check_condition;          /* the unit refused: sense[] is the reason, status is -EIO */
    uint8_t sense[PACKET_SENSE_BYTES]; /* fixed format; all zero when it could not be had */
    uint32_t done_bytes;

    struct list link;              /* the transport's */
    struct device *unit;
};

extern const struct bus_type packet_bus;

struct packet_transport {
    /* Queues the command. After the unit is gone it ends with -ENODEV. */
    void (*submit)(struct device *unit, struct packet_command *command);
};

/* What a unit's bus_data points to. */
struct packet_unit_info {
    const struct packet_transport *transport;
    uint8_t device_type;  /* INQUIRY peripheral device type; 5: CD/DVD (MMC) */
    bool dma;             /* commands are carried by DMA at the moment */
    char model[41], firmware[9], serial[21]; /* trimmed, printable ASCII */
    uint64_t highest_address; /* limits of one command's data, as in struct io_limits */
    uint32_t transfer_bytes;
    unsigned segment_count;
    uint32_t segment_align;
};

#endif

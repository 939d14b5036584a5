/*
 * scsi.h - the contract between SCSI command sets and the transports that carry their commands.
 *
 * A CD drive or a disk that speaks SCSI takes the same commands over ATAPI, AHCI, USB or virtio. A
 * command set (drivers/storage/scsi) builds command descriptor blocks and reads sense data; a
 * transport (drivers/storage/ata/ide) carries them. Neither knows the other.
 *
 * Model       command   one CDB, data in one direction, and the answer: status, sense, length
 *             unit      a logical unit. The transport publishes one device per unit, whose bus_data
 *                       of type scsi_bus is a `struct scsi_unit`; a command set takes it in its
 *                       add_device and publishes the data device as the unit's child.
 *             channel   the queue that a unit's commands go through (kernel/dev/packet_queue.h).
 *                       Several units may share one, also with a disk. It starts as many
 *                       commands at once as the transport has openings.
 * Interface   scsi_submit() queues a command; it ends exactly once, through its callback, on the
 *             channel's worker thread. scsi_abort() makes it end early.
 * Sense       When the callback runs, sense[] holds the reason of a CHECK CONDITION: the transport
 *             delivered it with the status, or the queue has fetched it by REQUEST SENSE.
 * Deadline    base.timeout_us runs from the moment the transport gets the command. A late command
 *             is ended with -ETIMEDOUT after the channel was reset, so that no late DMA can reach
 *             its memory.
 * Memory      Data of SCSI_BULK_BYTES and more may be carried by DMA: its segments must come from
 *             mem_alloc or page_alloc, and should keep the unit's limits. A transport also carries
 *             data that does not keep them, but more slowly. Shorter data may be anywhere, even on
 *             a stack.
 * Locking     scsi_submit, scsi_abort: any context except interrupts, any lock below QUEUE held.
 *             Callbacks must not wait; they may submit.
 * Ownership   A command and its memory belong to the channel from scsi_submit() to the callback.
 * References  SAM-3 (units, status 5.3.1), SPC-3 (sense data 4.5), ATA/ATAPI-6 9.8 (PACKET).
 */
#ifndef KERNEL_BUS_SCSI_H
#define KERNEL_BUS_SCSI_H

#include "kernel/bus/command_queue.h"

enum {
    SCSI_CDB_BYTES = 16,
    SCSI_SENSE_BYTES = 252,      /* the most that a unit may send (SPC-3 6.27) */
    SCSI_SENSE_FIXED_BYTES = 18, /* the allocation length of REQUEST SENSE */
    SCSI_BULK_BYTES = 2048,
};

enum scsi_direction { SCSI_NO_DATA, SCSI_DATA_IN, SCSI_DATA_OUT };

/* The status byte of a unit (SAM-3 5.3.1). */
enum scsi_status {
    SCSI_GOOD = 0x00,
    SCSI_CHECK_CONDITION = 0x02,
    SCSI_BUSY = 0x08,
    SCSI_RESERVATION_CONFLICT = 0x18,
    SCSI_TASK_SET_FULL = 0x28,
};

struct scsi_unit;

struct scsi_command {
    /* The submitter sets timeout_us, and may set not_before_us and alone. The result is
     * base.status: 0 if the unit reported GOOD; -EIO if it reported CHECK CONDITION, or the
     * transport failed; -EBUSY if it was busy until the timeout; -ETIMEDOUT, -ENODEV (the unit is
     * gone), -ECANCELED (aborted), -EOPNOTSUPP (the transport does not carry data in this
     * direction). */
    struct bus_command base;

    /* Set by the submitter. */
    uint8_t cdb[SCSI_CDB_BYTES];   /* an ATAPI unit of 12-byte packets gets the first 12 */
    enum scsi_direction direction;
    struct io_segment *segments;   /* borrowed until the callback; together >= length_bytes */
    unsigned segment_count;
    uint32_t length_bytes;         /* of data wanted or sent; 0 for SCSI_NO_DATA */
    void (*complete)(struct scsi_command *command);
    void *context;

    /* The rest of the result, valid in the callback. */
    enum scsi_status unit_status;  /* as the unit reported it; SCSI_GOOD if it did not answer */
    uint32_t done_bytes;           /* of the data; the residual is length_bytes - done_bytes */

    /* The channel's; a transport reads unit. */
    struct scsi_unit *unit;
    uint64_t give_up_us;           /* a unit that reports BUSY is asked again until then */

    /* The rest of the result. Last, since it need not be cleared before. */
    uint8_t sense_bytes;           /* valid ones; 0 if the sense data could not be fetched */
    uint8_t sense[SCSI_SENSE_BYTES];
};

struct packet_queue;

/* What a unit's bus_data points to. Filled by its transport before device_publish(); lives as long
 * as the unit's device. */
struct scsi_unit {
    struct packet_queue *channel;
    struct device *device;         /* the unit's; borrowed */
    uint64_t lun;                  /* as in the LUN field of SAM-3 4.9; 0: the only one */
    uint8_t device_type;           /* INQUIRY's peripheral device type (SPC-3 table 83) */
    char model[41], firmware[9], serial[21]; /* trimmed, printable ASCII */

    /* Limits of one command's data, as in struct io_limits. */
    uint64_t highest_address;
    uint32_t transfer_bytes;
    unsigned segment_count;
    uint32_t segment_align;
    unsigned depth;                /* commands that the unit takes at once; 0: 1 */
};

extern const struct bus_type scsi_bus;

/* Returns the unit of a device that a transport published; NULL for other devices. */
struct scsi_unit *scsi_unit_of(const struct device *device);

/* Queues the command. (kernel/dev/packet_queue.c, as the next) */
void scsi_submit(struct scsi_unit *unit, struct scsi_command *command);
/* Ends a submitted command whose callback has not run yet with -ECANCELED. A command that the unit
 * is carrying out costs the channel a reset, which ends its other started commands with -EIO. A
 * command that ends at the same time keeps its result. */
void scsi_abort(struct scsi_command *command);

#endif

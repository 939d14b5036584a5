/*
 * disk.h - the files of the SCSI disk driver among themselves.
 *
 *   disk.c     the driver: takes units of direct access, publishes "disk", io, poll, controls
 *   measure.c  what a unit reports about itself: limits, capacity, write protection, cache
 *
 * Model       The medium of a fixed disk is measured before the device is published and stays. A
 *             disk with a removable medium is polled, as a CD drive is (../medium.h).
 * Hostile     A unit's numbers are checked in measure.c before anything uses them. A unit whose
 *             capacity or block size cannot be is named in the log and taken offline: a fixed disk
 *             is not published, a medium not shown.
 * References  SBC-3 5.15, 5.16 (READ CAPACITY), 6.4.5 (caching page), 6.5.3 (block limits page);
 *             SPC-3 6.10, 7.4 (mode parameters), 7.6 (vital product data).
 * Status      No discard, no thin provisioning, no protection information. A disk that grows or
 *             shrinks while it is used keeps its size until it is published again.
 */
#ifndef DRIVERS_STORAGE_SCSI_DISK_DISK_H
#define DRIVERS_STORAGE_SCSI_DISK_DISK_H

#include "drivers/storage/scsi/medium.h"

struct disk {
    struct scsi_client client;
    _Atomic bool write_cache; /* the unit keeps written data in a volatile cache, or may */
    bool complained;          /* about the medium that is inserted: it was logged once */
};

/* What a unit reports about its medium. */
struct disk_medium {
    uint64_t blocks;
    uint32_t block_bytes;
    bool read_only, write_cache;
};

/* Reads how many blocks a command may have; 0: any number. Units need not report it. */
struct scsi_outcome disk_read_limits(struct scsi_client *client, uint32_t *blocks);
/* Measures the medium. SENSE_REFUSED (-EIO): its numbers are impossible, as `why` says. */
struct scsi_outcome disk_measure(struct scsi_client *client, struct disk_medium *medium, char *why,
                                 size_t why_bytes);

#endif

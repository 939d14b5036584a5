/*
 * disk.h - the driver of ATA disks: its two files between themselves.
 *
 *   disk.c      finds the unit, publishes "disk" under it
 *   transfer.c  carries io transfers: pieces, retries, the block that failed
 *
 * Model       A transfer becomes one command or, after a failure, several in turn, which cover it
 *             from the front. The next command is chosen by what is left, by whether DMA works at
 *             the moment, and by whether the unit queues commands.
 * Failures    What the unit or the transport reported decides (outcome.c): again, a few times; or
 *             only the sectors before one that is named as bad, so that they are not lost; or in
 *             pieces, each an eighth of the one before, until a single block fails.
 * Cache       The unit's write cache stays as it is found, and IO_FLUSH writes it back. A cache
 *             that cannot be flushed is switched off.
 * References  ATA/ATAPI-6 8.9, 8.10 (FLUSH CACHE), 8.25 to 8.28 (READ), 8.57 to 8.60 (WRITE); ACS-2
 *             7.24, 7.59 (FPDMA QUEUED).
 */
#ifndef DRIVERS_STORAGE_ATA_DISK_H
#define DRIVERS_STORAGE_ATA_DISK_H

#include "drivers/storage/ata/ata.h"

struct ata_disk {
    struct ata_port *port;
    struct device *unit;   /* the parent of the next: borrowed */
    struct device *device; /* the data device: borrowed */
    bool queued;           /* data goes by queued commands */
    _Atomic unsigned late_transfers; /* in a row; written by the channel's worker */
};

/* Sectors that a command moves at most: extended ones, and the others (0 in the register). */
enum { ATA_EXTENDED_SECTORS_MAX = 65536, ATA_SECTORS_MAX = 256 };

/* A transfer under way, in its driver_data. */
struct ata_disk_transfer {
    struct ata_command command;
    struct ata_disk *disk;
    struct io_transfer *transfer;
    uint32_t done_bytes;
    uint32_t piece_bytes; /* most that one command moves */
    uint32_t good_bytes;  /* the block after them is bad; UINT32_MAX: none is known */
    uint8_t tries[ATA_ACTIONS];
};

/* As start() of struct device_ops. */
void ata_disk_start(struct device *device, struct io_transfer *transfer);

#endif

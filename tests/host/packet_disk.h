/*
 * packet_disk.h - an emulated SCSI disk on the channel of packet_drive.h, for tests of the disk
 * driver and of transports.
 *
 * Model       The members of packet_disk decide what it reports about itself; a test sets them
 *             before packet_disk_plug_in(), or between two commands. Its blocks are in memory.
 *             Script, sense data, kinds of transports and counts are those of packet_drive.
 */
#ifndef TESTS_HOST_PACKET_DISK_H
#define TESTS_HOST_PACKET_DISK_H

#include "tests/host/packet_drive.h"

enum { PACKET_DISK_BYTES = 1 << 20 };

struct packet_disk {
    uint8_t image[PACKET_DISK_BYTES];
    uint8_t durable[PACKET_DISK_BYTES]; /* what was flushed */
    bool removable, present, attention; /* attention: a new medium that was not reported yet */
    bool protected, write_cache;
    bool no_mode, no_flush, no_pages, only_16; /* commands that it does not know */
    bool stopped;            /* until START STOP UNIT */
    uint32_t block_bytes;
    uint64_t last_block;     /* as READ CAPACITY reports it */
    uint32_t limit_blocks;   /* of the page of block limits */
    uint64_t bad_from, bad_to; /* blocks that cannot be read or written */
    bool vague;              /* the sense data do not name them */
    unsigned longest;        /* most blocks in one command so far */
};

extern struct packet_disk packet_disk;

/* Answers a command as the disk does. */
void packet_disk_behave(struct scsi_command *command);
/* Sets the members to those of a good fixed disk of 512-byte blocks with a write cache. */
void packet_disk_reset(void);
/* Connects it and publishes the unit. Returns "disk0", or NULL if the driver refused it. io and the
 * device tree are running. */
struct device *packet_disk_plug_in(struct packet_drive_kind kind);
/* Stops the channel; the device tree is left running. `disk` may be NULL. */
void packet_disk_unplug(struct device *disk);
/* Changes the medium of a removable disk; false: removes it. */
void packet_disk_change(bool present);

#endif

/*
 * packet_drive.h - a CD drive that is made of tables, for tests of what drives it.
 *
 * Model       One packet unit, "master", with a worker thread that answers its commands in their
 *             order. It holds a disc, by number, whose every byte is known, or none (0). It follows
 *             a script: each step is the answer to the next command of its operation. Commands
 *             that no step is for are answered as a good drive would. A transfer is at most 16
 *             blocks, so that requests are carved.
 * Interface   packet_drive_set_up() starts io, the device tree and the drive, and returns "cdrom0";
 *             packet_drive_tear_down() ends all of it. There is one drive at a time. In between,
 *             discs are changed by packet_drive_put_disc(), scripts by packet_drive_follow().
 * Failure     All but packet_drive_publish() panic when something goes wrong.
 */
#ifndef TESTS_HOST_PACKET_DRIVE_H
#define TESTS_HOST_PACKET_DRIVE_H

#include "kernel/bus/scsi.h"
#include "kernel/dev/device.h"
#include "kernel/sched/sync.h"

enum {
    PACKET_DRIVE_BLOCK = 2048,
    PACKET_DRIVE_DISC_BLOCKS = 300, /* of the disc that it is set up with */
    PACKET_DRIVE_STEPS_MAX = 12,
};

/* An answer: sense data, or without a key a status of the transport. A step of zeros ends. */
struct packet_drive_step {
    uint8_t operation;
    unsigned times; /* 0: once */
    uint8_t key, asc, ascq;
    bool valid; /* the information field: */
    uint32_t information;
    status_t status;
    bool cut; /* success, but half of the data */
};

struct packet_drive {
    struct device *unit;
    struct packet_unit_info info;
    unsigned disc; /* number of the disc; 0: none */
    const uint8_t *image; /* the bytes of every disc; NULL: those of the disc's number */
    bool locked, button;
    uint32_t last_block, block_bytes; /* what READ CAPACITY says */
    bool empty;
    bool audio_first; /* the second session begins with a track of audio */
    _Atomic uint64_t read_us; /* how long each READ(10) takes; also while commands are under way */
    uint16_t profile; /* what GET CONFIGURATION says; 0: the drive does not know the command */

    /* packet_drive.c's */
    struct thread *worker;
    struct spin lock; /* all but unit, info and worker */
    struct wait_queue arrival;
    struct list commands;
    bool stopping;
    struct packet_drive_step script[PACKET_DRIVE_STEPS_MAX];
    unsigned step, served; /* where the script is, and how often this step was */
    bool attention;        /* the disc was changed, and nobody was told yet */
    unsigned counts[256];  /* commands by operation */
};

/* The drive. A test may set what is not packet_drive.c's while no command is under way. */
extern struct packet_drive packet_drive;

/* Starts all, with that disc in the drive; the device is the caller's until tear_down. */
struct device *packet_drive_set_up(unsigned disc);
void packet_drive_tear_down(struct device *cdrom);
/* The same where io and the device tree run already, and continue to. */
struct device *packet_drive_plug_in(unsigned disc);
void packet_drive_unplug(struct device *cdrom);
/* Publishes the unit (again, after device_remove()); errors are the device tree's. */
status_t packet_drive_publish(void);

/* Another disc of that size; 0: none. */
void packet_drive_put_disc(unsigned disc, uint32_t blocks);
/* A new script, of PACKET_DRIVE_STEPS_MAX steps; the counts start again. */
void packet_drive_follow(const struct packet_drive_step *script);
/* Commands of that operation since the last script. */
unsigned packet_drive_count(uint8_t operation);

/* Panics unless `bytes` are what the disc holds from that block on. */
void packet_drive_assert_disc(const uint8_t *data, unsigned disc, uint32_t lba, uint64_t bytes);

#endif

/*
 * packet_drive.h - a CD drive made of tables, for tests of whatever drives it.
 *
 * Model       One SCSI unit, "master", on a channel of its own. It holds a disc, by number, whose
 *             every byte is known, or none (0). It follows a script: each step is the answer to
 *             the next command of its operation. Commands without a step are answered as a good
 *             drive would. A transfer is at most 16 blocks, so that requests are carved.
 *             Its transport is synchronous, as IDE, or asynchronous with several openings, and
 *             delivers sense data with the status or leaves them to REQUEST SENSE.
 * Interface   packet_drive_set_up() starts io, the device tree and the drive, and returns "cdrom0";
 *             packet_drive_tear_down() ends all of it. There is one drive at a time. In between,
 *             discs are changed by packet_drive_put_disc(), scripts by packet_drive_follow().
 * Failure     All but packet_drive_publish() panic when something goes wrong.
 */
#ifndef TESTS_HOST_PACKET_DRIVE_H
#define TESTS_HOST_PACKET_DRIVE_H

#include "kernel/bus/scsi.h"
#include "kernel/dev/device.h"
#include "kernel/dev/packet_queue.h"
#include "kernel/sched/sync.h"

enum {
    PACKET_DRIVE_BLOCK = 2048,
    PACKET_DRIVE_DISC_BLOCKS = 300, /* of the disc that it is set up with */
    PACKET_DRIVE_STEPS_MAX = 12,
};

/* An answer: the first of these that is set. A step of zeros ends the script. */
struct packet_drive_step {
    uint8_t operation;
    unsigned times; /* 0: once */
    uint8_t key, asc, ascq;
    bool valid; /* the information field: */
    uint32_t information;
    status_t status; /* a failure of the transport */
    bool cut;        /* success, but half of the data */
    bool busy;       /* status BUSY */
    bool hang;       /* no answer until the deadline or the reset */
    bool late;       /* the same, but then it ends with success */
};

struct packet_drive_kind {
    unsigned openings;
    bool asynchronous; /* a thread of the transport ends commands, not start() */
    bool autosense;    /* sense data come with the status */
};

/* A started command of an asynchronous transport, by tag. */
struct packet_drive_slot {
    struct scsi_command *command;
    bool served, late; /* it hangs; it ends late */
};

struct packet_drive {
    struct packet_drive_kind kind;
    struct device *unit;
    struct scsi_unit scsi; /* what the unit's bus_data points to */
    unsigned disc; /* number of the disc; 0: none */
    const uint8_t *image; /* the bytes of every disc; NULL: those of the disc's number */
    bool locked, button;
    uint32_t last_block, block_bytes; /* READ CAPACITY's answer */
    bool empty;
    bool audio_first; /* the second session begins with a track of audio */
    _Atomic uint64_t read_us; /* how long each READ(10) takes; also while commands are under way */
    uint16_t profile; /* GET CONFIGURATION's answer; 0: the drive does not know the command */

    /* packet_drive.c's */
    struct packet_queue queue;
    struct thread *worker; /* of an asynchronous transport */
    struct spin lock; /* all below, and the disc */
    struct wait_queue changed;
    struct packet_drive_slot slots[PACKET_OPENINGS_MAX];
    bool serving, stopping;
    struct packet_drive_step script[PACKET_DRIVE_STEPS_MAX];
    unsigned step, served; /* where the script is, and how often this step was */
    uint8_t sense[SCSI_SENSE_FIXED_BYTES]; /* of the last command that was refused */
    bool attention;        /* the disc was changed, and no command reported it yet */
    unsigned counts[256];  /* commands by operation */
    unsigned resets;       /* of the transport */
};

/* The drive. A test may set the members above packet_drive.c's own while no command runs. */
extern struct packet_drive packet_drive;

/* Starts everything with that disc in the drive. The device is the caller's until tear_down. */
struct device *packet_drive_set_up(unsigned disc);
void packet_drive_tear_down(struct device *cdrom);
/* The same for a test that has started io and the device tree itself; unplug leaves them running.
 * plug_in_kind() chooses the kind of transport, which is otherwise synchronous. */
struct device *packet_drive_plug_in(unsigned disc);
struct device *packet_drive_plug_in_kind(unsigned disc, struct packet_drive_kind kind);
void packet_drive_unplug(struct device *cdrom);
/* Publishes the unit, again after device_remove(). Errors are those of device_publish(). */
status_t packet_drive_publish(void);

/* Inserts another disc of that size; 0: removes it. */
void packet_drive_put_disc(unsigned disc, uint32_t blocks);
/* Sets a new script of PACKET_DRIVE_STEPS_MAX steps and resets the counts. */
void packet_drive_follow(const struct packet_drive_step *script);
/* Returns the number of commands of that operation since the last script. */
unsigned packet_drive_count(uint8_t operation);

/* Panics unless the bytes are those of the disc from that block on. */
void packet_drive_assert_disc(const uint8_t *data, unsigned disc, uint32_t lba, uint64_t bytes);

#endif

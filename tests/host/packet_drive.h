/*
 * packet_drive.h - an emulated CD drive, for tests of the SCSI layers and of the CD driver.
 *
 * Model       One SCSI unit, "master", on a channel of its own. It contains no disc (0), or a disc
 *             whose number determines every byte. It follows a script: each step is the answer to
 *             the next command with its operation code. Commands without a step are answered as a
 *             working drive would. A transfer has at most 16 blocks, so that requests are split.
 *             Its transport is synchronous, as IDE, or asynchronous with several openings. It
 *             delivers sense data with the status, or leaves them to REQUEST SENSE.
 * Interface   packet_drive_set_up() starts io, the device tree and the drive, and returns "cdrom0";
 *             packet_drive_tear_down() stops all of it. There is one drive at a time. In between,
 *             packet_drive_put_disc() changes the disc, and packet_drive_follow() the script.
 * Failure     Functions panic on an error, except packet_drive_publish().
 */
#ifndef TESTS_HOST_PACKET_DRIVE_H
#define TESTS_HOST_PACKET_DRIVE_H

#include "kernel/bus/scsi.h"
#include "kernel/dev/device.h"
#include "kernel/dev/packet_queue.h"
#include "kernel/sched/sync.h"

enum {
    PACKET_DRIVE_BLOCK = 2048,
    PACKET_DRIVE_DISC_BLOCKS = 300, /* size of the disc that is in the drive at first */
    PACKET_DRIVE_STEPS_MAX = 12,
};

/* An answer: the first of these members that is set. A step of zeroes ends the script. */
struct packet_drive_step {
    uint8_t operation;
    unsigned times; /* 0: once */
    uint8_t key, asc, ascq;
    bool valid; /* `information` is valid */
    uint32_t information;
    status_t status; /* the transport fails */
    bool cut;        /* success, but with half of the data */
    bool busy;       /* status BUSY */
    bool hang;       /* no answer until the deadline or the reset */
    bool late;       /* the same, but then the command succeeds */
    bool twice;      /* success, reported twice; with another status the second time */
    bool more;       /* success, and more bytes than were asked for */
};

/* Carries the drive's commands over the model of a controller, which calls packet_drive_serve(),
 * instead of the transport in packet_drive.c. */
struct packet_drive_carrier {
    /* Publishes the controller, whose unit has this device type; returns the unit's device: a
     * reference. */
    struct device *(*plug_in)(uint8_t device_type);
    void (*unplug)(void);
    bool is_atapi; /* it can neither report BUSY nor fail with another status than -EIO */
};

/* How a served command ends. */
enum packet_drive_ending {
    PACKET_DRIVE_ENDED, /* with its status */
    PACKET_DRIVE_HELD,  /* not before the reset or the deadline */
    PACKET_DRIVE_LATE,  /* the same, and then with success */
    PACKET_DRIVE_TWICE, /* with success, and then with a failure */
};

struct packet_drive_kind {
    const struct packet_drive_carrier *carrier; /* NULL: the transport in packet_drive.c */
    unsigned openings;
    bool asynchronous; /* a thread of the transport ends commands, not start() */
    bool autosense;    /* sense data come with the status */
};

/* A started command of an asynchronous transport, by tag. */
struct packet_drive_slot {
    struct scsi_command *command;
    bool served, late; /* see packet_drive_step: hang, late */
};

struct packet_drive {
    struct packet_drive_kind kind;
    struct device *unit;
    struct scsi_unit scsi; /* the bus_data of the unit */
    struct scsi_unit *target; /* where commands are submitted: scsi, or the carrier's unit */
    unsigned disc; /* number of the disc; 0: none */
    const uint8_t *image; /* the bytes of every disc; NULL: those of the disc's number */
    bool locked, button;
    uint32_t last_block, block_bytes; /* the answer to READ CAPACITY */
    bool empty;
    bool audio_first; /* the second session begins with an audio track */
    _Atomic uint64_t read_us; /* how long each READ(10) takes; may be set at any time */
    uint16_t profile; /* the answer to GET CONFIGURATION; 0: the command is unsupported */
    void (*behave)(struct scsi_command *command); /* answers commands; NULL: as a CD drive */

    /* private to packet_drive.c */
    struct packet_queue queue;
    struct thread *worker; /* of an asynchronous transport */
    struct spin lock; /* guards the members below, and the disc */
    struct wait_queue changed;
    struct packet_drive_slot slots[PACKET_OPENINGS_MAX];
    bool serving, stopping;
    struct packet_drive_step script[PACKET_DRIVE_STEPS_MAX];
    unsigned step, served; /* the current step, and how often it was used */
    uint8_t sense[SCSI_SENSE_FIXED_BYTES]; /* of the last command that was refused */
    bool attention;        /* a change of the disc that no command has reported yet */
    unsigned counts[256];  /* commands by operation */
    unsigned resets;       /* of the transport */
};

/* The drive. A test may set the members that are not private while no command is in progress. */
extern struct packet_drive packet_drive;

/* Starts everything with that disc in the drive. The caller owns the reference until tear_down. */
struct device *packet_drive_set_up(unsigned disc);
void packet_drive_tear_down(struct device *cdrom);
/* The same for a test that starts io and the device tree itself. packet_drive_unplug() leaves them
 * running. plug_in_kind() selects the kind of transport; otherwise it is synchronous. */
struct device *packet_drive_plug_in(unsigned disc);
struct device *packet_drive_plug_in_kind(unsigned disc, struct packet_drive_kind kind);
void packet_drive_unplug(struct device *cdrom);
/* Starts the channel of a unit of that type and behaviour, which is then to be published. */
void packet_drive_connect(uint8_t device_type, struct packet_drive_kind kind,
                          void (*behave)(struct scsi_command *command));
/* Publishes the unit again after device_remove(). Errors are those of device_publish(). */
status_t packet_drive_publish(void);

/* Inserts another disc of that size; 0: removes it. */
void packet_drive_put_disc(unsigned disc, uint32_t blocks);
/* Sets a new script of PACKET_DRIVE_STEPS_MAX steps and resets the counts. */
void packet_drive_follow(const struct packet_drive_step *script);
/* Returns the number of commands of that operation since the last script. */
unsigned packet_drive_count(uint8_t operation);

/* For carriers: serves a command. *status is that of the transport. */
enum packet_drive_ending packet_drive_serve(struct scsi_command *command, status_t *status);
/* Waits as long as the command takes. */
void packet_drive_read_slowly(const struct scsi_command *command);

/* For behave(): answers with data, refuses, and moves a byte of the command's memory. */
void packet_drive_answer(struct scsi_command *command, const uint8_t *data, uint32_t bytes);
void packet_drive_refuse(struct scsi_command *command, struct packet_drive_step sense);
uint8_t *packet_drive_byte(struct scsi_command *command, uint32_t at);

/* Panics unless the bytes are those of the disc from that block on. */
void packet_drive_assert_disc(const uint8_t *data, unsigned disc, uint32_t lba, uint64_t bytes);

#endif

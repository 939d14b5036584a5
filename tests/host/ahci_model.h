/*
 * ahci_model.h - an AHCI controller without hardware, for tests of its driver.
 *
 * Model       A controller with up to four ports, each with a CD drive, a disk or nothing. A thread
 *             processes the command lists as hardware does: it reads headers, tables and regions
 *             from the driver's memory, moves the data, and interrupts. Queued commands end in a
 *             random order. A disk keeps what is written; its sectors begin as ahci_model_byte().
 * Script      Each step is what is unusual about the next command with its operation code; other
 *             commands are carried out. Some members of the model make it misbehave as a whole.
 * Checks      The rules of AHCI 1.3.1 for software, whose violation panics: engines are started and
 *             stopped in order, addresses change only while they are stopped, no command is issued
 *             to a port that is stopped, queued and other commands do not mix, regions are even.
 * Interface   ahci_model_plug_in() publishes the controller, whose driver then probes it;
 *             ahci_model_unplug() removes it. Members may be set before, or while no command runs.
 * Locking     ahci_model.lock (rank COMPLETIONS, since the driver reads registers with its own
 *             locks held): the registers. It is not held while memory is accessed or the driver is
 *             interrupted.
 * References  Serial ATA AHCI 1.3.1: 3, 5, 10; ACS-2 4.15 (queued commands).
 */
#ifndef TESTS_HOST_AHCI_MODEL_H
#define TESTS_HOST_AHCI_MODEL_H

#include "kernel/sched/sync.h"
#include "tests/host/pci_model.h"

enum {
    AHCI_MODEL_PORTS = 4,
    AHCI_MODEL_STEPS = 8,
    AHCI_MODEL_SECTORS = 4096,
    AHCI_MODEL_SECTOR_BYTES = 512,
};

enum ahci_model_kind { AHCI_MODEL_EMPTY, AHCI_MODEL_DISK, AHCI_MODEL_CD };

/* A step of zeroes ends the script. */
struct ahci_model_step {
    uint8_t operation;     /* of the ATA command */
    unsigned times;        /* 0: once */
    bool hang;             /* it does not end */
    bool lost;             /* its end is not reported by an interrupt */
    bool doubled;          /* its end is reported twice */
    uint8_t status, error; /* it ends with these registers */
    uint32_t events;       /* it does not end: the port reports these instead */
    bool half;             /* half of the data is moved, and it succeeds */
    bool too_long;         /* it claims to have moved more than it was asked for */
    bool ghost;            /* another command, which was not sent, becomes active */
    bool unplug;           /* the unit is unplugged in the middle */
};

/* A packet for a CD drive, and its answer. */
struct ahci_packet {
    const uint8_t *cdb;
    bool write;
    uint8_t *data;
    uint32_t bytes;    /* that there is room for; the answer: that are moved */
    uint8_t status;    /* the answer: the status register, good at first */
    bool hang, doubled; /* the same, as the rest: see struct ahci_model_step */
    uint32_t events;
};

struct ahci_model_port {
    enum ahci_model_kind kind;
    const char *serial;
    unsigned queue_depth;  /* of a disk; 0: it does not queue */
    bool stuck;            /* the list engine does not stop */
    bool busy;             /* the unit stays busy after the next COMRESET */
    bool no_log;           /* the unit has no log of queued errors */
    unsigned resets;       /* COMRESETs */
    uint8_t *sectors;

    /* private to ahci_model.c */
    uint32_t list[2], received[2];
    uint32_t is, ie, cmd, tfd, sig, ssts, sctl, serr, sact, ci;
    bool greeting;         /* the unit's first frame has not been accepted */
    bool moving, halted;
    uint32_t accepted;     /* queued commands that the unit has */
    uint32_t hanging;
    uint8_t log[AHCI_MODEL_SECTOR_BYTES];
};

struct ahci_model {
    struct pci_model pci;
    uint32_t capabilities; /* more bits of CAP */
    unsigned slots;        /* 0: 32 */
    bool firmware;         /* owns the controller, and gives it up */
    bool firmware_keeps;   /* does not */
    bool liar;             /* claims 32 ports, though its registers are those of four */
    bool absent;           /* was unplugged without notice: its registers read as ones */
    bool dead;             /* a reset of the controller does not end */
    bool no_interrupts;    /* all are lost */
    struct ahci_model_port ports[AHCI_MODEL_PORTS];
    struct ahci_model_step script[AHCI_MODEL_STEPS];

    uint8_t packet_type;   /* of CD drives: INQUIRY's device type */
    void (*packet)(struct ahci_packet *packet); /* answers a packet for a CD drive */
    void (*reset)(void);   /* sees each COMRESET; NULL: not wanted */

    /* private to ahci_model.c */
    struct spin lock;
    struct wait_queue changed;
    struct thread *thread;
    bool stopping, interrupt;
    uint32_t ghc, is, bohc;
    unsigned step, served;
};

/* Starts the controller's thread, if a test must do that before ahci_model_plug_in(). */
void ahci_model_start(struct ahci_model *model);
/* Publishes the controller as "00:1f.2". The device tree was started. */
void ahci_model_plug_in(struct ahci_model *model);
/* Removes it, as when it is unplugged, and frees the disks. */
void ahci_model_unplug(struct ahci_model *model);

/* Sets a new script. */
void ahci_model_follow(struct ahci_model *model, const struct ahci_model_step *script);
/* Changes what is at the port, and reports the change of the link. */
void ahci_model_connect(struct ahci_model *model, unsigned port, enum ahci_model_kind kind,
                        const char *serial);

/* Ends the time in which the unit at the port is busy. */
void ahci_model_end_busy(struct ahci_model *model, unsigned port);

/* Returns a byte of a disk that was not written. */
uint8_t ahci_model_byte(uint64_t offset);

#endif

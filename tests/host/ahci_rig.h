/*
 * ahci_rig.h - an AHCI controller with a disk and a CD drive, for the tests of its driver.
 *
 * Model       Port 1 of `ahci_rig` has a drive without a disc, port 2 a disk that queues. Commands
 *             go to the disk directly, past its driver, so that a test sees the end of each.
 * Failure     Functions panic on an error, except those that return a status.
 */
#ifndef TESTS_HOST_AHCI_RIG_H
#define TESTS_HOST_AHCI_RIG_H

#include "drivers/storage/ata/ata.h"
#include "tests/host/ahci_model.h"

enum {
    AHCI_RIG_SEEDS = 20,
    AHCI_RIG_COMMANDS = 40,
    AHCI_RIG_SHORT_US = 50000,   /* of commands that are meant to time out */
    AHCI_RIG_LONG_US = 30000000, /* of all others */
    AHCI_RIG_STATUS_ERR = 0x51,
};

/* A command with what a test observes of it. */
struct ahci_tried {
    struct ata_command command;
    struct io_segment segment;
    uint8_t data[AHCI_MODEL_SECTOR_BYTES * 8] __attribute__((aligned(16)));
    unsigned ends; /* how often the callback ran */
    struct semaphore *ended;
};

extern struct ahci_model ahci_rig;

/* Describes the controller and starts io and the device tree; the test plugs it in. */
void ahci_rig_set_up(void);
/* Unplugs it and stops the rest. */
void ahci_rig_tear_down(void);

/* A promise of the driver: a body that runs after ahci_rig_set_up(). */
struct ahci_promise {
    const char *name;
    void (*body)(void);
    bool long_waits; /* only in the simulation */
    bool tears_down; /* the body does it */
};
void ahci_rig_check(const struct ahci_promise *promises, size_t count);

/* Returns the device of the unit at a port: a reference, or NULL. */
struct device *ahci_rig_find(unsigned port);
bool ahci_rig_has(unsigned port);
/* Waits until a unit has come or gone. */
void ahci_rig_await(unsigned port, bool there);
/* Returns the disk's port. The caller puts `*unit`. */
struct ata_port *ahci_rig_disk(struct device **unit);

void ahci_rig_submit(struct ata_port *port, struct ahci_tried *tried, struct semaphore *ended,
                     bool write, uint64_t lba, unsigned count, bool queued, uint32_t timeout_us);
/* Waits for the end of that many commands. */
void ahci_rig_end(struct semaphore *ended, unsigned count);
/* Reads sectors and returns the status. */
status_t ahci_rig_read(struct ata_port *port, struct ahci_tried *tried, uint64_t lba,
                       unsigned count, bool queued, uint32_t timeout_us);
/* Panics unless the sectors that were read are those of the disk. */
void ahci_rig_assert(const struct ahci_tried *tried);
/* Reads by many queued commands at the same time; one that was interrupted is sent again. Returns
 * how many failed. */
unsigned ahci_rig_exercise(struct ata_port *port);

#define AHCI_RIG_FOLLOW(...) \
    ahci_model_follow(&ahci_rig, \
                      (const struct ahci_model_step[AHCI_MODEL_STEPS]){ __VA_ARGS__ })

#endif

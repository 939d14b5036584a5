/*
 * ide_model.h - an IDE controller without hardware: registers, bus master, disks and CD drives.
 *
 * Model       Two channels of two units each. The driver reaches the registers through a PCI
 *             function (tests/host/pci_model.h) or, in compatibility mode and as an ISA card,
 *             through kernel/isa.h. A thread of the model executes commands: it moves data through
 *             the bus master's table, fills the data register, and raises interrupts.
 *             The next commands of a unit follow its script; without a step they work.
 * Checks      A command written to a busy unit, a table that does not cover the data exactly, a
 *             command that the unit does not have, and DMA while bus mastering is disabled panic.
 * Locking     ide_model.lock (rank FRAMES) guards all members that are not the test's.
 * Interface   ide_model_start() publishes the controller, whose units are disk0, cdrom0 and so on;
 *             ide_model_stop() removes it. The device tree was started, except for an ISA card,
 *             whose ide_model_start() comes before device_start().
 */
#ifndef TESTS_HOST_IDE_MODEL_H
#define TESTS_HOST_IDE_MODEL_H

#include "drivers/storage/ata/ata.h"
#include "kernel/isa.h"
#include "kernel/sched/sync.h"
#include "tests/host/pci_model.h"

enum { IDE_MODEL_CHANNELS = 2, IDE_MODEL_UNITS = 2, IDE_MODEL_STEPS_MAX = 8 };
enum { IDE_MODEL_BLOCK_BYTES_MAX = 65536, IDE_MODEL_CD_BLOCK_BYTES = 2048 };

enum ide_model_kind { IDE_MODEL_NONE, IDE_MODEL_DISK, IDE_MODEL_CD };
enum ide_model_mode { IDE_MODEL_COMPATIBILITY, IDE_MODEL_NATIVE, IDE_MODEL_ISA };

/* What a command of a script does instead of working. */
enum ide_model_fault {
    IDE_MODEL_WORKS,
    IDE_MODEL_LOSES_INTERRUPT,  /* the last one */
    IDE_MODEL_DOUBLES_INTERRUPT,
    IDE_MODEL_LATE,             /* works after `delay_us` */
    IDE_MODEL_HANGS,            /* busy until the reset */
    IDE_MODEL_DIES,             /* busy permanently */
    IDE_MODEL_CUTS_DMA,         /* success, but with half of the data */
    IDE_MODEL_BREAKS_DMA,       /* the bus master reports an error */
    IDE_MODEL_FAILS,            /* with these registers, and without data */
};

struct ide_model_step {
    uint8_t operation; /* the step is for a command of this operation; 0: any */
    enum ide_model_fault fault;
    unsigned times;    /* 0: once */
    uint8_t status, error;
    uint64_t lba, delay_us;
};

struct ide_model_registers {
    uint8_t features, count, low, mid, high;
};

struct ide_model_unit {
    /* Set by the test. A disk has `sectors` sectors; the image holds `image_sectors` of them, from
     * first_sector on. */
    enum ide_model_kind kind;
    uint8_t *image;
    uint64_t first_sector, image_sectors, sectors;
    uint32_t sector_bytes, physical_bytes;
    bool lba48, no_dma, no_flush;
    uint64_t bad_lba;          /* reads and writes of it fail; 0: none */
    bool vague;                /* they do not name it */
    struct ide_model_step script[IDE_MODEL_STEPS_MAX];
    uint16_t identify[ATA_IDENTIFY_WORDS]; /* not 0: replace the words of IDENTIFY */

    /* May be read while nothing is submitted. */
    unsigned counts[256];      /* commands by operation */
    unsigned packets[256];     /* by the first byte of the CDB */
    uint8_t received[64];      /* data of the last packet with data out */
    uint32_t received_bytes;

    /* private */
    struct ide_model_registers now, before; /* as written last, and before that */
    uint8_t device, status, error;
    unsigned step, served;
    bool dead;
    uint8_t sense_key, sense_code;
};

/* What the thread does next for a channel. */
enum ide_model_work { MODEL_IDLE, MODEL_EXECUTE, MODEL_PACKET, MODEL_NEXT_BLOCK, MODEL_DMA };

struct ide_model_channel {
    struct ide_model_unit units[IDE_MODEL_UNITS];

    /* private */
    unsigned selected;
    uint8_t control;
    uint8_t master_command, master_status;
    uint32_t master_table;
    enum ide_model_work work;
    uint8_t operation;
    struct ide_model_step fault;     /* of the command in progress */
    bool out;                        /* the direction of its data */
    uint64_t lba;                    /* of its next block */
    uint32_t left_bytes;             /* data that were not moved yet */
    uint32_t block_bytes, at;        /* of the data register: size and place of the block */
    uint32_t burst_bytes;            /* longest block */
    uint8_t block[IDE_MODEL_BLOCK_BYTES_MAX];
    uint32_t answer_bytes;           /* of a packet: in `answer`; 0: sectors */
    uint8_t answer[256];
    uint8_t cdb[16];
    unsigned interrupts;             /* to be raised */
    unsigned epoch;                  /* incremented by a reset */
    struct isa_interrupt *line;      /* connected */
};

struct ide_model {
    struct ide_model_channel channels[IDE_MODEL_CHANNELS]; /* the test sets the units */
    enum ide_model_mode mode;
    bool no_bus_master;
    bool no_interrupts;              /* nothing can be connected */

    /* private */
    struct pci_model pci;
    struct isa_machine machine;
    struct spin lock;
    struct spin line_lock;           /* rank DEVICE: held while a line's handler runs */
    struct wait_queue changed;
    struct thread *thread;
    bool stopping;
};

void ide_model_start(struct ide_model *model, enum ide_model_mode mode);
void ide_model_stop(struct ide_model *model);

/* Fills in a unit's usual properties: LBA48, DMA, write cache; all sectors are in the image. */
void ide_model_disk(struct ide_model_unit *unit, void *image, uint64_t sectors,
                    uint32_t sector_bytes);
void ide_model_cd(struct ide_model_unit *unit, void *image, uint64_t blocks);
/* Sets a new script of IDE_MODEL_STEPS_MAX steps, and resets the counts. */
void ide_model_follow(struct ide_model *model, struct ide_model_unit *unit,
                      const struct ide_model_step *script);

/* ---- among its files ------------------------------------------------------------------------ */

enum {
    IDE_MODEL_READY = 0x50,        /* DRDY and DSC: the status of an idle disk */
    IDE_MODEL_REASON_PACKET = 1,   /* the unit wants a packet */
    IDE_MODEL_MASTER_START = 1 << 0, /* command */
    IDE_MODEL_MASTER_TO_MEMORY = 1 << 3,
    IDE_MODEL_MASTER_ACTIVE = 1 << 0, /* status */
    IDE_MODEL_MASTER_ERROR = 1 << 1,
    IDE_MODEL_MASTER_INTERRUPT = 1 << 2,
};

/* The thread (ide_model_commands.c). */
void ide_model_main(void *model);

/* ide_model_units.c: what the units do; the caller holds the lock.
 *
 * Fills 256 words for IDENTIFY or IDENTIFY PACKET DEVICE. */
void ide_model_identify(const struct ide_model_unit *unit, uint16_t *words);
/* Decides what a packet answers: sets the channel's data, or the unit's sense data. False: CHECK
 * CONDITION. */
bool ide_model_packet(struct ide_model_channel *channel, struct ide_model_unit *unit);
/* Moves one sector between the image and `memory`. Sectors outside of the image read as zero. */
void ide_model_sector(struct ide_model_unit *unit, uint64_t lba, uint8_t *memory, bool out);

#endif

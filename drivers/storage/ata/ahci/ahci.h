/*
 * ahci.h - the files of the AHCI transport among themselves.
 *
 *   controller.c  driver: takes a controller over from the firmware, resets it, publishes it
 *   port.c        the ports: their memory; units that come and go
 *   unit.c        a unit: from IDENTIFY to a device, resets, its end
 *   link.c        a port's engines and its link: start, stop, COMRESET
 *   command.c     command slots: what the controller reads, and the end of each command
 *   interrupt.c   the interrupt, and the two threads of a controller
 *   news.c        what the other files report to these threads
 *   request.c     ATA and SCSI commands as requests; requests that a thread waits for
 *   recovery.c    what a unit's worker does after an error
 *
 * Model       A controller (HBA) has up to 32 ports, each with a link to at most one unit. A port
 *             has a list of up to 32 commands in memory. The driver fills a slot of the list and
 *             sets its bit in PxCI; the controller fetches the command, moves the data from or to
 *             the memory that the slot's table describes, and clears the bit. The unit's answers
 *             arrive as frames (FIS), of which PxTFD shows status and error.
 * Ends        A slot is in use from ahci_issue() until its bit is found clear, or an error event
 *             names it, or the port forgets it. Each way ends it once, under the port's lock.
 * Recovery    After an error the controller processes no command of that port until the driver has
 *             stopped and started the port's engine (6.2.2): `halted`. What that does not repair, a
 *             reset of the link (COMRESET) does. An engine that does not stop could still write to
 *             memory: the controller then loses the bus, and with it all its units.
 * Waiting     Only threads wait, and every wait has a limit (kernel/dev/deadlines.h).
 * Interrupts  are trusted once several in a row have reported ends. Until then, and again after one
 *             was lost, the watch thread looks at the ports twice a second while commands are
 *             running; all the time, if the controller cannot interrupt. A trusted interrupt that
 *             is lost costs its command the deadline, but no reset. So a machine that is idle, but
 *             polls a drive for its medium, has no timer of this driver.
 * Hostile     Ports outside the window of registers are not used. A unit that moves more than it
 *             was asked for, or a port that works on a command that was not sent, ends the unit. A
 *             register that reads as ones shows a controller that was removed.
 * Locking     ahci_port.lock, ahci_controller.lock (rank QUEUE, never both): the members below
 *             them. Everything else of a port belongs to the thread that probes it, then to the
 *             worker of its unit's queue.
 * Ownership   The controller's device ("ahci0") owns the controller and its ports; a unit's device
 *             owns the unit, and holds a reference of the controller's.
 * References  Serial ATA AHCI 1.3.1: 3 (registers), 4.2 (memory), 5.5 and 5.6 (commands),
 *             6.2 (errors), 10.1 (start), 10.4 (reset), 10.6 (firmware); SATA 3.2 10.5 (FIS).
 * Status      No port multipliers, power management, enclosures or coalescing. Data of
 *             SCSI_BULK_BYTES and more that does not keep the unit's limits is refused.
 */
#ifndef DRIVERS_STORAGE_ATA_AHCI_AHCI_H
#define DRIVERS_STORAGE_ATA_AHCI_AHCI_H

#include "drivers/storage/ata/ata.h"
#include "kernel/bus/pci.h"
#include "kernel/dev/deadlines.h"
#include "kernel/dev/packet_queue.h"

/* ---- registers ---------------------------------------------------------------------------- */

/* Of the controller. All registers are accessed as 32 bits. */
enum ahci_register {
    AHCI_CAP = 0x00,
    AHCI_GHC = 0x04,
    AHCI_IS = 0x08, /* a bit for each port */
    AHCI_PI = 0x0c, /* the same: ports that exist */
    AHCI_VS = 0x10,
    AHCI_CAP2 = 0x24,
    AHCI_BOHC = 0x28,

    AHCI_PORTS = 0x100,
    AHCI_PORT_BYTES = 0x80,
};

enum {
    AHCI_CAP_PORTS_MASK = 0x1f,       /* NP: less one, as the next */
    AHCI_CAP_SLOTS_SHIFT = 8,         /* NCS */
    AHCI_CAP_SLOTS_MASK = 0x1f,
    AHCI_CAP_STAGGERED = 1 << 27,     /* SSS: a unit spins up when it is told to */
    AHCI_CAP_NCQ = 1 << 30,           /* SNCQ */
};

#define AHCI_CAP_64 (UINT32_C(1) << 31) /* S64A: addresses of 64 bits */

enum {
    AHCI_GHC_RESET = 1 << 0,          /* HR */
    AHCI_GHC_INTERRUPTS = 1 << 1,     /* IE */
};

#define AHCI_GHC_ENABLE (UINT32_C(1) << 31) /* AE: not an IDE controller at the moment */

enum {
    AHCI_CAP2_HANDOFF = 1 << 0,       /* BOH: there is AHCI_BOHC */
    AHCI_BOHC_FIRMWARE = 1 << 0,      /* BOS: the firmware owns the controller */
    AHCI_BOHC_SYSTEM = 1 << 1,        /* OOS: we want it */
};

/* Of a port, from its base on. */
enum ahci_port_register {
    AHCI_PORT_LIST = 0x00, /* PxCLB and PxCLBU */
    AHCI_PORT_LIST_HIGH = 0x04,
    AHCI_PORT_RECEIVED = 0x08, /* PxFB and PxFBU */
    AHCI_PORT_RECEIVED_HIGH = 0x0c,
    AHCI_PORT_IS = 0x10,
    AHCI_PORT_IE = 0x14,
    AHCI_PORT_CMD = 0x18,
    AHCI_PORT_TFD = 0x20,  /* status, error << 8 */
    AHCI_PORT_SIG = 0x24,  /* count, LBA low, mid, high: bits 31:16 are the signature */
    AHCI_PORT_SSTS = 0x28,
    AHCI_PORT_SCTL = 0x2c,
    AHCI_PORT_SERR = 0x30,
    AHCI_PORT_SACT = 0x34, /* a bit for each queued command */
    AHCI_PORT_CI = 0x38,   /* a bit for each command that the controller has not finished */
};

enum {
    AHCI_CMD_START = 1 << 0,          /* ST: process the command list */
    AHCI_CMD_SPIN_UP = 1 << 1,        /* SUD */
    AHCI_CMD_POWER = 1 << 2,          /* POD */
    AHCI_CMD_RECEIVE = 1 << 4,        /* FRE: write what the unit sends into memory */
    AHCI_CMD_RECEIVING = 1 << 14,     /* FR */
    AHCI_CMD_RUNNING = 1 << 15,       /* CR */
    AHCI_CMD_ACTIVE = 1 << 28,        /* ICC: wake the link */

    AHCI_SIGNATURE_SHIFT = 16,

    AHCI_LINK_MASK = 0xf,             /* DET of SSTS and SCTL */
    AHCI_LINK_NONE = 0,               /* SSTS: no unit */
    AHCI_LINK_UP = 3,                 /* SSTS: a unit, and the link to it works */
    AHCI_LINK_RESET = 1,              /* SCTL: sends COMRESET while it is set */
};

/* Events: bits of PxIS and PxIE. */
enum {
    AHCI_EVENT_REGISTERS = 1 << 0,    /* DHRS: the unit sent its registers */
    AHCI_EVENT_PIO = 1 << 1,          /* PSS: and data */
    AHCI_EVENT_BITS = 1 << 3,         /* SDBS: the unit ended queued commands */
    AHCI_EVENT_UNKNOWN = 1 << 4,      /* UFS: a frame of an unknown type; cleared in SERR */
    AHCI_EVENT_CONNECT = 1 << 6,      /* PCS: a unit was connected; cleared in SERR */
    AHCI_EVENT_LINK = 1 << 22,        /* PRCS: the link went or came; cleared in SERR */
    AHCI_EVENT_OVERFLOW = 1 << 24,    /* OFS: more data than memory for it */
    AHCI_EVENT_INTERFACE = 1 << 27,   /* IFS: the link failed in the middle of data */
    AHCI_EVENT_BUS_DATA = 1 << 28,    /* HBDS */
    AHCI_EVENT_BUS = 1 << 29,         /* HBFS */
    AHCI_EVENT_TASKFILE = 1 << 30,    /* TFES: the unit reported an error */

    AHCI_EVENTS_LINK = AHCI_EVENT_CONNECT | AHCI_EVENT_LINK,
    AHCI_EVENTS_ARRIVAL = AHCI_EVENTS_LINK | AHCI_EVENT_REGISTERS,
    AHCI_EVENTS_FAILED = AHCI_EVENT_OVERFLOW | AHCI_EVENT_INTERFACE | AHCI_EVENT_BUS_DATA |
                         AHCI_EVENT_BUS,
    AHCI_EVENTS_ALL = AHCI_EVENT_REGISTERS | AHCI_EVENT_PIO | AHCI_EVENT_BITS |
                      AHCI_EVENT_UNKNOWN | AHCI_EVENTS_LINK | AHCI_EVENTS_FAILED |
                      AHCI_EVENT_TASKFILE,
};

/* Bits of PxSERR: the link went or came, a unit was connected. */
enum { AHCI_SERR_LINK = 1 << 16, AHCI_SERR_CONNECT = 1 << 26 };

/* What every register of a controller that was removed reads as. */
#define AHCI_ABSENT UINT32_MAX

/* ---- memory that the controller reads and writes (4.2) ------------------------------------- */

enum {
    AHCI_PORTS_MAX = 32,
    AHCI_SLOTS_MAX = 32,
    AHCI_FIS_BYTES = 20,              /* a register FIS from the host */
    AHCI_REGIONS_MAX = 120,           /* of a command: a table is a page, with its bounce buffer */
    AHCI_REGION_BYTES_MAX = 4 << 20,
    AHCI_BOUNCE_BYTES = SCSI_BULK_BYTES,
};

/* A piece of memory for the data: even address, even length. */
struct ahci_region {
    uint32_t address, address_high;
    uint32_t reserved;
    uint32_t last_byte; /* the length less one */
};

struct ahci_table {
    uint8_t fis[64];
    uint8_t packet[SCSI_CDB_BYTES];
    uint8_t reserved[48];
    struct ahci_region regions[AHCI_REGIONS_MAX];
    uint8_t bounce[AHCI_BOUNCE_BYTES]; /* not the controller's: see command.c */
};

_Static_assert(sizeof(struct ahci_table) == PAGE_BYTES, "a slot's table is a page");

/* A slot of the command list. */
struct ahci_header {
    uint16_t flags;
    uint16_t region_count;
    volatile uint32_t done_bytes; /* written by the controller */
    uint32_t table, table_high;
    uint32_t reserved[4];
};

/* One page for each port. */
struct ahci_memory {
    struct ahci_header list[AHCI_SLOTS_MAX];
    uint8_t received[256]; /* frames from the unit */
};

/* ---- objects ------------------------------------------------------------------------------ */

struct ahci_port;

/* How a command ended. status 0: the unit ended it, as the registers report; -EIO: the link or the
 * bus failed, or the data were not as long as they should be; -ENODEV: the unit is gone. */
struct ahci_result {
    status_t status;
    struct ata_result registers;
    uint32_t done_bytes;
};

/* A command for a unit: what every kind of command is brought into. */
struct ahci_request {
    uint8_t fis[AHCI_FIS_BYTES];
    const uint8_t *packet; /* SCSI_CDB_BYTES; NULL: not a PACKET command */
    bool write;
    bool queued;           /* READ or WRITE FPDMA QUEUED, whose tag is the slot */
    struct ata_data data;
    /* Any context; no lock is held. */
    void (*ended)(struct ahci_port *port, void *context, const struct ahci_result *result);
    void *context;
};

struct ahci_slot {
    struct ahci_table *table; /* a page; NULL: the slot is not used */
    struct ahci_request request;
    uint32_t bounced_bytes;   /* at the end of the data, that are in the table's buffer */
    struct ahci_result result; /* of a command that has ended */
};

/* A unit at the end of a port's link, from its arrival to its removal. Another unit at the same
 * port is another object, since the first may still be open then. */
struct ahci_unit {
    struct ata_port ata;
    struct ahci_port *port;
    struct packet_queue queue;  /* its worker is the only thread that uses the port, while the unit
                                   is not gone */
    bool publishing;            /* ata_port_publish() runs */
    /* Guarded by the port's lock. */
    bool leaving;               /* the next reset is the last */
    bool gone;                  /* the port is not used for it any more */
    bool replaced;              /* and another unit may be there */
};

struct ahci_port {
    struct ahci_controller *controller;
    unsigned number;
    char name[8];               /* "port2" */
    struct ahci_memory *memory;
    struct ahci_slot slots[AHCI_SLOTS_MAX];
    uint64_t woken_us;          /* when its link began */

    struct spin lock;           /* all below */
    struct ahci_unit *unit;     /* NULL: none */
    uint32_t issued;            /* a bit for each slot in use */
    uint32_t queued;            /* those of them with queued commands */
    struct ata_result failure;  /* the registers when a queued command failed */
    const char *violation;      /* of the protocol, which ends the unit; NULL: none */
    bool halted;                /* the engine has to be stopped and started */
    unsigned collecting;        /* threads and interrupts that report ends */
    struct wait_queue ended;    /* woken by ends, and by a unit that is gone */
};

struct ahci_controller {
    const struct pci_function *function;
    struct device *device;      /* "ahci0": a reference; its destroy frees the controller */
    struct list link;           /* controller.c */
    char name[8];
    struct registers registers;
    uint32_t capabilities, version; /* AHCI_CAP, AHCI_VS */
    unsigned port_count;        /* whose registers are in the window */
    unsigned slot_count;        /* of each port */
    struct ahci_port *ports[AHCI_PORTS_MAX]; /* NULL: not used */
    struct pci_interrupt interrupt;
    int connected;              /* as pci_connect() returned it */
    struct thread *watch, *plug;

    struct spin lock;           /* all below */
    uint32_t plugged;           /* ports whose link has news for the plug thread */
    bool busy;                  /* commands were issued: the watch thread looks at the ports */
    bool polled, stopping;
    bool offline;               /* its bus mastering is disabled: it did not stop */
    unsigned lost, reported;    /* interrupts in a row: that did not come, that did */
    struct wait_queue changed;  /* both threads wait here */
};

static inline uint32_t ahci_read(const struct ahci_controller *controller,
                                 enum ahci_register number)
{
    return register_read32(&controller->registers, number);
}

static inline void ahci_write(const struct ahci_controller *controller,
                              enum ahci_register number, uint32_t value)
{
    register_write32(&controller->registers, number, value);
}

static inline uint32_t ahci_port_read(const struct ahci_port *port,
                                      enum ahci_port_register number)
{
    return register_read32(&port->controller->registers,
                           AHCI_PORTS + port->number * AHCI_PORT_BYTES + number);
}

static inline void ahci_port_write(const struct ahci_port *port, enum ahci_port_register number,
                                   uint32_t value)
{
    register_write32(&port->controller->registers,
                     AHCI_PORTS + port->number * AHCI_PORT_BYTES + number, value);
}

/* ---- port.c: threads ---------------------------------------------------------------------- */

/* Creates the controller's ports. -ENOMEM. */
status_t ahci_ports_create(struct ahci_controller *controller) MUST_CHECK;
/* Starts every link, and publishes the units that answer within the deadlines. */
void ahci_ports_probe(struct ahci_controller *controller);
/* Acts on news of a port: removes a unit that is gone, and publishes one that has come. */
void ahci_port_plug(struct ahci_port *port);
/* Removes the units and stops every port. */
void ahci_ports_stop(struct ahci_controller *controller);
void ahci_ports_free(struct ahci_controller *controller);

/* ---- unit.c: threads ---------------------------------------------------------------------- */

/* Identifies and publishes the unit at a port that was started. */
void ahci_unit_add(struct ahci_port *port);
/* Removes the unit's device, if it has one, and makes its worker end its use of the port. It is
 * freed when its last user has closed it. */
void ahci_unit_remove(struct ahci_unit *unit);

/* ---- recovery.c: the worker of the unit's queue --------------------------------------------- */

/* As reset() of struct packet_transport. */
void ahci_unit_reset(struct packet_queue *queue);

/* ---- request.c ------------------------------------------------------------------------------ */

/* As start() of struct ata_port_ops and of struct packet_transport. */
void ahci_start(struct ata_port *ata, struct ata_command *command);
void ahci_start_packet(struct packet_queue *queue, struct scsi_command *command);
/* Runs a command that reads 512 bytes, past the queue, and waits for its end. No other command is
 * issued. Errors are those of struct ahci_result; -EIO also if the unit reports an error;
 * -ETIMEDOUT: the port must be recovered before the memory is given back. */
status_t ahci_read_block(struct ahci_port *port, const struct ata_taskfile *taskfile,
                         void *block) MUST_CHECK;

/* ---- link.c: threads ---------------------------------------------------------------------- */

/* Poll until (register & mask) == value; -ETIMEDOUT after limit_us. */
status_t ahci_await(const struct ahci_controller *controller, uint32_t offset, uint32_t mask,
                    uint32_t value, uint64_t limit_us) MUST_CHECK;
status_t ahci_port_await(const struct ahci_port *port, enum ahci_port_register number,
                         uint32_t mask, uint32_t value, uint64_t limit_us) MUST_CHECK;
/* Stops both engines. -ETIMEDOUT: one of them still runs. */
status_t ahci_port_stop(struct ahci_port *port) MUST_CHECK;
/* Sets the port's memory, lets it receive, and wakes its link. The list engine is stopped. */
void ahci_port_wake(struct ahci_port *port);
/* Waits for the link and then for the unit, which is ready afterwards; starts the list engine.
 * -ENODEV: no unit; -ETIMEDOUT: it stays busy. Then the arrival of a unit is reported. */
status_t ahci_port_start(struct ahci_port *port) MUST_CHECK;
/* Makes a stopped port without a unit report news of its link. */
void ahci_port_listen(struct ahci_port *port);
/* Returns whether the link went or came since the port was started: another unit may be there. */
bool ahci_port_link_changed(const struct ahci_port *port);
/* Makes the port take commands again after an error: stops the list engine, forgets the issued
 * commands and starts the port; in between a COMRESET, if it is wanted or the unit needs it. Errors
 * are those of ahci_port_start(); -EIO: the engine does not stop, and the controller was taken
 * offline. */
status_t ahci_port_recover(struct ahci_port *port, bool reset) MUST_CHECK;
/* Returns ATA_SIGNATURE_*: what the unit sent when its link came up. */
unsigned ahci_port_signature(const struct ahci_port *port);

/* ---- news.c: any context ------------------------------------------------------------------ */

/* Commands were issued: the watch thread looks at them, unless interrupts are trusted. */
void ahci_watch_wake(struct ahci_controller *controller);
/* An interrupt has come, or an event was found that none has reported. */
void ahci_note_interrupt(struct ahci_controller *controller);
void ahci_note_lost(struct ahci_controller *controller);
/* Passes a port to the plug thread. */
void ahci_plug_wake(struct ahci_port *port);
/* Takes the bus from a controller that does not stop: it must not write to memory that its commands
 * had. Its units end with -ENODEV. */
void ahci_take_offline(struct ahci_controller *controller, const char *why);

/* ---- command.c ---------------------------------------------------------------------------- */

/* Sends a command to the unit; unless this fails, request->ended is called once, or the command is
 * forgotten. -EOPNOTSUPP: the controller cannot reach its memory; -EIO: the port is halted. */
status_t ahci_issue(struct ahci_port *port, unsigned slot,
                    const struct ahci_request *request) MUST_CHECK;
/* Ends the commands that the controller has finished, or that the events ended, and reports news of
 * the link. Returns whether the port had events. Any context. */
bool ahci_port_look(struct ahci_port *port);
/* Ends the issued commands with this status. The engine was stopped. Threads. */
void ahci_port_fail(struct ahci_port *port, status_t status);
/* Forgets the issued commands: afterwards none of them ends by itself. The engine was stopped.
 * Threads. */
void ahci_port_forget(struct ahci_port *port);

/* ---- interrupt.c -------------------------------------------------------------------------- */

/* Connects the interrupt, or makes the controller polled; starts the watch thread. -ENOMEM. */
status_t ahci_watch_start(struct ahci_controller *controller) MUST_CHECK;
/* Starts the plug thread. -ENOMEM. */
status_t ahci_plug_start(struct ahci_controller *controller) MUST_CHECK;
/* End the threads; the first also disconnects the interrupt. They do nothing for a thread that was
 * not started. */
void ahci_watch_stop(struct ahci_controller *controller);
void ahci_plug_stop(struct ahci_controller *controller);

#endif

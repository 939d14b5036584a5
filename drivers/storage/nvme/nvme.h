/*
 * nvme.h - the files of the NVMe driver among themselves.
 *
 *   protocol.h    numbers of the interface
 *   identify.c    identify data -> structs, checked
 *   errors.c      the status of a completion -> errno and action
 *   queue.c       a pair of rings: submission and completion
 *   controller.c  registers: capabilities, enable, disable, shutdown
 *   admin.c       administrative commands, one at a time for each of their users
 *   setup.c       from a disabled controller to one with an I/O queue: at start and after a reset
 *   io.c          requests: identifiers, starting, completions
 *   namespace.c   the device of a namespace: transfers become commands
 *   scan.c        which namespaces there are: publishes and removes them
 *   recovery.c    the worker: failures, deadlines, abort, reset, offline
 *   driver.c      driver: accepts controllers, and gives them back
 *
 * Model       A controller has an admin queue and one I/O queue, which all its namespaces share.
 *             STARTING -> RUNNING <-> RESETTING; from each of them to OFFLINE, which is final. The
 *             queues' memory is allocated once and cleared by each reset.
 * Completion  A command that succeeded ends in the interrupt. One that failed is left to the
 *             worker, which repeats it or ends it.
 * Hostile     A completion must name a command that was sent and has not completed. A controller
 *             that breaks this, or another rule of the queues, is `broken`: it is disabled at once,
 *             and the worker takes it offline. Memory of a command is given back when it completed,
 *             when the controller has stopped (CSTS.RDY is 0), or when the function's bus mastering
 *             was disabled.
 * Threads     The worker waits for the controller only. The scanner publishes namespaces, and so
 *             may wait for their I/O, which needs the worker.
 * Interrupts  Two vectors if the function has them: 0 for the admin queue, 1 for the I/O queue. A
 *             function without interrupts, or one that loses them, is polled.
 * Locking     nvme_controller.lock (rank QUEUE): the queues, the slots, the lists and the state.
 *             The list of namespaces belongs to the scanner; before it runs, and after it ended, to
 *             the thread that starts or stops the controller.
 * Ownership   The device "nvme" owns the controller; namespaces are its children. driver.c holds a
 *             reference to it until the hardware was stopped.
 * References  NVMe 1.4.
 * Status      Not used: SGLs, metadata, deallocate, several I/O queues, controllers whose pages are
 *             larger than 4 KiB.
 */
#ifndef DRIVERS_STORAGE_NVME_NVME_H
#define DRIVERS_STORAGE_NVME_NVME_H

#include "drivers/storage/nvme/identify.h"
#include "kernel/bus/pci.h"
#include "kernel/dev/deadlines.h"
#include "kernel/sched/sync.h"

/* ---- errors.c ------------------------------------------------------------------------------- */

enum nvme_action {
    NVME_FAIL,
    NVME_RETRY,
    NVME_MEDIUM, /* a block is bad */
    NVME_RESCAN, /* the namespace was changed */
};

struct nvme_answer {
    status_t status;
    enum nvme_action action;
    const char *text;
    bool again; /* the command may succeed if it is repeated */
};

/* Looks up the status of a completion that is not 0. */
struct nvme_answer nvme_answer(uint16_t status);

/* ---- queue.c -------------------------------------------------------------------------------- */

struct nvme_command {
    uint8_t opcode;
    uint32_t namespace;
    uint64_t prp1, prp2;
    uint32_t words[3]; /* CDW10..12 */
};

struct nvme_completion {
    uint32_t result;                /* DW0 */
    uint16_t head, queue, id, status; /* status: without the phase */
};

enum {
    NVME_ENTRIES_MAX = 256,         /* of a queue: its completions fill a page */
    NVME_SUBMISSION_WORDS = NVME_SUBMISSION_BYTES / 4,
    NVME_COMPLETION_WORDS = NVME_COMPLETION_BYTES / 4,
    NVME_QUEUE_PAGES_MAX = NVME_ENTRIES_MAX * NVME_SUBMISSION_BYTES / PAGE_BYTES,
};

struct nvme_queue {
    uint16_t number;                /* 0: the admin queue */
    unsigned entries;               /* one stays empty: a full ring would look like an empty one */
    const struct registers *registers;
    uint32_t tail_doorbell, head_doorbell;
    void *pages[NVME_QUEUE_PAGES_MAX]; /* of the submissions; physically contiguous */
    unsigned page_count;
    uint32_t (*submissions)[NVME_SUBMISSION_WORDS];
    uint32_t (*completions)[NVME_COMPLETION_WORDS]; /* a page */
    unsigned tail, head;
    uint32_t phase;                 /* of new completions: 0 or 1 */
    bool moved;                     /* the head, since it was acknowledged */
};

/* Allocates the rings, with at most `entries` (2..NVME_ENTRIES_MAX): fewer where contiguous memory
 * is missing. -ENOMEM; nvme_queue_destroy() frees what was allocated. */
status_t nvme_queue_create(struct nvme_queue *queue, uint16_t number, unsigned entries) MUST_CHECK;
void nvme_queue_destroy(struct nvme_queue *queue);
/* Empties the rings of a controller that is disabled. */
void nvme_queue_clear(struct nvme_queue *queue);
/* Appends a command and rings the doorbell. There are fewer commands than entries. */
void nvme_queue_put(struct nvme_queue *queue, uint16_t id, const struct nvme_command *command);
/* Takes the next completion. False: there is none. */
bool nvme_queue_take(struct nvme_queue *queue, struct nvme_completion *completion);
/* Returns the rule that a completion of this queue breaks, or NULL. */
const char *nvme_queue_check(const struct nvme_queue *queue,
                             const struct nvme_completion *completion);
/* Gives the completions that were taken back to the controller. */
void nvme_queue_acknowledge(struct nvme_queue *queue);

/* ---- the controller ------------------------------------------------------------------------- */

enum nvme_state { NVME_STARTING, NVME_RUNNING, NVME_RESETTING, NVME_OFFLINE };

/* The users of the admin queue. Each has one command at most in flight, whose identifier is the
 * slot's number. */
enum nvme_slot_number {
    NVME_SLOT_SCAN,     /* start, and the scanner */
    NVME_SLOT_RECOVERY, /* the worker */
    NVME_SLOT_EVENT,    /* asynchronous events */
    NVME_SLOTS,
};

struct nvme_slot {
    bool busy;          /* the controller has the command */
    uint16_t status;
    uint32_t result;
};

enum {
    NVME_ADMIN_ENTRIES = 8,
    NVME_DEPTH_MAX = NVME_ENTRIES_MAX - 1,
    NVME_VECTORS = 2,
};

struct nvme_request;

struct nvme_controller {
    /* constant after start */
    struct list link;                /* driver.c's */
    struct device *function_device;  /* borrowed: the driver's until remove_device() */
    const struct pci_function *function;
    const char *name;                /* of the function's device, for the log */
    struct registers registers;
    struct pci_interrupt interrupts[NVME_VECTORS];
    int interrupt_count;             /* 0 or less: polled */
    struct device *device;           /* "nvme"; a reference */
    uint32_t version;                /* VS */
    unsigned entries_max;            /* CAP.MQES */
    uint32_t doorbell_stride;        /* in bytes */
    uint64_t ready_us;               /* how long it may take to become ready, or to stop */
    bool never_stops;                /* it was disabled, and did not stop in time */
    struct nvme_identity identity;
    unsigned depth;                  /* requests in flight at once */
    void *data;                      /* a page for the answers of NVME_SLOT_SCAN */
    struct thread *worker, *scanner;

    struct spin lock;                /* all below, up to `namespaces` */
    enum nvme_state state;
    struct nvme_queue admin, io;
    struct nvme_slot slots[NVME_SLOTS];
    const char *broken;              /* the rule that the controller broke; NULL: none */
    const char *reset_wanted;        /* why; NULL: it is not wanted */
    bool polled;
    unsigned lost_interrupts;
    uint64_t last_reset_us;
    unsigned resets;                 /* in a row, see recovery.c */

    struct nvme_request *requests[NVME_DEPTH_MAX]; /* by identifier; NULL: not in use */
    uint16_t free_ids[NVME_DEPTH_MAX];
    unsigned free_count;
    struct list waiting, started, failed; /* struct nvme_request */

    struct wait_queue answered;      /* an administrative command was */
    struct wait_queue worker_wake, scanner_wake;
    bool worker_stops, scanner_stops;
    bool watching;                   /* the worker waits for a deadline */
    bool rescan, event_wanted;       /* to be done by the scanner */
    bool event_sent;                 /* the command that asks for an event */

    struct list namespaces;          /* struct nvme_namespace */
    unsigned events;                 /* asynchronous ones so far; the scanner's */
};

/* ---- controller.c --------------------------------------------------------------------------- */

/* Maps the registers and reads the capabilities. -ENODEV if the window is too short, -EOPNOTSUPP if
 * this driver cannot work with it; logged. */
status_t nvme_map(struct nvme_controller *controller) MUST_CHECK;
/* Stops a controller in whatever state the firmware left it. -ETIMEDOUT, -ENODEV. */
status_t nvme_take_over(struct nvme_controller *controller) MUST_CHECK;
/* Starts the controller with its admin queue. -ETIMEDOUT; -EIO if it reports a fatal error. */
status_t nvme_enable(struct nvme_controller *controller) MUST_CHECK;
/* Stops it; afterwards it writes no memory. -ETIMEDOUT; -ENODEV if it is unplugged. */
status_t nvme_disable(struct nvme_controller *controller) MUST_CHECK;
/* Lets it write what it caches, and stops it. */
void nvme_shut_down(struct nvme_controller *controller);
/* Returns why the controller cannot continue: unplugged, or a fatal error. NULL: it can. */
const char *nvme_failure(const struct nvme_controller *controller);
/* Records that the controller broke a rule, and disables it. Caller holds the lock. */
void nvme_break(struct nvme_controller *controller, const char *what);
/* Counts an interrupt that did not come, after some of which the controller is polled. Caller holds
 * the lock. */
void nvme_note_lost_interrupt(struct nvme_controller *controller);

/* ---- admin.c -------------------------------------------------------------------------------- */

/* Executes a command and waits for it. `result` may be NULL. -EAGAIN during a reset, -ENODEV when
 * the controller is offline or broken, -ETIMEDOUT; else as the table of errors.c. After -ETIMEDOUT
 * the slot stays in use until the reset that was requested. */
status_t nvme_admin(struct nvme_controller *controller, enum nvme_slot_number number,
                    const struct nvme_command *command, uint32_t *result) MUST_CHECK;
/* Sends a command whose completion wakes the scanner. */
status_t nvme_admin_send(struct nvme_controller *controller, enum nvme_slot_number number,
                         const struct nvme_command *command) MUST_CHECK;
/* Takes completions; any context. Returns whether there were any. */
bool nvme_admin_poll(struct nvme_controller *controller);
/* Ends the commands in flight, after the controller has stopped. Caller holds the lock. */
void nvme_admin_forget(struct nvme_controller *controller);

/* ---- setup.c -------------------------------------------------------------------------------- */

/* Enables the controller and creates its I/O queue. Errors as those of nvme_enable() and
 * nvme_admin(). */
status_t nvme_setup(struct nvme_controller *controller, enum nvme_slot_number slot) MUST_CHECK;
/* Reads identify data of the kind `cns` into controller->data. */
status_t nvme_identify(struct nvme_controller *controller, uint32_t cns,
                       uint32_t namespace) MUST_CHECK;
/* The data that nvme_identify() read. */
struct bytes nvme_data(const struct nvme_controller *controller);

/* ---- io.c ----------------------------------------------------------------------------------- */

/* In io_transfer.driver_data. In one of the controller's lists, except while it is ended. */
struct nvme_request {
    struct list link;
    struct io_transfer *transfer;
    struct nvme_command command;
    uint64_t deadline_us;
    uint16_t id, status;
    uint8_t tries;
    bool aborted;       /* its deadline has come once: an abort was sent */
};

/* Makes all identifiers free. */
void nvme_io_init(struct nvme_controller *controller);
/* Sends a request, now or when there is an identifier; or ends it with -ENODEV. Any context. */
void nvme_io_start(struct nvme_controller *controller, struct nvme_request *request);
/* Sends the requests that wait. Caller holds the lock. */
void nvme_io_start_waiting(struct nvme_controller *controller);
/* Takes completions; any context. Returns whether there were any. */
bool nvme_io_poll(struct nvme_controller *controller);
/* Takes a started request out of its list and frees its identifier. Caller holds the lock. */
void nvme_io_withdraw(struct nvme_controller *controller, struct nvme_request *request);

/* ---- namespace.c ---------------------------------------------------------------------------- */

struct nvme_namespace {
    struct list link;            /* the scanner's */
    struct nvme_controller *controller;
    struct device *device;       /* a reference of the scanner's list */
    uint32_t id;
    struct nvme_namespace_identity identity; /* block_bytes is constant */
    void **lists;                /* pages with a PRP list for each transfer */
    unsigned list_pages;
};

/* Publishes the device of a namespace, with this many transfers, and puts it into the list. */
status_t nvme_namespace_publish(struct nvme_controller *controller, uint32_t id,
                                const struct nvme_namespace_identity *identity,
                                unsigned depth) MUST_CHECK;
/* Removes the device from the tree, and the namespace from the list. */
void nvme_namespace_remove(struct nvme_namespace *namespace);

/* ---- scan.c --------------------------------------------------------------------------------- */

/* Publishes the namespaces that are there, and removes those that are not. Errors as those of
 * nvme_admin(). A controller whose list is invalid is broken. */
status_t nvme_scan(struct nvme_controller *controller) MUST_CHECK;
/* The scanner's thread. */
void nvme_scanner(void *argument);

/* ---- recovery.c ----------------------------------------------------------------------------- */

/* The worker's thread. */
void nvme_worker(void *argument);

#endif

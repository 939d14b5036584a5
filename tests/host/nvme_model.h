/*
 * nvme_model.h - an NVMe controller without hardware, over struct pci_model.
 *
 * Model       A thread serves both submission queues: it fetches all commands, and executes them in
 *             random order. Each command is checked against the rules that a driver has to keep
 *             (PRPs, lengths, queues), which panic. Faults make the model break the rules that a
 *             controller has to keep; each fault applies to the next commands that fit it.
 * Time        Commands take no time, except those that a fault delays.
 * Locking     nvme_model.lock. Members of the first group are set before nvme_model_publish(), or
 *             while no command is in flight.
 * References  NVM Express 1.4.
 */
#ifndef TESTS_HOST_NVME_MODEL_H
#define TESTS_HOST_NVME_MODEL_H

#include "kernel/sched/sync.h"
#include "tests/host/pci_model.h"

enum {
    NVME_MODEL_NAMESPACES = 4,
    NVME_MODEL_FAULTS = 4,
    NVME_MODEL_HELD = 256,
    NVME_MODEL_PAGE = 4096,
    NVME_MODEL_DEALLOCATED = 0xdd, /* what blocks contain afterwards */
};

enum nvme_fault_kind {
    NVME_FAULT_NONE,
    NVME_FAULT_STATUS,          /* completes with `status`, and moves nothing */
    NVME_FAULT_LOSE,            /* is never completed, unless it is aborted */
    NVME_FAULT_LOSE_INTERRUPT,  /* is completed without an interrupt */
    NVME_FAULT_LATE,            /* is completed after `delay_us` */
    NVME_FAULT_TWICE,           /* is completed twice */
    NVME_FAULT_WRONG_ID,        /* the completion names a command that was not sent */
    NVME_FAULT_HUGE_ID,         /* the same, beyond the number of commands */
    NVME_FAULT_WRONG_QUEUE,     /* the completion names another queue */
    NVME_FAULT_WRONG_HEAD,      /* the completion's queue head is outside of the queue */
    NVME_FAULT_FATAL,           /* the controller reports a fatal error, and stops */
    NVME_FAULT_UNPLUG,          /* its registers read as ones from now on */
};

struct nvme_fault {
    enum nvme_fault_kind kind;
    uint16_t queue;             /* 0: admin commands, 1: I/O */
    int opcode;                 /* -1: any */
    unsigned skip, times;       /* the first `skip` commands that fit are executed; then `times` */
    uint16_t status;
    uint64_t delay_us;
};

struct nvme_model_namespace {
    uint32_t id;                /* 0: this slot is empty */
    uint8_t *image;             /* the test's */
    uint64_t blocks;
    unsigned block_power;
    uint8_t identify[NVME_MODEL_PAGE]; /* filled by nvme_model_add(); may be changed */
};

struct nvme_model_queue {
    uint64_t submissions, completions;
    unsigned entries, completion_entries;
    unsigned head, tail;        /* of the submissions */
    unsigned completion_head, completion_tail;
    uint16_t phase;
    bool exists, interrupts;
    unsigned vector;
};

/* A command that was fetched. */
struct nvme_fetched {
    uint32_t words[16];
    uint16_t queue;
};

struct nvme_model_held {
    uint32_t words[16];
    uint16_t queue;
    uint64_t due_us;            /* TIME_NEVER: lost */
};

struct nvme_model {
    struct pci_model pci;

    uint64_t capabilities;
    uint32_t version;
    uint8_t identify[NVME_MODEL_PAGE]; /* of the controller */
    struct nvme_model_namespace namespaces[NVME_MODEL_NAMESPACES];
    const uint32_t *list;       /* 1024 entries that are reported instead of the real list; NULL */
    bool never_ready, never_stops, refuses_aborts;
    void (*on_probe)(void);     /* called when CAP is read; NULL */

    struct spin lock;           /* all below */
    struct nvme_fault faults[NVME_MODEL_FAULTS];
    uint32_t configuration, admin_sizes;
    uint64_t admin_submissions, admin_completions;
    bool ready, fatal, unplugged, stopping;
    uint32_t shutdown;
    struct nvme_model_queue queues[2];
    struct nvme_model_held held[NVME_MODEL_HELD]; /* late and lost ones */
    unsigned held_count;
    uint32_t event;             /* the identifier of the waiting request for an event, plus 1 */
    uint32_t pending_event;     /* its result; 0: none */
    uint8_t opcodes[64];        /* admin commands that were executed, the last ones */
    unsigned admin_count;
    unsigned reads, writes, flushes, discards, zeroings, aborts, enables, shutdowns; /* so far */
    unsigned most_in_flight;
    struct wait_queue work;
    struct thread *thread;
};

/* Sets a controller that keeps all rules, without namespaces. */
void nvme_model_init(struct nvme_model *model);
/* Adds a namespace over an image of blocks of 1 << block_power bytes. */
struct nvme_model_namespace *nvme_model_add(struct nvme_model *model, uint32_t id, uint8_t *image,
                                            uint64_t blocks, unsigned block_power);
/* Publishes the controller as "00:04.0" and starts the model's thread. */
void nvme_model_publish(struct nvme_model *model);
/* Removes the controller's device and ends the thread. */
void nvme_model_remove(struct nvme_model *model);
/* Adds a fault. */
void nvme_model_fault(struct nvme_model *model, struct nvme_fault fault);
/* Reports that namespaces were changed. */
void nvme_model_notice(struct nvme_model *model);
/* Execute a command (nvme_commands.c). The first returns its status, the second whether it is
 * completed now. */
uint16_t nvme_model_execute_io(struct nvme_model *model, const struct nvme_fetched *command);
bool nvme_model_execute_admin(struct nvme_model *model, const struct nvme_fetched *command,
                              uint16_t *status);
/* Writes a little-endian number into identify data. */
void nvme_model_put(uint8_t *data, unsigned offset, unsigned bytes, uint64_t value);

#endif

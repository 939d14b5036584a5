/*
 * scsi_queue.c - the transport of virtio-scsi: a slot of the request queue for each command. See
 * scsi.h.
 */
#include "drivers/storage/virtio/scsi.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/bytes.h"
#include "lib/macros.h"
#include "lib/string.h"

/* Offsets in a request, and in a response (5.6.6.1). */
enum { REQUEST_LUN = 0, REQUEST_ID = 8, REQUEST_CDB = 19 };
enum {
    RESPONSE_SENSE_LENGTH = 0,
    RESPONSE_RESIDUAL = 4,
    RESPONSE_STATUS = 10,
    RESPONSE_CODE = 11,
    RESPONSE_SENSE = 12,
};

/* Response codes. */
enum {
    CODE_OK = 0,
    CODE_ABORTED = 2,
    CODE_BAD_TARGET = 3,
    CODE_RESET = 4,
    CODE_BUSY = 5,
    CODE_INCORRECT_LUN = 12,
};

/* A task management request (5.6.6.2). Its type and subtype are 0: abort a task. */
enum { ABORT_LUN = 8, ABORT_ID = 16 };

enum vscsi_value { REQUEST_QUEUES, PIECES_MAX, SECTORS_MAX, TARGET_LAST, VSCSI_VALUES };

static const struct virtio_field fields[VSCSI_VALUES] = {
    [REQUEST_QUEUES] = { 0, 4 },
    [PIECES_MAX] = { 4, 4 },
    [SECTORS_MAX] = { 8, 4 },
    [TARGET_LAST] = { 30, 2 },
};

enum {
    FEATURE_HOT_PLUG = 1,
    FEATURE_CHANGE = 2,
    SECTOR_BYTES = 512,
    TRANSFER_BYTES_MAX = 4 * 1024 * 1024,
    FLAT_ADDRESSING = 0x40, /* in the first byte of a LUN (SAM-3 4.9.3) */
};

static struct vscsi *vscsi_of(struct packet_queue *queue)
{
    return container_of(queue, struct vscsi, packets);
}

static const struct vscsi_unit *unit_of(const struct scsi_command *command)
{
    return container_of(command->unit, struct vscsi_unit, scsi);
}

/* ---- requests ----------------------------------------------------------------------------- */

/* Writes the address of a unit: 1, the target, and a LUN of one level. */
static void put_lun(uint8_t at[VSCSI_LUN_BYTES], const struct vscsi_unit *unit)
{
    memset(at, 0, VSCSI_LUN_BYTES);
    at[0] = 1;
    at[1] = unit->target;
    at[2] = (uint8_t)(FLAT_ADDRESSING | unit->lun >> 8);
    at[3] = (uint8_t)unit->lun;
}

/* Copies between the slot's memory and that of a command with little data. */
static void copy_data(struct scsi_command *command, uint8_t *data, uint32_t bytes, bool to_command)
{
    for (unsigned i = 0; bytes && i < command->segment_count; i++) {
        struct io_segment *segment = &command->segments[i];
        uint32_t take = min(bytes, segment->length_bytes);
        memcpy(to_command ? segment->address : data, to_command ? data : segment->address, take);
        data += take;
        bytes -= take;
    }
}

static status_t add_piece(struct virtio_chain *chain, void *memory, uint32_t bytes, bool in)
{
    return in ? virtio_add_writable(chain, memory, bytes)
              : virtio_add_readable(chain, memory, bytes);
}

static status_t add_data(struct virtio_chain *chain, struct scsi_command *command,
                         struct vscsi_slot *slot)
{
    /* Little data may be on a stack, in memory that is not physically contiguous: the slot's is. */
    bool in = command->direction == SCSI_DATA_IN;
    uint32_t rest = command->length_bytes;
    if (rest && rest < SCSI_BULK_BYTES) {
        if (!in)
            copy_data(command, slot->data, rest, false);
        return add_piece(chain, slot->data, rest, in);
    }

    /* A segment may have several pieces for the device. */
    for (unsigned i = 0; rest && i < command->segment_count; i++) {
        char *memory = command->segments[i].address;
        uint32_t left = min(rest, command->segments[i].length_bytes);
        for (rest -= left; left;) {
            uint32_t take = (uint32_t)mem_contiguous(memory, left);
            status_t status = add_piece(chain, memory, take, in);
            if (status)
                return status;
            memory += take;
            left -= take;
        }
    }
    return 0;
}

static status_t build_chain(struct scsi_command *command, struct vscsi_slot *slot,
                            struct virtio_chain *chain)
{
    /* The tag as identifier, so that an abort can name the command (5.6.6.2). */
    memset(slot->request, 0, sizeof(slot->request));
    put_lun(slot->request + REQUEST_LUN, unit_of(command));
    slot->request[REQUEST_ID] = (uint8_t)command->base.tag;
    memcpy(slot->request + REQUEST_CDB, command->cdb, SCSI_CDB_BYTES);

    /* Data for the device follow the request, data from it follow the response. */
    status_t status = virtio_add_readable(chain, slot->request, sizeof(slot->request));
    if (!status && command->direction == SCSI_DATA_OUT)
        status = add_data(chain, command, slot);
    if (!status)
        status = virtio_add_writable(chain, slot->response, sizeof(slot->response));
    if (!status && command->direction == SCSI_DATA_IN)
        status = add_data(chain, command, slot);
    return status;
}

static void vscsi_start(struct packet_queue *queue, struct scsi_command *command)
{
    struct vscsi *vscsi = vscsi_of(queue);
    struct virtio_queue *requests = vscsi->queues[VSCSI_REQUEST];
    unsigned tag = command->base.tag;
    status_t status = -ENODEV;

    /* While the device is reset or offline nothing is submitted: -ENODEV. */
    spin_lock(&vscsi->lock);
    if (vscsi->running) {
        struct virtio_chain chain = vscsi->virtio->ops->chain(requests, tag);
        status = build_chain(command, vscsi->slots[tag], &chain);
        if (!status) {
            /* Known before the device has it, since it may be answered at once. */
            vscsi->commands[tag] = command;
            vscsi->virtio->ops->submit(requests, tag, &chain);
        }
    }
    spin_unlock(&vscsi->lock);

    /* Data in more pieces than a chain has are not carried. */
    if (status)
        packet_queue_done(queue, command, status == -EINVAL ? -EOPNOTSUPP : status);
}

/* ---- results ------------------------------------------------------------------------------ */

/* Takes the unit's answer out of a response. */
static status_t take_answer(struct scsi_command *command, struct bytes response)
{
    /* Both are the device's numbers, and would be used as lengths. */
    uint32_t residual = bytes_le32(response, RESPONSE_RESIDUAL);
    uint32_t sense_bytes = bytes_le32(response, RESPONSE_SENSE_LENGTH);
    if (residual > command->length_bytes || sense_bytes > VSCSI_SENSE_BYTES)
        return -EIO;

    /* Data of a command that failed do not count: devices leave the residual 0 then. */
    command->unit_status = bytes_u8(response, RESPONSE_STATUS);
    if (command->unit_status == SCSI_GOOD)
        command->done_bytes = command->length_bytes - residual;
    else if (command->unit_status == SCSI_CHECK_CONDITION) {
        command->sense_bytes = (uint8_t)sense_bytes;
        memcpy(command->sense, response.data + RESPONSE_SENSE, sense_bytes);
    }
    return 0;
}

/* Returns how a command ended. */
static status_t result_of(struct scsi_command *command, struct bytes response,
                          uint32_t written_bytes)
{
    /* The code was not written: what is there is from an earlier command. */
    if (written_bytes <= RESPONSE_CODE)
        return -EIO;

    switch (bytes_u8(response, RESPONSE_CODE)) {
    case CODE_OK:
        return take_answer(command, response);
    case CODE_BAD_TARGET:
    case CODE_INCORRECT_LUN:
        return -ENODEV;
    case CODE_ABORTED:
    case CODE_RESET:
    case CODE_BUSY:
        /* It was not carried out, and can be repeated. */
        command->unit_status = SCSI_BUSY;
        return 0;
    default:
        return -EIO;
    }
}

static void request_done(struct vscsi *vscsi, unsigned tag, uint32_t written_bytes)
{
    struct vscsi_slot *slot = vscsi->slots[tag];
    uint8_t response[VSCSI_RESPONSE_BYTES];

    /* Until `ending` is decremented reset() does not return, so that the command exists. */
    spin_lock(&vscsi->lock);
    struct scsi_command *command = vscsi->commands[tag];
    vscsi->commands[tag] = NULL;
    vscsi->ending++;
    spin_unlock(&vscsi->lock);

    /* The device can write to its response at any time: a copy is checked and used. */
    memcpy(response, slot->response, sizeof(response));
    if (command) {
        status_t status =
            result_of(command, (struct bytes){ response, sizeof(response) }, written_bytes);
        if (command->direction == SCSI_DATA_IN && command->length_bytes < SCSI_BULK_BYTES)
            copy_data(command, slot->data, command->done_bytes, true);
        packet_queue_done(&vscsi->packets, command, status);
    }

    spin_lock(&vscsi->lock);
    vscsi->ending--;
    wait_queue_wake_all(&vscsi->ended);
    spin_unlock(&vscsi->lock);
}

static void vscsi_done(void *context, unsigned queue, unsigned slot, uint32_t written_bytes)
{
    struct vscsi *vscsi = context;
    if (queue == VSCSI_REQUEST) {
        request_done(vscsi, slot, written_bytes);
        return;
    }

    /* The other queues wake the threads that wait for them. */
    spin_lock(&vscsi->lock);
    if (queue == VSCSI_CONTROL) {
        vscsi->aborting = false;
        wait_queue_wake_all(&vscsi->ended);
    } else {
        /* An event that is too short is an event that was missed. */
        vscsi->events[slot] = true;
        vscsi->rescan = vscsi->rescan || written_bytes < VSCSI_EVENT_BYTES;
        wait_queue_wake_all(&vscsi->changed);
    }
    spin_unlock(&vscsi->lock);
}

/* The device needs a reset, or violated the protocol: reset() decides. */
static void vscsi_failed(void *context)
{
    struct vscsi *vscsi = context;

    /* An abort that waits gives up: it would not be answered any more. */
    spin_lock(&vscsi->lock);
    vscsi->failed = true;
    wait_queue_wake_all(&vscsi->ended);
    spin_unlock(&vscsi->lock);
    command_queue_recover(&vscsi->packets.commands);
}

const struct virtio_client vscsi_client = {
    .done = vscsi_done,
    .failed = vscsi_failed,
};

/* ---- start and end ------------------------------------------------------------------------ */

/* Sets the limits that the configuration and the queues have. */
static status_t read_limits(struct vscsi *vscsi)
{
    uint64_t values[VSCSI_VALUES];
    status_t status =
        vscsi->virtio->ops->read_config(vscsi->virtio, fields, VSCSI_VALUES, values);
    if (status)
        return status;

    /* A request has a piece for itself and one for its response; what is left is for data. */
    unsigned room = vscsi->queues[VSCSI_REQUEST]->pieces;
    if (room <= VSCSI_PIECES_OWN || !values[PIECES_MAX]) {
        log_error("virtio-scsi", "%s: no room for data in a request; ignored",
                  vscsi->virtio->name);
        return -EIO;
    }
    room -= VSCSI_PIECES_OWN;
    vscsi->segment_count = (unsigned)min(values[PIECES_MAX], room);

    /* The number of sectors is advice; 0 is none. */
    uint64_t bytes = values[SECTORS_MAX] * SECTOR_BYTES;
    vscsi->transfer_bytes = (uint32_t)(bytes ? min(bytes, TRANSFER_BYTES_MAX)
                                             : TRANSFER_BYTES_MAX);
    vscsi->target_last = (unsigned)min(values[TARGET_LAST], VSCSI_TARGET_MAX);
    return 0;
}

static status_t add_queues(struct vscsi *vscsi)
{
    static const struct { unsigned slots, pieces; } wanted[VSCSI_QUEUES] = {
        [VSCSI_CONTROL] = { 1, 2 },
        [VSCSI_EVENT] = { VSCSI_EVENTS, 1 },
        [VSCSI_REQUEST] = { VSCSI_OPENINGS_MAX, VSCSI_PIECES_MAX },
    };
    status_t status = 0;
    for (unsigned i = 0; !status && i < VSCSI_QUEUES; i++)
        status = vscsi->virtio->ops->add_queue(vscsi->virtio, i, wanted[i].slots,
                                               wanted[i].pieces, &vscsi->queues[i]);
    return status ? status : read_limits(vscsi);
}

status_t vscsi_begin_device(struct vscsi *vscsi)
{
    uint64_t wanted = VIRTIO_FEATURE(FEATURE_HOT_PLUG) | VIRTIO_FEATURE(FEATURE_CHANGE);

    /* The queues are added once. After a reset their settings are given to the device again. */
    status_t status =
        vscsi->virtio->ops->begin(vscsi->virtio, wanted, &vscsi_client, vscsi);
    return status || vscsi->queues[VSCSI_REQUEST] ? status : add_queues(vscsi);
}

status_t vscsi_run_device(struct vscsi *vscsi)
{
    status_t status = vscsi->virtio->ops->run(vscsi->virtio);
    if (status)
        return status;

    /* Events that came before this were missed. If the device is being removed, nothing is
     * submitted to it. */
    spin_lock(&vscsi->lock);
    vscsi->running = !vscsi->offline;
    for (unsigned i = 0; vscsi->running && i < vscsi->queues[VSCSI_EVENT]->slots; i++) {
        vscsi->events[i] = false;
        vscsi_submit_event(vscsi, i);
    }
    spin_unlock(&vscsi->lock);
    return 0;
}

/* Ends the commands in flight after the device was reset. */
static void end_commands(struct vscsi *vscsi, status_t status)
{
    /* One at a time: the end of a command may start the next one, so the lock is not held. */
    for (unsigned i = 0; i < VSCSI_OPENINGS_MAX; i++) {
        spin_lock(&vscsi->lock);
        struct scsi_command *command = vscsi->commands[i];
        vscsi->commands[i] = NULL;
        spin_unlock(&vscsi->lock);
        if (command)
            packet_queue_done(&vscsi->packets, command, status);
    }
}

static void set_offline(struct vscsi *vscsi)
{
    /* Wakes all: the thread that removes the units, and an abort in progress. */
    spin_lock(&vscsi->lock);
    vscsi->running = false;
    vscsi->offline = true;
    wait_queue_wake_all(&vscsi->changed);
    wait_queue_wake_all(&vscsi->ended);
    spin_unlock(&vscsi->lock);
}

void vscsi_end_device(struct vscsi *vscsi)
{
    /* First no command is submitted any more, then the reset frees the memory of those in flight.
     * The lock waits for a reset of the worker. */
    set_offline(vscsi);
    mutex_lock(&vscsi->device_lock);
    vscsi->virtio->ops->end(vscsi->virtio);
    mutex_unlock(&vscsi->device_lock);
    end_commands(vscsi, -ENODEV);
}

/* ---- reset -------------------------------------------------------------------------------- */

/* Returns the slot of a command in flight, or -1. Caller holds the lock. */
static int first_in_flight(const struct vscsi *vscsi)
{
    for (unsigned i = 0; i < VSCSI_OPENINGS_MAX; i++)
        if (vscsi->commands[i])
            return (int)i;
    return -1;
}

/* Asks the device to abort the command of a slot. Caller holds the lock. */
static void submit_abort(struct vscsi *vscsi, unsigned slot)
{
    struct virtio_queue *control = vscsi->queues[VSCSI_CONTROL];
    struct virtio_chain chain = vscsi->virtio->ops->chain(control, 0);
    struct vscsi_shared *shared = vscsi->shared;

    /* The request names the command by the identifier that build_chain() gave it. */
    memset(shared->abort, 0, sizeof(shared->abort));
    put_lun(shared->abort + ABORT_LUN, unit_of(vscsi->commands[slot]));
    shared->abort[ABORT_ID] = (uint8_t)slot;

    /* Without room the abort is not sent: then the deadline leads to a reset. */
    if (virtio_add_readable(&chain, shared->abort, sizeof(shared->abort)) ||
        virtio_add_writable(&chain, &shared->abort_response, sizeof(shared->abort_response)))
        return;
    vscsi->aborting = true;
    vscsi->virtio->ops->submit(control, 0, &chain);
}

/* Aborts the commands in flight, one after another. Returns false if the device does not end all of
 * them in time. */
static bool abort_commands(struct vscsi *vscsi)
{
    uint64_t deadline_us = time_now_us() + DEADLINE_VIRTIO_ABORT_US;
    status_t status = 0;
    int slot = -1, aborted = -1;

    spin_lock(&vscsi->lock);
    while (!vscsi->failed && vscsi->running && !status &&
           ((slot = first_in_flight(vscsi)) >= 0 || vscsi->ending || vscsi->aborting)) {
        /* Each is asked for once: a device that forgot it runs into the deadline. */
        if (!vscsi->aborting && slot > aborted) {
            submit_abort(vscsi, (unsigned)slot);
            aborted = slot;
        }
        status = wait_queue_wait(&vscsi->ended, &vscsi->lock, deadline_us);
    }

    /* Quiet: each command ended by its answer, and no reset is needed, which would end those of
     * other units. */
    bool quiet = !vscsi->failed && vscsi->running && !status;
    spin_unlock(&vscsi->lock);
    return quiet;
}

/* Resets the device and starts it again. Caller holds device_lock. */
static void restart(struct vscsi *vscsi)
{
    /* A device that is being removed is not started again. */
    spin_lock(&vscsi->lock);
    bool offline = vscsi->offline;
    vscsi->running = vscsi->failed = vscsi->aborting = false;
    spin_unlock(&vscsi->lock);
    if (offline)
        return;

    /* After the reset no memory is written any more, and the queue ends what was started. */
    log_warn("virtio-scsi", "%s: the device is reset", vscsi->virtio->name);
    IGNORE(vscsi->virtio->ops->reset(vscsi->virtio)); /* starting it fails as well then */
    end_commands(vscsi, -EIO);
    if (vscsi_begin_device(vscsi) || vscsi_run_device(vscsi)) {
        log_error("virtio-scsi", "%s: does not start again; its units are removed",
                  vscsi->virtio->name);
        set_offline(vscsi);
        return;
    }

    spin_lock(&vscsi->lock);
    /* Events that occurred during the reset are lost. */
    vscsi->rescan = true;
    wait_queue_wake_all(&vscsi->changed);
    spin_unlock(&vscsi->lock);
}

static void vscsi_reset(struct packet_queue *queue)
{
    struct vscsi *vscsi = vscsi_of(queue);
    if (abort_commands(vscsi))
        return;

    /* The driver may be ending the device at the same time, in another thread. */
    mutex_lock(&vscsi->device_lock);
    restart(vscsi);
    mutex_unlock(&vscsi->device_lock);
}

const struct packet_transport vscsi_transport = {
    .start = vscsi_start,
    .reset = vscsi_reset,
};

/*
 * request.c - ATA and SCSI commands as requests; requests that a thread waits for.
 *
 * A request begins with a frame that holds the unit's registers (SATA 3.2 10.5.5). A SCSI command
 * is a PACKET command whose packet is in the slot's table; the controller sends it by itself. The
 * unit's registers at the end are its answer, and sense data are fetched by the queue.
 */
#include "drivers/storage/ata/ahci/ahci.h"
#include "lib/macros.h"

/* Offsets in the frame. */
enum {
    FIS_TYPE = 0,
    FIS_FLAGS = 1,
    FIS_COMMAND = 2,
    FIS_FEATURES = 3,
    FIS_LBA = 4,          /* 3 bytes */
    FIS_DEVICE = 7,
    FIS_LBA_EXTENDED = 8, /* 3 bytes */
    FIS_FEATURES_EXTENDED = 11,
    FIS_COUNT = 12,
    FIS_COUNT_EXTENDED = 13,

    FIS_TYPE_REGISTERS = 0x27, /* from the host to the unit */
    FIS_FLAG_COMMAND = 1 << 7, /* a command, not a write of the control register */
};

enum {
    LBA28_HIGH_MASK = 0xf,
    LOOK_US = 10000, /* how late a lost interrupt of ahci_read_block() is noticed */
    BLOCK_BYTES = 512,
};

static void build_frame(const struct ata_taskfile *taskfile, uint8_t fis[AHCI_FIS_BYTES])
{
    fis[FIS_TYPE] = FIS_TYPE_REGISTERS;
    fis[FIS_FLAGS] = FIS_FLAG_COMMAND;
    fis[FIS_COMMAND] = taskfile->operation;
    fis[FIS_FEATURES] = (uint8_t)taskfile->features;
    fis[FIS_DEVICE] = taskfile->device;
    fis[FIS_COUNT] = (uint8_t)taskfile->count;
    for (unsigned i = 0; i < 3; i++)
        fis[FIS_LBA + i] = (uint8_t)(taskfile->lba >> 8 * i);

    /* A short command has LBA 27:24 in the device register. */
    if (!taskfile->extended) {
        fis[FIS_DEVICE] |= taskfile->lba >> 24 & LBA28_HIGH_MASK;
        return;
    }
    fis[FIS_FEATURES_EXTENDED] = (uint8_t)(taskfile->features >> 8);
    fis[FIS_COUNT_EXTENDED] = (uint8_t)(taskfile->count >> 8);
    for (unsigned i = 0; i < 3; i++)
        fis[FIS_LBA_EXTENDED + i] = (uint8_t)(taskfile->lba >> (24 + 8 * i));
}

/* Returns 0 if the port takes a command of the unit, after a recovery if that is needed; -ENODEV:
 * the unit is gone; -EIO: it needs a reset. */
static status_t unit_ready(struct ahci_unit *unit)
{
    struct ahci_port *port = unit->port;
    spin_lock(&port->lock);
    bool gone = unit->gone, halted = port->halted, busy = port->issued;
    spin_unlock(&port->lock);

    /* The reset that -EIO leads to takes care of what is still issued, and finds out whether
     * another unit is there. */
    if (gone || !halted)
        return gone ? -ENODEV : 0;
    if (busy || ahci_port_link_changed(port))
        return -EIO;
    return ahci_port_recover(port, false) ? -EIO : 0;
}

/* Sends a request of the queue. A status that is not 0 ends its command. */
static status_t unit_send(struct ahci_unit *unit, unsigned tag, const struct ahci_request *request)
{
    /* -ENODEV ends the command; -EIO means that the port has to be reset first. */
    status_t status = unit_ready(unit);
    if (!status)
        status = ahci_issue(unit->port, tag, request);

    /* Another command's error has stopped the port. This one has no part in it: it is left to the
     * reset, as those that were interrupted. */
    if (status == -EIO) {
        command_queue_recover(&unit->queue.commands);
        return 0;
    }
    return status;
}

/* ---- ATA commands ------------------------------------------------------------------------- */

static void command_ended(struct ahci_port *port, void *context, const struct ahci_result *result)
{
    struct ata_command *command = context;
    status_t status = result->status;
    (void)port;

    if (!status)
        command->result = result->registers;

    /* Success with missing data is none. */
    bool refused = result->registers.status & (ATA_STATUS_ERR | ATA_STATUS_DF);
    if (!status && !refused && result->done_bytes != command->length_bytes)
        status = -EIO;
    ata_done(command, status);
}

void ahci_start(struct ata_port *ata, struct ata_command *command)
{
    struct ahci_unit *unit = container_of(ata, struct ahci_unit, ata);
    enum ata_protocol protocol = command->protocol;
    struct ahci_request request = {
        .write = protocol == ATA_PIO_OUT || protocol == ATA_DMA_OUT || protocol == ATA_QUEUED_OUT,
        .queued = protocol == ATA_QUEUED_IN || protocol == ATA_QUEUED_OUT,
        .data = ata_data_of(command),
        .ended = command_ended,
        .context = command,
    };
    build_frame(&command->taskfile, request.fis);

    /* The tag of the queue is the slot, and for a queued command also the tag in its frame. */
    status_t status = unit_send(unit, command->base.tag, &request);
    if (status)
        ata_done(command, status);
}

/* ---- SCSI commands ------------------------------------------------------------------------ */

static void packet_ended(struct ahci_port *port, void *context, const struct ahci_result *result)
{
    struct scsi_command *command = context;
    status_t status = result->status;
    (void)port;

    command->done_bytes = result->done_bytes;

    /* ERR of a PACKET command is CHECK CONDITION: the queue asks for the sense data. */
    if (!status && result->registers.status & ATA_STATUS_ERR)
        command->unit_status = SCSI_CHECK_CONDITION;
    else if (!status && result->registers.status & ATA_STATUS_DF)
        status = -EIO;
    packet_queue_done(command->unit->channel, command, status);
}

void ahci_start_packet(struct packet_queue *queue, struct scsi_command *command)
{
    struct ata_port *ata = ata_port_of(command);
    struct ahci_unit *unit = container_of(ata, struct ahci_unit, ata);

    /* Bulk data go by DMA. Short answers vary in length, which some units only support by PIO; for
     * the controller both are the same. */
    bool dma = command->length_bytes >= SCSI_BULK_BYTES;
    const struct ata_taskfile taskfile = ata_packet_taskfile(ata, command, dma);
    struct ahci_request request = {
        .packet = command->cdb,
        .write = command->direction == SCSI_DATA_OUT,
        .data = ata_data_of_packet(command),
        .ended = packet_ended,
        .context = command,
    };
    build_frame(&taskfile, request.fis);

    status_t status = unit_send(unit, command->base.tag, &request);
    if (status)
        packet_queue_done(queue, command, status);
}

/* ---- requests that a thread waits for ----------------------------------------------------- */

struct waited {
    struct ahci_result result;
    bool over;
};

static void waited_ended(struct ahci_port *port, void *context, const struct ahci_result *result)
{
    struct waited *waited = context;

    /* The waiting thread owns `waited`, and may return as soon as the lock is free. */
    spin_lock(&port->lock);
    waited->result = *result;
    waited->over = true;
    wait_queue_wake_all(&port->ended);
    spin_unlock(&port->lock);
}

/* Waits for the end. -ETIMEDOUT. */
static status_t await_end(struct ahci_port *port, struct waited *waited, uint64_t deadline_us)
{
    for (;;) {
        uint64_t now_us = time_now_us(), look_us = now_us + LOOK_US;
        spin_lock(&port->lock);
        if (!waited->over)
            IGNORE(wait_queue_wait(&port->ended, &port->lock, min(look_us, deadline_us)));
        bool over = waited->over;
        spin_unlock(&port->lock);
        if (over)
            return 0;

        /* The time was read before the registers, so what they showed counts. */
        if (now_us >= deadline_us)
            return -ETIMEDOUT;
        ahci_port_look(port);
    }
}

status_t ahci_read_block(struct ahci_port *port, const struct ata_taskfile *taskfile, void *block)
{
    struct waited waited = { 0 };
    const struct io_segment segment = { block, BLOCK_BYTES };
    struct ahci_request request = {
        .data = { &segment, 1, 0, BLOCK_BYTES },
        .ended = waited_ended,
        .context = &waited,
    };
    build_frame(taskfile, request.fis);

    /* Slot 0, which each unit has: no other command is in flight while this is called. */
    status_t status = ahci_issue(port, 0, &request);
    if (!status)
        status = await_end(port, &waited, time_now_us() + DEADLINE_ATA_IDENTIFY_US);
    if (status)
        return status;

    /* A block that is short or reported with an error is not used at all. */
    if (waited.result.status)
        return waited.result.status;
    if (waited.result.registers.status & (ATA_STATUS_ERR | ATA_STATUS_DF))
        return -EIO;
    return waited.result.done_bytes == BLOCK_BYTES ? 0 : -EIO;
}

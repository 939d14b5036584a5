/*
 * transfer.c - carries the transfers of an ATA disk, including what follows a failure.
 */
#include "drivers/storage/ata/disk.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/macros.h"

enum {
    LBA28_SECTORS = 1 << 28, /* below them a command need not be extended */
    PIECE_DIVISOR = 8,
    LATE_TRANSFERS_MAX = 2,
};

/* How often each kind of failure is followed by the same command. DMA is given up after three
 * failures in a row, so a fourth try runs without it. */
static const uint8_t tries_max[ATA_ACTIONS] = {
    [ATA_ACTION_AGAIN] = 250, /* each is the failure of another command, whose tries are limited */
    [ATA_ACTION_RETRY] = 3,
    [ATA_ACTION_LATE] = 1,
};

/* ---- sending ------------------------------------------------------------------------------ */

struct operations {
    uint8_t plain, extended;
    enum ata_protocol protocol;
};

/* Read and write; by PIO and by DMA. */
static const struct operations operations[2][2] = {
    { { ATA_READ_SECTORS, ATA_READ_SECTORS_EXT, ATA_PIO_IN },
      { ATA_READ_DMA, ATA_READ_DMA_EXT, ATA_DMA_IN } },
    { { ATA_WRITE_SECTORS, ATA_WRITE_SECTORS_EXT, ATA_PIO_OUT },
      { ATA_WRITE_DMA, ATA_WRITE_DMA_EXT, ATA_DMA_OUT } },
};

static uint64_t first_lba(const struct ata_disk_transfer *self)
{
    uint64_t offset = self->transfer->offset_bytes + self->done_bytes;
    return offset / self->disk->port->identity.sector_bytes;
}

/* Chooses the shortest command that reaches the sectors. The counts of 65536 and 256 sectors are
 * sent as 0, which the registers' widths do by themselves. */
static void build_data_command(struct ata_disk_transfer *self)
{
    const struct ata_disk *disk = self->disk;
    struct ata_command *command = &self->command;
    struct ata_taskfile *taskfile = &command->taskfile;
    uint64_t lba = first_lba(self);
    uint32_t sectors = command->length_bytes / disk->port->identity.sector_bytes;
    bool write = self->transfer->op == IO_WRITE;

    /* `extended` needs LBA48, without which neither the count nor the LBA exceeds 28 bits. */
    const struct operations *choice = &operations[write][disk->port->dma];
    bool extended = sectors > ATA_SECTORS_MAX || lba + sectors > LBA28_SECTORS;
    *taskfile = (struct ata_taskfile){
        .operation = extended ? choice->extended : choice->plain,
        .device = ATA_DEVICE_LBA,
        .extended = extended,
        .count = (uint16_t)sectors,
        .lba = lba,
    };
    command->protocol = choice->protocol;

    /* Queued: the length is in `features`, since the tag is in `count`. */
    if (disk->queued && disk->port->dma) {
        taskfile->operation = write ? ATA_WRITE_FPDMA_QUEUED : ATA_READ_FPDMA_QUEUED;
        taskfile->extended = true;
        taskfile->features = (uint16_t)sectors;
        command->protocol = write ? ATA_QUEUED_OUT : ATA_QUEUED_IN;
    }
}

static void build_flush(struct ata_disk_transfer *self)
{
    bool extended = self->disk->port->identity.flush_extended;
    self->command.protocol = ATA_NON_DATA;
    self->command.taskfile = (struct ata_taskfile){
        .operation = extended ? ATA_FLUSH_CACHE_EXT : ATA_FLUSH_CACHE,
        .device = ATA_DEVICE_LBA,
        .extended = extended,
    };
}

/* Sends the next piece: up to the known bad block, or to the end. */
static void send(struct ata_disk_transfer *self)
{
    struct ata_command *command = &self->command;
    uint32_t end = min(self->good_bytes, self->transfer->length_bytes);
    uint32_t bytes = end - self->done_bytes;

    command->skip_bytes = self->done_bytes;
    command->length_bytes = min(bytes, self->piece_bytes);
    if (self->transfer->op == IO_FLUSH)
        build_flush(self);
    else
        build_data_command(self);
    ata_submit(self->disk->port, command);
}

/* ---- ends --------------------------------------------------------------------------------- */

static void succeed(struct ata_disk_transfer *self)
{
    self->disk->late_transfers = 0;
    self->done_bytes += self->command.length_bytes;

    if (self->done_bytes == self->transfer->length_bytes) {
        io_transfer_finish(self->transfer, 0, self->done_bytes);
    } else if (self->done_bytes == self->good_bytes) {
        /* The next block was named as bad: trying it alone would only take the disk's time. */
        self->transfer->exact = true;
        io_transfer_done(self->transfer, -EIO, self->done_bytes);
    } else {
        send(self);
    }
}

/* Ends the transfer. `exact`: the failure is that of the next block; else of one from there on. */
static void fail(struct ata_disk_transfer *self, const struct ata_outcome *outcome, bool exact)
{
    struct io_transfer *transfer = self->transfer;
    if (outcome->status != -ENODEV && transfer->op != IO_FLUSH)
        device_note_bad_block(self->disk->device, transfer->generation, first_lba(self),
                              outcome->why);

    transfer->exact = exact;
    io_transfer_done(transfer, outcome->status, self->done_bytes);
}

/* A disk that has stopped answering would cost every later request its deadline. */
static void fail_late(struct ata_disk_transfer *self, const struct ata_outcome *outcome)
{
    struct ata_disk *disk = self->disk;
    bool last = ++disk->late_transfers == LATE_TRANSFERS_MAX;

    /* The transfer's end may put the last reference but this. It comes first, since a halt changes
     * what its status means. */
    struct device *device = device_get(disk->device);
    fail(self, outcome, false);
    if (last) {
        log_error(device_label(device), "does not answer any more; taken offline");
        device_halt(device);
    }
    device_put_later(device);
}

/* Tries smaller pieces after a failure that does not show which block it is about. */
static void split(struct ata_disk_transfer *self, const struct ata_outcome *outcome)
{
    uint32_t sector_bytes = self->disk->port->identity.sector_bytes;
    uint32_t length = self->command.length_bytes;
    if (length <= sector_bytes) {
        fail(self, outcome, true);
        return;
    }

    /* Whole sectors, and at least one. */
    uint32_t sectors = length / sector_bytes / PIECE_DIVISOR;
    self->piece_bytes = max(sectors, 1u) * sector_bytes;
    send(self);
}

/* Returns true if the unit named one of this command's sectors as the bad one, and how many bytes
 * precede it. */
static bool names_bad(const struct ata_disk_transfer *self, uint32_t *before)
{
    const struct ata_command *command = &self->command;
    uint32_t sector_bytes = self->disk->port->identity.sector_bytes;
    uint64_t first = first_lba(self), bad = command->result.lba;
    if (!command->result.valid || bad < first ||
        bad - first >= command->length_bytes / sector_bytes)
        return false;

    *before = (uint32_t)(bad - first) * sector_bytes;
    return true;
}

/* A sector cannot be read or written. The ones before it are moved without it. */
static void fail_medium(struct ata_disk_transfer *self, const struct ata_outcome *outcome)
{
    uint32_t before;
    bool named = names_bad(self, &before);

    /* Once only: if sectors that the disk passed over fail now, it cannot be believed. */
    if (named && !before) {
        fail(self, outcome, true);
    } else if (named && self->good_bytes > self->transfer->length_bytes) {
        self->good_bytes = self->done_bytes + before;
        device_note_bad_block(self->disk->device, self->transfer->generation,
                              self->command.result.lba, outcome->why);
        send(self);
    } else {
        split(self, outcome);
    }
}

/* A failed flush is not repeated: the disk forgets the sectors that it could not write, so that a
 * second one would report success (ATA-6 8.9). */
static void fail_flush(struct ata_disk_transfer *self, const struct ata_outcome *outcome)
{
    log_warn(device_label(self->disk->device), "cache not written: %s", outcome->why);
    fail(self, outcome, false);
}

/* Counts what the end of a command shows about DMA. A command that the unit itself has failed shows
 * nothing, unless its data were damaged on the way. */
static void count_dma(const struct ata_command *command, enum ata_action action)
{
    const struct ata_result *result = &command->result;
    bool refused = result->status & (ATA_STATUS_ERR | ATA_STATUS_DF);
    if (command->protocol < ATA_DMA_IN || (refused && !(result->error & ATA_ERROR_ICRC)))
        return;

    if (action == ATA_ACTION_DONE || action == ATA_ACTION_RETRY || action == ATA_ACTION_LATE)
        ata_port_count_dma(command->port, command->base.status);
}

static void command_complete(struct ata_command *command)
{
    struct ata_disk_transfer *self = command->context;
    struct ata_outcome outcome = ata_outcome(command);
    bool flush = self->transfer->op == IO_FLUSH;
    count_dma(command, outcome.action);

    /* The same again, as often as this kind of failure is worth it. The medium cannot have changed:
     * a disk has one medium for its life. */
    bool again = !flush || outcome.action == ATA_ACTION_AGAIN;
    if (again && self->tries[outcome.action] < tries_max[outcome.action]) {
        self->tries[outcome.action]++;
        send(self);
        return;
    }

    if (outcome.action == ATA_ACTION_DONE)
        succeed(self);
    else if (outcome.action == ATA_ACTION_LATE)
        fail_late(self, &outcome);
    else if (flush)
        fail_flush(self, &outcome);
    else if (outcome.action == ATA_ACTION_MEDIUM)
        fail_medium(self, &outcome);
    else if (outcome.action == ATA_ACTION_RETRY)
        split(self, &outcome);
    else
        fail(self, &outcome, false);
}

void ata_disk_start(struct device *device, struct io_transfer *transfer)
{
    struct ata_disk *disk = device_private(device);
    const struct ata_identity *identity = &disk->port->identity;
    bool flush = transfer->op == IO_FLUSH;
    struct ata_disk_transfer *self = transfer->driver_data;

    /* The disk is being taken offline: fail_late(). */
    if (disk->late_transfers >= LATE_TRANSFERS_MAX) {
        io_transfer_done(transfer, -ENODEV, 0);
        return;
    }

    /* Without a cache every write is on the medium when it ends. */
    if (flush && !identity->flush && !identity->flush_extended) {
        io_transfer_done(transfer, 0, 0);
        return;
    }

    *self = (struct ata_disk_transfer){
        .disk = disk,
        .transfer = transfer,
        .piece_bytes = transfer->length_bytes,
        .good_bytes = UINT32_MAX,
        .command = {
            .base.device = disk->unit,
            .base.timeout_us = flush ? DEADLINE_ATA_FLUSH_US : DEADLINE_ATA_DATA_US,
            .segments = transfer->segments,
            .segment_count = transfer->segment_count,
            .block_bytes = identity->sector_bytes,
            .complete = command_complete,
            .context = self,
        },
    };
    send(self);
}

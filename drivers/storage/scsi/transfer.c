/*
 * transfer.c - sends the commands of io transfers, and decides what follows each answer.
 */
#include "drivers/storage/scsi/transfer.h"
#include "drivers/storage/scsi/unit.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/string.h"

/* A command that was interrupted by resets this often counts as one that failed. */
enum { INTERRUPTIONS_MAX = 16 };

/* ---- sending ------------------------------------------------------------------------------ */

static uint64_t transfer_lba(const struct scsi_transfer *move)
{
    return move->transfer->offset_bytes / move->block_bytes;
}

static uint32_t transfer_blocks(const struct scsi_transfer *move)
{
    return move->command.length_bytes / move->block_bytes;
}

static void transfer_send(struct scsi_transfer *move, uint64_t not_before_us)
{
    /* Built for each try: one for the good part only is shorter. */
    if (move->transfer->op == IO_FLUSH)
        scsi_build_flush(move->command.cdb);
    else
        scsi_build_transfer(move->command.cdb, move->transfer->op, transfer_lba(move),
                            transfer_blocks(move));
    move->command.base.not_before_us = not_before_us;
    scsi_submit(move->client->unit, &move->command);
}

/* Repeats the command, unless the medium was changed: it is not meant for the new one. */
static void transfer_again(struct scsi_transfer *move, uint64_t not_before_us)
{
    if (device_medium(move->transfer->device).generation != move->transfer->generation)
        io_transfer_done(move->transfer, -ESTALE, 0);
    else
        transfer_send(move, not_before_us);
}

/* ---- answers ------------------------------------------------------------------------------ */

static void transfer_done(struct scsi_transfer *move, status_t status)
{
    if (move->prefix_only) {
        /* The good part arrived; the block after it is the bad one. */
        move->transfer->exact = true;
        status = -EIO;
    }
    io_transfer_finish(move->transfer, status, move->command.length_bytes);
}

static void transfer_wait(struct scsi_transfer *move, status_t status)
{
    (void)status; /* -EAGAIN: the last answer is that it never became ready */

    uint64_t now_us = time_now_us();

    /* Counted from the first try: a unit that never gets ready must not be waited for
     * endlessly. */
    if (now_us - move->transfer->started_us >= DEADLINE_NOT_READY_US)
        io_transfer_done(move->transfer, -EIO, 0);
    else
        transfer_again(move, now_us + DELAY_NOT_READY_US);
}

/* Returns true if the sense data name a block of this transfer as the bad one, and its index. */
static bool transfer_names_bad(const struct scsi_transfer *move, const struct sense *sense,
                               uint32_t *index)
{
    uint64_t first = transfer_lba(move), bad = sense->information;
    if (!sense->has_information || bad < first || bad - first >= transfer_blocks(move))
        return false;

    *index = (uint32_t)(bad - first);
    return true;
}

/* Logs the bad block if it is known: named by the unit, or the only one. Any other is found when a
 * reader asks for it alone. */
static void transfer_note_bad_block(const struct scsi_transfer *move, const struct sense *sense)
{
    uint32_t index = 0;
    char why[80];
    if (!transfer_names_bad(move, sense, &index) && transfer_blocks(move) != 1)
        return;

    sense_text(sense, why, sizeof(why));

    /* With the generation of the transfer: a medium that came meanwhile must not get the mark. */
    device_note_bad_block(move->client->device, move->transfer->generation,
                          transfer_lba(move) + index, why);
}

static void transfer_failed(struct scsi_transfer *move, status_t status)
{
    struct sense sense = sense_parse(&move->command);

    /* A timeout is reported as such, since the unit may hang, and so is a write to a protected or a
     * full medium; all else is an input/output error. */
    bool is_io_error = status != -ETIMEDOUT && status != -EROFS && status != -ENOSPC;
    if (is_io_error && move->command.unit_status == SCSI_CHECK_CONDITION)
        transfer_note_bad_block(move, &sense);
    io_transfer_done(move->transfer, is_io_error ? -EIO : status, 0);
}

static void transfer_medium_failed(struct scsi_transfer *move, status_t status)
{
    struct sense sense = sense_parse(&move->command);
    uint32_t good = 0;
    bool named = transfer_names_bad(move, &sense, &good);
    transfer_note_bad_block(move, &sense);

    /* Once only: a good part that fails now is not good. */
    if (good && !move->prefix_only) {
        move->prefix_only = true;
        move->command.length_bytes = good * move->block_bytes;
        transfer_again(move, 0);
        return;
    }

    /* If the unit named the first block, the bad block is known and need not be searched for. */
    move->transfer->exact = named && !good;
    io_transfer_done(move->transfer, status, 0);
}

static void transfer_ended(struct scsi_transfer *move, status_t status)
{
    io_transfer_done(move->transfer, status, 0);
}

static void transfer_changed(struct scsi_transfer *move, status_t status)
{
    (void)status; /* -EAGAIN is for commands that mean whichever medium is inserted */
    io_transfer_done(move->transfer, -ESTALE, 0);
}

static void transfer_unsupported(struct scsi_transfer *move, status_t status)
{
    /* There is no other way to write a cache back. Failing would not make the data safer. */
    if (move->transfer->op == IO_FLUSH) {
        if (!atomic_exchange(&move->client->no_flush, true))
            log_warn(device_alias(move->client->device),
                     "cannot flush its cache; what was written last may be lost with its power");
        io_transfer_done(move->transfer, 0, 0);
        return;
    }
    transfer_failed(move, status);
}

/* How often each answer leads to another try, and what follows then. The transport gives up DMA
 * after three failures in a row, so a fourth try runs without it. */
static const struct transfer_answer {
    unsigned tries;
    void (*conclude)(struct scsi_transfer *move, status_t status);
} transfer_answers[SENSE_ACTIONS] = {
    [SENSE_DONE] = { 0, transfer_done },
    [SENSE_CHANGED] = { 0, transfer_changed },
    [SENSE_ABSENT] = { 0, transfer_ended },
    [SENSE_AGAIN] = { SCSI_ATTENTIONS_MAX, transfer_failed },
    [SENSE_WAIT] = { 0, transfer_wait },
    [SENSE_BLANK] = { 0, transfer_failed },
    [SENSE_MEDIUM] = { 1, transfer_medium_failed },
    [SENSE_RETRY] = { 3, transfer_failed },
    [SENSE_REFUSED] = { 0, transfer_failed },
    [SENSE_UNSUPPORTED] = { 0, transfer_unsupported },
    [SENSE_LOCKED] = { 0, transfer_failed },
    [SENSE_GONE] = { 0, transfer_ended },
};

static void transfer_complete(struct scsi_command *command)
{
    struct scsi_transfer *move = command->context;
    struct scsi_outcome outcome = scsi_conclude(move->client, command);

    /* Some units report success for a transfer that they cut short. */
    if (outcome.action == SENSE_DONE && command->done_bytes < command->length_bytes)
        outcome = (struct scsi_outcome){ SENSE_RETRY, -EIO };

    /* A command that failed because another one did is not counted as a try: that one's tries
     * are. */
    const struct transfer_answer *answer = &transfer_answers[outcome.action];
    if (command->base.interrupted && move->interruptions < INTERRUPTIONS_MAX) {
        move->interruptions++;
        transfer_again(move, 0);
    } else if (move->tries[outcome.action] < answer->tries) {
        move->tries[outcome.action]++;
        transfer_again(move, 0);
    } else {
        answer->conclude(move, outcome.status);
    }
}

void scsi_transfer_start(struct scsi_client *client, struct io_transfer *transfer)
{
    static const enum scsi_direction directions[] = {
        [IO_READ] = SCSI_DATA_IN, [IO_WRITE] = SCSI_DATA_OUT, [IO_FLUSH] = SCSI_NO_DATA,
    };

    /* The memory is part of the transfer, so nothing is allocated here: a write may run to free
     * memory. The command is set up once; each try builds only its CDB. */
    struct scsi_transfer *move = transfer->driver_data;
    memset(move, 0, offsetof(struct scsi_transfer, command.sense));
    move->client = client;
    move->transfer = transfer;
    move->block_bytes = device_block_bytes(transfer->device);

    struct scsi_command *command = &move->command;
    command->direction = directions[transfer->op];
    command->segments = transfer->segments;
    command->segment_count = transfer->segment_count;
    command->length_bytes = transfer->length_bytes;
    command->base.timeout_us =
        transfer->op == IO_FLUSH ? DEADLINE_PACKET_FLUSH_US : DEADLINE_PACKET_US;
    command->complete = transfer_complete;
    command->context = move;

    transfer_send(move, 0);
}

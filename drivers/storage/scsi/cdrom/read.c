/*
 * read.c - reading: an io transfer becomes a READ, is repeated if that may help, and ends once.
 *
 * Everything happens in callbacks on the channel's worker, and nothing is allocated: the command is
 * stored in the transfer's driver_data. `read_answers` lists what each failure leads to.
 *
 * A read of many blocks that meets a bad one has a good part before it. The drive may name the bad
 * block, but it does not report whether the good part was transferred. That part is therefore read
 * again by itself, and reported only if that worked.
 */
#include "drivers/storage/scsi/cdrom/cdrom.h"
#include "drivers/storage/scsi/unit.h"
#include "kernel/dev/deadlines.h"

/* ---- sending ------------------------------------------------------------------------------ */

static uint32_t read_lba(const struct cdrom_read *read)
{
    return (uint32_t)(read->transfer->offset_bytes / CDROM_BLOCK_BYTES);
}

static uint32_t read_blocks(const struct cdrom_read *read)
{
    return read->command.length_bytes / CDROM_BLOCK_BYTES;
}

static void read_send(struct cdrom_read *read, uint64_t not_before_us)
{
    /* Built for each try: one for the good part only is shorter. */
    scsi_build_read(read->command.cdb, read_lba(read), read_blocks(read));
    read->command.base.not_before_us = not_before_us;
    scsi_submit(read->cdrom->client.unit, &read->command);
}

/* Repeats the read, unless the disc was changed: kernel/dev would drop the new one's data. */
static void read_again(struct cdrom_read *read, uint64_t not_before_us)
{
    if (device_medium(read->transfer->device).generation != read->transfer->generation)
        io_transfer_done(read->transfer, -ESTALE, 0);
    else
        read_send(read, not_before_us);
}

/* ---- answers ------------------------------------------------------------------------------ */

static void read_done(struct cdrom_read *read, status_t status)
{
    if (read->prefix_only) {
        /* The good part arrived; the block after it is the bad one. */
        read->transfer->exact = true;
        status = -EIO;
    }
    io_transfer_done(read->transfer, status, read->command.length_bytes);
}

static void read_wait(struct cdrom_read *read, status_t status)
{
    (void)status; /* -EAGAIN: the last answer is that it never became ready */

    uint64_t now_us = time_now_us();

    /* Counted from the first try: a drive that never gets ready must not be waited for
     * endlessly. */
    if (now_us - read->started_us >= DEADLINE_NOT_READY_US)
        io_transfer_done(read->transfer, -EIO, 0);
    else
        read_again(read, now_us + DELAY_NOT_READY_US);
}

/* Returns true if the sense data name a block of this read as the bad one, and its index. */
static bool read_names_bad(const struct cdrom_read *read, const struct sense *sense,
                           uint32_t *index)
{
    uint64_t first = read_lba(read), bad = sense->information;
    if (!sense->has_information || bad < first || bad - first >= read_blocks(read))
        return false;

    *index = (uint32_t)(bad - first);
    return true;
}

/* Logs the bad block if it is known: named by the drive, or the only one. Any other is found when a
 * reader asks for it alone. */
static void read_note_bad_block(const struct cdrom_read *read, const struct sense *sense)
{
    uint32_t index = 0;
    char why[80];
    if (!read_names_bad(read, sense, &index) && read_blocks(read) != 1)
        return;

    sense_text(sense, why, sizeof(why));

    /* With the generation of the read: a disc that was changed meanwhile must not get the mark. */
    device_note_bad_block(read->cdrom->device, read->transfer->generation,
                          (uint64_t)read_lba(read) + index, why);
}

static void read_failed(struct cdrom_read *read, status_t status)
{
    struct sense sense = sense_parse(&read->command);
    if (read->command.unit_status == SCSI_CHECK_CONDITION)
        read_note_bad_block(read, &sense);

    /* A timeout is reported as such, since the drive may hang; all
     * else is an input/output error. */
    io_transfer_done(read->transfer, status == -ETIMEDOUT ? -ETIMEDOUT : -EIO, 0);
}

static void read_medium_failed(struct cdrom_read *read, status_t status)
{
    struct sense sense = sense_parse(&read->command);
    uint32_t good = 0;
    bool named = read_names_bad(read, &sense, &good);
    read_note_bad_block(read, &sense);

    /* Once only: a good part that cannot be read now is not good. */
    if (good && !read->prefix_only) {
        read->prefix_only = true;
        read->command.length_bytes = good * CDROM_BLOCK_BYTES;
        read_again(read, 0);
        return;
    }

    /* If the drive named the first block, the bad block is known and need not be searched for. */
    read->transfer->exact = named && !good;
    io_transfer_done(read->transfer, status, 0);
}

static void read_ended(struct cdrom_read *read, status_t status)
{
    io_transfer_done(read->transfer, status, 0);
}

static void read_changed(struct cdrom_read *read, status_t status)
{
    (void)status; /* -EAGAIN is for commands that mean whichever disc is inserted */
    io_transfer_done(read->transfer, -ESTALE, 0);
}

/* How often each answer leads to another try, and what follows then. The transport gives up DMA
 * after three failures in a row, so a fourth try runs without it. */
static const struct read_answer {
    unsigned tries;
    void (*conclude)(struct cdrom_read *read, status_t status);
} read_answers[SENSE_ACTIONS] = {
    [SENSE_DONE] = { 0, read_done },
    [SENSE_CHANGED] = { 0, read_changed },
    [SENSE_ABSENT] = { 0, read_ended },
    [SENSE_AGAIN] = { SCSI_ATTENTIONS_MAX, read_failed },
    [SENSE_WAIT] = { 0, read_wait },
    [SENSE_BLANK] = { 0, read_failed },
    [SENSE_MEDIUM] = { 1, read_medium_failed },
    [SENSE_RETRY] = { 3, read_failed },
    [SENSE_REFUSED] = { 0, read_failed },
    [SENSE_UNSUPPORTED] = { 0, read_failed },
    [SENSE_LOCKED] = { 0, read_failed },
    [SENSE_GONE] = { 0, read_ended },
};

static void read_complete(struct scsi_command *command)
{
    struct cdrom_read *read = command->context;
    struct scsi_outcome outcome = scsi_conclude(&read->cdrom->client, command);

    /* Some drives report success for a read that they cut short. */
    if (outcome.action == SENSE_DONE && command->done_bytes < command->length_bytes)
        outcome = (struct scsi_outcome){ SENSE_RETRY, -EIO };

    /* Another try, as often as this kind of answer is worth one. */
    const struct read_answer *answer = &read_answers[outcome.action];
    if (read->tries[outcome.action] < answer->tries) {
        read->tries[outcome.action]++;
        read_again(read, 0);
    } else {
        answer->conclude(read, outcome.status);
    }
}

void cdrom_start(struct device *device, struct io_transfer *transfer)
{
    /* kernel/dev refuses writes, and a drive that only reads has nothing to flush. */
    if (transfer->op != IO_READ) {
        io_transfer_done(transfer, transfer->op == IO_FLUSH ? 0 : -EROFS, 0);
        return;
    }

    struct cdrom_read *read = transfer->driver_data;
    *read = (struct cdrom_read){
        .cdrom = device_private(device),
        .transfer = transfer,
        .started_us = time_now_us(),
        .command = {
            .direction = SCSI_DATA_IN,
            .segments = transfer->segments,
            .segment_count = transfer->segment_count,
            .length_bytes = transfer->length_bytes,
            .base.timeout_us = DEADLINE_PACKET_US,
            .complete = read_complete,
            .context = read,
        },
    };

    read_send(read, 0);
}

/*
 * read.c - reading: an io transfer becomes READ(10), again if need be, and ends once.
 *
 * Everything happens in callbacks on the transport's worker, and nothing is allocated: the command
 * lives in the transfer's driver_data. The consequences of failures are in `read_answers`.
 *
 * A read of many blocks that hits a bad one has a good part before it. The drive may name the bad
 * block, but whether the good part has arrived it does not say: so the part is read once more by
 * itself, and reported only when that worked.
 */
#include "drivers/storage/scsi/cdrom/cdrom.h"
#include "drivers/storage/scsi/cdrom/mmc.h"
#include "kernel/dev/deadlines.h"
#include "lib/bytes.h"

enum { SENSE_VALID = 0x80, SENSE_INFORMATION = 3 };

struct cdrom_read {
    struct packet_command command;
    struct cdrom *cdrom;
    struct io_transfer *transfer;
    uint64_t started_us;
    uint8_t tries[SENSE_ACTIONS]; /* how often each kind of answer was followed by another try */
    bool prefix_only;             /* the good part before a bad block is being read */
};

_Static_assert(sizeof(struct cdrom_read) <= sizeof(((struct io_transfer *)0)->driver_data),
               "the read fits the transfer");

static uint32_t read_lba(const struct cdrom_read *read)
{
    return (uint32_t)(read->transfer->offset_bytes / CDROM_BLOCK_BYTES);
}

/* Was the medium that this read is meant for replaced since? */
static bool read_is_stale(const struct cdrom_read *read)
{
    const struct io_transfer *transfer = read->transfer;
    return device_medium(transfer->device).generation != transfer->request->generation;
}

static void read_finish(struct cdrom_read *read, status_t status, uint32_t done_bytes)
{
    if (status != -ENOMEDIUM && status != -ENODEV && read_is_stale(read)) {
        status = -ESTALE;
        done_bytes = 0;
    }
    io_transfer_done(read->transfer, status, done_bytes);
}

static void read_send(struct cdrom_read *read, uint64_t not_before_us)
{
    struct packet_command *command = &read->command;
    mmc_build_read_10(command->cdb, read_lba(read), command->length_bytes / CDROM_BLOCK_BYTES);
    command->not_before_us = not_before_us;
    read->cdrom->info->transport->submit(read->cdrom->unit, command);
}

static void read_again(struct cdrom_read *read, uint64_t not_before_us)
{
    if (read_is_stale(read))
        read_finish(read, -ESTALE, 0);
    else
        read_send(read, not_before_us);
}

/* ---- answers ------------------------------------------------------------------------------ */

static void read_done(struct cdrom_read *read)
{
    read->transfer->exact = read->prefix_only;
    if (read->prefix_only)
        read_finish(read, -EIO, read->command.length_bytes);
    else
        read_finish(read, 0, read->command.length_bytes);
}

static void read_wait(struct cdrom_read *read)
{
    uint64_t now_us = time_now_us();
    if (now_us - read->started_us >= DEADLINE_NOT_READY_US)
        read_finish(read, -EIO, 0);
    else
        read_again(read, now_us + DELAY_NOT_READY_US);
}

/* Do the sense data name a block of this read as the bad one? *prefix: the bytes before it. */
static bool read_names_bad(const struct cdrom_read *read, uint32_t *prefix)
{
    struct bytes sense = { read->command.sense, PACKET_SENSE_BYTES };
    uint32_t first = read_lba(read), bad = bytes_be32(sense, SENSE_INFORMATION);
    uint32_t blocks = read->command.length_bytes / CDROM_BLOCK_BYTES;
    *prefix = 0;
    if (!(bytes_u8(sense, 0) & SENSE_VALID) || bad < first || bad - first >= blocks)
        return false;
    *prefix = (bad - first) * CDROM_BLOCK_BYTES;
    return true;
}

/* Logs the block that the sense data name, or the only one that was asked for. */
static void read_note_bad_block(const struct cdrom_read *read)
{
    struct bytes sense = { read->command.sense, PACKET_SENSE_BYTES };
    uint32_t first = read_lba(read), bad = bytes_be32(sense, SENSE_INFORMATION);
    uint32_t blocks = read->command.length_bytes / CDROM_BLOCK_BYTES;
    bool named = bytes_u8(sense, 0) & SENSE_VALID && bad >= first && bad - first < blocks;
    char why[80];
    if (!named && blocks != 1)
        return; /* a reader that needs one of them asks for it alone */
    sense_text(read->command.sense, why, sizeof(why));
    device_note_bad_block(read->cdrom->device, read->transfer->generation, named ? bad : first,
                          why);
}

static void read_medium_failed(struct cdrom_read *read)
{
    read_note_bad_block(read);
    uint32_t prefix;
    bool named = read_names_bad(read, &prefix);
    if (!prefix || read->prefix_only) {
        read->transfer->exact = named && !prefix;
        read_finish(read, -EIO, 0);
        return;
    }
    read->prefix_only = true;
    read->command.length_bytes = prefix;
    read_again(read, 0);
}

static void read_absent(struct cdrom_read *read)
{
    read_finish(read, -ENOMEDIUM, 0);
}

static void read_changed(struct cdrom_read *read)
{
    read_finish(read, -ESTALE, 0);
}

static void read_gone(struct cdrom_read *read)
{
    read_finish(read, -ENODEV, 0);
}

static void read_failed(struct cdrom_read *read)
{
    status_t status = read->command.status == -ETIMEDOUT ? -ETIMEDOUT : -EIO;
    if (read->command.check_condition)
        read_note_bad_block(read);
    read_finish(read, status, 0);
}

/* How often each answer is met by another try, and what follows then. The transport gives DMA up
 * after three failures in a row, so a fourth try goes without. */
static const struct read_answer {
    unsigned tries;
    void (*conclude)(struct cdrom_read *read);
} read_answers[SENSE_ACTIONS] = {
    [SENSE_DONE] = { 0, read_done },
    [SENSE_CHANGED] = { 0, read_changed },
    [SENSE_ABSENT] = { 0, read_absent },
    [SENSE_AGAIN] = { CDROM_ATTENTIONS_MAX, read_failed },
    [SENSE_WAIT] = { 0, read_wait },
    [SENSE_BLANK] = { 0, read_failed },
    [SENSE_MEDIUM] = { 1, read_medium_failed },
    [SENSE_RETRY] = { 3, read_failed },
    [SENSE_REFUSED] = { 0, read_failed },
    [SENSE_UNSUPPORTED] = { 0, read_failed },
    [SENSE_LOCKED] = { 0, read_failed },
    [SENSE_GONE] = { 0, read_gone },
};

static void read_complete(struct packet_command *command)
{
    struct cdrom_read *read = command->context;
    enum sense_action action = cdrom_note(read->cdrom, command);
    if (action == SENSE_DONE && command->done_bytes < command->length_bytes)
        action = SENSE_RETRY; /* reported as a success, but not all data came */
    const struct read_answer *answer = &read_answers[action];
    if (read->tries[action] < answer->tries) {
        read->tries[action]++;
        read_again(read, 0);
    } else {
        answer->conclude(read);
    }
}

void cdrom_start(struct device *device, struct io_transfer *transfer)
{
    struct cdrom_read *read = (struct cdrom_read *)(void *)transfer->driver_data;
    if (transfer->op != IO_READ) { /* kernel/dev refuses writes; there is nothing to flush */
        io_transfer_done(transfer, transfer->op == IO_FLUSH ? 0 : -EROFS, 0);
        return;
    }
    *read = (struct cdrom_read){
        .cdrom = device_private(device),
        .transfer = transfer,
        .started_us = time_now_us(),
        .command = {
            .segments = transfer->segments,
            .segment_count = transfer->segment_count,
            .length_bytes = transfer->length_bytes,
            .timeout_us = DEADLINE_PACKET_US,
            .complete = read_complete,
            .context = read,
        },
    };
    read_send(read, 0);
}

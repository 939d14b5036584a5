/*
 * blk_queue.c - the requests of a virtio-blk device, and its recovery. See blk.h.
 */
#include "drivers/storage/virtio/blk.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/macros.h"

/* Request types and results (5.2.6). */
enum { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4, TYPE_DISCARD = 11, TYPE_WRITE_ZEROES = 13 };
enum { RANGE_MAY_UNMAP = 1 };
enum { RESULT_OK = 0, RESULT_IO_ERROR = 1, RESULT_UNSUPPORTED = 2, RESULT_NONE = 0xff };

enum { QUEUE_NUMBER = 0 };

/* ---- submitting --------------------------------------------------------------------------- */

/* Appends a segment, in pieces that the device takes. */
static status_t add_segment(const struct blk *blk, struct virtio_chain *chain,
                            const struct io_segment *segment, bool writable)
{
    /* Without the feature SIZE_MAX, a piece may be as long as a segment. */
    uint32_t most = blk->config.piece_bytes_max ? blk->config.piece_bytes_max : UINT32_MAX;
    status_t status = 0;
    for (uint32_t done = 0; !status && done < segment->length_bytes;) {
        uint32_t take = min(segment->length_bytes - done, most);
        char *memory = (char *)segment->address + done;
        status = writable ? virtio_add_writable(chain, memory, take)
                          : virtio_add_readable(chain, memory, take);
        done += take;
    }
    return status;
}

static status_t build_chain(struct blk *blk, const struct io_transfer *transfer,
                            struct blk_header *header, struct virtio_chain *chain)
{
    static const uint32_t types[] = {
        [IO_READ] = TYPE_IN,           [IO_WRITE] = TYPE_OUT,         [IO_FLUSH] = TYPE_FLUSH,
        [IO_DISCARD] = TYPE_DISCARD, [IO_ZERO] = TYPE_WRITE_ZEROES,
    };
    bool moves = io_op_moves(transfer->op), writes = io_op_writes(transfer->op);
    uint64_t sector = transfer->offset_bytes / BLK_SECTOR_BYTES;

    /* Only reads and writes use `sector`; for a discard or zeroes the range is the data (5.2.6). */
    *header = (struct blk_header){
        .type = types[transfer->op],
        .sector = moves ? sector : 0,
        .range_sector = sector,
        .range_sectors = transfer->length_bytes / BLK_SECTOR_BYTES,
        .range_flags = transfer->op == IO_ZERO ? RANGE_MAY_UNMAP : 0,
        .status = RESULT_NONE,
    };

    /* All that the device reads is before all that it writes (2.6.4.2); the status byte is the
     * last. */
    status_t status = virtio_add_readable(chain, header, offsetof(struct blk_header, range_sector));
    for (unsigned i = 0; !status && moves && i < transfer->segment_count; i++)
        status = add_segment(blk, chain, &transfer->segments[i], transfer->op == IO_READ);
    if (!status && writes && !moves)
        status = virtio_add_readable(chain, &header->range_sector,
                                     offsetof(struct blk_header, status) -
                                         offsetof(struct blk_header, range_sector));
    if (!status)
        status = virtio_add_writable(chain, &header->status, sizeof(header->status));
    return status;
}

/* Submits the transfer of a slot. Caller holds the lock. -EINVAL if its chain does not fit. */
static status_t submit(struct blk *blk, unsigned index)
{
    struct blk_slot *slot = &blk->slots[index];
    struct virtio_chain chain = blk->virtio->ops->chain(blk->queue, index);
    kassert(spin_is_held(&blk->lock));

    /* Built again for each try: the device may have changed its memory. */
    status_t status = build_chain(blk, slot->transfer, &blk->headers[index], &chain);
    if (status)
        return status;

    /* Set before the device has the chain, since it may answer at once. */
    slot->deadline_us = time_now_us() + DEADLINE_VIRTIO_US;
    slot->tries++;
    blk->virtio->ops->submit(blk->queue, index, &chain);
    return 0;
}

/* Takes the transfer of a slot, for its caller to end; NULL if there is none. */
static struct io_transfer *take(struct blk *blk, unsigned index)
{
    kassert(spin_is_held(&blk->lock));

    /* The answer and the worker may both come to end it: the first one takes it. */
    struct io_transfer *transfer = blk->slots[index].transfer;
    if (transfer) {
        blk->slots[index].transfer = NULL;
        blk->in_flight--;
    }
    return transfer;
}

/* The worker sleeps without a deadline while nothing is in flight. Awake it stays until the oldest
 * deadline, so that requests do not wake it. Caller holds the lock. */
static void wake_worker(struct blk *blk)
{
    if (blk->asleep)
        wait_queue_wake_one(&blk->changed);
    blk->asleep = false;
}

void blk_start_transfer(struct device *disk, struct io_transfer *transfer)
{
    struct blk *blk = device_private(disk);
    status_t status = 0;

    /* Without a cache that is written later, there is nothing to flush. */
    if (transfer->op == IO_FLUSH && !virtio_has(blk->virtio, BLK_FEATURE_FLUSH)) {
        io_transfer_done(transfer, 0, 0);
        return;
    }

    /* During a reset the transfer waits in its slot: the worker submits it afterwards. */
    spin_lock(&blk->lock);
    if (blk->state == BLK_OFFLINE) {
        status = -ENODEV;
    } else {
        blk->slots[transfer->index] = (struct blk_slot){ .transfer = transfer };
        blk->in_flight++;
        if (blk->state == BLK_RUNNING)
            status = submit(blk, transfer->index);
        if (status)
            IGNORE(take(blk, transfer->index)); /* it is `transfer` */
        wake_worker(blk);
    }
    spin_unlock(&blk->lock);
    if (status)
        io_transfer_done(transfer, status, 0);
}

/* ---- callbacks of the bus ----------------------------------------------------------------- */

/* Asks the worker to reset the device. */
static void blk_failed(void *context)
{
    struct blk *blk = context;

    /* The caller may be an interrupt, and a reset waits: so it is left to the worker. */
    spin_lock(&blk->lock);
    blk->failed = true;
    blk->asleep = false;
    wait_queue_wake_one(&blk->changed);
    spin_unlock(&blk->lock);
}

static void blk_changed(void *context)
{
    struct blk *blk = context;

    /* Reading the configuration may take several tries, so this is the worker's, too. */
    spin_lock(&blk->lock);
    blk->reconfigured = true;
    blk->asleep = false;
    wait_queue_wake_one(&blk->changed);
    spin_unlock(&blk->lock);
}

/* Returns the result of a request that the device has ended. */
static status_t result_of(const struct blk *blk, const struct io_transfer *transfer,
                          uint8_t result, uint32_t written_bytes)
{
    /* The device counts what it has written: the data of a read, and the status byte. */
    uint32_t data_bytes = transfer->op == IO_READ ? transfer->length_bytes : 0;
    switch (result) {
    case RESULT_OK:
        /* A read that did not write all its data has left some of the memory as it was. */
        return written_bytes == data_bytes + 1 ? 0 : -EIO;
    case RESULT_IO_ERROR:
        return -EIO;
    case RESULT_UNSUPPORTED:
        return -EOPNOTSUPP;
    default:
        log_error("virtio-blk", "%s: a request ended with the unknown status %u",
                  blk->virtio->name, result);
        return -EIO;
    }
}

static void blk_done(void *context, unsigned queue, unsigned slot, uint32_t written_bytes)
{
    struct blk *blk = context;
    (void)queue;

    /* The device can write the status again at any time: it is read once. */
    spin_lock(&blk->lock);
    uint8_t result = *(volatile uint8_t *)&blk->headers[slot].status;
    struct io_transfer *transfer = take(blk, slot);
    blk->resets = 0;
    spin_unlock(&blk->lock);

    /* Without the lock, since ending a transfer may start the next one. No transfer: the worker has
     * ended it. */
    if (transfer)
        io_transfer_done(transfer, result_of(blk, transfer, result, written_bytes), 0);
}

const struct virtio_client blk_client = {
    .done = blk_done,
    .changed = blk_changed,
    .failed = blk_failed,
};

/* ---- recovery ----------------------------------------------------------------------------- */

status_t blk_start_device(struct blk *blk)
{
    const uint64_t wanted =
        VIRTIO_FEATURE(BLK_FEATURE_SIZE_MAX) | VIRTIO_FEATURE(BLK_FEATURE_SEG_MAX) |
        VIRTIO_FEATURE(BLK_FEATURE_READ_ONLY) | VIRTIO_FEATURE(BLK_FEATURE_BLOCK_SIZE) |
        VIRTIO_FEATURE(BLK_FEATURE_FLUSH) | VIRTIO_FEATURE(BLK_FEATURE_TOPOLOGY) |
        VIRTIO_FEATURE(BLK_FEATURE_DISCARD) | VIRTIO_FEATURE(BLK_FEATURE_WRITE_ZEROES);
    const struct virtio_ops *ops = blk->virtio->ops;

    /* The first time only: after a reset the limits of the disk and its slots must stay as they
     * are. */
    status_t status = ops->begin(blk->virtio, wanted, &blk_client, blk);
    if (!status && !blk->queue) {
        status = blk_read_config(blk, &blk->config);
        if (!status)
            status = ops->add_queue(blk->virtio, QUEUE_NUMBER, BLK_DEPTH_MAX, BLK_PIECES_MAX,
                                    &blk->queue);
    }
    return status ? status : ops->run(blk->virtio);
}

/* Ends the transfers in flight that `ends` selects; the device was reset. */
static void end_transfers(struct blk *blk, bool (*ends)(const struct blk_slot *, uint64_t now_us),
                          status_t status)
{
    /* One at a time, because each ends without the lock. */
    uint64_t now_us = time_now_us();
    for (unsigned i = 0; i < BLK_DEPTH_MAX; i++) {
        spin_lock(&blk->lock);
        const struct blk_slot *slot = &blk->slots[i];
        struct io_transfer *transfer =
            slot->transfer && ends(slot, now_us) ? take(blk, i) : NULL;
        spin_unlock(&blk->lock);
        if (transfer)
            io_transfer_done(transfer, status, 0);
    }
}

static bool is_late(const struct blk_slot *slot, uint64_t now_us)
{
    /* No try yet: it came during the reset, and its deadline has not begun. */
    return slot->tries && slot->deadline_us <= now_us;
}

static bool is_hopeless(const struct blk_slot *slot, uint64_t now_us)
{
    (void)now_us;
    return slot->tries >= BLK_TRIES_MAX;
}

static bool is_any(const struct blk_slot *slot, uint64_t now_us)
{
    (void)slot;
    (void)now_us;
    return true;
}

/* Submits again what was in flight, and what has come since. */
static void resume(struct blk *blk)
{
    /* The state changes under the same lock, so a transfer that starts now is submitted once. */
    spin_lock(&blk->lock);
    blk->state = BLK_RUNNING;
    for (unsigned i = 0; i < BLK_DEPTH_MAX; i++)
        if (blk->slots[i].transfer)
            IGNORE(submit(blk, i)); /* it fitted before, or its deadline ends it */
    spin_unlock(&blk->lock);
}

static void take_offline(struct blk *blk)
{
    log_error("virtio-blk", "%s: %s: cannot be recovered; taken offline", blk->virtio->name,
              device_label(blk->disk));

    /* From here on new requests end at once; what is in flight ends below, and no more is added. */
    spin_lock(&blk->lock);
    blk->state = BLK_OFFLINE;
    spin_unlock(&blk->lock);
    end_transfers(blk, is_any, -ENODEV);

    /* The disk stays in the tree without a medium, until the driver is removed. */
    device_halt(blk->disk);
}

/* Resets the device and starts it again. */
static void recover(struct blk *blk)
{
    /* While it is RESETTING, new transfers only wait in their slots. */
    spin_lock(&blk->lock);
    blk->state = BLK_RESETTING;
    bool too_often = ++blk->resets > BLK_RESETS_MAX;
    spin_unlock(&blk->lock);

    /* First the reset: then the memory of no request is written any more. Its failure is the same
     * as that of the start. */
    IGNORE(blk->virtio->ops->reset(blk->virtio));
    end_transfers(blk, is_late, -ETIMEDOUT);
    end_transfers(blk, is_hopeless, -EIO);

    /* Too often means without an answer in between: blk_done() clears the count. */
    if (too_often || blk_start_device(blk))
        take_offline(blk);
    else
        resume(blk);
}

/* The host made the disk longer or shorter: to its users it is another medium. */
static void reconfigure(struct blk *blk)
{
    /* Only the size is adopted. The blocks keep theirs, since the cache is made of them. */
    struct blk_config config;
    if (blk_read_config(blk, &config) || config.bytes == blk->config.bytes)
        return;
    log_info("virtio-blk", "%s: has %llu bytes now", device_label(blk->disk),
             (unsigned long long)config.bytes);
    blk->config.bytes = config.bytes;
    device_set_medium(blk->disk, config.bytes);
}

/* ---- the worker --------------------------------------------------------------------------- */

enum blk_work { WORK_RECOVER, WORK_RECONFIGURE, WORK_POLL, WORK_STOP };

/* Returns the oldest deadline, or TIME_NEVER. Caller holds the lock, here and below. */
static uint64_t next_deadline(const struct blk *blk)
{
    uint64_t first_us = TIME_NEVER;
    for (unsigned i = 0; blk->in_flight && i < BLK_DEPTH_MAX; i++)
        if (blk->slots[i].transfer)
            first_us = min(first_us, blk->slots[i].deadline_us);
    return first_us;
}

static enum blk_work wait_for_work(struct blk *blk)
{
    for (;;) {
        uint64_t now_us = time_now_us(), wake_us = next_deadline(blk);
        bool late = wake_us <= now_us;
        if (blk->stopping)
            return WORK_STOP;

        /* Before the news of the configuration: a device that needs a reset does not answer about
         * it. */
        if (blk->state != BLK_OFFLINE && (blk->failed || late)) {
            blk->failed = false;
            if (late)
                log_warn("virtio-blk", "%s: a request passed its deadline; the device is reset",
                         device_label(blk->disk));
            return WORK_RECOVER;
        }

        /* Only while it runs: a device that is being reset has no valid configuration. */
        if (blk->reconfigured && blk->state == BLK_RUNNING) {
            blk->reconfigured = false;
            return WORK_RECONFIGURE;
        }

        /* Without interrupts the worker looks by itself, as long as there is something to see. */
        bool polls = blk->virtio->polled && blk->in_flight;
        uint64_t poll_us = now_us + POLL_VIRTIO_US;
        wake_us = polls ? min(wake_us, poll_us) : wake_us;
        blk->asleep = wake_us == TIME_NEVER;
        IGNORE(wait_queue_wait(&blk->changed, &blk->lock, wake_us));
        if (polls)
            return WORK_POLL;
    }
}

static void worker(void *argument)
{
    struct blk *blk = argument;
    enum blk_work work;
    do {
        spin_lock(&blk->lock);
        work = wait_for_work(blk);
        spin_unlock(&blk->lock);

        switch (work) {
        case WORK_RECOVER: recover(blk); break;
        case WORK_RECONFIGURE: reconfigure(blk); break;
        case WORK_POLL: blk->virtio->ops->poll(blk->virtio); break;
        case WORK_STOP: break;
        }
    } while (work != WORK_STOP);
}

status_t blk_start_worker(struct blk *blk)
{
    blk->worker = thread_create("virtio-blk", PRIORITY_IO, worker, blk);
    return blk->worker ? 0 : -ENOMEM;
}

void blk_stop(struct blk *blk)
{
    /* The worker ends first, since it could start the device again. */
    spin_lock(&blk->lock);
    blk->stopping = true;
    wait_queue_wake_all(&blk->changed);
    spin_unlock(&blk->lock);
    if (blk->worker)
        thread_join(blk->worker);
    blk->worker = NULL;

    /* As in take_offline(): the device first. */
    spin_lock(&blk->lock);
    blk->state = BLK_OFFLINE;
    spin_unlock(&blk->lock);
    blk->virtio->ops->end(blk->virtio);
    end_transfers(blk, is_any, -ENODEV);
}

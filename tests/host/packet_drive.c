/*
 * packet_drive.c - an emulated CD drive, and the transport that carries its commands.
 *
 * If the next step of the script is for a command's operation code, it is the answer; otherwise the
 * command is answered as by a working drive. A synchronous transport answers inside start(), an
 * asynchronous one on a thread of its own.
 */
#include "tests/host/packet_drive.h"

#include <errno.h>
#include <string.h>

#include "drivers/storage/scsi/cdrom/mmc.h"
#include "drivers/storage/scsi/unit.h"
#include "host/port/run.h"
#include "lib/macros.h"

enum {
    BLOCK = PACKET_DRIVE_BLOCK,
    TRANSFER = 16 * BLOCK, /* small, so that requests are carved */
};

struct packet_drive packet_drive;

/* ---- answers ------------------------------------------------------------------------------ */

static uint8_t disc_byte(unsigned disc, uint32_t lba, unsigned offset)
{
    return (uint8_t)(disc * 101 + lba * 31 + (lba >> 8) * 7 + offset * 3 + (offset >> 8));
}

uint8_t *packet_drive_byte(struct scsi_command *command, uint32_t at)
{
    for (unsigned i = 0; i < command->segment_count; i++) {
        struct io_segment *segment = &command->segments[i];
        if (at < segment->length_bytes)
            return (uint8_t *)segment->address + at;
        at -= segment->length_bytes;
    }
    panic("the segments are too short");
}

static void answer_bytes(struct scsi_command *command, uint32_t at, uint8_t byte)
{
    *packet_drive_byte(command, at) = byte;
}

void packet_drive_answer(struct scsi_command *command, const uint8_t *data, uint32_t bytes)
{
    bytes = min(bytes, command->length_bytes);
    for (uint32_t i = 0; i < bytes; i++)
        answer_bytes(command, i, data[i]);
    command->done_bytes = bytes;
}

static void answer(struct scsi_command *command, const uint8_t *data, uint32_t bytes)
{
    packet_drive_answer(command, data, bytes);
}

static void put_be32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Refuses the command. The sense data are kept for REQUEST SENSE, or delivered with the status. */
static void answer_sense(struct scsi_command *command, const struct packet_drive_step *step)
{
    uint8_t *sense = packet_drive.sense;
    memset(sense, 0, SCSI_SENSE_FIXED_BYTES);
    sense[0] = step->valid ? 0xf0 : 0x70;
    sense[2] = step->key;
    put_be32(sense + 3, step->information);
    sense[7] = SCSI_SENSE_FIXED_BYTES - 8;
    sense[12] = step->asc;
    sense[13] = step->ascq;
    command->unit_status = SCSI_CHECK_CONDITION;
    if (packet_drive.kind.autosense) {
        memcpy(command->sense, sense, SCSI_SENSE_FIXED_BYTES);
        command->sense_bytes = SCSI_SENSE_FIXED_BYTES;
    }
}

static void refuse(struct scsi_command *command, uint8_t key, uint8_t asc, uint8_t ascq)
{
    answer_sense(command, &(struct packet_drive_step){ .key = key, .asc = asc, .ascq = ascq });
}

void packet_drive_refuse(struct scsi_command *command, struct packet_drive_step sense)
{
    answer_sense(command, &sense);
}

static void drive_read(struct scsi_command *command)
{
    const uint8_t *cdb = command->cdb;
    uint32_t lba = (uint32_t)cdb[2] << 24 | cdb[3] << 16 | cdb[4] << 8 | cdb[5];
    uint32_t blocks = (uint32_t)cdb[7] << 8 | cdb[8];
    kassert(blocks * BLOCK == command->length_bytes && command->length_bytes <= TRANSFER);
    kassert(lba + blocks <= packet_drive.last_block + 1);
    for (uint32_t i = 0; i < blocks * BLOCK; i++)
        answer_bytes(command, i,
                     packet_drive.image
                         ? packet_drive.image[(size_t)lba * BLOCK + i]
                         : disc_byte(packet_drive.disc, lba + i / BLOCK, i % BLOCK));
    command->done_bytes = blocks * BLOCK;
}

static void drive_read_capacity(struct scsi_command *command)
{
    uint8_t data[8];
    put_be32(data, packet_drive.last_block);
    put_be32(data + 4, packet_drive.block_bytes);
    answer(command, data, sizeof(data));
}

static void drive_read_capacity_16(struct scsi_command *command)
{
    uint8_t data[32] = { 0 };
    kassert(command->cdb[1] == 0x10 && command->cdb[13] == sizeof(data));
    put_be32(data, 1);
    put_be32(data + 4, packet_drive.last_block);
    put_be32(data + 8, packet_drive.block_bytes);
    answer(command, data, sizeof(data));
}

static void drive_inquire(struct scsi_command *command)
{
    uint8_t data[36] = { 5, 0x80, 5, 2, sizeof(data) - 5 };
    memcpy(data + 8, "TABLES  Table\001Drive     1.0 ", 28);
    answer(command, data, sizeof(data));
}

/* Returns three units, though the length in the header is that of many more. */
static void drive_report_luns(struct scsi_command *command)
{
    uint8_t data[8 + 3 * 8] = { 0, 0, 1, 0, [8 + 8 + 1] = 1, [8 + 16 + 1] = 7 };
    answer(command, data, sizeof(data));
}

static void drive_mode_sense(struct scsi_command *command)
{
    uint8_t data[12] = { 0, 10, [8] = command->cdb[2], 2, 0xaa, 0xbb };
    answer(command, data, sizeof(data));
}

static void drive_read_disc_information(struct scsi_command *command)
{
    uint8_t data[34] = { 0, 32, packet_drive.empty ? 0 : 0x0e };
    answer(command, data, sizeof(data));
}

/* Returns two sessions: at block 0, and at 00:04:00, which is block 150. */
static void drive_read_toc(struct scsi_command *command)
{
    static const uint8_t last[12] = { 0, 10, 1, 2, 0, 0x14, 2, 0, 0, 0, 0, 150 };
    static const uint8_t full[4 + 4 * 11] = {
        0, 46, 1, 2,
        1, 0x14, 0, 0xa0, 0, 0, 0, 0, 1, 0, 0,
        1, 0x14, 0, 1,    0, 0, 0, 0, 0, 2, 0,
        2, 0x14, 0, 0xa2, 0, 0, 0, 0, 0, 9, 0,
        2, 0x14, 0, 2,    0, 0, 0, 0, 0, 4, 0,
    };
    static const uint8_t last_audio[12] = { 0, 10, 1, 2, 0, 0x10, 2, 0, 0, 0, 0, 150 };
    static const uint8_t full_audio[4 + 5 * 11] = {
        0, 57, 1, 2,
        1, 0x14, 0, 1,    0, 0, 0, 0, 0, 2, 0,
        1, 0x14, 0, 0xa2, 0, 0, 0, 0, 0, 3, 5,
        2, 0x10, 0, 2,    0, 0, 0, 0, 0, 4, 0,
        2, 0x14, 0, 3,    0, 0, 0, 0, 0, 5, 10,
        2, 0x14, 0, 0xa2, 0, 0, 0, 0, 0, 9, 0,
    };
    if (packet_drive.audio_first && command->cdb[2] == 1)
        answer(command, last_audio, sizeof(last_audio));
    else if (packet_drive.audio_first)
        answer(command, full_audio, sizeof(full_audio));
    else if (command->cdb[2] == 1)
        answer(command, last, sizeof(last));
    else
        answer(command, full, sizeof(full));
}

static void drive_get_configuration(struct scsi_command *command)
{
    uint8_t data[8] = { 0, 0, 0, 4, 0, 0, (uint8_t)(packet_drive.profile >> 8),
                        (uint8_t)packet_drive.profile };
    if (packet_drive.profile)
        answer(command, data, sizeof(data));
    else
        refuse(command, 5, 0x20, 0);
}

static void drive_start_stop(struct scsi_command *command)
{
    if (packet_drive.locked)
        refuse(command, 2, 0x53, 2);
    else if (command->cdb[4] == 2)
        packet_drive.disc = 0;
}

static void drive_get_event(struct scsi_command *command)
{
    kassert(command->cdb[1] == 1 && command->cdb[4] == 0x10);
    uint8_t data[8] = { 0, 6, 4, 0x10, packet_drive.button ? 1 : 0, packet_drive.disc ? 2 : 0 };
    packet_drive.button = false;
    answer(command, data, sizeof(data));
}

static void drive_behave(struct scsi_command *command)
{
    uint8_t operation = command->cdb[0];
    bool needs_disc = operation == SCSI_READ_10 || operation == SCSI_READ_CAPACITY_10 ||
                      operation == SCSI_TEST_UNIT_READY || operation == MMC_READ_DISC_INFORMATION;
    if (operation == SCSI_REQUEST_SENSE) {
        answer(command, packet_drive.sense, SCSI_SENSE_FIXED_BYTES);
        return;
    }

    if (packet_drive.behave) {
        packet_drive.behave(command);
        return;
    }

    /* UNIT ATTENTION, not ready to ready change: once after each change of the disc. */
    if (packet_drive.attention && operation != MMC_GET_EVENT_STATUS) {
        packet_drive.attention = false;
        refuse(command, 6, 0x28, 0);
        return;
    }

    /* NOT READY, medium not present. */
    if (needs_disc && !packet_drive.disc) {
        refuse(command, 2, 0x3a, 0);
        return;
    }

    switch (operation) {
    case SCSI_TEST_UNIT_READY: break;
    case SCSI_READ_10: drive_read(command); break;
    case SCSI_READ_CAPACITY_10: drive_read_capacity(command); break;
    case SCSI_SERVICE_ACTION_IN_16: drive_read_capacity_16(command); break;
    case SCSI_INQUIRY: drive_inquire(command); break;
    case SCSI_REPORT_LUNS: drive_report_luns(command); break;
    case SCSI_MODE_SENSE_10: drive_mode_sense(command); break;
    case MMC_READ_DISC_INFORMATION: drive_read_disc_information(command); break;
    case MMC_READ_TOC: drive_read_toc(command); break;
    case MMC_GET_CONFIGURATION: drive_get_configuration(command); break;
    case SCSI_START_STOP_UNIT: drive_start_stop(command); break;
    case SCSI_PREVENT_ALLOW: packet_drive.locked = command->cdb[4]; break;
    case MMC_GET_EVENT_STATUS: drive_get_event(command); break;
    default: refuse(command, 5, 0x20, 0);
    }
}

/* Answers as the step demands. */
static enum packet_drive_ending drive_take_step(struct scsi_command *command,
                                   const struct packet_drive_step *step, status_t *status)
{
    *status = step->status;
    if (step->hang)
        return PACKET_DRIVE_HELD;
    if (step->cut || step->late || step->twice || step->more)
        drive_behave(command);
    if (step->cut)
        command->done_bytes /= 2;
    else if (step->more)
        command->done_bytes += 5000;
    else if (step->busy)
        command->unit_status = SCSI_BUSY;
    else if (step->key || step->asc)
        answer_sense(command, step);
    return step->late ? PACKET_DRIVE_LATE : step->twice ? PACKET_DRIVE_TWICE : PACKET_DRIVE_ENDED;
}

static bool step_is_answer(const struct packet_drive_step *step)
{
    return step->key || step->asc || step->status || step->cut || step->hang || step->late ||
           step->busy || step->twice || step->more;
}

enum packet_drive_ending packet_drive_serve(struct scsi_command *command, status_t *status)
{
    enum packet_drive_ending ending = PACKET_DRIVE_ENDED;
    spin_lock(&packet_drive.lock);
    packet_drive.counts[command->cdb[0]]++;
    *status = 0;
    const struct packet_drive_step *step = &packet_drive.script[packet_drive.step];
    if (packet_drive.step < PACKET_DRIVE_STEPS_MAX && step_is_answer(step) &&
        step->operation == command->cdb[0]) {
        ending = drive_take_step(command, step, status);
        if (++packet_drive.served >= step->times) {
            packet_drive.step++;
            packet_drive.served = 0;
        }
    } else {
        drive_behave(command);
    }
    spin_unlock(&packet_drive.lock);
    return ending;
}

/* ---- the transport ------------------------------------------------------------------------ */

void packet_drive_read_slowly(const struct scsi_command *command)
{
    if (command->cdb[0] == SCSI_READ_10)
        thread_sleep_until(time_now_us() + atomic_load(&packet_drive.read_us));
}

/* Completes the command before it returns, at the latest at its deadline, as IDE does. */
static void start_synchronous(struct scsi_command *command)
{
    status_t status;
    packet_drive_read_slowly(command);
    enum packet_drive_ending ending = packet_drive_serve(command, &status);
    if (ending == PACKET_DRIVE_HELD || ending == PACKET_DRIVE_LATE) {
        thread_sleep_until(command->base.deadline_us);
        status = -ETIMEDOUT;
    }

    /* Only the worker, which is this thread, reports it: it is still there the second time. */
    packet_queue_done(&packet_drive.queue, command, status);
    if (ending == PACKET_DRIVE_LATE)
        packet_queue_done(&packet_drive.queue, command, 0);
    if (ending == PACKET_DRIVE_TWICE)
        packet_queue_done(&packet_drive.queue, command, -ENODEV);
}

static void drive_start(struct packet_queue *queue, struct scsi_command *command)
{
    (void)queue;
    if (!packet_drive.kind.asynchronous) {
        start_synchronous(command);
        return;
    }
    spin_lock(&packet_drive.lock);
    for (unsigned i = 0; i < PACKET_OPENINGS_MAX; i++) {
        const struct scsi_command *other = packet_drive.slots[i].command;
        kassert(!other || (!other->base.alone && !command->base.alone));
    }
    struct packet_drive_slot *slot = &packet_drive.slots[command->base.tag];
    kassert(command->base.tag < packet_drive.kind.openings && !slot->command);
    *slot = (struct packet_drive_slot){ .command = command };
    wait_queue_wake_all(&packet_drive.changed);
    spin_unlock(&packet_drive.lock);
}

/* Returns the first command that was not served yet, or NULL. The caller holds the lock. */
static struct packet_drive_slot *find_slot(void)
{
    for (unsigned i = 0; i < PACKET_OPENINGS_MAX; i++)
        if (packet_drive.slots[i].command && !packet_drive.slots[i].served)
            return &packet_drive.slots[i];
    return NULL;
}

static void drive_main(void *unused)
{
    (void)unused;
    for (;;) {
        struct packet_drive_slot *slot;
        spin_lock(&packet_drive.lock);
        while (!(slot = find_slot()) && !packet_drive.stopping)
            IGNORE(wait_queue_wait(&packet_drive.changed, &packet_drive.lock, TIME_NEVER));
        packet_drive.serving = slot != NULL;
        spin_unlock(&packet_drive.lock);
        if (!slot)
            return;

        status_t status;
        struct scsi_command *command = slot->command;
        packet_drive_read_slowly(command);
        enum packet_drive_ending ending = packet_drive_serve(command, &status);

        /* The queue may use the tag again before packet_queue_done() returns. */
        if (ending == PACKET_DRIVE_ENDED || ending == PACKET_DRIVE_TWICE) {
            slot->command = NULL;
            packet_queue_done(&packet_drive.queue, command, status);
        }

        spin_lock(&packet_drive.lock);
        if (ending == PACKET_DRIVE_HELD || ending == PACKET_DRIVE_LATE)
            slot->served = true, slot->late = ending == PACKET_DRIVE_LATE;
        packet_drive.serving = false;
        wait_queue_wake_all(&packet_drive.changed);
        spin_unlock(&packet_drive.lock);
    }
}

/* Forgets every command. A late one ends now, after its deadline. */
static void drive_reset(struct packet_queue *queue)
{
    struct scsi_command *late[PACKET_OPENINGS_MAX];
    unsigned late_count = 0;
    spin_lock(&packet_drive.lock);
    packet_drive.resets++;

    /* A command that the thread serves at this moment may still end. */
    while (packet_drive.serving)
        IGNORE(wait_queue_wait(&packet_drive.changed, &packet_drive.lock, TIME_NEVER));
    for (unsigned i = 0; i < PACKET_OPENINGS_MAX; i++) {
        if (packet_drive.slots[i].command && packet_drive.slots[i].late)
            late[late_count++] = packet_drive.slots[i].command;
        packet_drive.slots[i] = (struct packet_drive_slot){ 0 };
    }
    spin_unlock(&packet_drive.lock);
    for (unsigned i = 0; i < late_count; i++)
        packet_queue_done(queue, late[i], 0);
}

static const struct packet_transport drive_transport = {
    .start = drive_start,
    .reset = drive_reset,
};

/* ---- setting it up ------------------------------------------------------------------------ */

void packet_drive_put_disc(unsigned disc, uint32_t blocks)
{
    spin_lock(&packet_drive.lock);
    packet_drive.attention = packet_drive.disc != 0;
    packet_drive.disc = disc;
    packet_drive.last_block = blocks - 1;
    packet_drive.block_bytes = BLOCK;
    spin_unlock(&packet_drive.lock);
}

void packet_drive_follow(const struct packet_drive_step *script)
{
    spin_lock(&packet_drive.lock);
    memcpy(packet_drive.script, script, sizeof(packet_drive.script));
    packet_drive.step = packet_drive.served = 0;
    memset(packet_drive.counts, 0, sizeof(packet_drive.counts));
    spin_unlock(&packet_drive.lock);
}

unsigned packet_drive_count(uint8_t operation)
{
    spin_lock(&packet_drive.lock);
    unsigned count = packet_drive.counts[operation];
    spin_unlock(&packet_drive.lock);
    return count;
}

status_t packet_drive_publish(void)
{
    const struct packet_drive_carrier *carrier = packet_drive.kind.carrier;
    if (carrier) {
        packet_drive.unit = carrier->plug_in(packet_drive.scsi.device_type);
        packet_drive.target = scsi_unit_of(packet_drive.unit);
        device_put(packet_drive.unit);
        return 0;
    }

    packet_drive.unit = device_create(device_root(), &(struct device_description){
        .name = "master",
        .bus = &scsi_bus,
        .bus_data = &packet_drive.scsi,
    });
    if (!packet_drive.unit)
        return -ENOMEM;
    packet_drive.scsi.device = packet_drive.unit;
    packet_drive.target = &packet_drive.scsi;
    status_t status = device_publish(packet_drive.unit);
    device_put(packet_drive.unit);
    return status;
}

void packet_drive_connect(uint8_t device_type, struct packet_drive_kind kind,
                          void (*behave)(struct scsi_command *command))
{
    packet_drive.kind = kind;
    packet_drive.behave = behave;
    packet_drive.scsi = (struct scsi_unit){
        .channel = &packet_drive.queue,
        .device_type = device_type,
        .model = "Table Drive",
        .firmware = "1.0",
        .transfer_bytes = TRANSFER,
        .segment_count = 8,
        .depth = kind.openings,
    };
    spin_init(&packet_drive.lock, RANK_QUEUE);
    wait_queue_init(&packet_drive.changed);
    atomic_init(&packet_drive.read_us, 0);
    if (kind.carrier)
        return;
    if (kind.asynchronous) {
        packet_drive.worker = thread_create("drive", PRIORITY_IO, drive_main, NULL);
        kassert(packet_drive.worker != NULL);
    }
    kassert(!packet_queue_start(&packet_drive.queue, "drive", &drive_transport, kind.openings));
}

struct device *packet_drive_plug_in_kind(unsigned disc, struct packet_drive_kind kind)
{
    memset(&packet_drive, 0, sizeof(packet_drive));
    packet_drive_connect(5, kind, NULL);
    if (disc)
        packet_drive_put_disc(disc, PACKET_DRIVE_DISC_BLOCKS);
    kassert(packet_drive_publish() == 0);
    struct device *cdrom = device_find("cdrom0");
    kassert(cdrom != NULL && device_is_read_only(cdrom) && device_block_bytes(cdrom) == BLOCK);
    return cdrom;
}

struct device *packet_drive_plug_in(unsigned disc)
{
    return packet_drive_plug_in_kind(disc, (struct packet_drive_kind){ .openings = 1 });
}

struct device *packet_drive_set_up(unsigned disc)
{
    kassert(io_start() == 0);
    kassert(device_start() == 0);
    return packet_drive_plug_in(disc);
}

void packet_drive_unplug(struct device *cdrom)
{
    if (packet_drive.kind.carrier)
        packet_drive.kind.carrier->unplug();
    packet_queue_stop(&packet_drive.queue);
    if (packet_drive.worker) {
        spin_lock(&packet_drive.lock);
        packet_drive.stopping = true;
        wait_queue_wake_all(&packet_drive.changed);
        spin_unlock(&packet_drive.lock);
        thread_join(packet_drive.worker);
    }
    device_put(cdrom);
}

/* Stops the channel first: its worker may still be completing a transfer, which leaves a reference
 * to the completion thread. */
void packet_drive_tear_down(struct device *cdrom)
{
    packet_drive_unplug(cdrom);
    device_stop();
    io_stop();
}

void packet_drive_assert_disc(const uint8_t *data, unsigned disc, uint32_t lba, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++)
        kassert(data[i] == disc_byte(disc, lba + (uint32_t)(i / BLOCK), i % BLOCK));
}

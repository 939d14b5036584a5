/*
 * packet_drive.c - see packet_drive.h. Commands are queued by the transport's submit() and answered
 * by a worker thread: by the script's next step when it is for them, else by drive_behave().
 */
#include "tests/host/packet_drive.h"

#include <errno.h>
#include <string.h>

#include "drivers/storage/scsi/cdrom/mmc.h"
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

static void answer_bytes(struct packet_command *command, uint32_t at, uint8_t byte)
{
    for (unsigned i = 0; i < command->segment_count; i++) {
        struct io_segment *segment = &command->segments[i];
        if (at < segment->length_bytes) {
            ((uint8_t *)segment->address)[at] = byte;
            return;
        }
        at -= segment->length_bytes;
    }
    panic("the segments are too short");
}

static void answer(struct packet_command *command, const uint8_t *data, uint32_t bytes)
{
    bytes = min(bytes, command->length_bytes);
    for (uint32_t i = 0; i < bytes; i++)
        answer_bytes(command, i, data[i]);
    command->done_bytes = bytes;
}

static void answer_sense(struct packet_command *command, uint8_t key, uint8_t asc, uint8_t ascq)
{
    command->status = -EIO;
    command->check_condition = true;
    command->sense[0] = 0x70;
    command->sense[2] = key;
    command->sense[12] = asc;
    command->sense[13] = ascq;
}

static void put_be32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void drive_read(struct packet_command *command)
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

static void drive_read_capacity(struct packet_command *command)
{
    uint8_t data[8];
    put_be32(data, packet_drive.last_block);
    put_be32(data + 4, packet_drive.block_bytes);
    answer(command, data, sizeof(data));
}

static void drive_read_disc_information(struct packet_command *command)
{
    uint8_t data[34] = { 0, 32, packet_drive.empty ? 0 : 0x0e };
    answer(command, data, sizeof(data));
}

/* Two sessions: at block 0, and at 00:04:00, which is block 150. */
static void drive_read_toc(struct packet_command *command)
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

static void drive_get_configuration(struct packet_command *command)
{
    uint8_t data[8] = { 0, 0, 0, 4, 0, 0, (uint8_t)(packet_drive.profile >> 8),
                        (uint8_t)packet_drive.profile };
    if (packet_drive.profile)
        answer(command, data, sizeof(data));
    else
        answer_sense(command, 5, 0x20, 0);
}

static void drive_start_stop(struct packet_command *command)
{
    if (packet_drive.locked)
        answer_sense(command, 2, 0x53, 2);
    else if (command->cdb[4] == 2)
        packet_drive.disc = 0;
}

static void drive_get_event(struct packet_command *command)
{
    kassert(command->cdb[1] == 1 && command->cdb[4] == 0x10);
    uint8_t data[8] = { 0, 6, 4, 0x10, packet_drive.button ? 1 : 0, packet_drive.disc ? 2 : 0 };
    packet_drive.button = false;
    answer(command, data, sizeof(data));
}

static void drive_behave(struct packet_command *command)
{
    uint8_t operation = command->cdb[0];
    bool needs_disc = operation == MMC_READ_10 || operation == MMC_READ_CAPACITY ||
                      operation == MMC_TEST_UNIT_READY || operation == MMC_READ_DISC_INFORMATION;
    if (packet_drive.attention && operation != MMC_GET_EVENT_STATUS) {
        packet_drive.attention = false;
        answer_sense(command, 6, 0x28, 0);
        return;
    }
    if (needs_disc && !packet_drive.disc) {
        answer_sense(command, 2, 0x3a, 0);
        return;
    }
    switch (operation) {
    case MMC_TEST_UNIT_READY: break;
    case MMC_READ_10: drive_read(command); break;
    case MMC_READ_CAPACITY: drive_read_capacity(command); break;
    case MMC_READ_DISC_INFORMATION: drive_read_disc_information(command); break;
    case MMC_READ_TOC: drive_read_toc(command); break;
    case MMC_GET_CONFIGURATION: drive_get_configuration(command); break;
    case MMC_START_STOP_UNIT: drive_start_stop(command); break;
    case MMC_PREVENT_ALLOW: packet_drive.locked = command->cdb[4]; break;
    case MMC_GET_EVENT_STATUS: drive_get_event(command); break;
    default: answer_sense(command, 5, 0x20, 0);
    }
}

/* True when the script had an answer. */
static bool drive_follow_script(struct packet_command *command)
{
    if (packet_drive.step == PACKET_DRIVE_STEPS_MAX)
        return false;
    const struct packet_drive_step *step = &packet_drive.script[packet_drive.step];
    bool is_answer = step->key || step->asc || step->status || step->cut;
    if (!is_answer || step->operation != command->cdb[0])
        return false;
    if (step->cut) {
        drive_behave(command);
        command->done_bytes /= 2;
    } else if (step->status) {
        command->status = step->status;
    } else {
        answer_sense(command, step->key, step->asc, step->ascq);
        if (step->valid)
            command->sense[0] |= 0x80;
        put_be32(command->sense + 3, step->information);
    }
    if (++packet_drive.served >= step->times) {
        packet_drive.step++;
        packet_drive.served = 0;
    }
    return true;
}

static void drive_serve(struct packet_command *command)
{
    spin_lock(&packet_drive.lock);
    command->status = 0;
    command->check_condition = false;
    command->done_bytes = 0;
    memset(command->sense, 0, sizeof(command->sense));
    packet_drive.counts[command->cdb[0]]++;
    if (!drive_follow_script(command))
        drive_behave(command);
    spin_unlock(&packet_drive.lock);
}

static void drive_main(void *unused)
{
    (void)unused;
    for (;;) {
        spin_lock(&packet_drive.lock);
        while (list_empty(&packet_drive.commands) && !packet_drive.stopping)
            IGNORE(wait_queue_wait(&packet_drive.arrival, &packet_drive.lock, TIME_NEVER));
        struct list *link = list_pop_front(&packet_drive.commands);
        spin_unlock(&packet_drive.lock);
        if (!link)
            return;
        struct packet_command *command = container_of(link, struct packet_command, link);
        if (command->not_before_us > time_now_us())
            thread_sleep_until(command->not_before_us);
        if (command->cdb[0] == MMC_READ_10)
            thread_sleep_until(time_now_us() + atomic_load(&packet_drive.read_us));
        drive_serve(command);
        command->complete(command);
    }
}

static void drive_submit(struct device *unit, struct packet_command *command)
{
    command->unit = unit;
    spin_lock(&packet_drive.lock);
    list_push_back(&packet_drive.commands, &command->link);
    wait_queue_wake_all(&packet_drive.arrival);
    spin_unlock(&packet_drive.lock);
}

static const struct packet_transport drive_transport = { .submit = drive_submit };

/* ---- putting it up ------------------------------------------------------------------------ */

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
    packet_drive.info.transport = &drive_transport;
    packet_drive.unit = device_create(device_root(), &(struct device_description){
        .name = "master",
        .bus = &packet_bus,
        .bus_data = &packet_drive.info,
    });
    if (!packet_drive.unit)
        return -ENOMEM;
    status_t status = device_publish(packet_drive.unit);
    device_put(packet_drive.unit);
    return status;
}

struct device *packet_drive_plug_in(unsigned disc)
{
    memset(&packet_drive, 0, sizeof(packet_drive));
    packet_drive.info = (struct packet_unit_info){
        .device_type = 5,
        .model = "Table Drive",
        .firmware = "1.0",
        .transfer_bytes = TRANSFER,
        .segment_count = 8,
    };
    spin_init(&packet_drive.lock, RANK_QUEUE);
    wait_queue_init(&packet_drive.arrival);
    list_init(&packet_drive.commands);
    atomic_init(&packet_drive.read_us, 0);
    if (disc)
        packet_drive_put_disc(disc, PACKET_DRIVE_DISC_BLOCKS);
    packet_drive.worker = thread_create("drive", PRIORITY_IO, drive_main, NULL);
    kassert(packet_drive.worker != NULL);
    kassert(packet_drive_publish() == 0);
    struct device *cdrom = device_find("cdrom0");
    kassert(cdrom != NULL && device_is_read_only(cdrom) &&
            device_block_bytes(cdrom) == BLOCK);
    return cdrom;
}

struct device *packet_drive_set_up(unsigned disc)
{
    kassert(io_start() == 0);
    kassert(device_start() == 0);
    return packet_drive_plug_in(disc);
}

void packet_drive_unplug(struct device *cdrom)
{
    spin_lock(&packet_drive.lock);
    packet_drive.stopping = true;
    wait_queue_wake_all(&packet_drive.arrival);
    spin_unlock(&packet_drive.lock);
    thread_join(packet_drive.worker);
    device_put(cdrom);
}

/* The drive's worker goes first: it may still be inside the end of a transfer, which leaves a
 * reference to the completion thread. */
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

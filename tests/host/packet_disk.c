/*
 * packet_disk.c - an emulated SCSI disk.
 */
#include "tests/host/packet_disk.h"

#include <string.h>

#include "drivers/storage/scsi/unit.h"
#include "lib/macros.h"

struct packet_disk packet_disk;

static const struct packet_drive_step invalid_command = { .key = 5, .asc = 0x20 };
static const struct packet_drive_step invalid_field = { .key = 5, .asc = 0x24 };

static void put_be(uint8_t *at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t get_be(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static void disk_inquire(struct scsi_command *command)
{
    uint8_t data[64] = { 0, packet_disk.removable ? 0x80 : 0, 5, 2, 31 };
    memcpy(data + 8, "TABLES  Table Disk      1.0 ", 28);
    if (!(command->cdb[1] & 1)) {
        packet_drive_answer(command, data, 36);
        return;
    }

    /* A page. */
    uint8_t page = command->cdb[2];
    memset(data, 0, sizeof(data));
    data[1] = page;
    if (packet_disk.no_pages || (page != 0 && page != 0xb0)) {
        packet_drive_refuse(command, invalid_field);
        return;
    }
    if (page == 0)
        data[3] = 3, data[5] = 0x83, data[6] = 0xb0;
    else
        data[3] = 60, put_be(data + 8, 4, packet_disk.limit_blocks);
    packet_drive_answer(command, data, sizeof(data));
}

static void disk_read_capacity(struct scsi_command *command, bool is_16)
{
    uint8_t data[32] = { 0 };
    uint64_t last = packet_disk.last_block;
    if (is_16) {
        put_be(data, 8, last);
        put_be(data + 8, 4, packet_disk.block_bytes);
    } else {
        put_be(data, 4, min(last, UINT32_MAX));
        put_be(data + 4, 4, packet_disk.block_bytes);
    }
    packet_drive_answer(command, data, is_16 ? 32 : 8);
}

static void disk_mode_sense(struct scsi_command *command)
{
    uint8_t data[8 + 8 + 20] = { 0, sizeof(data) - 2, 0, packet_disk.protected ? 0x80 : 0,
                                 [7] = 8, [16] = 8, 18, packet_disk.write_cache ? 4 : 0 };
    if (packet_disk.no_mode)
        packet_drive_refuse(command, invalid_field);
    else
        packet_drive_answer(command, data, sizeof(data));
}

static void disk_move(struct scsi_command *command, bool write, uint64_t first, uint64_t blocks)
{
    uint32_t block = packet_disk.block_bytes;
    uint64_t size = PACKET_DISK_BYTES / block;
    kassert(blocks * block == command->length_bytes);
    kassert(command->direction == (write ? SCSI_DATA_OUT : SCSI_DATA_IN));
    packet_disk.longest = max(packet_disk.longest, (unsigned)blocks);
    if (first > size || blocks > size - first) {
        packet_drive_refuse(command, (struct packet_drive_step){ .key = 5, .asc = 0x21 });
        return;
    }
    if (write && packet_disk.protected) {
        packet_drive_refuse(command, (struct packet_drive_step){ .key = 7, .asc = 0x27 });
        return;
    }
    uint64_t bad = max(first, packet_disk.bad_from);
    if (bad < first + blocks && bad < packet_disk.bad_to) {
        packet_drive_refuse(command, (struct packet_drive_step){
            .key = 3, .asc = write ? 0x0c : 0x11, .valid = !packet_disk.vague,
            .information = (uint32_t)bad });
        return;
    }

    uint8_t *image = packet_disk.image + first * block;
    for (uint32_t i = 0; i < command->length_bytes; i++) {
        uint8_t *byte = packet_drive_byte(command, i);
        if (write)
            image[i] = *byte;
        else
            *byte = image[i];
    }
    if (write && !packet_disk.write_cache)
        memcpy(packet_disk.durable, packet_disk.image, PACKET_DISK_BYTES);
    command->done_bytes = command->length_bytes;
}

static void disk_flush(struct scsi_command *command)
{
    if (packet_disk.no_flush)
        packet_drive_refuse(command, invalid_command);
    else
        memcpy(packet_disk.durable, packet_disk.image, PACKET_DISK_BYTES);
}

static void disk_start_stop(struct scsi_command *command)
{
    if (command->cdb[4] == SCSI_START)
        packet_disk.stopped = false;
    if (command->cdb[4] == SCSI_EJECT)
        packet_disk.present = false;
}

void packet_disk_behave(struct scsi_command *command)
{
    const uint8_t *cdb = command->cdb;
    bool without_medium = cdb[0] == SCSI_INQUIRY || cdb[0] == SCSI_START_STOP_UNIT ||
                          cdb[0] == SCSI_PREVENT_ALLOW;
    if (packet_disk.attention && cdb[0] != SCSI_INQUIRY) {
        packet_disk.attention = false;
        packet_drive_refuse(command, (struct packet_drive_step){ .key = 6, .asc = 0x28 });
        return;
    }
    if (!without_medium && (!packet_disk.present || packet_disk.stopped)) {
        packet_drive_refuse(command, packet_disk.stopped
            ? (struct packet_drive_step){ .key = 2, .asc = 4, .ascq = 2 }
            : (struct packet_drive_step){ .key = 2, .asc = 0x3a });
        return;
    }

    switch (cdb[0]) {
    case SCSI_TEST_UNIT_READY: break;
    case SCSI_INQUIRY: disk_inquire(command); break;
    case SCSI_READ_CAPACITY_10:
        if (packet_disk.only_16)
            packet_drive_refuse(command, invalid_command);
        else
            disk_read_capacity(command, false);
        break;
    case SCSI_SERVICE_ACTION_IN_16: disk_read_capacity(command, true); break;
    case SCSI_MODE_SENSE_10: disk_mode_sense(command); break;
    case SCSI_READ_10: disk_move(command, false, get_be(cdb + 2, 4), get_be(cdb + 7, 2)); break;
    case SCSI_WRITE_10: disk_move(command, true, get_be(cdb + 2, 4), get_be(cdb + 7, 2)); break;
    case SCSI_READ_16: disk_move(command, false, get_be(cdb + 2, 8), get_be(cdb + 10, 4)); break;
    case SCSI_WRITE_16: disk_move(command, true, get_be(cdb + 2, 8), get_be(cdb + 10, 4)); break;
    case SCSI_SYNCHRONIZE_CACHE_10: disk_flush(command); break;
    case SCSI_START_STOP_UNIT: disk_start_stop(command); break;
    case SCSI_PREVENT_ALLOW: packet_drive.locked = cdb[4]; break;
    default: packet_drive_refuse(command, invalid_command);
    }
}

/* ---- setting it up ------------------------------------------------------------------------ */

void packet_disk_reset(void)
{
    memset(&packet_disk, 0, sizeof(packet_disk));
    memset(packet_drive.script, 0, sizeof(packet_drive.script));
    packet_disk.present = packet_disk.write_cache = true;
    packet_disk.block_bytes = 512;
    packet_disk.last_block = PACKET_DISK_BYTES / 512 - 1;
    for (size_t i = 0; i < PACKET_DISK_BYTES; i++)
        packet_disk.image[i] = packet_disk.durable[i] = (uint8_t)(i * 7 + (i >> 9) * 13);
}

struct device *packet_disk_plug_in(struct packet_drive_kind kind)
{
    /* The script stays: it may be about the commands that identify the unit. */
    struct packet_drive_step script[PACKET_DRIVE_STEPS_MAX];
    memcpy(script, packet_drive.script, sizeof(script));
    memset(&packet_drive, 0, sizeof(packet_drive));
    memcpy(packet_drive.script, script, sizeof(script));
    packet_drive_connect(0, kind, packet_disk_behave);
    kassert(packet_drive_publish() == 0);
    return device_find("disk0");
}

void packet_disk_unplug(struct device *disk)
{
    packet_drive_unplug(disk);
}

void packet_disk_change(bool present)
{
    spin_lock(&packet_drive.lock);
    packet_disk.present = present;
    packet_disk.attention = present;
    spin_unlock(&packet_drive.lock);
}

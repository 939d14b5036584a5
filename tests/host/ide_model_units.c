/*
 * ide_model_units.c - the disks and CD drives of ide_model.h: what they report and store.
 */
#include <string.h>

#include "drivers/storage/scsi/unit.h"
#include "lib/macros.h"
#include "tests/host/ide_model.h"

enum { CDB_TRANSFER_LENGTH = 4, MODE_SELECT_10 = 0x55, MODE_SELECT_LENGTH = 8 };

static void put_text(uint16_t *words, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        uint16_t c = (uint8_t)(i < strlen(text) ? text[i] : ' ');
        words[i / 2] = i % 2 ? words[i / 2] | c : (uint16_t)(c << 8);
    }
}

static void identify_disk(const struct ide_model_unit *unit, uint16_t *words)
{
    uint64_t low = min(unit->sectors, (1u << 28) - 1);
    words[0] = 0x0040;
    words[60] = (uint16_t)low;
    words[61] = (uint16_t)(low >> 16);
    words[83] = (uint16_t)(0x4000 | (unit->lba48 ? 0x0400 : 0) | (unit->no_flush ? 0 : 0x1000) |
                           (unit->lba48 && !unit->no_flush ? 0x2000 : 0));
    words[85] = 0x0020;
    words[87] = 0x4000;
    for (unsigned i = 0; unit->lba48 && i < 4; i++)
        words[100 + i] = (uint16_t)(unit->sectors >> 16 * i);

    words[106] = 0x4000;
    if (unit->sector_bytes > 512) {
        words[106] |= 0x1000;
        words[117] = (uint16_t)(unit->sector_bytes / 2);
    }
    if (unit->physical_bytes > unit->sector_bytes)
        words[106] |= (uint16_t)(0x2000 | __builtin_ctz(unit->physical_bytes /
                                                        unit->sector_bytes));
}

void ide_model_identify(const struct ide_model_unit *unit, uint16_t *words)
{
    memset(words, 0, ATA_IDENTIFY_BYTES);
    words[49] = unit->no_dma ? 0x0200 : 0x0300;
    put_text(words + 10, "0001", 20);
    put_text(words + 23, "1.0", 8);
    if (unit->kind == IDE_MODEL_DISK) {
        put_text(words + 27, "MODEL DISK", 40);
        identify_disk(unit, words);
    } else {
        put_text(words + 27, "MODEL CD", 40);
        words[0] = 0x8580;
    }
    for (unsigned i = 0; i < ATA_IDENTIFY_WORDS; i++)
        if (unit->identify[i])
            words[i] = unit->identify[i];
}

void ide_model_sector(struct ide_model_unit *unit, uint64_t lba, uint8_t *memory, bool out)
{
    kassert(lba < unit->sectors);
    bool inside = lba >= unit->first_sector && lba - unit->first_sector < unit->image_sectors;
    uint8_t *image = unit->image + (lba - unit->first_sector) * unit->sector_bytes;
    if (!inside)
        memset(memory, 0, out ? 0 : unit->sector_bytes);
    else if (out)
        memcpy(image, memory, unit->sector_bytes);
    else
        memcpy(memory, image, unit->sector_bytes);
}

/* ---- packets -------------------------------------------------------------------------------- */

static void put_be32(uint8_t *at, uint64_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void answer(struct ide_model_channel *channel, const void *data, uint32_t bytes,
                   uint32_t wanted)
{
    memcpy(channel->answer, data, bytes);
    channel->answer_bytes = bytes;
    channel->left_bytes = min(bytes, wanted);
}

bool ide_model_packet(struct ide_model_channel *channel, struct ide_model_unit *unit)
{
    const uint8_t *cdb = channel->cdb;
    channel->answer_bytes = channel->left_bytes = 0;
    channel->out = false;
    unit->packets[cdb[0]]++;

    switch (cdb[0]) {
    case SCSI_TEST_UNIT_READY:
        return true;
    case SCSI_REQUEST_SENSE: {
        uint8_t sense[18] = { 0x70, [2] = unit->sense_key, [7] = 10, [12] = unit->sense_code };
        answer(channel, sense, sizeof(sense), cdb[CDB_TRANSFER_LENGTH]);
        return true;
    }
    case SCSI_READ_CAPACITY_10: {
        uint8_t capacity[8];
        put_be32(capacity, unit->sectors - 1);
        put_be32(capacity + 4, unit->sector_bytes);
        answer(channel, capacity, sizeof(capacity), sizeof(capacity));
        return true;
    }
    case SCSI_READ_10:
        channel->lba = (uint32_t)cdb[2] << 24 | cdb[3] << 16 | cdb[4] << 8 | cdb[5];
        channel->left_bytes = (uint32_t)(cdb[7] << 8 | cdb[8]) * unit->sector_bytes;
        return true;
    case MODE_SELECT_10:
        channel->out = true;
        channel->left_bytes = cdb[MODE_SELECT_LENGTH];
        unit->received_bytes = 0;
        return true;
    }

    /* ILLEGAL REQUEST, invalid operation code. */
    unit->sense_key = 5;
    unit->sense_code = 0x20;
    return false;
}

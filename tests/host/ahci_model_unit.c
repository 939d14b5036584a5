/*
 * ahci_model_unit.c - the units of an AHCI controller without hardware. See ahci_model.h.
 */
#include <string.h>

#include "tests/host/ahci_model_private.h"
#include "lib/macros.h"

enum {
    HEADER_ATAPI = 1 << 5, HEADER_WRITE = 1 << 6,
    DATA_BYTES_MAX = 1 << 20,
};

uint8_t ahci_model_byte(uint64_t offset)
{
    return (uint8_t)(offset * 7 + (offset >> 9) * 31 + (offset >> 17));
}

/* Moves data between the regions and a buffer; returns how much there was room for. */
static uint32_t move(struct ahci_model *model, struct ahci_model_carried *carried, uint8_t *data,
                     uint32_t bytes, bool to_unit)
{
    unsigned flags = carried->header[0] | carried->header[1] << 8;
    unsigned count = carried->header[2] | carried->header[3] << 8;
    const uint8_t *region = carried->fis + 0x80;
    uint32_t moved = 0;
    kassert(!bytes || to_unit == !!(flags & HEADER_WRITE));

    for (unsigned i = 0; i < count && moved < bytes; i++, region += 16) {
        uint32_t length = (get32(region + 12) & 0x3fffff) + 1;
        kassert(length % 2 == 0 && get32(region) % 2 == 0);
        uint8_t *memory = ahci_model_memory_at(model, get32(region), get32(region + 4));
        uint32_t piece = min(length, bytes - moved);
        memcpy(to_unit ? data + moved : memory, to_unit ? memory : data + moved, piece);
        moved += piece;
    }
    return moved;
}

static void put_text(uint8_t *words, unsigned first, unsigned count, const char *text)
{
    size_t length = strlen(text);
    for (unsigned i = 0; i < count * 2; i++)
        words[first * 2 + (i ^ 1)] = i < length ? (uint8_t)text[i] : ' ';
}

static void put_word(uint8_t *words, unsigned index, unsigned value)
{
    words[index * 2] = (uint8_t)value;
    words[index * 2 + 1] = (uint8_t)(value >> 8);
}

static void build_identity(const struct ahci_model *model, const struct ahci_model_port *port,
                           uint8_t *words)
{
    memset(words, 0, 512);
    unsigned packet_word = 0x8080 | (unsigned)model->packet_type << 8;
    put_word(words, 0, port->kind == AHCI_MODEL_CD ? packet_word : 0x0040);
    put_text(words, 10, 10, port->serial ? port->serial : "1");
    put_text(words, 23, 4, "1.0");
    put_text(words, 27, 20, port->kind == AHCI_MODEL_CD ? "Model Drive" : "Model Disk");
    put_word(words, 49, 0x0300);
    put_word(words, 53, 6);
    put_word(words, 60, AHCI_MODEL_SECTORS);
    put_word(words, 83, 0x7400);
    put_word(words, 86, 0x3400);
    put_word(words, 87, 0x4000);
    put_word(words, 100, AHCI_MODEL_SECTORS);
    if (port->queue_depth) {
        put_word(words, 75, port->queue_depth - 1);
        put_word(words, 76, 0x0106);
    }
}

/* Reads or writes sectors; sets the error if they are beyond the end. */
static void carry_sectors(struct ahci_model *model, struct ahci_model_carried *carried, bool write)
{
    const uint8_t *fis = carried->fis;
    uint64_t lba = fis[4] | (uint64_t)fis[5] << 8 | (uint64_t)fis[6] << 16;
    bool extended = carried->operation == READ_DMA_EXT || carried->operation == WRITE_DMA_EXT;
    uint32_t count = carried->queued ? fis[3] | (uint32_t)fis[11] << 8
                     : extended      ? fis[12] | (uint32_t)fis[13] << 8
                                     : fis[12];
    kassert(fis[7] & 0x40);
    if (carried->queued)
        kassert(fis[12] >> 3 == (uint8_t)carried->slot);
    if (extended || carried->queued)
        lba |= (uint64_t)(fis[8] | fis[9] << 8) << 24 | (uint64_t)fis[10] << 40;
    else
        lba |= (uint64_t)(fis[7] & 15) << 24;
    if (!count)
        count = extended || carried->queued ? 65536 : 256;

    if (lba + count > AHCI_MODEL_SECTORS) {
        carried->status = STATUS_ERR;
        carried->error = ERROR_IDNF;
        return;
    }
    uint32_t bytes = count * AHCI_MODEL_SECTOR_BYTES;
    if (carried->step.half)
        bytes /= 2;
    carried->done_bytes = move(model, carried, carried->port->sectors + lba * 512, bytes, write);
}

static void carry_packet(struct ahci_model *model, struct ahci_model_carried *carried)
{
    static uint8_t data[DATA_BYTES_MAX];
    const uint8_t *region = carried->fis + 0x80;
    unsigned count = carried->header[2] | carried->header[3] << 8;
    struct ahci_packet packet = {
        .cdb = carried->fis + 0x40,
        .write = carried->header[0] & HEADER_WRITE,
        .data = data,
        .status = STATUS_GOOD,
    };
    kassert(carried->header[0] & HEADER_ATAPI);
    for (unsigned i = 0; i < count; i++)
        packet.bytes += (get32(region + i * 16 + 12) & 0x3fffff) + 1;
    kassert(packet.bytes <= sizeof(data));

    if (packet.write)
        move(model, carried, data, packet.bytes, true);
    model->packet(&packet);
    carried->status = packet.status;
    carried->hang = packet.hang;
    carried->events = packet.events;
    carried->step.doubled |= packet.doubled;
    if (packet.hang || packet.events)
        return;
    carried->done_bytes =
        packet.write ? packet.bytes : move(model, carried, data, packet.bytes, false);
}

static void carry_block(struct ahci_model *model, struct ahci_model_carried *carried,
                        uint8_t *block)
{
    carried->done_bytes = move(model, carried, block, 512, false);
}

void ahci_model_carry_out(struct ahci_model *model, struct ahci_model_carried *carried)
{
    struct ahci_model_port *port = carried->port;
    uint8_t words[512];
    carried->status = STATUS_GOOD;

    if (carried->step.status) {
        carried->status = carried->step.status;
        carried->error = carried->step.error;
        return;
    }
    carried->hang = carried->step.hang;
    carried->events = carried->step.events;
    if (carried->hang || carried->events)
        return;

    bool disk = port->kind == AHCI_MODEL_DISK;
    switch (carried->operation) {
    case IDENTIFY:
    case IDENTIFY_PACKET:
        kassert(disk == (carried->operation == IDENTIFY));
        build_identity(model, port, words);
        carry_block(model, carried, words);
        break;
    case READ_DMA:
    case READ_DMA_EXT:
    case READ_FPDMA: carry_sectors(model, carried, false); break;
    case WRITE_DMA:
    case WRITE_DMA_EXT:
    case WRITE_FPDMA: carry_sectors(model, carried, true); break;
    case FLUSH:
    case FLUSH_EXT: break;
    case PACKET: carry_packet(model, carried); break;
    case READ_LOG_EXT:
        kassert(carried->fis[4] == 0x10 && carried->fis[12] == 1);
        if (!port->no_log) {
            carry_block(model, carried, port->log);
            break;
        }
        /* fall through */
    default:
        carried->status = STATUS_ERR;
        carried->error = ERROR_ABRT;
    }
}

void ahci_model_fill_log(struct ahci_model_carried *carried)
{
    uint8_t *log = carried->port->log, sum = 0;
    memset(log, 0, 512);
    log[0] = (uint8_t)carried->slot;
    log[2] = carried->status;
    log[3] = carried->error;
    memcpy(log + 4, carried->fis + 4, 3);
    memcpy(log + 8, carried->fis + 8, 3);
    for (unsigned i = 0; i < 511; i++)
        sum = (uint8_t)(sum + log[i]);
    log[511] = (uint8_t)-sum;
}

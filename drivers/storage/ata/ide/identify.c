/*
 * identify.c - which units stand on a channel.
 *
 * detect      Registers of a unit keep what is written to them; a floating bus reads as ones. Only
 *             where something answers is the channel reset, so an empty one costs a few port
 *             accesses. A master alone answers for the slave's registers too: the next step tells.
 * identify    After the reset a unit shows its signature; an IDENTIFY command proves it. A packet
 *             unit's status may be all zero until then, and it need not be ready.
 */
#include "drivers/storage/ata/ide/ata.h"
#include "kernel/log.h"
#include "kernel/x86/ports.h"

enum {
    IDENTIFY_WORDS = 256,
    IDENTIFY_CONFIGURATION = 0, /* packet length 1:0, device type 12:8 */
    IDENTIFY_SERIAL = 10,
    IDENTIFY_FIRMWARE = 23,
    IDENTIFY_MODEL = 27,
    IDENTIFY_CAPABILITIES = 49,
    IDENTIFY_DMA_DIRECTION = 62,
    CAPABILITY_DMA = 1 << 8,
    NEEDS_DMA_DIRECTION = 1 << 15,

    TRANSFER_BYTES_MAX = 1 << 20, /* its table fits a page however scattered the memory is */
    STATUS_FLOATING = 0xff,
    STATUS_PULLED_DOWN = 0x7f, /* a floating bus whose bit 7 has a resistor */
};

/* LBA mid and high after a reset. The second pair: units behind a SATA bridge. */
enum { SIGNATURE_PACKET = 0xeb14, SIGNATURE_PACKET_SATA = 0x9669, SIGNATURE_DISK_SATA = 0xc33c };

static bool unit_answers(struct ata_unit *unit)
{
    const struct ata_channel *channel = unit->channel;
    ata_point(unit);
    uint8_t status = ata_status(channel);
    if (status == STATUS_FLOATING || status == STATUS_PULLED_DOWN)
        return false;
    if (status & STATUS_BSY) /* starting up: its registers cannot be written yet */
        return true;
    port_out8(ata_port(channel, ATA_SECTOR_COUNT), 0x55);
    port_out8(ata_port(channel, ATA_LBA_LOW), 0xaa);
    return port_in8(ata_port(channel, ATA_SECTOR_COUNT)) == 0x55 &&
           port_in8(ata_port(channel, ATA_LBA_LOW)) == 0xaa;
}

/* Reads the 256 words that describe the unit. -ENODEV when it does not know the command. */
static status_t unit_identify(struct ata_unit *unit, uint8_t command, uint16_t *words)
{
    struct ata_channel *channel = unit->channel;
    if (ata_select(unit))
        return -ENODEV;
    port_out8(ata_port(channel, ATA_FEATURES), 0);
    port_out8(ata_port(channel, ATA_COMMAND), command);
    ata_settle(channel);
    /* Where nobody listens the status is zero now, and the wait over at once. */
    if (ata_wait(channel, STATUS_BSY, 0, DEADLINE_ATA_IDENTIFY_US))
        return -ENODEV;
    uint8_t status = port_in8(ata_port(channel, ATA_STATUS));
    if (!(status & STATUS_DRQ) || status & STATUS_ERR)
        return -ENODEV;
    port_in16_string(ata_port(channel, ATA_DATA), words, IDENTIFY_WORDS);
    ata_settle(channel);
    return 0;
}

/* Strings lie in words, first character high, filled up with spaces - or with anything. */
static void identify_text(const uint16_t *words, char *text, size_t bytes)
{
    size_t length = 0, end = 0;
    for (size_t i = 0; i + 1 < bytes; i++) {
        char c = (char)(i % 2 ? words[i / 2] & 0xff : words[i / 2] >> 8);
        if (!c)
            break;
        if (c < ' ' || c > '~')
            c = '?';
        if (c == ' ' && !length)
            continue;
        text[length++] = c;
        if (c != ' ')
            end = length;
    }
    text[end] = '\0';
}

static void unit_configure(struct ata_unit *unit, const uint16_t *words)
{
    struct packet_unit_info *info = &unit->info;
    bool bus_master = unit->channel->bus_master_port != 0;
    unit->is_packet = true;
    unit->packet_bytes = (words[IDENTIFY_CONFIGURATION] & 3) == 1 ? 16 : 12;
    unit->dma_direction = words[IDENTIFY_DMA_DIRECTION] & NEEDS_DMA_DIRECTION;
    info->device_type = words[IDENTIFY_CONFIGURATION] >> 8 & 0x1f;
    info->dma = bus_master && words[IDENTIFY_CAPABILITIES] & CAPABILITY_DMA;
    info->highest_address = info->dma ? UINT32_MAX : 0;
    info->transfer_bytes = TRANSFER_BYTES_MAX;
    info->segment_count = IO_SEGMENTS_MAX;
    info->segment_align = info->dma ? 2 : 0;
}

static void identify_texts(struct packet_unit_info *info, const uint16_t *words)
{
    identify_text(words + IDENTIFY_MODEL, info->model, sizeof(info->model));
    identify_text(words + IDENTIFY_FIRMWARE, info->firmware, sizeof(info->firmware));
    identify_text(words + IDENTIFY_SERIAL, info->serial, sizeof(info->serial));
}

static void unit_probe_packet(struct ata_unit *unit)
{
    uint16_t words[IDENTIFY_WORDS];
    unit->answers = !unit_identify(unit, COMMAND_IDENTIFY_PACKET, words);
    if (!unit->answers)
        return;
    identify_texts(&unit->info, words);
    unit_configure(unit, words);
}

static void unit_probe_disk(struct ata_unit *unit)
{
    uint16_t words[IDENTIFY_WORDS];
    unit->answers = !unit_identify(unit, COMMAND_IDENTIFY, words);
    if (!unit->answers)
        return;
    identify_texts(&unit->info, words);
    log_info(unit->channel->name, "%s is the disk %s; disks are not driven yet",
             unit->number ? "slave" : "master", unit->info.model);
}

static void unit_probe(struct ata_unit *unit)
{
    struct ata_channel *channel = unit->channel;
    ata_point(unit);
    unsigned signature = port_in8(ata_port(channel, ATA_LBA_MID)) |
                         (unsigned)port_in8(ata_port(channel, ATA_LBA_HIGH)) << 8;
    if (signature == SIGNATURE_PACKET || signature == SIGNATURE_PACKET_SATA)
        unit_probe_packet(unit);
    else if (signature == SIGNATURE_DISK_SATA || (signature == 0 && ata_status(channel)))
        unit_probe_disk(unit);
    else
        unit->answers = false; /* the master answered for it */
}

void ata_identify_units(struct ata_channel *channel)
{
    struct ata_unit *units = channel->units;
    channel->polled = true; /* until the line is connected */
    port_out8(channel->control_port, CONTROL_NIEN);
    units[0].answers = unit_answers(&units[0]);
    units[1].answers = unit_answers(&units[1]);
    if (!units[0].answers && !units[1].answers)
        return;
    ata_reset(channel);
    for (unsigned i = 0; i < 2; i++)
        if (units[i].answers)
            unit_probe(&units[i]);
}

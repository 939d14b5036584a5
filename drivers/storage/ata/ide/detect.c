/*
 * detect.c - which units a channel has.
 *
 * The registers of a unit keep what is written to them; a floating bus reads as ones. The channel
 * is reset only if a unit answers, so an empty one costs a few port accesses. A master that is
 * alone also answers for the slave's registers; the signature after the reset distinguishes them,
 * and an IDENTIFY command proves that there is a unit. A packet unit's status may be all zero until
 * then, and the unit need not be ready.
 */
#include "drivers/storage/ata/ide/ide.h"

enum { TRANSFER_BYTES_MAX = 1 << 20 }; /* its table fits a page, however scattered the memory is */

static bool port_answers(struct ide_port *port)
{
    const struct ide_channel *channel = port->channel;
    ide_point(port);
    uint8_t status = ide_status(channel);
    if (ide_status_floats(status))
        return false;

    /* A unit that is starting up ignores what is written to its registers. Reset and
     * IDENTIFY decide. */
    if (status & ATA_STATUS_BSY)
        return true;

    /* Two patterns, so that neither a floating nor a grounded bus passes. */
    ide_write(channel, IDE_SECTOR_COUNT, 0x55);
    ide_write(channel, IDE_LBA_LOW, 0xaa);
    return ide_read(channel, IDE_SECTOR_COUNT) == 0x55 &&
           ide_read(channel, IDE_LBA_LOW) == 0xaa;
}

/* Chooses how data are carried, and sets the limits of that. */
static void configure(struct ide_port *port)
{
    struct ata_port *ata = &port->ata;
    ata->dma = ide_has_dma(port->channel) && ata->identity.dma;

    /* A command may be as long as the table of the bus master allows, in as many pieces as
     * kernel/dev sends. PIO takes any memory; the bus master has 32 address bits and moves
     * words. */
    ata->limits = (struct io_limits){
        .transfer_bytes = TRANSFER_BYTES_MAX,
        .segment_count = IO_SEGMENTS_MAX,
        .highest_address = ata->dma ? UINT32_MAX : 0,
        .segment_align = ata->dma ? 2 : 0,
    };
}

/* Reads the signature that the unit shows after a reset; ATA_SIGNATURE_NONE without a unit. */
static unsigned read_signature(struct ide_port *port)
{
    struct ide_channel *channel = port->channel;
    if (!port->answers)
        return ATA_SIGNATURE_NONE;

    ide_point(port);
    unsigned signature = ide_read(channel, IDE_LBA_MID) |
                         (unsigned)ide_read(channel, IDE_LBA_HIGH) << 8;

    /* The registers of a slave that is absent read as zero, its status included. */
    bool absent = signature == ATA_SIGNATURE_DISK && !ide_status(channel);
    return absent ? ATA_SIGNATURE_NONE : signature;
}

status_t ide_detect_units(struct ide_channel *channel)
{
    struct ide_port *ports = channel->ports;
    channel->polled = true; /* until the line is connected */

    /* The probing commands are polled: with nIEN set no interrupt of theirs is left over. */
    ide_control(channel, IDE_CONTROL_NIEN);

    /* A reset takes milliseconds, which an empty channel is spared. */
    ports[0].answers = port_answers(&ports[0]);
    ports[1].answers = port_answers(&ports[1]);
    if (!ports[0].answers && !ports[1].answers)
        return 0;

    status_t status = packet_queue_start(&channel->queue, channel->name, &ide_transport, 1);
    if (status)
        return status;

    /* The queue's worker has nothing to do yet, so the registers are still this thread's. */
    ide_reset(channel);

    /* Both signatures first: a command to one unit writes the registers of both (ATA-6 7.1). */
    unsigned signatures[2];
    for (unsigned i = 0; i < 2; i++)
        signatures[i] = read_signature(&ports[i]);

    /* IDENTIFY corrects `answers`: a later reset does not wait for a unit that is not there. */
    for (unsigned i = 0; i < 2; i++) {
        ports[i].answers = ata_port_identify(&ports[i].ata, signatures[i]);
        if (ports[i].answers)
            configure(&ports[i]);
    }

    /* An empty channel takes no thread. */
    if (!ports[0].answers && !ports[1].answers)
        packet_queue_stop(&channel->queue);
    return 0;
}

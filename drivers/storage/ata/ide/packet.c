/*
 * packet.c - the PACKET command (ATA/ATAPI-6 9.8), which carries a SCSI command to a unit.
 *
 *     select -> PACKET -> DRQ: send the CDB -> { interrupt -> DRQ: move a burst }* -> status
 *
 * By DMA the loop in the middle is a single interrupt. The unit announces the length of each burst.
 * It may be shorter than requested, odd, or exceed the data; the excess is moved and dropped, so
 * that the unit gets to its status.
 *
 * A command that fails in any other way than CHECK CONDITION leaves the channel in an unknown
 * state. The queue then resets the channel before it reports the failure.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "lib/macros.h"

enum {
    /* The interrupt reason register: what kind of transfer the unit requests by DRQ. */
    REASON_PACKET = 1 << 0, /* C/D: it wants a packet, or the command has ended */
    REASON_IN = 1 << 1,     /* I/O: data to the host */
};

/* Translates the status register at the end of a command. -EIO for a device fault. */
static status_t take_status(struct scsi_command *command, uint8_t status)
{
    if (status & ATA_STATUS_ERR) {
        command->unit_status = SCSI_CHECK_CONDITION;
        return 0;
    }
    return status & ATA_STATUS_DF ? -EIO : 0;
}

/* ---- data --------------------------------------------------------------------------------- */

/* Moves the burst that the unit announces. -EIO if it wants anything else: unit and driver are out
 * of step, which only a reset ends. */
static status_t move_burst(struct ide_channel *channel, const struct scsi_command *command,
                           struct ata_data *data)
{
    uint8_t reason = ide_read(channel, IDE_INTERRUPT_REASON) & (REASON_PACKET | REASON_IN);
    uint32_t bytes = ide_read(channel, IDE_BYTE_COUNT_LOW) |
                     (uint32_t)ide_read(channel, IDE_BYTE_COUNT_HIGH) << 8;

    /* A unit that sends data for a command without any is let through: they are dropped. */
    bool out = command->direction == SCSI_DATA_OUT;
    if (reason != (out ? 0 : REASON_IN) || !bytes)
        return -EIO;

    /* The last word of the burst may raise the next interrupt. */
    ide_expect(channel);
    if (out)
        ide_give(channel, data, bytes);
    else
        ide_take(channel, data, bytes);
    ide_settle(channel);
    return 0;
}

static status_t finish_pio(struct ide_channel *channel, struct scsi_command *command)
{
    struct ata_data data = ata_data_of_packet(command);
    for (;;) {
        status_t status = ide_await(channel, false, command->base.deadline_us);
        if (status)
            return status;

        /* A unit that always has more data to move must end, too. */
        if (time_now_us() > command->base.deadline_us)
            return -ETIMEDOUT;

        /* Reading the status acknowledges the interrupt, so it comes
         * before the data of the burst. */
        uint8_t ended = ide_read(channel, IDE_STATUS);
        if (!(ended & ATA_STATUS_DRQ))
            return take_status(command, ended);

        /* A failed command may leave data, which are of no use. */
        if (ended & (ATA_STATUS_ERR | ATA_STATUS_DF)) {
            ide_drain(channel);
            return take_status(command, ended);
        }

        status = move_burst(channel, command, &data);
        command->done_bytes = command->length_bytes - data.left_bytes;
        if (status)
            return status;
    }
}

static status_t finish_dma(struct ide_channel *channel, struct scsi_command *command)
{
    status_t status = ide_await(channel, true, command->base.deadline_us);

    /* Stopped even if the unit is late: the memory is given back after this, so no late DMA
     * may reach it. */
    bool whole = ide_dma_stop(channel);
    if (status)
        return status;

    /* The bus master does not count the bytes that it moved: all of them, or an unknown part. */
    uint8_t ended = ide_read(channel, IDE_STATUS);

    /* The unit has more data than requested. The next command must find it idle. */
    if (ended & ATA_STATUS_DRQ)
        ide_drain(channel);

    if (whole)
        command->done_bytes = command->length_bytes;
    status = take_status(command, ended);

    /* A unit that reports success but left memory unused was cut short by the bus. */
    bool refused = command->unit_status == SCSI_CHECK_CONDITION;
    return status || refused || whole ? status : -EIO;
}

/* ---- the packet --------------------------------------------------------------------------- */

static void send_registers(struct ide_port *port, const struct scsi_command *command, bool dma)
{
    struct ide_channel *channel = port->channel;
    const struct ata_taskfile taskfile = ata_packet_taskfile(&port->ata, command, dma);
    ide_write(channel, IDE_FEATURES, (uint8_t)taskfile.features);
    ide_write(channel, IDE_BYTE_COUNT_LOW, (uint8_t)(taskfile.lba >> 8));
    ide_write(channel, IDE_BYTE_COUNT_HIGH, (uint8_t)(taskfile.lba >> 16));
    ide_write(channel, IDE_COMMAND, taskfile.operation);
    ide_settle(channel);
}

/* Brings the CDB to the unit. *sent: false if the unit refused the PACKET command itself, which
 * is a check condition like any other. */
static status_t send_packet(struct ide_port *port, struct scsi_command *command, bool dma,
                            bool *sent)
{
    struct ide_channel *channel = port->channel;
    send_registers(port, command, dma);

    /* The unit asks for the packet by DRQ, within 3 ms or 50 us by its kind (ATA-6 8.16). */
    status_t status = ide_wait(channel, ATA_STATUS_BSY, 0, DEADLINE_ATA_DRQ_US);
    if (status)
        return status;

    /* Some units raise an interrupt here, which is not wanted: reading the status acknowledges it.
     * No DRQ: the unit ended the command instead. Its status has the reason. */
    uint8_t ready = ide_read(channel, IDE_STATUS);
    *sent = ready & ATA_STATUS_DRQ;
    if (!*sent) {
        status = take_status(command, ready);
        return command->unit_status == SCSI_GOOD ? -EIO : status;
    }

    ide_expect(channel);
    ide_give_packet(channel, command->cdb, port->ata.identity.packet_bytes);

    /* The bus master starts last: the unit must know the command that its data belong to. */
    if (dma)
        ide_dma_start(channel, command->direction == SCSI_DATA_IN);
    return 0;
}

/* Carries a command to its end. -EIO or -ETIMEDOUT: the channel needs a reset. */
static status_t carry(struct ide_port *port, struct scsi_command *command, bool dma)
{
    status_t status = ide_acquire(port);
    if (status)
        return status;

    /* A unit that refused the packet has ended the command already;
     * there is no data to wait for. */
    bool sent = false;
    status = send_packet(port, command, dma, &sent);
    if (status || !sent)
        return status;
    return dma ? finish_dma(port->channel, command) : finish_pio(port->channel, command);
}

/* Returns whether the command's data are to be carried by DMA, and prepares that. DMA is for bulk
 * data: short answers vary in length, which only PIO reports. */
static bool use_dma(struct ide_port *port, const struct scsi_command *command)
{
    return port->ata.dma && command->length_bytes >= SCSI_BULK_BYTES &&
           ide_dma_prepare(port->channel, ata_data_of_packet(command),
                           command->direction == SCSI_DATA_IN);
}

static void transport_start(struct packet_queue *queue, struct scsi_command *command)
{
    struct ide_port *port = container_of(ata_port_of(command), struct ide_port, ata);
    bool dma = use_dma(port, command);
    status_t status = carry(port, command, dma);

    if (dma)
        ata_port_count_dma(&port->ata, status);
    packet_queue_done(queue, command, status);
}

static void transport_reset(struct packet_queue *queue)
{
    ide_reset(container_of(queue, struct ide_channel, queue));
}

const struct packet_transport ide_transport = {
    .start = transport_start,
    .reset = transport_reset,
};

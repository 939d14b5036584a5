/*
 * packet.c - the PACKET command (ATA/ATAPI-6 9.8), which carries a SCSI command to a unit.
 *
 *     select -> PACKET -> DRQ: send the CDB -> { interrupt -> DRQ: take a burst }* -> status
 *
 * By DMA the loop in the middle is a single interrupt. The unit announces the length of each burst.
 * It may be shorter than requested, odd, or exceed the wanted data; the excess is read and
 * dropped, so that the unit gets to its status.
 *
 * A command that fails in any other way than CHECK CONDITION leaves the channel in an unknown
 * state. The packet queue then resets the channel before it reports the failure.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"

enum {
    BURST_BYTES_MAX = 0xfffe, /* the largest even number in the byte count registers */

    /* The interrupt reason register: what kind of transfer the unit requests by DRQ. */
    REASON_IN = 1 << 1, /* I/O set, C/D clear: data to the host */
    REASON_MASK = 3,
};

/* ---- bursts ------------------------------------------------------------------------------- */

/* Where in the command's memory the next byte goes. */
struct cursor {
    struct scsi_command *command;
    unsigned segment;
    uint32_t offset;
};

/* Returns how much of `bytes` fits at the cursor in one piece; 0 at the end of the wanted data. */
static uint32_t cursor_room(struct cursor *cursor, uint32_t bytes, uint8_t **memory)
{
    struct scsi_command *command = cursor->command;
    uint32_t wanted = command->length_bytes - command->done_bytes;

    /* Segments may together exceed the wanted data, and some of them may be empty. */
    while (wanted && cursor->segment < command->segment_count) {
        struct io_segment *segment = &command->segments[cursor->segment];
        uint32_t room = segment->length_bytes - cursor->offset;
        if (room) {
            *memory = (uint8_t *)segment->address + cursor->offset;
            room = min(room, wanted);
            return min(room, bytes);
        }
        cursor->segment++;
        cursor->offset = 0;
    }
    return 0;
}

static void cursor_advance(struct cursor *cursor, uint32_t bytes)
{
    cursor->offset += bytes;
    cursor->command->done_bytes += bytes;
}

/* Takes a word whose two bytes may go to different segments, or nowhere. */
static void take_word(struct cursor *cursor, uint16_t port, uint32_t bytes)
{
    /* The data register has 16 bits; the first byte of the data is in the lower half. */
    uint16_t word = port_in16(port);
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t *memory;
        if (!cursor_room(cursor, 1, &memory))
            return;
        *memory = (uint8_t)(word >> 8 * i);
        cursor_advance(cursor, 1);
    }
}

static void take_burst(struct cursor *cursor, uint16_t port, uint32_t bytes)
{
    while (bytes) {
        uint8_t *memory;
        uint32_t words = cursor_room(cursor, bytes, &memory) / 2;

        /* Whole words that stay inside one segment: a string instruction moves them at once. */
        if (words) {
            port_in16_string(port, memory, words);
            cursor_advance(cursor, words * 2);
            bytes -= words * 2;
        } else {
            /* An odd end, a seam between segments, or data beyond the wanted ones. */
            uint32_t rest = min(bytes, 2u);
            take_word(cursor, port, rest);
            bytes -= rest;
        }
    }
}

/* Drops the data of a unit that failed and still holds DRQ, up to a burst. */
static void drain(struct ide_channel *channel)
{
    for (unsigned i = 0; i < BURST_BYTES_MAX / 2 && ide_status(channel) & ATA_STATUS_DRQ; i++)
        (void)port_in16(ide_register(channel, IDE_DATA));
}

/* ---- protocol ----------------------------------------------------------------------------- */

/* Translates the status register at the end of a command. -EIO for a device fault. */
static status_t take_status(struct scsi_command *command, uint8_t status)
{
    if (status & ATA_STATUS_ERR) {
        command->unit_status = SCSI_CHECK_CONDITION;
        return 0;
    }
    return status & ATA_STATUS_DF ? -EIO : 0;
}

static status_t finish_pio(struct ide_channel *channel, struct scsi_command *command)
{
    struct cursor cursor = { .command = command };
    for (;;) {
        status_t status = ide_await(channel, false, command->base.deadline_us);
        if (status)
            return status;

        /* A unit that always has more data to send must end, too. */
        if (time_now_us() > command->base.deadline_us)
            return -ETIMEDOUT;

        /* Reading the status acknowledges the interrupt, so it comes
         * before the data of the burst. */
        uint8_t ended = port_in8(ide_register(channel, IDE_STATUS));
        if (!(ended & ATA_STATUS_DRQ))
            return take_status(command, ended);

        /* A failed command may leave data, which are of no use. */
        if (ended & (ATA_STATUS_ERR | ATA_STATUS_DF)) {
            drain(channel);
            return take_status(command, ended);
        }

        /* The burst that the unit announces: its direction and its length. */
        uint8_t reason = port_in8(ide_register(channel, IDE_INTERRUPT_REASON)) & REASON_MASK;
        uint32_t bytes = port_in8(ide_register(channel, IDE_BYTE_COUNT_LOW)) |
                         (uint32_t)port_in8(ide_register(channel, IDE_BYTE_COUNT_HIGH)) << 8;

        /* It wants data or another packet: unit and driver are out of step, which only
         * a reset ends. */
        if (reason != REASON_IN || !bytes)
            return -EIO;

        /* The last word of the burst may raise the next interrupt. */
        ide_expect(channel);
        take_burst(&cursor, ide_register(channel, IDE_DATA), bytes);
        ide_settle(channel);
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
    uint8_t ended = port_in8(ide_register(channel, IDE_STATUS));

    /* The unit has more data than requested. The next command must find it idle. */
    if (ended & ATA_STATUS_DRQ)
        drain(channel);

    if (whole)
        command->done_bytes = command->length_bytes;
    status = take_status(command, ended);

    /* A unit that reports success but left memory unfilled was cut short by the bus. */
    bool refused = command->unit_status == SCSI_CHECK_CONDITION;
    return status || refused || whole ? status : -EIO;
}

/* Brings the CDB to the unit. *sent: false if the unit refused the PACKET command itself, which
 * is a check condition like any other. */
static status_t send_packet(struct ide_port *port, struct scsi_command *command, bool dma,
                            bool *sent)
{
    struct ide_channel *channel = port->channel;

    /* Without the direction bit, units that ask for it would wait for data from the host. */
    uint8_t features = dma ? ATA_PACKET_DMA : 0;
    if (dma && port->ata.identity.dma_direction)
        features |= ATA_PACKET_DMA_IN;

    /* The longest burst that the unit may announce; 0 is refused even without data. */
    uint32_t burst = command->length_bytes + command->length_bytes % 2;
    if (!burst || burst > BURST_BYTES_MAX)
        burst = BURST_BYTES_MAX;

    port_out8(ide_register(channel, IDE_FEATURES), features);
    port_out8(ide_register(channel, IDE_BYTE_COUNT_LOW), (uint8_t)burst);
    port_out8(ide_register(channel, IDE_BYTE_COUNT_HIGH), (uint8_t)(burst >> 8));
    port_out8(ide_register(channel, IDE_COMMAND), ATA_PACKET);
    ide_settle(channel);

    /* The unit asks for the packet by DRQ, within 3 ms or 50 us by its kind (ATA-6 8.16). */
    status_t status = ide_wait(channel, ATA_STATUS_BSY, 0, DEADLINE_ATA_DRQ_US);
    if (status)
        return status;

    /* No DRQ: the unit ended the command instead. Its status has the reason. */
    *sent = ide_status(channel) & ATA_STATUS_DRQ;
    if (!*sent) {
        status = take_status(command, port_in8(ide_register(channel, IDE_STATUS)));
        return command->unit_status == SCSI_GOOD ? -EIO : status;
    }

    /* Some units raise an interrupt here, which is not wanted: acknowledge it. */
    (void)port_in8(ide_register(channel, IDE_STATUS));
    ide_expect(channel);
    port_out16_string(ide_register(channel, IDE_DATA), command->cdb,
                      port->ata.identity.packet_bytes / 2);

    /* The bus master starts last: the unit must know the command that its data belong to. */
    if (dma)
        ide_dma_start(channel);
    ide_settle(channel);
    return 0;
}

/* Carries a command to its end. -EIO or -ETIMEDOUT: the channel needs a reset. */
static status_t carry(struct ide_port *port, struct scsi_command *command, bool dma)
{
    /* A unit that the last command left busy gets one reset. */
    if (ide_select(port)) {
        ide_reset(port->channel);
        if (ide_select(port))
            return -EIO;
    }

    /* A unit that refused the packet has ended the command already;
     * there is no data to wait for. */
    bool sent = false;
    status_t status = send_packet(port, command, dma, &sent);
    if (status || !sent)
        return status;
    return dma ? finish_dma(port->channel, command) : finish_pio(port->channel, command);
}

/* ---- commands ----------------------------------------------------------------------------- */

/* Returns whether the command's data are to be carried by DMA, and prepares that. DMA is for bulk
 * data: short answers vary in length, which only PIO reports. */
static bool use_dma(struct ide_port *port, const struct scsi_command *command)
{
    return port->ata.dma && command->length_bytes >= SCSI_BULK_BYTES &&
           ide_dma_prepare(port->channel, command);
}

static void transport_start(struct packet_queue *queue, struct scsi_command *command)
{
    struct ide_port *port = container_of(ata_port_of(command), struct ide_port, ata);

    /* A write over this transport is refused without touching the unit, so the channel
     * needs no reset. */
    status_t status = -EOPNOTSUPP;
    if (command->direction != SCSI_DATA_OUT) {
        bool dma = use_dma(port, command);
        status = carry(port, command, dma);
        if (dma)
            ata_port_count_dma(&port->ata, status);
    }

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

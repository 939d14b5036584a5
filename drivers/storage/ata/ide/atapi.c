/*
 * atapi.c - the PACKET command (ATA/ATAPI-6 section 9.8).
 *
 *     select -> PACKET -> DRQ: send the CDB -> { interrupt -> DRQ: take a burst }* -> status
 *
 * By DMA the loop in the middle is one interrupt. The unit says how long each burst is, and it is
 * believed: a burst may be shorter than asked for, odd, or run past what is wanted - the rest is
 * read and dropped, so that the unit gets to its status.
 *
 * A command that fails in any way but CHECK CONDITION leaves the channel in a state nobody knows:
 * the bus master is stopped and both units are reset before it ends, so nothing can arrive late.
 */
#include "drivers/storage/ata/ide/ata.h"
#include "kernel/log.h"
#include "kernel/x86/ports.h"
#include "lib/string.h"

enum {
    BURST_BYTES_MAX = 0xfffe,
    DMA_FAILURES_MAX = 3,
    CDB_REQUEST_SENSE = 0x03,
    SENSE_LIMIT_US = 3000000,
};

/* Where in the command's memory the next byte goes. */
struct atapi_cursor {
    struct packet_command *command;
    unsigned segment;
    uint32_t offset;
};

/* ---- bursts ------------------------------------------------------------------------------- */

/* Moves on over segments that are full; returns the room in the present one, at most `bytes`. */
static uint32_t cursor_room(struct atapi_cursor *cursor, uint32_t bytes, uint8_t **memory)
{
    struct packet_command *command = cursor->command;
    uint32_t wanted = command->length_bytes - command->done_bytes;
    while (wanted && cursor->segment < command->segment_count) {
        struct io_segment *segment = &command->segments[cursor->segment];
        uint32_t room = segment->length_bytes - cursor->offset;
        if (room) {
            *memory = (uint8_t *)segment->address + cursor->offset;
            room = room < wanted ? room : wanted;
            return room < bytes ? room : bytes;
        }
        cursor->segment++;
        cursor->offset = 0;
    }
    return 0;
}

static void cursor_advance(struct atapi_cursor *cursor, uint32_t bytes)
{
    cursor->offset += bytes;
    cursor->command->done_bytes += bytes;
}

/* A word whose two bytes may go to different segments, or nowhere. */
static void burst_word(struct atapi_cursor *cursor, uint16_t port, uint32_t bytes)
{
    uint16_t word = port_in16(port);
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t *memory;
        if (!cursor_room(cursor, 1, &memory))
            return;
        *memory = (uint8_t)(word >> 8 * i);
        cursor_advance(cursor, 1);
    }
}

static void burst_take(struct atapi_cursor *cursor, uint16_t port, uint32_t bytes)
{
    while (bytes) {
        uint8_t *memory;
        uint32_t words = cursor_room(cursor, bytes, &memory) / 2;
        if (words) {
            port_in16_string(port, memory, words);
            cursor_advance(cursor, words * 2);
            bytes -= words * 2;
        } else { /* an odd end, a seam between segments, or more than is wanted */
            uint32_t rest = bytes < 2 ? bytes : 2;
            burst_word(cursor, port, rest);
            bytes -= rest;
        }
    }
}

/* A unit that failed and still holds DRQ: takes what it has, up to a burst. */
static void burst_drain(struct ata_channel *channel)
{
    for (unsigned i = 0; i < BURST_BYTES_MAX / 2 && ata_status(channel) & STATUS_DRQ; i++)
        (void)port_in16(ata_port(channel, ATA_DATA));
}

/* ---- protocol ----------------------------------------------------------------------------- */

static status_t atapi_end(struct packet_command *command, uint8_t status)
{
    command->check_condition = status & STATUS_ERR;
    return status & (STATUS_ERR | STATUS_DF) ? -EIO : 0;
}

static status_t atapi_finish_pio(struct ata_channel *channel, struct packet_command *command,
                                 uint64_t deadline_us)
{
    struct atapi_cursor cursor = { .command = command };
    for (;;) {
        status_t waited = ata_await(channel, false, deadline_us);
        if (!waited && time_now_us() > deadline_us)
            waited = -ETIMEDOUT; /* it always has more: that must end, too */
        if (waited)
            return waited;
        uint8_t status = port_in8(ata_port(channel, ATA_STATUS));
        if (!(status & STATUS_DRQ))
            return atapi_end(command, status);
        if (status & (STATUS_ERR | STATUS_DF)) {
            burst_drain(channel);
            return atapi_end(command, status);
        }
        uint8_t reason = port_in8(ata_port(channel, ATA_INTERRUPT_REASON)) & REASON_MASK;
        uint32_t bytes = port_in8(ata_port(channel, ATA_BYTE_COUNT_LOW)) |
                         (uint32_t)port_in8(ata_port(channel, ATA_BYTE_COUNT_HIGH)) << 8;
        if (reason != REASON_IN || !bytes)
            return -EIO; /* it wants data, or a packet: we are out of step */
        ata_expect(channel);
        burst_take(&cursor, ata_port(channel, ATA_DATA), bytes);
        ata_settle(channel);
    }
}

static status_t atapi_finish_dma(struct ata_channel *channel, struct packet_command *command,
                                 uint64_t deadline_us)
{
    status_t waited = ata_await(channel, true, deadline_us);
    bool whole = ata_dma_stop(channel);
    if (waited)
        return waited;
    uint8_t status = port_in8(ata_port(channel, ATA_STATUS));
    if (status & STATUS_DRQ)
        burst_drain(channel);
    if (whole)
        command->done_bytes = command->length_bytes;
    status_t ended = atapi_end(command, status);
    return ended || whole ? ended : -EIO;
}

static void atapi_write_registers(struct ata_unit *unit, const struct packet_command *command,
                                  bool dma)
{
    struct ata_channel *channel = unit->channel;
    uint32_t burst = command->length_bytes + command->length_bytes % 2;
    if (!burst || burst > BURST_BYTES_MAX) /* 0 would be refused even without data */
        burst = BURST_BYTES_MAX;
    uint8_t features = dma ? FEATURE_DMA : 0;
    if (dma && unit->dma_direction)
        features |= FEATURE_DMA_IN;
    port_out8(ata_port(channel, ATA_FEATURES), features);
    port_out8(ata_port(channel, ATA_BYTE_COUNT_LOW), (uint8_t)burst);
    port_out8(ata_port(channel, ATA_BYTE_COUNT_HIGH), (uint8_t)(burst >> 8));
    port_out8(ata_port(channel, ATA_COMMAND), COMMAND_PACKET);
    ata_settle(channel);
}

/* Brings the CDB to the unit. A unit that refuses the PACKET command itself sets ERR, which is a
 * check condition like any other. */
static status_t atapi_send_packet(struct ata_unit *unit, struct packet_command *command, bool dma)
{
    struct ata_channel *channel = unit->channel;
    atapi_write_registers(unit, command, dma);
    status_t status = ata_wait(channel, STATUS_BSY, 0, DEADLINE_ATA_DRQ_US);
    if (status)
        return status;
    if (!(ata_status(channel) & STATUS_DRQ)) {
        status = atapi_end(command, port_in8(ata_port(channel, ATA_STATUS)));
        return status ? status : -EIO;
    }
    (void)port_in8(ata_port(channel, ATA_STATUS)); /* some raise an interrupt here: not wanted */
    ata_expect(channel);
    port_out16_string(ata_port(channel, ATA_DATA), command->cdb, unit->packet_bytes / 2);
    if (dma)
        ata_dma_start(channel);
    ata_settle(channel);
    return 0;
}

static status_t atapi_select(struct ata_unit *unit)
{
    if (!ata_select(unit))
        return 0;
    ata_reset(unit->channel);
    return ata_select(unit) ? -EIO : 0;
}

static status_t atapi_carry(struct ata_unit *unit, struct packet_command *command, bool dma)
{
    status_t status = atapi_select(unit);
    uint64_t deadline_us = time_now_us() + command->timeout_us;
    if (!status)
        status = atapi_send_packet(unit, command, dma);
    if (!status && dma)
        status = atapi_finish_dma(unit->channel, command, deadline_us);
    else if (!status)
        status = atapi_finish_pio(unit->channel, command, deadline_us);
    if (status && !command->check_condition)
        ata_reset(unit->channel);
    else if (dma)
        (void)ata_dma_stop(unit->channel); /* refused before it began, or stopped already */
    return status;
}

/* ---- commands ----------------------------------------------------------------------------- */

/* The sense data of the command that just failed; stays zero when the unit does not tell. */
static void atapi_fetch_sense(struct ata_unit *unit, struct packet_command *failed)
{
    struct io_segment segment = { failed->sense, PACKET_SENSE_BYTES };
    struct packet_command command = {
        .cdb = { CDB_REQUEST_SENSE, 0, 0, 0, PACKET_SENSE_BYTES },
        .segments = &segment,
        .segment_count = 1,
        .length_bytes = PACKET_SENSE_BYTES,
        .timeout_us = SENSE_LIMIT_US,
    };
    if (atapi_carry(unit, &command, false))
        memset(failed->sense, 0, PACKET_SENSE_BYTES);
}

/* DMA is for data in bulk. Short answers vary in length, of which only PIO tells. */
static bool atapi_use_dma(struct ata_unit *unit, const struct packet_command *command)
{
    return unit->info.dma && command->length_bytes >= PACKET_BULK_BYTES &&
           ata_dma_prepare(unit->channel, command);
}

/* A unit whose DMA fails again and again is better served slowly. But where DMA has worked, a drive
 * that does not answer in time has trouble with its disc. */
static void atapi_count_dma(struct ata_unit *unit, bool failed, bool timed_out)
{
    if (failed && timed_out && unit->dma_worked)
        return;
    unit->dma_worked |= !failed;
    unit->dma_failures = failed ? unit->dma_failures + 1 : 0;
    if (unit->dma_failures < DMA_FAILURES_MAX)
        return;
    log_warn(unit->channel->name, "DMA fails: %s goes on without", unit->info.model);
    unit->info.dma = false;
}

void atapi_execute(struct ata_unit *unit, struct packet_command *command)
{
    command->done_bytes = 0;
    command->check_condition = false;
    memset(command->sense, 0, sizeof(command->sense));
    bool dma = atapi_use_dma(unit, command);
    command->status = atapi_carry(unit, command, dma);
    if (dma)
        atapi_count_dma(unit, command->status && !command->check_condition,
                        command->status == -ETIMEDOUT);
    if (command->check_condition)
        atapi_fetch_sense(unit, command);
}

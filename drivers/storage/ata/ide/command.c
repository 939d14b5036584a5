/*
 * command.c - ATA commands other than PACKET, by the protocols of ATA/ATAPI-6 9.4 to 9.7.
 *
 *     PIO in    command -> { interrupt -> DRQ: take a block }* -> status
 *     PIO out   command -> DRQ: give a block -> { interrupt -> DRQ: give a block }* -> interrupt
 *     DMA       command -> bus master -> interrupt
 *     no data   command -> interrupt
 *
 * A command that the unit ends, well or badly, has its registers as the result. All else leaves the
 * channel in an unknown state: the queue then resets it before it reports the failure.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "lib/macros.h"

enum {
    FAILED = ATA_STATUS_ERR | ATA_STATUS_DF,
    LBA_NIBBLE = 0xf, /* of the device register: LBA 27:24 */
};

/* ---- the task file ------------------------------------------------------------------------ */

/* Writes one byte of each register; the units of a channel share them, and keep the two last
 * ones. */
static void write_registers(struct ide_channel *channel, const struct ata_taskfile *taskfile,
                            unsigned byte)
{
    /* Bits 47:24 of the LBA first, then 23:0 (ATA-6 6.13.3). */
    uint64_t lba = taskfile->lba >> 24 * byte;
    ide_write(channel, IDE_FEATURES, (uint8_t)(taskfile->features >> 8 * byte));
    ide_write(channel, IDE_SECTOR_COUNT, (uint8_t)(taskfile->count >> 8 * byte));
    ide_write(channel, IDE_LBA_LOW, (uint8_t)lba);
    ide_write(channel, IDE_LBA_MID, (uint8_t)(lba >> 8));
    ide_write(channel, IDE_LBA_HIGH, (uint8_t)(lba >> 16));
}

static void send_taskfile(struct ide_port *port, const struct ata_taskfile *taskfile)
{
    struct ide_channel *channel = port->channel;
    uint8_t device = IDE_DEVICE_BASE | taskfile->device | (port->number ? IDE_DEVICE_SECOND : 0);

    if (taskfile->extended)
        write_registers(channel, taskfile, 1);
    else
        device |= (uint8_t)(taskfile->lba >> 24 & LBA_NIBBLE);
    write_registers(channel, taskfile, 0);

    /* The same unit stays selected, so there is no need to wait before the command. */
    ide_write(channel, IDE_DEVICE, device);
    ide_write(channel, IDE_COMMAND, taskfile->operation);
}

static uint64_t read_lba(const struct ide_channel *channel)
{
    return ide_read(channel, IDE_LBA_LOW) | (uint64_t)ide_read(channel, IDE_LBA_MID) << 8 |
           (uint64_t)ide_read(channel, IDE_LBA_HIGH) << 16;
}

/* Takes the registers of a command that the unit has ended. */
static void take_result(struct ide_channel *channel, struct ata_command *command)
{
    struct ata_result *result = &command->result;
    result->valid = true;
    result->status = ide_read(channel, IDE_STATUS);
    if (!(result->status & FAILED))
        return;

    /* Where it failed. The higher half is in the previous content, which HOB shows. */
    result->error = ide_read(channel, IDE_ERROR);
    result->lba = read_lba(channel);
    if (command->taskfile.extended) {
        ide_control(channel, IDE_CONTROL_HOB);
        result->lba |= read_lba(channel) << 24;
        ide_control(channel, 0);
    } else {
        result->lba |= (uint64_t)(ide_read(channel, IDE_DEVICE) & LBA_NIBBLE) << 24;
    }

    /* Some units leave DRQ set when they fail. */
    ide_drain(channel);
}

/* ---- protocols ---------------------------------------------------------------------------- */

static status_t run_pio_in(struct ide_channel *channel, struct ata_command *command)
{
    struct ata_data data = ata_data_of(command);
    while (data.left_bytes) {
        status_t status = ide_await(channel, false, command->base.deadline_us);
        if (status)
            return status;

        /* Reading the status acknowledges the interrupt, so it comes before the data. */
        uint8_t ready = ide_read(channel, IDE_STATUS);
        if (!(ready & ATA_STATUS_DRQ) || ready & FAILED) {
            take_result(channel, command);
            return ready & FAILED ? 0 : -EIO; /* -EIO: it ended too early */
        }

        /* The last word of the block may raise the next interrupt. */
        ide_expect(channel);
        ide_take(channel, &data, command->block_bytes);
        ide_settle(channel);
    }

    /* No interrupt follows the last block (ATA-6 9.5). A unit that has more is out of step. */
    status_t status = ide_wait(channel, ATA_STATUS_BSY, 0, DEADLINE_ATA_SELECT_US);
    if (status)
        return status;
    take_result(channel, command);
    return command->result.status & ATA_STATUS_DRQ ? -EIO : 0;
}

static status_t run_pio_out(struct ide_channel *channel, struct ata_command *command)
{
    struct ata_data data = ata_data_of(command);

    /* There is no interrupt before the first block (ATA-6 9.6). */
    ide_settle(channel);
    status_t status = ide_wait(channel, ATA_STATUS_BSY, 0, DEADLINE_ATA_DRQ_US);
    while (!status) {
        uint8_t ready = ide_read(channel, IDE_STATUS);
        bool wants = ready & ATA_STATUS_DRQ && !(ready & FAILED);
        if (!wants) {
            take_result(channel, command);
            return ready & FAILED || !data.left_bytes ? 0 : -EIO;
        }
        if (!data.left_bytes)
            return -EIO; /* it wants more than the command has */

        ide_expect(channel);
        ide_give(channel, &data, command->block_bytes);
        ide_settle(channel);
        status = ide_await(channel, false, command->base.deadline_us);
    }
    return status;
}

static status_t run_dma(struct ide_channel *channel, struct ata_command *command)
{
    /* The bus master starts last: the unit must know the command that its data belong to. */
    ide_dma_start(channel, command->protocol == ATA_DMA_IN);
    status_t status = ide_await(channel, true, command->base.deadline_us);

    /* Stopped even if the unit is late: the memory is given back after this, so no late DMA
     * may reach it. */
    bool whole = ide_dma_stop(channel);
    if (status)
        return status;

    /* A unit that failed has moved a part; one that succeeded must have moved all. */
    take_result(channel, command);
    return whole || command->result.status & FAILED ? 0 : -EIO;
}

static status_t run_non_data(struct ide_channel *channel, struct ata_command *command)
{
    status_t status = ide_await(channel, true, command->base.deadline_us);
    if (!status)
        take_result(channel, command);
    return status;
}

/* Carries a command to its end. -EIO or -ETIMEDOUT: the channel needs a reset. */
static status_t carry(struct ide_port *port, struct ata_command *command)
{
    struct ide_channel *channel = port->channel;
    enum ata_protocol protocol = command->protocol;
    bool dma = protocol == ATA_DMA_IN || protocol == ATA_DMA_OUT;
    if (protocol == ATA_QUEUED_IN || protocol == ATA_QUEUED_OUT)
        return -EOPNOTSUPP;

    status_t status = ide_acquire(port);
    if (status)
        return status;
    if (dma && !ide_dma_prepare(channel, ata_data_of(command), protocol == ATA_DMA_IN))
        return -EOPNOTSUPP;

    ide_expect(channel);
    send_taskfile(port, &command->taskfile);
    if (dma)
        return run_dma(channel, command);
    switch (protocol) {
    case ATA_PIO_IN:
        return run_pio_in(channel, command);
    case ATA_PIO_OUT:
        return run_pio_out(channel, command);
    default:
        return run_non_data(channel, command);
    }
}

void ide_start(struct ata_port *port, struct ata_command *command)
{
    ata_done(command, carry(container_of(port, struct ide_port, ata), command));
}

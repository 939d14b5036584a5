/*
 * taskfile.c - commands other than PACKET, and the reset of a channel.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "kernel/log.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"

enum {
    RESET_PULSE_US = 10,   /* SRST is held for at least 5 us, */
    RESET_QUIET_US = 2000, /* and the status is not read for 2 ms afterwards (ATA-6 9.2) */
};

/* Reads the registers that a command ended with. */
static void take_result(struct ide_channel *channel, struct ata_command *command)
{
    command->result = (struct ata_result){
        .valid = true,
        .status = port_in8(ide_register(channel, IDE_STATUS)),
        .error = port_in8(ide_register(channel, IDE_FEATURES)),
    };
}

/* Takes one block: the unit must ask for it now. Some units set DRQ beside an error. */
static status_t take_block(struct ide_channel *channel, struct ata_command *command)
{
    const uint8_t failed = ATA_STATUS_ERR | ATA_STATUS_DF;
    struct ata_data data = ata_data_of(command);
    uint8_t *memory;

    if (command->result.status & failed)
        return 0;
    if (!(command->result.status & ATA_STATUS_DRQ) ||
        ata_data_next(&data, command->block_bytes, &memory) < command->block_bytes)
        return -EIO;

    port_in16_string(ide_register(channel, IDE_DATA), memory, command->block_bytes / 2);
    ide_settle(channel);
    return 0;
}

static status_t carry(struct ide_port *port, struct ata_command *command)
{
    struct ide_channel *channel = port->channel;
    const struct ata_taskfile *taskfile = &command->taskfile;
    if (command->protocol != ATA_NON_DATA && command->protocol != ATA_PIO_IN)
        return -EOPNOTSUPP;

    status_t status = ide_select(port);
    if (status)
        return status;

    /* Both units of the channel see these; the selected one takes the command. */
    port_out8(ide_register(channel, IDE_FEATURES), (uint8_t)taskfile->features);
    port_out8(ide_register(channel, IDE_SECTOR_COUNT), (uint8_t)taskfile->count);
    port_out8(ide_register(channel, IDE_LBA_LOW), (uint8_t)taskfile->lba);
    port_out8(ide_register(channel, IDE_LBA_MID), (uint8_t)(taskfile->lba >> 8));
    port_out8(ide_register(channel, IDE_LBA_HIGH), (uint8_t)(taskfile->lba >> 16));
    port_out8(ide_register(channel, IDE_COMMAND), taskfile->operation);
    ide_settle(channel);

    /* Where no unit listens, the status is zero now, and the wait is over at once. */
    status = ide_wait(channel, ATA_STATUS_BSY, 0, command->base.timeout_us);
    if (status)
        return status;

    take_result(channel, command);
    return command->protocol == ATA_NON_DATA ? 0 : take_block(channel, command);
}

void ide_start(struct ata_port *port, struct ata_command *command)
{
    ata_done(command, carry(container_of(port, struct ide_port, ata), command));
}

/* Waits for a unit after a reset, which may keep it busy for long. A unit that stays busy is not
 * waited for again. */
static void await_reset(struct ide_port *port)
{
    struct ide_channel *channel = port->channel;
    ide_point(port);
    if (!ide_wait(channel, ATA_STATUS_BSY, 0, DEADLINE_ATA_RESET_US))
        return;

    /* Else every later reset would wait for it again, and the channel's other unit with it. */
    log_warn(channel->name, "%s: stays busy after a reset; ignored from now on", port->ata.name);
    port->answers = false;
}

void ide_reset(struct ide_channel *channel)
{
    /* First the bus master: nothing may arrive in memory that is given back. */
    if (channel->bus_master_port)
        (void)ide_dma_stop(channel);

    /* SRST resets both units of the channel at once. Interrupts stay off until both are through. */
    port_out8(channel->control_port, IDE_CONTROL_SRST | IDE_CONTROL_NIEN);

    /* The pulse is too short for the timer: read the status meanwhile. */
    for (uint64_t end_us = time_now_us() + RESET_PULSE_US; time_now_us() < end_us;)
        (void)ide_status(channel);
    port_out8(channel->control_port, IDE_CONTROL_NIEN);
    thread_sleep_until(time_now_us() + RESET_QUIET_US);

    /* Each is selected in turn: the status is that of the selected unit. */
    for (unsigned i = 0; i < 2; i++)
        if (channel->ports[i].answers)
            await_reset(&channel->ports[i]);

    /* Acknowledges whatever was raised, before the line is enabled again. */
    (void)port_in8(ide_register(channel, IDE_STATUS));
    if (!channel->polled)
        port_out8(channel->control_port, 0);
}

/*
 * registers.c - a channel's registers: waits for a status, selection, the reset.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "kernel/log.h"

enum {
    POLLS_BEFORE_SLEEP = 64, /* some 50 us of port reads on hardware */
    POLL_SLEEP_US = 200,
    RESET_PULSE_US = 10,     /* SRST is held for at least 5 us, */
    RESET_QUIET_US = 2000,   /* and the status is not read for 2 ms afterwards (ATA-6 9.2) */
};

void ide_control(const struct ide_channel *channel, uint8_t bits)
{
    if (channel->polled)
        bits |= IDE_CONTROL_NIEN;
    register_write8(&channel->place.control, IDE_CONTROL, bits);
}

/* A port read takes at least 100 ns, and far more on an ISA bus. */
void ide_settle(const struct ide_channel *channel)
{
    for (unsigned i = 0; i < 4; i++)
        (void)ide_status(channel);
}

status_t ide_wait_longer(const struct ide_channel *channel, uint8_t mask, uint8_t value,
                         uint64_t limit_us)
{
    uint64_t deadline_us = time_now_us() + limit_us;
    for (unsigned polls = 0;; polls++) {
        /* The clock is read first: a thread that was preempted in between is not late. */
        bool late = time_now_us() >= deadline_us;
        if ((ide_status(channel) & mask) == value)
            return 0;
        if (late)
            return -ETIMEDOUT;

        /* Most handshakes take microseconds; a slower unit must not hold the processor. */
        if (polls >= POLLS_BEFORE_SLEEP)
            thread_sleep_until(time_now_us() + POLL_SLEEP_US);
    }
}

/* ---- selection ---------------------------------------------------------------------------- */

void ide_point(struct ide_port *port)
{
    struct ide_channel *channel = port->channel;
    ide_write(channel, IDE_DEVICE, IDE_DEVICE_BASE | (port->number ? IDE_DEVICE_SECOND : 0));
    ide_settle(channel);

    /* Remembered, since the device register cannot be read back while the unit is busy. */
    channel->selected = port;
}

/* The device register must not be written while the channel is busy (ATA-6 7.7). */
static status_t select_idle(struct ide_port *port)
{
    const uint8_t in_use = ATA_STATUS_BSY | ATA_STATUS_DRQ;
    struct ide_channel *channel = port->channel;
    status_t status = ide_wait(channel, in_use, 0, DEADLINE_ATA_SELECT_US);

    /* A selection costs five port accesses: only where the unit differs. */
    if (status || channel->selected == port)
        return status;

    /* A unit that was not selected may still be busy by itself: wait for this one, too. */
    ide_point(port);
    return ide_wait(channel, in_use, 0, DEADLINE_ATA_SELECT_US);
}

status_t ide_acquire(struct ide_port *port)
{
    /* A unit that the last command left busy gets one reset, which may find that it is gone. */
    if (port->answers && !select_idle(port))
        return 0;
    if (port->answers)
        ide_reset(port->channel);
    if (!port->answers)
        return -ENODEV;
    return select_idle(port) ? -EIO : 0;
}

/* ---- the reset ---------------------------------------------------------------------------- */

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
    if (ide_has_dma(channel))
        (void)ide_dma_stop(channel);

    /* SRST resets both units of the channel at once. Interrupts stay off until both are through. */
    ide_control(channel, IDE_CONTROL_SRST | IDE_CONTROL_NIEN);
    thread_sleep_until(time_now_us() + RESET_PULSE_US);
    ide_control(channel, IDE_CONTROL_NIEN);
    thread_sleep_until(time_now_us() + RESET_QUIET_US);

    /* Each is selected in turn: the status is that of the selected unit. */
    for (unsigned i = 0; i < 2; i++)
        if (channel->ports[i].answers)
            await_reset(&channel->ports[i]);

    /* Acknowledges whatever was raised, before the line is enabled again. */
    (void)ide_read(channel, IDE_STATUS);
    ide_control(channel, 0);
}

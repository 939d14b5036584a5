/*
 * registers.c - a channel's registers: waits, selection, the interrupt.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "kernel/log.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"

enum {
    POLLS_BEFORE_SLEEP = 64, /* some 50 us of port reads on hardware */
    POLL_SLEEP_US = 200,
    AWAIT_SLICE_US = 500000, /* how late a lost interrupt is noticed */
    LOST_INTERRUPTS_MAX = 3,
};

uint8_t ide_status(const struct ide_channel *channel)
{
    return port_in8(channel->control_port);
}

/* A port read takes at least 100 ns, and far more on an ISA bus. */
void ide_settle(const struct ide_channel *channel)
{
    for (unsigned i = 0; i < 4; i++)
        (void)ide_status(channel);
}

status_t ide_wait(const struct ide_channel *channel, uint8_t mask, uint8_t value, uint64_t limit_us)
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

void ide_point(struct ide_port *port)
{
    struct ide_channel *channel = port->channel;
    port_out8(ide_register(channel, IDE_DEVICE),
              IDE_DEVICE_BASE | (port->number ? IDE_DEVICE_SECOND : 0));
    ide_settle(channel);

    /* Remembered, since the device register cannot be read back while the unit is busy. */
    channel->selected = port;
}

/* The device register must not be written while the channel is busy (ATA-6 7.7). */
status_t ide_select(struct ide_port *port)
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

/* ---- the interrupt ------------------------------------------------------------------------ */

/* Decides whether this channel raised the interrupt. The bus master records it. Without one, a unit
 * that is expected to raise it and is no longer busy has done so. Otherwise the line is shared, or
 * the interrupt was spurious. */
static bool is_mine(struct ide_channel *channel)
{
    if (channel->bus_master_port)
        return ide_dma_take_interrupt(channel);
    return channel->expecting && !(ide_status(channel) & ATA_STATUS_BSY);
}

static bool handle_interrupt(void *context)
{
    struct ide_channel *channel = context;
    spin_lock(&channel->lock);
    bool mine = is_mine(channel);

    /* Reading the status acknowledges the interrupt, so that the line drops. */
    if (mine)
        (void)port_in8(ide_register(channel, IDE_STATUS));

    /* An interrupt that is not expected is forgotten: the command before has ended without it. */
    if (mine && channel->expecting) {
        channel->expecting = false;
        channel->raised = true;
        wait_queue_wake_all(&channel->interrupt);
    }
    spin_unlock(&channel->lock);
    return mine;
}

void ide_expect(struct ide_channel *channel)
{
    spin_lock(&channel->lock);
    channel->expecting = true;
    channel->raised = false;
    spin_unlock(&channel->lock);
}

/* Sleeps until the interrupt or the deadline. -ETIMEDOUT: there was no interrupt. */
static status_t sleep_until_interrupt(struct ide_channel *channel, uint64_t deadline_us)
{
    if (channel->polled) {
        thread_sleep_until(time_now_us() + POLL_SLEEP_US);
        return 0;
    }

    /* `raised` is set under the lock, so an interrupt between the command and this wait
     * is not missed. */
    status_t status = 0;
    spin_lock(&channel->lock);
    while (!channel->raised && !status)
        status = wait_queue_wait(&channel->interrupt, &channel->lock, deadline_us);

    /* The interrupt may have come as the deadline passed: it counts. */
    status = channel->raised ? 0 : -ETIMEDOUT;
    channel->raised = false;

    /* Another one may follow, in case this one came too early. */
    channel->expecting = true;
    spin_unlock(&channel->lock);
    return status;
}

/* Polls a channel whose interrupts are lost repeatedly: its line is wrong, or another driver's. */
static void count_interrupt(struct ide_channel *channel, bool lost)
{
    channel->lost_interrupts = lost ? channel->lost_interrupts + 1 : 0;
    if (channel->lost_interrupts < LOST_INTERRUPTS_MAX || channel->polled)
        return;

    log_warn(channel->name, "interrupt %u does not arrive; polling from now on", channel->line);
    channel->polled = true;
}

/* Returns whether the unit has got through. DRQ beside ERR is not a data phase: some units leave it
 * set when they fail. */
static bool is_through(const struct ide_channel *channel, bool whole)
{
    uint8_t status = ide_status(channel);
    if (status & ATA_STATUS_BSY)
        return false;
    return !whole || !(status & ATA_STATUS_DRQ) || status & ATA_STATUS_ERR;
}

/* An interrupt is only a reason to look: it may be early, late, lost or another device's. The
 * registers decide, and they are read once per slice even if no interrupt came. */
status_t ide_await(struct ide_channel *channel, bool whole, uint64_t deadline_us)
{
    for (;;) {
        uint64_t now_us = time_now_us();
        uint64_t slice_us = now_us + AWAIT_SLICE_US;
        status_t status = sleep_until_interrupt(channel, min(slice_us, deadline_us));
        if (is_through(channel, whole)) {
            count_interrupt(channel, status != 0);
            return 0;
        }

        /* The time was read before the registers, so what they showed counts. */
        if (now_us >= deadline_us)
            return -ETIMEDOUT;
    }
}

void ide_connect_interrupt(struct ide_channel *channel)
{
    channel->handler = (struct interrupt_handler){ .handle = handle_interrupt, .context = channel };
    channel->polled = interrupt_register(channel->line, &channel->handler) != 0;

    /* nIEN is cleared last: the handler must be there before the unit may raise the line. */
    if (!channel->polled) {
        port_out8(channel->control_port, 0);
        return;
    }

    channel->handler.handle = NULL;
    log_info(channel->name, "no interrupt line; polling");
}

void ide_disconnect_interrupt(struct ide_channel *channel)
{
    if (!channel->handler.handle)
        return;

    /* First the unit: without the handler nothing would acknowledge its interrupts. */
    port_out8(channel->control_port, IDE_CONTROL_NIEN);
    interrupt_unregister(channel->line, &channel->handler);
    channel->handler.handle = NULL;
}

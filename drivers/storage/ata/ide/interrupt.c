/*
 * interrupt.c - a channel's interrupt, and waiting for it.
 *
 * An interrupt is only a reason to look: it may be early, late, lost or another device's. The
 * registers decide, and they are read once per slice even if no interrupt came.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "kernel/log.h"
#include "lib/macros.h"

enum {
    POLL_SLEEP_US = 200,
    AWAIT_SLICE_US = 500000, /* how late a lost interrupt is noticed */
    LOST_INTERRUPTS_MAX = 3,
};

/* ---- the handler -------------------------------------------------------------------------- */

/* Decides whether this channel raised the interrupt. The bus master records it. Without one, a unit
 * that is expected to raise it and is no longer busy has done so. Otherwise the line is shared, or
 * the interrupt was spurious. */
static bool is_mine(struct ide_channel *channel)
{
    if (ide_has_dma(channel))
        return ide_dma_take_interrupt(channel);
    return channel->expecting && !(ide_status(channel) & ATA_STATUS_BSY);
}

bool ide_handle_interrupt(void *context)
{
    struct ide_channel *channel = context;
    spin_lock(&channel->lock);
    bool mine = is_mine(channel);

    /* Reading the status acknowledges the interrupt, so that the line drops. */
    if (mine)
        (void)ide_read(channel, IDE_STATUS);

    /* An interrupt that is not expected is forgotten: the command before has ended without it. */
    if (mine && channel->expecting) {
        channel->expecting = false;
        channel->raised = true;
        wait_queue_wake_all(&channel->interrupt);
    }
    spin_unlock(&channel->lock);
    return mine;
}

/* ---- waiting ------------------------------------------------------------------------------ */

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
    bool at_once = channel->raised;
    while (!channel->raised && !status)
        status = wait_queue_wait(&channel->interrupt, &channel->lock, deadline_us);

    /* The interrupt may have come as the deadline passed: it counts. */
    status = channel->raised ? 0 : -ETIMEDOUT;
    channel->raised = false;

    /* Another one may follow, in case this one came too early. */
    channel->expecting = true;
    spin_unlock(&channel->lock);

    /* An interrupt that came before this wait may be a late one of the command's handshake, and the
     * status is not valid yet. */
    if (at_once)
        ide_settle(channel);
    return status;
}

/* Polls a channel whose interrupts are lost repeatedly: its line is wrong, or another driver's. */
static void count_interrupt(struct ide_channel *channel, bool lost)
{
    channel->lost_interrupts = lost ? channel->lost_interrupts + 1 : 0;
    if (channel->lost_interrupts < LOST_INTERRUPTS_MAX || channel->polled)
        return;

    log_warn(channel->name, "interrupts do not arrive; polling from now on");
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

/* ---- connecting --------------------------------------------------------------------------- */

void ide_connect_interrupt(struct ide_channel *channel)
{
    status_t status;
    if (channel->place.native) {
        status = channel->place.connect(channel);
    } else {
        channel->line = (struct isa_interrupt){ .handle = ide_handle_interrupt,
                                                .context = channel,
                                                .name = channel->name };
        status = isa_connect(channel->place.line, &channel->line);
        channel->line_connected = !status;
    }

    /* nIEN is cleared last: the handler must be there before the unit may raise the line. */
    channel->polled = status != 0;
    if (status)
        log_info(channel->name, "no interrupt line; polling");
    ide_control(channel, 0);
}

void ide_disconnect_interrupt(struct ide_channel *channel)
{
    /* First the unit: without the handler nothing would acknowledge its interrupts. */
    channel->polled = true;
    ide_control(channel, 0);
    if (channel->line_connected)
        isa_disconnect(channel->place.line, &channel->line);
    channel->line_connected = false;
}

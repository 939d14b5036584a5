/*
 * channel.c - a channel's registers: waits, selection, reset, interrupt.
 */
#include "drivers/storage/ata/ide/ata.h"
#include "kernel/log.h"
#include "kernel/x86/ports.h"

enum {
    POLLS_BEFORE_SLEEP = 64,   /* some 50 us of port reads on hardware */
    POLL_SLEEP_US = 200,
    AWAIT_SLICE_US = 500000,   /* how late a lost interrupt is noticed */
    LOST_INTERRUPTS_MAX = 3,
    RESET_PULSE_US = 10,       /* SRST is held 5 us at least, */
    RESET_QUIET_US = 2000,     /* and the status is not read for 2 ms after (ATA-6 9.2) */
};

uint8_t ata_status(const struct ata_channel *channel)
{
    return port_in8(channel->control_port);
}

/* A port read takes at least 100 ns on the slowest path that matters, the ISA bus far more. */
void ata_settle(const struct ata_channel *channel)
{
    for (unsigned i = 0; i < 4; i++)
        (void)ata_status(channel);
}

status_t ata_wait(const struct ata_channel *channel, uint8_t mask, uint8_t value, uint64_t limit_us)
{
    uint64_t deadline_us = time_now_us() + limit_us;
    for (unsigned polls = 0;; polls++) {
        bool late = time_now_us() >= deadline_us; /* asked first: the status is the later word */
        if ((ata_status(channel) & mask) == value)
            return 0;
        if (late)
            return -ETIMEDOUT;
        if (polls >= POLLS_BEFORE_SLEEP)
            thread_sleep_until(time_now_us() + POLL_SLEEP_US);
    }
}

void ata_point(struct ata_unit *unit)
{
    struct ata_channel *channel = unit->channel;
    port_out8(ata_port(channel, ATA_DEVICE), DEVICE_BASE | (unit->number ? DEVICE_SECOND : 0));
    ata_settle(channel);
    channel->selected = unit;
}

status_t ata_select(struct ata_unit *unit)
{
    struct ata_channel *channel = unit->channel;
    status_t status = ata_wait(channel, STATUS_BSY | STATUS_DRQ, 0, DEADLINE_ATA_SELECT_US);
    if (status || channel->selected == unit)
        return status;
    ata_point(unit);
    return ata_wait(channel, STATUS_BSY | STATUS_DRQ, 0, DEADLINE_ATA_SELECT_US);
}

/* After a reset a unit may answer with BSY for long; one that is not there is not waited for. */
static void ata_await_reset(struct ata_unit *unit)
{
    struct ata_channel *channel = unit->channel;
    ata_point(unit);
    if (ata_wait(channel, STATUS_BSY, 0, DEADLINE_ATA_RESET_US)) {
        log_warn(channel->name, "unit %u stays busy after a reset", unit->number);
        unit->answers = false;
    }
}

void ata_reset(struct ata_channel *channel)
{
    if (channel->bus_master_port)
        (void)ata_dma_stop(channel);
    port_out8(channel->control_port, CONTROL_SRST | CONTROL_NIEN);
    for (uint64_t end_us = time_now_us() + RESET_PULSE_US; time_now_us() < end_us;)
        (void)ata_status(channel);
    port_out8(channel->control_port, CONTROL_NIEN);
    thread_sleep_until(time_now_us() + RESET_QUIET_US);
    for (unsigned i = 0; i < 2; i++)
        if (channel->units[i].answers)
            ata_await_reset(&channel->units[i]);
    (void)port_in8(ata_port(channel, ATA_STATUS)); /* whatever it still raised */
    if (!channel->polled)
        port_out8(channel->control_port, 0);
}

/* ---- the interrupt ------------------------------------------------------------------------ */

/* Whose interrupt is it? The bus master knows; without one, a unit that is expected to raise it
 * and has stopped being busy is believed. Nobody's: the line is shared, or it was a ghost. */
static bool ata_is_mine(struct ata_channel *channel)
{
    if (channel->bus_master_port)
        return ata_dma_take_interrupt(channel);
    return channel->expecting && !(ata_status(channel) & STATUS_BSY);
}

static bool ata_interrupt(void *context)
{
    struct ata_channel *channel = context;
    spin_lock(&channel->lock);
    bool mine = ata_is_mine(channel);
    if (mine)
        (void)port_in8(ata_port(channel, ATA_STATUS)); /* acknowledges: the line goes down */
    if (mine && channel->expecting) {
        channel->expecting = false;
        channel->raised = true;
        wait_queue_wake_all(&channel->interrupt);
    }
    spin_unlock(&channel->lock);
    return mine;
}

void ata_expect(struct ata_channel *channel)
{
    spin_lock(&channel->lock);
    channel->expecting = true;
    channel->raised = false;
    spin_unlock(&channel->lock);
}

/* Sleeps until the interrupt or the deadline; -ETIMEDOUT without an interrupt. */
static status_t ata_sleep(struct ata_channel *channel, uint64_t deadline_us)
{
    if (channel->polled) {
        thread_sleep_until(time_now_us() + POLL_SLEEP_US);
        return 0;
    }
    status_t status = 0;
    spin_lock(&channel->lock);
    while (!channel->raised && !status)
        status = wait_queue_wait(&channel->interrupt, &channel->lock, deadline_us);
    status = channel->raised ? 0 : -ETIMEDOUT;
    channel->raised = false;
    channel->expecting = true; /* for the next one, should this have been too early */
    spin_unlock(&channel->lock);
    return status;
}

static void ata_count_interrupt(struct ata_channel *channel, bool lost)
{
    channel->lost_interrupts = lost ? channel->lost_interrupts + 1 : 0;
    if (channel->lost_interrupts < LOST_INTERRUPTS_MAX || channel->polled)
        return;
    log_warn(channel->name, "interrupt %u does not come: polling from now on", channel->line);
    channel->polled = true;
}

/* DRQ beside ERR is no data phase: some units leave it set when they fail. */
static bool ata_is_through(const struct ata_channel *channel, bool whole)
{
    uint8_t status = ata_status(channel);
    if (status & STATUS_BSY)
        return false;
    return !whole || !(status & STATUS_DRQ) || status & STATUS_ERR;
}

/* An interrupt is a reason to look, no more: it may be early, late, lost or another's. So the
 * registers decide, and they are looked at once a slice even if nothing came. */
status_t ata_await(struct ata_channel *channel, bool whole, uint64_t deadline_us)
{
    for (;;) {
        uint64_t now_us = time_now_us();
        uint64_t slice_us = now_us + AWAIT_SLICE_US;
        status_t status = ata_sleep(channel, slice_us < deadline_us ? slice_us : deadline_us);
        if (ata_is_through(channel, whole)) {
            ata_count_interrupt(channel, status != 0);
            return 0;
        }
        if (now_us >= deadline_us)
            return -ETIMEDOUT;
    }
}

void ata_connect_interrupt(struct ata_channel *channel)
{
    channel->handler = (struct interrupt_handler){ .handle = ata_interrupt, .context = channel };
    channel->polled = interrupt_register(channel->line, &channel->handler) != 0;
    if (!channel->polled) {
        port_out8(channel->control_port, 0);
        return;
    }
    channel->handler.handle = NULL;
    log_info(channel->name, "no interrupt line: polling");
}

void ata_disconnect_interrupt(struct ata_channel *channel)
{
    if (!channel->handler.handle)
        return;
    port_out8(channel->control_port, CONTROL_NIEN);
    interrupt_unregister(channel->line, &channel->handler);
    channel->handler.handle = NULL;
}

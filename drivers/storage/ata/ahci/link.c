/*
 * link.c - a port's two engines and its link.
 *
 *   receive engine  writes the frames that the unit sends into memory (PxCMD.FRE, FR)
 *   list engine     processes the command list (PxCMD.ST, CR)
 *   link            PxSSTS shows its state; COMRESET begins it again, and resets the unit
 *
 * The list engine may only be started while the link is up and the unit is idle (10.1.2, 10.3.1).
 * The receive engine runs before that, since the unit's first frame has its signature.
 */
#include "drivers/storage/ata/ahci/ahci.h"
#include "lib/macros.h"

enum {
    POLL_SLEEP_US = 200,
    PRESENCE_SLEEP_US = 1000, /* most ports are empty, and every one of them waits */
    COMRESET_US = 1000, /* at least (10.4.2) */
    PORT_BUSY = ATA_STATUS_BSY | ATA_STATUS_DRQ,
};

#define SERR_ALL UINT32_MAX /* writing ones clears */

status_t ahci_await(const struct ahci_controller *controller, uint32_t offset, uint32_t mask,
                    uint32_t value, uint64_t limit_us)
{
    uint64_t deadline_us = time_now_us() + limit_us;
    for (;;) {
        /* The clock is read first: a thread that was preempted in between is not late. */
        bool late = time_now_us() >= deadline_us;
        if ((register_read32(&controller->registers, offset) & mask) == value)
            return 0;
        if (late)
            return -ETIMEDOUT;
        thread_sleep_until(time_now_us() + POLL_SLEEP_US);
    }
}

status_t ahci_port_await(const struct ahci_port *port, enum ahci_port_register number,
                         uint32_t mask, uint32_t value, uint64_t limit_us)
{
    return ahci_await(port->controller, AHCI_PORTS + port->number * AHCI_PORT_BYTES + number, mask,
                      value, limit_us);
}

static void command_change(const struct ahci_port *port, uint32_t clear, uint32_t set)
{
    uint32_t command = ahci_port_read(port, AHCI_PORT_CMD);
    ahci_port_write(port, AHCI_PORT_CMD, (command & ~clear) | set);
}

/* Stops the list engine, which ends the port's use of the commands' memory and clears PxCI and
 * PxSACT. -ETIMEDOUT: it still runs. */
static status_t stop_list(const struct ahci_port *port)
{
    /* Clearing ST lets the engine finish its frame; the memory is free when CR is 0. */
    command_change(port, AHCI_CMD_START, 0);
    return ahci_port_await(port, AHCI_PORT_CMD, AHCI_CMD_RUNNING, 0, DEADLINE_AHCI_ENGINE_US);
}

status_t ahci_port_stop(struct ahci_port *port)
{
    /* The receive engine must outlast the list engine (10.3.2). */
    ahci_port_write(port, AHCI_PORT_IE, 0);
    status_t status = stop_list(port);
    if (status)
        return status;

    command_change(port, AHCI_CMD_RECEIVE, 0);
    return ahci_port_await(port, AHCI_PORT_CMD, AHCI_CMD_RECEIVING, 0, DEADLINE_AHCI_ENGINE_US);
}

static void write_address(const struct ahci_port *port, enum ahci_port_register low,
                          const void *memory)
{
    uint64_t address = mem_physical(memory);
    ahci_port_write(port, low, (uint32_t)address);
    ahci_port_write(port, low + 4, (uint32_t)(address >> 32));
}

static void wake_link(struct ahci_port *port)
{
    /* A port that waited for a unit receives already: its addresses must not change (3.3.3). */
    if (!(ahci_port_read(port, AHCI_PORT_CMD) & AHCI_CMD_RECEIVE)) {
        write_address(port, AHCI_PORT_LIST, port->memory->list);
        write_address(port, AHCI_PORT_RECEIVED, port->memory->received);
    }

    /* With staggered spin-up this starts the motor; otherwise the bits are set already. */
    command_change(port, 0, AHCI_CMD_RECEIVE);
    command_change(port, 0, AHCI_CMD_SPIN_UP | AHCI_CMD_POWER | AHCI_CMD_ACTIVE);

    /* Ports that are woken together share the wait for a unit to show. */
    port->woken_us = time_now_us();
}

void ahci_port_wake(struct ahci_port *port)
{
    /* Notes of an earlier time. PxIS follows PxSERR, so it is cleared after that. */
    ahci_port_write(port, AHCI_PORT_SERR, SERR_ALL);
    ahci_port_write(port, AHCI_PORT_IS, UINT32_MAX);
    wake_link(port);
}

void ahci_port_listen(struct ahci_port *port)
{
    /* A unit may have come since the last one went: that is still noted, and interrupts now. */
    wake_link(port);
    ahci_port_write(port, AHCI_PORT_IE, AHCI_EVENTS_LINK);
}

/* ---- the link ----------------------------------------------------------------------------- */

/* Waits until the link is up. Ports without a unit cost one short wait together, which begins when
 * their links are woken. */
static status_t await_link(const struct ahci_port *port)
{
    uint64_t end_us = port->woken_us + DEADLINE_SATA_PRESENCE_US;
    while ((ahci_port_read(port, AHCI_PORT_SSTS) & AHCI_LINK_MASK) == AHCI_LINK_NONE) {
        if (time_now_us() >= end_us)
            return -ENODEV;
        thread_sleep_until(time_now_us() + PRESENCE_SLEEP_US);
    }

    /* Something is there: the two sides agree on a speed, which takes longer. */
    status_t status = ahci_port_await(port, AHCI_PORT_SSTS, AHCI_LINK_MASK, AHCI_LINK_UP,
                                      DEADLINE_SATA_LINK_US);
    return status ? -ENODEV : 0;
}

/* Waits for a unit that takes commands. Errors are those of ahci_port_start(). */
static status_t await_unit(const struct ahci_port *port)
{
    status_t status = await_link(port);
    if (status)
        return status;

    /* The unit's first frame is only accepted after the note of its connection was cleared
     * (PxSERR.DIAG.X, 10.4.2). It clears BSY. */
    ahci_port_write(port, AHCI_PORT_SERR, SERR_ALL);
    return ahci_port_await(port, AHCI_PORT_TFD, PORT_BUSY, 0, DEADLINE_SATA_READY_US);
}

status_t ahci_port_start(struct ahci_port *port)
{
    /* What has come since the link was woken is noted, and interrupts now. A unit that is still
     * busy sends its registers when it is not any more. */
    status_t status = await_unit(port);
    if (status) {
        ahci_port_write(port, AHCI_PORT_IE, AHCI_EVENTS_ARRIVAL);
        return status;
    }

    /* Clear the notes of the way here: events are those of commands, or news of the link. */
    ahci_port_write(port, AHCI_PORT_SERR, SERR_ALL);
    ahci_port_write(port, AHCI_PORT_IS, UINT32_MAX);
    ahci_port_write(port, AHCI_PORT_IE, AHCI_EVENTS_ALL);
    command_change(port, 0, AHCI_CMD_START);

    /* After the engine runs: a command that is issued earlier would be ignored. */
    spin_lock(&port->lock);
    port->halted = false;
    spin_unlock(&port->lock);
    return 0;
}

/* Resets the unit and begins the link again. The list engine was stopped. */
static void send_comreset(struct ahci_port *port)
{
    /* Its other fields, the limits of speed and of power states, stay as they are. */
    uint32_t control = ahci_port_read(port, AHCI_PORT_SCTL) & ~(uint32_t)AHCI_LINK_MASK;
    ahci_port_write(port, AHCI_PORT_SCTL, control | AHCI_LINK_RESET);
    thread_sleep_until(time_now_us() + COMRESET_US);
    ahci_port_write(port, AHCI_PORT_SCTL, control);
    port->woken_us = time_now_us();
}

bool ahci_port_link_changed(const struct ahci_port *port)
{
    return ahci_port_read(port, AHCI_PORT_SERR) & (AHCI_SERR_LINK | AHCI_SERR_CONNECT);
}

status_t ahci_port_recover(struct ahci_port *port, bool reset)
{
    /* No interrupts of the reset itself: ahci_port_start() enables them again. */
    ahci_port_write(port, AHCI_PORT_IE, 0);
    if (stop_list(port)) {
        ahci_take_offline(port->controller, "a port does not stop");
        ahci_port_forget(port);
        return -EIO;
    }
    ahci_port_forget(port);

    /* A unit that is still busy with the failed command only stops by a reset (6.2.2.1). The stop
     * has cleared the commands' bits, except where the controller is out of step, too. */
    uint32_t left = ahci_port_read(port, AHCI_PORT_CI) | ahci_port_read(port, AHCI_PORT_SACT);
    if (reset || left || ahci_port_read(port, AHCI_PORT_TFD) & PORT_BUSY)
        send_comreset(port);
    return ahci_port_start(port);
}

unsigned ahci_port_signature(const struct ahci_port *port)
{
    return ahci_port_read(port, AHCI_PORT_SIG) >> AHCI_SIGNATURE_SHIFT;
}

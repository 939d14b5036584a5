/*
 * port.c - a controller's ports: their memory; units that come and go.
 */
#include "drivers/storage/ata/ahci/ahci.h"
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"

/* ---- memory ------------------------------------------------------------------------------- */

static void port_free(struct ahci_port *port)
{
    for (unsigned i = 0; i < AHCI_SLOTS_MAX; i++)
        if (port->slots[i].table)
            page_free(port->slots[i].table);
    if (port->memory)
        page_free(port->memory);
    mem_free(port);
}

static struct ahci_port *port_create(struct ahci_controller *controller, unsigned number)
{
    struct ahci_port *port = mem_zalloc(sizeof(*port));
    if (!port)
        return NULL;

    port->controller = controller;
    port->number = number;
    port->halted = true; /* until it is started */
    spin_init(&port->lock, RANK_QUEUE);
    wait_queue_init(&port->ended);
    format_text(port->name, sizeof(port->name), "port%u", number);

    /* A controller of 32 bits reaches only the first 4 GiB. */
    port->memory = controller->capabilities & AHCI_CAP_64 ? page_alloc() : page_alloc_low();
    if (!port->memory) {
        port_free(port);
        return NULL;
    }
    memset(port->memory, 0, sizeof(*port->memory));
    return port;
}

status_t ahci_ports_create(struct ahci_controller *controller)
{
    uint32_t implemented = ahci_read(controller, AHCI_PI);
    unsigned count = (controller->capabilities & AHCI_CAP_PORTS_MASK) + 1;
    for (unsigned i = 0; i < AHCI_PORTS_MAX; i++) {
        /* A port whose registers are not there, whatever PI claims. */
        if (!(implemented & UINT32_C(1) << i) || i >= controller->port_count)
            continue;

        /* CAP.NP is a second limit: bits of PI beyond it are not believed. */
        if (!count--)
            break;

        controller->ports[i] = port_create(controller, i);
        if (!controller->ports[i])
            return -ENOMEM;
    }
    return 0;
}

void ahci_ports_free(struct ahci_controller *controller)
{
    for (unsigned i = 0; i < AHCI_PORTS_MAX; i++)
        if (controller->ports[i])
            port_free(controller->ports[i]);
}

/* ---- units -------------------------------------------------------------------------------- */

/* Waits for a unit at a port whose link was woken. */
static void port_find_unit(struct ahci_port *port)
{
    /* A violation was that of the last unit. */
    port->violation = NULL;
    status_t status = ahci_port_start(port);
    if (status == -ETIMEDOUT)
        log_warn(port->controller->name, "%s: the unit stays busy; waiting for it", port->name);
    if (status)
        return;

    /* A unit that cannot be used may be replaced by one that can. */
    ahci_unit_add(port);
    if (!port->unit)
        ahci_port_listen(port);
}

void ahci_ports_probe(struct ahci_controller *controller)
{
    bool staggered = controller->capabilities & AHCI_CAP_STAGGERED;

    /* All links at once, since each takes its time; one after the other where the power supply
     * cannot start all motors at once. */
    for (unsigned i = 0; i < AHCI_PORTS_MAX; i++) {
        struct ahci_port *port = controller->ports[i];
        if (!port)
            continue;
        ahci_port_wake(port);
        if (staggered)
            port_find_unit(port);
    }

    for (unsigned i = 0; i < AHCI_PORTS_MAX && !staggered; i++)
        if (controller->ports[i])
            port_find_unit(controller->ports[i]);
}

void ahci_port_plug(struct ahci_port *port)
{
    spin_lock(&port->lock);
    struct ahci_unit *unit = port->unit;
    bool gone = unit && unit->gone, replaced = unit && unit->replaced;
    spin_unlock(&port->lock);

    /* A unit that is there deals with the news itself. */
    if (unit && !gone)
        return;
    if (unit)
        ahci_unit_remove(unit);

    /* It was unplugged: the port waits for the next one, without holding up this thread. */
    if (unit && !replaced) {
        ahci_port_listen(port);
        return;
    }

    /* Replaced, or new: the link begins again from the start. */
    ahci_port_wake(port);
    port_find_unit(port);
}

void ahci_ports_stop(struct ahci_controller *controller)
{
    for (unsigned i = 0; i < AHCI_PORTS_MAX; i++) {
        struct ahci_port *port = controller->ports[i];
        if (!port)
            continue;

        /* A unit stops its port itself, by its worker. */
        if (port->unit)
            ahci_unit_remove(port->unit);
        else if (ahci_port_stop(port))
            ahci_take_offline(controller, "a port does not stop");
    }
}

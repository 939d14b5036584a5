/*
 * unit.c - a unit at a port: identified, published, removed.
 *
 * The unit's queue runs from the beginning, so its worker is the only thread that uses the port
 * until the unit is gone: after a reset that did not find the same unit, or when it is removed.
 */
#include "drivers/storage/ata/ahci/ahci.h"
#include "kernel/log.h"
#include "lib/macros.h"

enum {
    TRANSFER_BYTES_MAX = 1 << 20,
    PAGES_PER_SLOT = 256, /* of memory for each page of tables: small machines get short queues */

    /* What AHCI calls ATA_SIGNATURE_PACKET_SATA and ATA_SIGNATURE_DISK_SATA. */
    SIGNATURE_MULTIPLIER = ATA_SIGNATURE_PACKET_SATA,
    SIGNATURE_ENCLOSURE = ATA_SIGNATURE_DISK_SATA,
};

static const struct packet_transport unit_transport = {
    .start = ahci_start_packet,
    .reset = ahci_unit_reset,
};

/* ---- the end ------------------------------------------------------------------------------ */

static void unit_free(struct ahci_unit *unit)
{
    /* Its worker may be the last user of the unit. */
    packet_queue_stop(&unit->queue);
    mem_free(unit);
}

static void unit_released(struct ata_port *ata)
{
    struct ahci_unit *unit = container_of(ata, struct ahci_unit, ata);

    /* During publishing the caller still uses the unit, and frees it itself. */
    if (!unit->publishing)
        unit_free(unit);
}

static const struct ata_port_ops port_ops = {
    .start = ahci_start,
    .released = unit_released,
};

/* Makes the unit's worker end its use of the port. Afterwards the port has no unit. */
static void unit_leave(struct ahci_unit *unit)
{
    struct ahci_port *port = unit->port;

    /* Only the worker uses the port, so the worker gives it up: the reset that is requested
     * does. */
    spin_lock(&port->lock);
    unit->leaving = true;
    spin_unlock(&port->lock);
    command_queue_recover(&unit->queue.commands);

    spin_lock(&port->lock);
    while (!unit->gone)
        IGNORE(wait_queue_wait(&port->ended, &port->lock, TIME_NEVER));
    port->unit = NULL;
    spin_unlock(&port->lock);

    /* An interrupt may have read port->unit before. */
    ahci_port_forget(port);
}

void ahci_unit_remove(struct ahci_unit *unit)
{
    unit_leave(unit);
    ata_port_remove(&unit->ata); /* frees it when the last user has closed it */
}

/* ---- the beginning ------------------------------------------------------------------------ */

/* Returns how many slots have a table, up to `wanted`, after allocating what is missing. */
static unsigned allocate_tables(struct ahci_port *port, unsigned wanted)
{
    bool wide = port->controller->capabilities & AHCI_CAP_64;
    unsigned count = 0;
    for (; count < wanted; count++) {
        struct ahci_slot *slot = &port->slots[count];
        if (!slot->table)
            slot->table = wide ? page_alloc() : page_alloc_low();
        if (!slot->table)
            break;

        /* The address stays in the list: tables are kept for the next unit of the port. */
        uint64_t address = mem_physical(slot->table);
        port->memory->list[count].table = (uint32_t)address;
        port->memory->list[count].table_high = (uint32_t)(address >> 32);
    }
    return count;
}

/* Returns how many commands the unit and the controller queue: less than 2 is not worth it. */
static unsigned find_depth(struct ahci_port *port, const struct ata_identity *identity)
{
    const struct ahci_controller *controller = port->controller;
    if (!(controller->capabilities & AHCI_CAP_NCQ) || !identity->queue_depth)
        return 1;

    /* Each slot costs a page, which a machine with little memory does not have for 32 of them. */
    unsigned depth = min(identity->queue_depth, controller->slot_count);
    size_t affordable = page_total_count() / PAGES_PER_SLOT;
    depth = min(depth, max(affordable, 1u));
    return allocate_tables(port, depth);
}

/* Sets the limits, which are those of a slot's table. One of its regions may be the bounce
 * buffer's. */
static void set_limits(struct ahci_unit *unit)
{
    struct ata_port *ata = &unit->ata;
    bool wide = unit->port->controller->capabilities & AHCI_CAP_64;
    ata->dma = true;
    ata->limits = (struct io_limits){
        .transfer_bytes = TRANSFER_BYTES_MAX,
        .segment_count = AHCI_REGIONS_MAX - 1,
        .segment_align = 2,
        .highest_address = wide ? 0 : UINT32_MAX,
    };
    if (ata->kind == ATA_KIND_DISK) {
        ata->limits.depth = find_depth(unit->port, &ata->identity);
        command_queue_set_openings(&unit->queue.commands, ata->limits.depth);
    }
}

static struct ahci_unit *unit_create(struct ahci_port *port)
{
    struct ahci_unit *unit = allocate_tables(port, 1) ? mem_zalloc(sizeof(*unit)) : NULL;
    if (!unit)
        return NULL;

    unit->port = port;
    unit->ata.ops = &port_ops;
    unit->ata.channel = &unit->queue;
    unit->ata.name = port->name;
    unit->ata.channel_name = port->controller->name;
    if (packet_queue_start(&unit->queue, port->name, &unit_transport, 1)) {
        mem_free(unit);
        return NULL;
    }

    /* From here on, events of the port are for the unit's worker. */
    spin_lock(&port->lock);
    port->unit = unit;
    spin_unlock(&port->lock);
    return unit;
}

/* Identifies and publishes the unit. Returns whether it is published. */
static bool unit_publish(struct ahci_unit *unit)
{
    struct ahci_port *port = unit->port;
    if (!ata_port_identify(&unit->ata, ahci_port_signature(port))) {
        log_warn(port->controller->name, "%s: the unit cannot be identified; ignored",
                 port->name);
        return false;
    }

    /* After IDENTIFY, which has the unit's kind and the depth of its queue. */
    set_limits(unit);

    /* If publishing fails, the unit is still used here. */
    unit->publishing = true;
    status_t status = ata_port_publish(&unit->ata, port->controller->device);
    unit->publishing = false;
    if (status)
        log_warn(port->controller->name, "%s: %s: not published: %s", port->name,
                 unit->ata.identity.model, status_name(status));
    return unit->ata.device;
}

void ahci_unit_add(struct ahci_port *port)
{
    const char *name = port->controller->name;
    unsigned signature = ahci_port_signature(port);
    if (signature == SIGNATURE_MULTIPLIER || signature == SIGNATURE_ENCLOSURE) {
        log_warn(name, "%s: a port multiplier or an enclosure; not supported", port->name);
        return;
    }

    struct ahci_unit *unit = unit_create(port);
    if (!unit) {
        log_warn(name, "%s: no memory for its unit; ignored", port->name);
        return;
    }

    /* Without a published device the port becomes free for the next unit. */
    if (!unit_publish(unit)) {
        unit_leave(unit);
        unit_free(unit);
    }
}

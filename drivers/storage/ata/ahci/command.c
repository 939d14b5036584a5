/*
 * command.c - command slots: from a request to the controller's structures, and to its end.
 *
 * A slot's header points to its table: the command as a FIS, the packet if there is one, and the
 * regions of memory for the data (4.2.3). Regions have even addresses and lengths. Data that are
 * short, which may be anywhere, and the last byte of data of an odd length go through the table's
 * bounce buffer.
 *
 * Order       PxSERR, then PxIS, then IS: each follows the ones before it (5.6.2), so cleared in
 *             another order, a bit would be set again at once, or its next event be lost.
 */
#include "drivers/storage/ata/ahci/ahci.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    HEADER_PACKET = 1 << 5,
    HEADER_WRITE = 1 << 6,
    HEADER_FIS_WORDS = AHCI_FIS_BYTES / 4,

    /* The last register FIS of the unit, in the port's memory (4.2.1), and its LBA. */
    RECEIVED_REGISTERS = 0x40,
    REGISTERS_LBA = 4,
    REGISTERS_LBA_EXTENDED = 8,
};

/* ---- regions ------------------------------------------------------------------------------ */

/* Appends regions for the data's first `bytes` bytes. False: the controller cannot reach them, or
 * they are in too many pieces. */
static bool add_regions(struct ahci_table *table, unsigned *count, struct ata_data data,
                        uint32_t bytes, bool wide)
{
    data.left_bytes = bytes;
    while (data.left_bytes) {
        uint64_t address;
        uint32_t piece = ata_data_next_physical(&data, AHCI_REGION_BYTES_MAX, &address);
        bool reachable = wide || address + piece - 1 <= UINT32_MAX;

        /* No piece: the segments are shorter than the data. */
        if (!piece || address % 2 || piece % 2 || !reachable || *count == AHCI_REGIONS_MAX)
            return false;
        table->regions[(*count)++] = (struct ahci_region){
            .address = (uint32_t)address,
            .address_high = (uint32_t)(address >> 32),
            .last_byte = piece - 1,
        };
    }
    return true;
}

/* Moves the first `bytes` bytes of those that are bounced. */
static void copy_bounced(const struct ahci_slot *slot, uint32_t bytes, bool out)
{
    struct ata_data data = slot->request.data;
    uint32_t direct_bytes = data.left_bytes - slot->bounced_bytes, piece;
    uint8_t *memory, *bounce = slot->table->bounce;

    /* Step over the data that are not. */
    while (direct_bytes && (piece = ata_data_next(&data, direct_bytes, &memory)))
        direct_bytes -= piece;

    for (; bytes && (piece = ata_data_next(&data, bytes, &memory)); bytes -= piece) {
        memcpy(out ? bounce : memory, out ? memory : bounce, piece);
        bounce += piece;
    }
}

/* Describes the memory of the slot's request. -EOPNOTSUPP if the controller cannot reach it. */
static status_t build_regions(struct ahci_slot *slot, bool wide, unsigned *count)
{
    const struct ahci_request *request = &slot->request;
    uint32_t length = request->data.left_bytes;
    *count = 0;
    slot->bounced_bytes = length < SCSI_BULK_BYTES ? length : length % 2;

    /* The bounced data are at the end, so that the regions before them stay direct. */
    uint32_t direct_bytes = length - slot->bounced_bytes;
    if (!add_regions(slot->table, count, request->data, direct_bytes, wide))
        return -EOPNOTSUPP;
    if (!slot->bounced_bytes)
        return 0;

    /* The table was allocated where the controller reaches it. An odd end is rounded up. */
    if (request->write)
        copy_bounced(slot, slot->bounced_bytes, true);
    struct io_segment bounce = { slot->table->bounce, AHCI_BOUNCE_BYTES };
    uint32_t rounded = slot->bounced_bytes + slot->bounced_bytes % 2;
    struct ata_data data = { &bounce, 1, 0, rounded };
    return add_regions(slot->table, count, data, rounded, wide) ? 0 : -EOPNOTSUPP;
}

/* ---- issuing ------------------------------------------------------------------------------ */

/* Fills in the slot's header and table. */
static status_t build_command(struct ahci_port *port, unsigned number)
{
    struct ahci_slot *slot = &port->slots[number];
    const struct ahci_request *request = &slot->request;
    struct ahci_header *header = &port->memory->list[number];
    bool wide = port->controller->capabilities & AHCI_CAP_64;

    unsigned count;
    status_t status = build_regions(slot, wide, &count);
    if (status)
        return status;

    /* The slot is not issued, so the controller does not read its header or its table now. */
    memcpy(slot->table->fis, request->fis, AHCI_FIS_BYTES);
    if (request->packet)
        memcpy(slot->table->packet, request->packet, SCSI_CDB_BYTES);

    header->flags = (uint16_t)(HEADER_FIS_WORDS | (request->packet ? HEADER_PACKET : 0) |
                               (request->write ? HEADER_WRITE : 0));
    header->region_count = (uint16_t)count;

    /* The count of an earlier command would be taken for this one's. */
    header->done_bytes = 0;
    return 0;
}

status_t ahci_issue(struct ahci_port *port, unsigned number, const struct ahci_request *request)
{
    uint32_t bit = UINT32_C(1) << number;

    /* The port's memory is written before the bit in PxCI, which makes the controller fetch it. */
    port->slots[number].request = *request;
    status_t status = build_command(port, number);
    if (status)
        return status;

    /* Under the lock, since an interrupt takes a bit that is issued and not active for an end.
     * After an error the controller ignores new commands. */
    spin_lock(&port->lock);
    if (port->halted) {
        status = -EIO;
    } else {
        port->issued |= bit;
        port->queued = request->queued ? port->queued | bit : 0;

        /* The unit clears the bit in PxSACT when the command has ended (5.6.4.1). */
        if (request->queued)
            ahci_port_write(port, AHCI_PORT_SACT, bit);
        ahci_port_write(port, AHCI_PORT_CI, bit);
    }
    spin_unlock(&port->lock);

    if (!status)
        ahci_watch_wake(port->controller);
    return status;
}

/* ---- ends --------------------------------------------------------------------------------- */

/* Returns the registers of the unit's last answer. */
static struct ata_result read_registers(struct ahci_port *port)
{
    uint32_t taskfile = ahci_port_read(port, AHCI_PORT_TFD);
    const volatile uint8_t *received = port->memory->received + RECEIVED_REGISTERS;
    struct ata_result registers = {
        .valid = true,
        .status = (uint8_t)taskfile,
        .error = (uint8_t)(taskfile >> 8),
    };

    /* The address is only in the frame: in PxTFD there are just status and error. */
    for (unsigned i = 0; i < 3; i++) {
        registers.lba |= (uint64_t)received[REGISTERS_LBA + i] << 8 * i;
        registers.lba |= (uint64_t)received[REGISTERS_LBA_EXTENDED + i] << (24 + 8 * i);
    }
    return registers;
}

/* Returns how a slot's command ended, and gives the bounced data to the segments. Caller holds the
 * lock. */
static struct ahci_result result_of(struct ahci_port *port, unsigned number, uint32_t events,
                                    const struct ata_result *registers)
{
    struct ahci_slot *slot = &port->slots[number];
    uint32_t length = slot->request.data.left_bytes;
    uint32_t done_bytes = port->memory->list[number].done_bytes;
    struct ahci_result result = { .registers = *registers };
    if (events & AHCI_EVENTS_FAILED)
        result.status = -EIO;

    /* The count is not valid for queued commands (4.2.2), which end well or not at all. */
    if (slot->request.queued) {
        result.registers.status = result.registers.error = 0;
        done_bytes = length;
    }

    /* An odd length was rounded up. */
    if (done_bytes > length + length % 2) {
        port->violation = "moved more data than it was asked for";
        result.status = -EIO;
    }
    result.done_bytes = min(done_bytes, length);

    /* The unit may have sent less than was asked for: only what has arrived is copied. */
    uint32_t direct_bytes = length - slot->bounced_bytes;
    if (!slot->request.write && result.done_bytes > direct_bytes)
        copy_bounced(slot, result.done_bytes - direct_bytes, false);
    return result;
}

/* Calls back for commands that have ended, which the caller has removed from `issued`. A slot is
 * not used again before that, or the port has forgotten it. */
static void report_ends(struct ahci_port *port, uint32_t ended)
{
    for (; ended; ended &= ended - 1) {
        const struct ahci_slot *slot = &port->slots[__builtin_ctz(ended)];
        slot->request.ended(port, slot->request.context, &slot->result);
    }
}

/* Returns the slots whose commands have ended, and fills in how. Caller holds the lock. */
static uint32_t take_ended(struct ahci_port *port, uint32_t events)
{
    /* A command has ended when both bits are clear; for one that is not queued, PxSACT is 0. */
    uint32_t active = ahci_port_read(port, AHCI_PORT_CI) | ahci_port_read(port, AHCI_PORT_SACT);
    uint32_t ended = port->issued & ~active;
    if (active & ~port->issued && active != AHCI_ABSENT && !port->halted)
        port->violation = "works on a command that was not sent";

    /* The registers are read if they are the answer of a command. For queued commands that ended
     * well they are not. */
    bool failed = events & (AHCI_EVENTS_FAILED | AHCI_EVENT_TASKFILE);
    struct ata_result registers = { 0 };
    if (failed || (ended && !port->queued))
        registers = read_registers(port);

    /* An error stops the list, and the bits of all commands that have not ended stay set (6.2).
     * A command that is not queued was alone. Recovery finds which of the queued ones failed. */
    if (failed) {
        port->halted = true;
        port->failure = registers;
        if (!port->queued)
            ended = port->issued;
    }

    /* Out of `issued` under the lock: no other thread or interrupt ends them a second time. */
    port->issued &= ~ended;
    for (uint32_t left = ended; left; left &= left - 1) {
        unsigned number = (unsigned)__builtin_ctz(left);
        port->slots[number].result =
            result_of(port, number, port->queued ? 0 : events, &registers);
    }
    return ended;
}

static void collect(struct ahci_port *port, uint32_t events)
{
    /* `collecting` keeps slots and unit from being given up until all is reported. */
    spin_lock(&port->lock);
    port->collecting++;
    struct ahci_unit *unit = port->unit;
    uint32_t ended = take_ended(port, events);
    bool stuck = port->violation || (port->halted && port->issued);
    spin_unlock(&port->lock);

    /* Without the lock: a callback may issue the next command. */
    report_ends(port, ended);

    /* A unit whose link went is reset, which shows whether it is still there. The plug thread looks
     * for one where there was none. */
    if (unit && (stuck || events & AHCI_EVENTS_LINK))
        command_queue_recover(&unit->queue.commands);
    else if (!unit && events & AHCI_EVENTS_ARRIVAL)
        ahci_plug_wake(port);

    spin_lock(&port->lock);
    port->collecting--;
    wait_queue_wake_all(&port->ended);
    spin_unlock(&port->lock);
}

bool ahci_port_look(struct ahci_port *port)
{
    /* A controller that was removed has no events; its commands end by their deadlines. */
    uint32_t events = ahci_port_read(port, AHCI_PORT_IS);
    if (events == AHCI_ABSENT)
        return false;

    /* The notes of the link are only cleared in PxSERR. */
    if (events & (AHCI_EVENTS_LINK | AHCI_EVENT_UNKNOWN))
        ahci_port_write(port, AHCI_PORT_SERR, ahci_port_read(port, AHCI_PORT_SERR));
    ahci_port_write(port, AHCI_PORT_IS, events);

    /* Also without an event: the bits of PxCI may be clear, and the interrupt lost. */
    collect(port, events);
    return events;
}

void ahci_port_fail(struct ahci_port *port, status_t status)
{
    /* Results before reports, and `issued` first: an interrupt that is late finds nothing. */
    spin_lock(&port->lock);
    uint32_t ended = port->issued;
    port->issued = 0;
    for (uint32_t left = ended; left; left &= left - 1)
        port->slots[__builtin_ctz(left)].result = (struct ahci_result){ .status = status };
    spin_unlock(&port->lock);
    report_ends(port, ended);
}

void ahci_port_forget(struct ahci_port *port)
{
    spin_lock(&port->lock);
    port->issued = 0;

    /* An end that another thread is reporting: afterwards the slots may be used again. */
    while (port->collecting)
        IGNORE(wait_queue_wait(&port->ended, &port->lock, TIME_NEVER));
    spin_unlock(&port->lock);
}

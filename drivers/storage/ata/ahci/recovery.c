/*
 * recovery.c - what a unit's worker does after an error, a late command, or news of the link.
 *
 * A failed command that was alone has ended by then, and the port only has to be started again
 * before the next one. When a queued command fails, the unit stops all of them and takes no other
 * command than the one that reads its error log (ACS-2 4.15.3): the log names the command. If the
 * log cannot be read, each of them counts as failed.
 */
#include "drivers/storage/ata/ahci/ahci.h"
#include "kernel/log.h"
#include "lib/bytes.h"
#include "lib/macros.h"
#include "lib/text.h"

/* The queued error log (ACS-2 A.14). */
enum {
    QUEUE_LOG = 0x10,
    QUEUE_LOG_TAG = 0,
    QUEUE_LOG_TAG_MASK = 0x1f,
    QUEUE_LOG_TAG_NONE = 1 << 7, /* NQ: the error was not of a queued command */
    QUEUE_LOG_STATUS = 2,
    QUEUE_LOG_ERROR = 3,
    QUEUE_LOG_LBA = 4,
    QUEUE_LOG_LBA_EXTENDED = 8,
    BLOCK_BYTES = 512,
};

/* ---- the failed one of the queued commands ------------------------------------------------- */

/* Reads the log, and returns the slot of the command that it names and its registers. -EIO if it
 * does not name one. */
static status_t read_log(struct ahci_port *port, unsigned *number, struct ata_result *registers)
{
    const struct ata_taskfile taskfile = {
        .operation = ATA_READ_LOG_EXT,
        .device = ATA_DEVICE_LBA,
        .extended = true,
        .count = 1,
        .lba = QUEUE_LOG,
    };
    uint8_t block[BLOCK_BYTES];
    status_t status = ahci_read_block(port, &taskfile, block);
    if (status)
        return status;

    /* The bytes add up to 0. */
    uint8_t sum = 0;
    for (unsigned i = 0; i < BLOCK_BYTES; i++)
        sum = (uint8_t)(sum + block[i]);
    struct bytes log = { block, BLOCK_BYTES };
    uint8_t tag = bytes_u8(log, QUEUE_LOG_TAG);
    if (sum || tag & QUEUE_LOG_TAG_NONE)
        return -EIO;

    /* At most 31: the caller checks that this slot was in flight. */
    *number = tag & QUEUE_LOG_TAG_MASK;
    *registers = (struct ata_result){
        .valid = true,
        .status = bytes_u8(log, QUEUE_LOG_STATUS) | ATA_STATUS_ERR,
        .error = bytes_u8(log, QUEUE_LOG_ERROR),
        .lba = (bytes_le32(log, QUEUE_LOG_LBA) & 0xffffff) |
               (uint64_t)(bytes_le32(log, QUEUE_LOG_LBA_EXTENDED) & 0xffffff) << 24,
    };
    return 0;
}

/* Ends the commands of these slots, which the port has forgotten, with these registers. */
static void end_failed(struct ahci_port *port, uint32_t failed, const struct ata_result *registers)
{
    const struct ahci_result result = { .registers = *registers };

    /* Without the lock: they are not in `issued`, so no interrupt ends them meanwhile. */
    for (; failed; failed &= failed - 1) {
        const struct ahci_request *request = &port->slots[__builtin_ctz(failed)].request;
        request->ended(port, request->context, &result);
    }
}

/* Ends those of the queued commands that failed; the others are interrupted, which the queue
 * reports. The port takes commands again. */
static void end_queued(struct ahci_port *port, uint32_t queued, struct ata_result failure)
{
    /* The log is read through slot 0, whose request is still needed. */
    struct ahci_request first = port->slots[0].request;
    struct ata_result registers;
    unsigned number = 0;
    status_t status = read_log(port, &number, &registers);
    if (status == -ETIMEDOUT)
        IGNORE(ahci_port_recover(port, true)); /* else the next command finds out */
    port->slots[0].request = first;

    /* A unit that names a command that was not sent is not believed: then all of them count as
     * failed. */
    if (!status && queued & UINT32_C(1) << number)
        end_failed(port, UINT32_C(1) << number, &registers);
    else
        end_failed(port, queued, &failure);
}

/* ---- the unit ----------------------------------------------------------------------------- */

/* Gives the port up. */
static void unit_go(struct ahci_unit *unit, bool replaced)
{
    struct ahci_port *port = unit->port;

    /* Stopped before the commands end, since they give back their memory. */
    if (ahci_port_stop(port))
        ahci_take_offline(port->controller, "a port does not stop");
    ahci_port_fail(port, -ENODEV);

    /* From here on the port may be given to another unit; the thread that removes this one waits
     * for it. */
    spin_lock(&port->lock);
    unit->gone = true;
    unit->replaced = replaced;
    wait_queue_wake_all(&port->ended);
    spin_unlock(&port->lock);
}

/* Returns whether the unit that answers now is still the same. A unit that was not identified yet
 * is. */
static bool unit_is_same(struct ahci_unit *unit)
{
    struct ata_identity *then = &unit->ata.identity, now;
    uint16_t words[ATA_IDENTIFY_WORDS];
    bool packet = unit->ata.kind == ATA_KIND_PACKET;
    const struct ata_taskfile taskfile = {
        .operation = packet ? ATA_IDENTIFY_PACKET : ATA_IDENTIFY,
    };
    if (unit->ata.kind == ATA_KIND_NONE)
        return true;

    /* Model, serial number and size: a disk that was exchanged must not get the blocks of the
     * other. */
    if (ahci_read_block(unit->port, &taskfile, words) || !ata_identify_decode(words, &now))
        return false;
    return text_equal(now.model, then->model) && text_equal(now.serial, then->serial) &&
           now.sectors == then->sectors;
}

/* Makes the port work again. Returns NULL, or why the unit is gone. *replaced: another one may be
 * there. */
static const char *recover(struct ahci_unit *unit, bool *replaced)
{
    struct ahci_port *port = unit->port;

    /* Read before the recovery, which forgets what was issued. */
    spin_lock(&port->lock);
    uint32_t queued = port->halted ? port->issued & port->queued : 0;
    struct ata_result failure = port->failure;
    const char *violation = port->violation;
    spin_unlock(&port->lock);
    if (violation)
        return violation;

    /* After an error of queued commands the link is left alone, or the log would be lost. */
    if (queued && !ahci_port_link_changed(port) && !ahci_port_recover(port, false)) {
        end_queued(port, queued, failure);
        return NULL;
    }

    /* The reset interrupts every command. If the same unit answers, the queue decides whether they
     * are repeated. */
    status_t status = ahci_port_recover(port, true);
    *replaced = !status || status == -ENODEV;
    if (!status)
        return unit_is_same(unit) ? NULL : "is another unit after a reset";
    return status == -ENODEV      ? "was unplugged"
           : status == -ETIMEDOUT ? "stays busy after a reset"
                                  : "cannot be reset";
}

/* Looks for the end of a late command. Returns whether only its interrupt was late: nothing is
 * running, and nothing is wrong. */
static bool only_interrupt_was_lost(struct ahci_port *port)
{
    spin_lock(&port->lock);
    bool running = port->issued && !port->halted;
    spin_unlock(&port->lock);
    if (!running || ahci_port_link_changed(port) || !ahci_port_look(port))
        return false;

    /* The look may have found an error instead of an end: then the recovery continues. */
    ahci_note_lost(port->controller);
    spin_lock(&port->lock);
    bool idle = !port->issued && !port->halted && !port->violation;
    spin_unlock(&port->lock);
    return idle && !ahci_port_link_changed(port);
}

void ahci_unit_reset(struct packet_queue *queue)
{
    struct ahci_unit *unit = container_of(queue, struct ahci_unit, queue);
    struct ahci_port *port = unit->port;
    spin_lock(&port->lock);
    bool gone = unit->gone, leaving = unit->leaving;
    spin_unlock(&port->lock);

    /* A unit that is gone has no commands, and its port may be another's. */
    if (gone)
        return;
    if (leaving) {
        unit_go(unit, false);
        return;
    }

    if (only_interrupt_was_lost(port))
        return;

    /* The worker cannot remove its own unit, so the plug thread does. */
    bool replaced = false;
    const char *why = recover(unit, &replaced);
    if (!why)
        return;
    log_warn(port->controller->name, "%s: %s %s; %s", port->name, unit->ata.identity.model, why,
             replaced ? "removed" : "taken offline");
    unit_go(unit, replaced);
    ahci_plug_wake(port);
}

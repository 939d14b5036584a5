/*
 * ahci_carrier.c - the CD drive of packet_drive.h behind an emulated AHCI controller.
 */
#include <errno.h>
#include <string.h>

#include "tests/host/ahci_carrier.h"
#include "tests/host/ahci_rig.h"

enum {
    STATUS_GOOD = 0x50,
    STATUS_CHECK = 0x51,
    EVENT_OVERFLOW = 1 << 24,
    EVENT_INTERFACE = 1 << 27,
    PORT = 1,
};

/* Answers a packet as the drive does. What its own transport reports by a status, a controller
 * reports by an event. */
static void serve_packet(struct ahci_packet *packet)
{
    struct io_segment segment = { packet->data, packet->bytes };
    struct scsi_command command = {
        .direction = !packet->bytes ? SCSI_NO_DATA : packet->write ? SCSI_DATA_OUT : SCSI_DATA_IN,
        .segments = &segment,
        .segment_count = 1,
        .length_bytes = packet->bytes,
    };
    memcpy(command.cdb, packet->cdb, SCSI_CDB_BYTES);

    status_t status;
    packet_drive_read_slowly(&command);
    enum packet_drive_ending ending = packet_drive_serve(&command, &status);
    packet->hang = ending == PACKET_DRIVE_HELD || ending == PACKET_DRIVE_LATE;
    packet->doubled = ending == PACKET_DRIVE_TWICE;
    packet->status = command.unit_status == SCSI_CHECK_CONDITION ? STATUS_CHECK : STATUS_GOOD;
    if (status)
        packet->events = EVENT_INTERFACE;
    else if (command.done_bytes > packet->bytes)
        packet->events = EVENT_OVERFLOW;
    else
        packet->bytes = command.done_bytes;
}

static void note_reset(void)
{
    packet_drive.resets++;
}

static struct device *plug_in(uint8_t device_type)
{
    memset(&ahci_rig, 0, sizeof(ahci_rig));
    ahci_rig.capabilities = UINT32_C(1) << 31;
    ahci_rig.packet = serve_packet;
    ahci_rig.packet_type = device_type;
    ahci_rig.reset = note_reset;
    ahci_rig.ports[PORT].kind = AHCI_MODEL_CD;
    ahci_model_plug_in(&ahci_rig);

    struct device *unit = ahci_rig_find(PORT);
    kassert(unit);
    return unit;
}

static void unplug(void)
{
    ahci_model_unplug(&ahci_rig);
}

const struct packet_drive_carrier ahci_carrier = {
    .plug_in = plug_in,
    .unplug = unplug,
    .is_atapi = true,
};

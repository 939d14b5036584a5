/*
 * scsi.c - the bus type of SCSI units, whatever transport publishes them.
 */
#include "kernel/bus/scsi.h"

const struct bus_type scsi_bus = { .name = "scsi" };

struct scsi_unit *scsi_unit_of(const struct device *device)
{
    return (struct scsi_unit *)device_bus_data(device, &scsi_bus);
}

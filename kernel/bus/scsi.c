/*
 * scsi.c - the bus type of units that take SCSI command packets.
 */
#include "kernel/bus/scsi.h"

const struct bus_type packet_bus = { .name = "packet" };

/*
 * ahci_carrier.h - the CD drive of packet_drive.h behind an emulated AHCI controller, so that the
 * promises of all transports are tested with the driver of AHCI.
 */
#ifndef TESTS_HOST_AHCI_CARRIER_H
#define TESTS_HOST_AHCI_CARRIER_H

#include "tests/host/packet_drive.h"

extern const struct packet_drive_carrier ahci_carrier;

#endif

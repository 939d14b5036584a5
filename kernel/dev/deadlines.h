/*
 * deadlines.h - all time limits of the I/O path, in microseconds.
 *
 * The limits of commands are long, since drives spin up and retry by themselves: short ones would
 * fail good drives. A user who does not want to wait interrupts the wait.
 */
#ifndef KERNEL_DEV_DEADLINES_H
#define KERNEL_DEV_DEADLINES_H

enum {
    DEADLINE_ATA_RESET_US = 3100000,       /* BSY after a soft reset. ATA-6 9.2 allows 31 s, but an
                                              absent unit never answers: a tenth of that */
    DEADLINE_AHCI_HANDOFF_US = 2000000,    /* the firmware finishes its command (AHCI 10.6.3) */
    DEADLINE_AHCI_RESET_US = 1000000,      /* of the controller (AHCI 10.4.3) */
    DEADLINE_AHCI_ENGINE_US = 500000,      /* a port's engine stops (AHCI 10.1.2) */
    DEADLINE_SATA_PRESENCE_US = 20000,     /* a unit is noticed; SATA allows it 10 ms */
    DEADLINE_SATA_LINK_US = 1000000,       /* its link works */
    DEADLINE_SATA_READY_US = 10000000,     /* BSY after that: its motor may have to start */
    DEADLINE_ATA_SELECT_US = 100000,       /* BSY and DRQ clear after selecting a device */
    DEADLINE_ATA_IDENTIFY_US = 1000000,
    DEADLINE_ATA_DRQ_US = 3000000,         /* the unit asks for the packet bytes */
    DEADLINE_ATA_DATA_US = 15000000,       /* a disk's read or write, with its own retries, or a
                                              spin-up from standby */
    DEADLINE_ATA_FLUSH_US = 60000000,      /* ATA-6 8.9: "may exceed 30 s" */
    DEADLINE_PACKET_US = 10000000,         /* a command that moves data, or tests the unit */
    DEADLINE_PACKET_SENSE_US = 3000000,    /* REQUEST SENSE, and a bus's INQUIRY and REPORT LUNS:
                                              none of them touches the medium */
    DELAY_PACKET_BUSY_US = 10000,          /* before a unit that reported BUSY is asked again */
    DEADLINE_PACKET_MOTION_US = 30000000,  /* load, eject */
    DEADLINE_PACKET_FLUSH_US = 60000000,   /* a full cache is written back */
    DEADLINE_NOT_READY_US = 10000000,      /* how long "becoming ready" is waited for in all */
    DELAY_NOT_READY_US = 100000,           /* between two tries of it */
    DEADLINE_VIRTIO_US = 30000000,         /* a request to a virtual disk: its host's disk may be
                                              busy or slow */
    DEADLINE_VIRTIO_RESET_US = 1000000,    /* a virtio device ends its reset */
    DEADLINE_VIRTIO_ABORT_US = 3000000,    /* a virtio-scsi device aborts what it carries out */
    POLL_VIRTIO_US = 1000,                 /* between two looks at a device without interrupts */
    DEADLINE_NVME_READY_US = 10000000,     /* CSTS.RDY; CAP.TO may ask for two minutes, and start-up
                                              waits meanwhile */
    DEADLINE_NVME_ADMIN_US = 5000000,      /* an administrative command */
    DEADLINE_NVME_IO_US = 10000000,        /* a command that moves data, or a flush */
    DEADLINE_NVME_ABORT_US = 2000000,      /* a command completes after it was aborted */
    DEADLINE_NVME_SHUTDOWN_US = 5000000,   /* the cache is written before the controller stops */
    DELAY_NVME_POLL_US = 1000,             /* between two looks at a register or a queue */
    DEADLINE_TRANSFER_US = 60000000,       /* a transfer, with all tries: later it is reported */
    WATCH_TRANSFERS_US = 5000000,          /* between two looks for such transfers */
    DEADLINE_DRIVES_US = 8000000,          /* start-up mounts what was found until then */
    DEADLINE_SETTLE_US = 10000000,         /* start-up waits this long for devices */
    POLL_MEDIUM_US = 2500000,              /* between two polls of a removable drive: each wakes an
                                              idle processor, on IDE three more times */
};

#endif

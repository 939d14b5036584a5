/*
 * scsi.h - shared by the files of the virtio-scsi driver.
 *
 *   scsi.c        the driver: a controller's life
 *   scsi_queue.c  the transport: carries SCSI commands; aborts, resets
 *   scsi_scan.c   finds units by REPORT LUNS and INQUIRY, publishes and removes them
 *   scsi_events.c the thread that acts on the device's events: hot plug, changed media
 *
 * Model       The device has targets 0 to 255 with logical units. Below the virtio device the
 *             driver publishes "scsi", and below that a unit "TARGET:LUN" each, on scsi_bus. The
 *             commands of all units go through one packet queue, whose tags are the slots of the
 *             request queue.
 * Recovery    First the commands in flight are aborted by the control queue. If that does not end
 *             them, the device is reset, and started again. A device that cannot be started, or
 *             violated the protocol, is offline: its units are removed.
 * Locking     vscsi.device_lock (rank DEVTREE): the worker of the queue may be resetting the device
 *             while it is removed. vscsi.lock (rank QUEUE), under which slots are submitted.
 * References  VIRTIO 1.1 section 5.6 (SCSI host device); SAM-3 4.9 (LUNs).
 * Status      One request queue. No commands with data in both directions, no protection
 *             information.
 */
#ifndef DRIVERS_STORAGE_VIRTIO_SCSI_H
#define DRIVERS_STORAGE_VIRTIO_SCSI_H

#include "kernel/bus/virtio.h"
#include "kernel/dev/packet_queue.h"

enum {
    VSCSI_OPENINGS_MAX = PACKET_OPENINGS_MAX,
    VSCSI_PIECES_MAX = 128, /* of a chain: request and response beside the data */
    VSCSI_PIECES_OWN = 2,
    VSCSI_EVENTS = 8,       /* event buffers that the device has */
    VSCSI_TARGET_MAX = 255, /* the LUN field has one byte for it */

    VSCSI_LUN_BYTES = 8,
    VSCSI_CDB_BYTES = 32,   /* what the device expects unless it is told otherwise, as the next */
    VSCSI_SENSE_BYTES = 96,
    VSCSI_REQUEST_BYTES = 19 + VSCSI_CDB_BYTES,
    VSCSI_RESPONSE_BYTES = 12 + VSCSI_SENSE_BYTES,
    VSCSI_ABORT_BYTES = 24,
    VSCSI_EVENT_BYTES = 16,
};

enum { VSCSI_CONTROL, VSCSI_EVENT, VSCSI_REQUEST, VSCSI_QUEUES };

/* Memory of a slot of the request queue, which the device reads and writes. Data shorter than
 * SCSI_BULK_BYTES may be on a stack, so it is copied. */
struct vscsi_slot {
    uint8_t request[VSCSI_REQUEST_BYTES], response[VSCSI_RESPONSE_BYTES];
    uint8_t data[SCSI_BULK_BYTES];
};

/* Memory of the other two queues. */
struct vscsi_shared {
    uint8_t abort[VSCSI_ABORT_BYTES], abort_response;
    uint8_t events[VSCSI_EVENTS][VSCSI_EVENT_BYTES];
};

struct vscsi {
    struct virtio_device *virtio;
    struct virtio_queue *queues[VSCSI_QUEUES];
    struct device *device;          /* "scsi": a reference */
    struct packet_queue packets;
    struct vscsi_slot *slots[VSCSI_OPENINGS_MAX];
    struct vscsi_shared *shared;
    struct thread *thread, *poll;   /* scsi_events.c's; without interrupts, a second one */

    uint32_t transfer_bytes;        /* limits of a command's data */
    unsigned segment_count, target_last;

    struct mutex device_lock;       /* held to reset, start or end the device */
    struct spin lock;               /* all below */
    struct scsi_command *commands[VSCSI_OPENINGS_MAX]; /* submitted, by slot */
    unsigned ending;                /* commands that done() is ending */
    bool running, offline;          /* neither: it is being reset */
    bool failed;                    /* since the last reset */
    struct wait_queue ended;        /* reset() waits here for aborted commands */
    bool aborting;                  /* the abort request is the device's */

    struct wait_queue changed;      /* the thread waits here */
    bool events[VSCSI_EVENTS];      /* buffers that the device has filled */
    bool rescan, stopping, poll_stops;
};

struct vscsi_unit {
    struct scsi_unit scsi;
    struct vscsi *vscsi;
    uint8_t target;
    uint16_t lun;
};

/* scsi_queue.c */

extern const struct packet_transport vscsi_transport;
extern const struct virtio_client vscsi_client;

/* Resets the device; the queues are added the first time. */
status_t vscsi_begin_device(struct vscsi *vscsi) MUST_CHECK;
/* Starts it. From now on the device interrupts: the packet queue runs already. */
status_t vscsi_run_device(struct vscsi *vscsi) MUST_CHECK;
/* Ends the device for good. Commands in flight end with -ENODEV, as do all later ones. */
void vscsi_end_device(struct vscsi *vscsi);

/* scsi_scan.c */

/* Publishes units that are new, and removes those that are gone. Stops at the first command that
 * the device does not answer. Waits: only in one thread at a time. */
void vscsi_scan(struct vscsi *vscsi);
void vscsi_scan_target(struct vscsi *vscsi, unsigned target);
void vscsi_remove_unit(struct vscsi *vscsi, unsigned target, unsigned lun);
/* Makes the drivers of the unit look for another medium. */
void vscsi_poll_unit(struct vscsi *vscsi, unsigned target, unsigned lun);
void vscsi_remove_units(struct vscsi *vscsi);

/* scsi_events.c */

/* Start and stop the thread that takes the place of interrupts, if there are none. */
status_t vscsi_start_poll(struct vscsi *vscsi) MUST_CHECK;
void vscsi_stop_poll(struct vscsi *vscsi);
/* Start and stop the thread that acts on events. */
status_t vscsi_start_events(struct vscsi *vscsi) MUST_CHECK;
void vscsi_stop_events(struct vscsi *vscsi);
/* Gives the device an event buffer. Caller holds the lock. */
void vscsi_submit_event(struct vscsi *vscsi, unsigned slot);

#endif

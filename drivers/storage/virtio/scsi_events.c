/*
 * scsi_events.c - acts on the events of a virtio-scsi device (VIRTIO 1.1 section 5.6.6.3).
 *
 * One thread for each device, since what follows from an event waits for commands: a scan of a
 * target, the removal of a unit, a look at a medium. The device has a few buffers for events. When
 * they are all in use it reports that it missed some, and everything is scanned again.
 */
#include "drivers/storage/virtio/scsi.h"
#include "kernel/dev/deadlines.h"
#include "lib/bytes.h"
#include "lib/macros.h"
#include "lib/string.h"

/* Offsets in an event. */
enum { EVENT_KIND = 0, EVENT_LUN = 4, EVENT_REASON = 12 };

enum {
    KIND_TRANSPORT_RESET = 1,
    KIND_PARAMETER_CHANGE = 3,
    REASON_RESCAN = 1,
    REASON_REMOVED = 2,
    LUN_MASK = 0x3fff,
};

#define KIND_MISSED 0x80000000u /* beside a kind: events before this one were lost */

void vscsi_submit_event(struct vscsi *vscsi, unsigned slot)
{
    /* A buffer that does not fit is a missing event, which the next scan makes up for. */
    struct virtio_queue *queue = vscsi->queues[VSCSI_EVENT];
    struct virtio_chain chain = vscsi->virtio->ops->chain(queue, slot);
    if (!virtio_add_writable(&chain, vscsi->shared->events[slot], VSCSI_EVENT_BYTES))
        vscsi->virtio->ops->submit(queue, slot, &chain);
}

static void handle(struct vscsi *vscsi, struct bytes event)
{
    uint32_t kind = bytes_le32(event, EVENT_KIND), reason = bytes_le32(event, EVENT_REASON);
    unsigned target = bytes_u8(event, EVENT_LUN + 1);
    unsigned lun = bytes_be16(event, EVENT_LUN + 2) & LUN_MASK;

    /* Which ones is unknown, so everything is scanned; the event that remains is handled as
     * well. */
    if (kind & KIND_MISSED)
        vscsi_scan(vscsi);
    switch (kind & ~KIND_MISSED) {
    case KIND_TRANSPORT_RESET:
        if (reason == REASON_RESCAN)
            vscsi_scan_target(vscsi, target);
        else if (reason == REASON_REMOVED)
            vscsi_remove_unit(vscsi, target, lun);
        break;
    case KIND_PARAMETER_CHANGE:
        /* The reason is a sense code. The unit reports it too, so that its driver finds out what
         * has changed. */
        vscsi_poll_unit(vscsi, target, lun);
        break;
    default:
        break;
    }
}

/* ---- the thread --------------------------------------------------------------------------- */

enum work { WORK_EVENT, WORK_SCAN, WORK_REMOVE, WORK_STOP };

/* Waits for work. *slot: of an event. Caller holds the lock. */
static enum work wait_for_work(struct vscsi *vscsi, unsigned *slot)
{
    for (;;) {
        if (vscsi->stopping)
            return WORK_STOP;
        if (vscsi->offline)
            return WORK_REMOVE;

        /* The scan covers what the events before it report, so it comes first. */
        if (vscsi->rescan && vscsi->running) {
            vscsi->rescan = false;
            return WORK_SCAN;
        }
        for (*slot = 0; vscsi->running && *slot < VSCSI_EVENTS; ++*slot)
            if (vscsi->events[*slot])
                return WORK_EVENT;

        IGNORE(wait_queue_wait(&vscsi->changed, &vscsi->lock, TIME_NEVER));
    }
}

static void take_event(struct vscsi *vscsi, unsigned slot)
{
    /* A copy, since the buffer is the device's again before the event is handled. If it were kept,
     * events during a scan would be missed. */
    uint8_t event[VSCSI_EVENT_BYTES];
    spin_lock(&vscsi->lock);
    memcpy(event, vscsi->shared->events[slot], sizeof(event));
    if (vscsi->running && vscsi->events[slot]) {
        vscsi->events[slot] = false;
        vscsi_submit_event(vscsi, slot);
    }
    spin_unlock(&vscsi->lock);

    /* Without the lock: it waits for commands. */
    handle(vscsi, (struct bytes){ event, sizeof(event) });
}

static void events_thread(void *argument)
{
    struct vscsi *vscsi = argument;
    enum work work;
    do {
        unsigned slot;
        spin_lock(&vscsi->lock);
        work = wait_for_work(vscsi, &slot);
        spin_unlock(&vscsi->lock);

        switch (work) {
        case WORK_EVENT: take_event(vscsi, slot); break;
        case WORK_SCAN: vscsi_scan(vscsi); break;
        case WORK_REMOVE: vscsi_remove_units(vscsi); break;
        case WORK_STOP: break;
        }
    } while (work != WORK_STOP && work != WORK_REMOVE);
}

/* Takes the place of interrupts: the other thread waits for commands. */
static void poll_thread(void *argument)
{
    struct vscsi *vscsi = argument;

    /* The lock is free while it polls and sleeps: callbacks take it. */
    spin_lock(&vscsi->lock);
    while (!vscsi->poll_stops) {
        spin_unlock(&vscsi->lock);
        vscsi->virtio->ops->poll(vscsi->virtio);
        thread_sleep_until(time_now_us() + POLL_VIRTIO_US);
        spin_lock(&vscsi->lock);
    }
    spin_unlock(&vscsi->lock);
}

status_t vscsi_start_poll(struct vscsi *vscsi)
{
    if (!vscsi->virtio->polled)
        return 0;
    vscsi->poll = thread_create("virtio-poll", PRIORITY_IO, poll_thread, vscsi);
    return vscsi->poll ? 0 : -ENOMEM;
}

void vscsi_stop_poll(struct vscsi *vscsi)
{
    spin_lock(&vscsi->lock);
    vscsi->poll_stops = true;
    spin_unlock(&vscsi->lock);
    if (vscsi->poll)
        thread_join(vscsi->poll);
    vscsi->poll = NULL;
}

status_t vscsi_start_events(struct vscsi *vscsi)
{
    vscsi->thread = thread_create("virtio-scsi", PRIORITY_IO, events_thread, vscsi);
    return vscsi->thread ? 0 : -ENOMEM;
}

void vscsi_stop_events(struct vscsi *vscsi)
{
    /* The flag under the lock: the thread either sees it, or waits already and is woken. */
    spin_lock(&vscsi->lock);
    vscsi->stopping = true;
    wait_queue_wake_all(&vscsi->changed);
    spin_unlock(&vscsi->lock);
    if (vscsi->thread)
        thread_join(vscsi->thread);
    vscsi->thread = NULL;
}

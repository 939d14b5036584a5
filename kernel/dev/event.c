/*
 * event.c - pending device events: a list of devices, each with one bit per kind. A device whose
 * event is being handled is not in the list; new events only set its bits until then. While an
 * event of a drive or of one of its parts is being handled, the others of them stay in the list.
 */
#include "kernel/dev/event.h"
#include "kernel/dev/internal.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"

static struct {
    struct spin lock;
    struct list devices; /* with pending bits, and not being handled; each has a reference */
    unsigned handled;    /* events, until the reference to their device was put */
    struct wait_queue arrival, done;
} events = {
    .lock = SPIN_INIT(RANK_QUEUE),
    .devices = LIST_INIT(events.devices),
    .arrival = WAIT_QUEUE_INIT(events.arrival),
    .done = WAIT_QUEUE_INIT(events.done),
};

void event_post(enum event_kind kind, struct device *device)
{
    spin_lock(&events.lock);

    /* With an event pending or being handled, the device has its reference, and event_done() puts
     * it into the list again. */
    if (!device->pending_events && !device->event_handled) {
        device_get(device);
        device->drive->events++;
        list_push_back(&events.devices, &device->event_link);
    }
    device->pending_events |= 1u << kind;
    wait_queue_wake_one(&events.arrival);
    spin_unlock(&events.lock);
}

/* Returns the first device of the list whose drive has no event that is being handled, or NULL. */
static struct device *event_next(void)
{
    list_each(link, &events.devices) {
        struct device *device = container_of(link, struct device, event_link);
        if (!device->drive->events_taken)
            return device;
    }
    return NULL;
}

/* Takes the lowest bit of the device, since ADDED comes before REMOVED. The event inherits the
 * list's reference. */
static void event_take(struct event *event, struct device *device)
{
    list_remove(&device->event_link);
    event->device = device;
    event->kind = (enum event_kind)__builtin_ctz(device->pending_events);
    device->pending_events &= device->pending_events - 1;
    device->event_handled = device->drive->events_taken = true;
    events.handled++;
}

void event_done(struct event *event)
{
    struct device *device = event->device;

    /* The reference stays with the device while it has another event. */
    spin_lock(&events.lock);
    device->event_handled = device->drive->events_taken = false;
    bool more = device->pending_events;
    if (more)
        list_push_back(&events.devices, &device->event_link);
    else
        device->drive->events--;
    if (event_next())
        wait_queue_wake_one(&events.arrival);
    wait_queue_wake_all(&events.done);
    spin_unlock(&events.lock);
    if (!more)
        device_put(device);

    /* Counted until here, so that a caller of event_wait_done(NULL) finds the device freed. */
    spin_lock(&events.lock);
    events.handled--;
    wait_queue_wake_all(&events.done);
    spin_unlock(&events.lock);
}

status_t event_wait(struct event *event, uint64_t deadline_us)
{
    struct device *device;
    status_t status = 0;
    spin_lock(&events.lock);
    while (!(device = event_next()) && !status)
        status = wait_queue_wait(&events.arrival, &events.lock, deadline_us);

    /* An event that arrived at the deadline is taken. */
    if (device) {
        event_take(event, device);
        status = 0;
    }
    spin_unlock(&events.lock);
    return status;
}

unsigned *device_event_flags(struct device *device)
{
    return &device->event_flags;
}

/* Caller holds the lock. */
static bool is_done(const struct device *device)
{
    if (!device)
        return !events.handled && list_empty(&events.devices);
    return !device->drive->events;
}

status_t event_wait_done(struct device *device, uint64_t deadline_us)
{
    status_t status = 0;
    spin_lock(&events.lock);
    while (!is_done(device) && !status)
        status = wait_queue_wait_interruptible(&events.done, &events.lock, deadline_us);
    spin_unlock(&events.lock);
    return status;
}

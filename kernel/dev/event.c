/*
 * event.c - pending device events: a list of devices, each with a bit a kind.
 */
#include "kernel/dev/event.h"
#include "kernel/sched/sync.h"

static struct {
    struct spin lock;
    struct list devices; /* those with pending bits; each holds a reference */
    struct wait_queue arrival;
} events = {
    .lock = SPIN_INIT(RANK_QUEUE),
    .devices = LIST_INIT(events.devices),
    .arrival = WAIT_QUEUE_INIT(events.arrival),
};

void event_post(enum event_kind kind, struct device *device)
{
    spin_lock(&events.lock);
    if (!device->pending_events) {
        device_get(device);
        list_push_back(&events.devices, &device->event_link);
    }
    device->pending_events |= 1u << kind;
    wait_queue_wake_one(&events.arrival);
    spin_unlock(&events.lock);
}

/* Takes the lowest bit of the first device: what was added is told before what went. */
static void event_take(struct event *event)
{
    struct device *device = list_entry(events.devices.next, struct device, event_link);
    event->device = device;
    event->kind = (enum event_kind)__builtin_ctz(device->pending_events);
    device->pending_events &= device->pending_events - 1;
    if (device->pending_events)
        device_get(device); /* the list keeps its own */
    else
        list_remove(&device->event_link);
}

status_t event_wait(struct event *event, uint64_t deadline_us)
{
    status_t status = 0;
    spin_lock(&events.lock);
    while (list_empty(&events.devices) && !status)
        status = wait_queue_wait(&events.arrival, &events.lock, deadline_us);
    if (!list_empty(&events.devices)) {
        event_take(event);
        status = 0;
    }
    spin_unlock(&events.lock);
    return status;
}

/*
 * event.c - pending device events: a list of devices, each with a bit a kind.
 */
#include "kernel/dev/event.h"
#include "kernel/sched/sync.h"

static struct {
    struct spin lock;
    struct list devices; /* those with pending bits; each holds a reference */
    struct wait_queue arrival, done;
    uint64_t posted_count, done_count; /* the consumer is done with so many of those posted */
} events = {
    .lock = SPIN_INIT(RANK_QUEUE),
    .devices = LIST_INIT(events.devices),
    .arrival = WAIT_QUEUE_INIT(events.arrival),
    .done = WAIT_QUEUE_INIT(events.done),
};

void event_post(enum event_kind kind, struct device *device)
{
    spin_lock(&events.lock);
    if (!device->pending_events) {
        device_get(device);
        list_push_back(&events.devices, &device->event_link);
    }
    device->pending_events |= 1u << kind;
    events.posted_count++;
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

/* The consumer comes back: with nothing left in the list, it is done with everything. */
static void event_note_done(void)
{
    if (list_empty(&events.devices)) {
        events.done_count = events.posted_count;
        wait_queue_wake_all(&events.done);
    }
}

status_t event_wait(struct event *event, uint64_t deadline_us)
{
    status_t status = 0;
    spin_lock(&events.lock);
    event_note_done();
    while (list_empty(&events.devices) && !status)
        status = wait_queue_wait(&events.arrival, &events.lock, deadline_us);
    if (!list_empty(&events.devices)) {
        event_take(event);
        status = 0;
    }
    spin_unlock(&events.lock);
    return status;
}

status_t event_wait_done(uint64_t deadline_us)
{
    status_t status = 0;
    spin_lock(&events.lock);
    uint64_t wanted = events.posted_count;
    while (events.done_count < wanted && !status)
        status = wait_queue_wait_interruptible(&events.done, &events.lock, deadline_us);
    spin_unlock(&events.lock);
    return status;
}

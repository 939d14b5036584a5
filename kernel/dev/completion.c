/*
 * completion.c - ends requests: an append from any context, and the thread that calls back.
 */
#include "kernel/dev/internal.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"

static struct {
    struct spin lock;
    struct list requests; /* ended */
    struct list devices;  /* whose last reference is to be put */
    struct wait_queue arrival;
    struct thread *thread;
    bool stopping;
} completions = {
    .lock = SPIN_INIT(RANK_COMPLETIONS),
    .requests = LIST_INIT(completions.requests),
    .devices = LIST_INIT(completions.devices),
    .arrival = WAIT_QUEUE_INIT(completions.arrival),
};

static void append(struct list *queue, struct list *link)
{
    spin_lock(&completions.lock);
    list_push_back(queue, link);
    wait_queue_wake_one(&completions.arrival);
    spin_unlock(&completions.lock);
}

void io_complete(struct io_request *request, status_t status, uint64_t done_bytes)
{
    int active = REQUEST_ACTIVE;
    if (!atomic_compare_exchange_strong(&request->state, &active, REQUEST_ENDED))
        return; /* another caller ended it first */
    request->status = status;
    request->done_bytes = done_bytes;
    append(&completions.requests, &request->link);
}

void device_put_later(struct device *device)
{
    int references = atomic_load(&device->references);
    while (references > 1)
        if (atomic_compare_exchange_weak(&device->references, &references, references - 1))
            return;
    append(&completions.devices, &device->put_link);
}

struct completion {
    struct io_request *request;
    struct device *device;
};

/* Waits for an ended request or a device to put. False when the thread is to stop and nothing is
 * left. */
static bool completion_next(struct completion *next)
{
    spin_lock(&completions.lock);
    while (list_empty(&completions.requests) && list_empty(&completions.devices) &&
           !completions.stopping)
        IGNORE(wait_queue_wait(&completions.arrival, &completions.lock, TIME_NEVER));
    struct list *request = list_pop_front(&completions.requests);
    struct list *device = request ? NULL : list_pop_front(&completions.devices);
    spin_unlock(&completions.lock);

    next->request = request ? container_of(request, struct io_request, link) : NULL;
    next->device = device ? container_of(device, struct device, put_link) : NULL;
    return request || device;
}

static void completion_main(void *unused)
{
    (void)unused;
    for (struct completion next; completion_next(&next);) {
        if (next.request) {
            next.device = next.request->device; /* the callback may free the request */
            next.request->complete(next.request);
        }
        device_put(next.device);
    }
}

status_t io_start(void)
{
    completions.stopping = false;
    completions.thread = thread_create("complete", PRIORITY_IO, completion_main, NULL);
    return completions.thread ? 0 : -ENOMEM;
}

void io_stop(void)
{
    spin_lock(&completions.lock);
    completions.stopping = true;
    wait_queue_wake_all(&completions.arrival);
    spin_unlock(&completions.lock);
    thread_join(completions.thread);
    completions.thread = NULL;
}

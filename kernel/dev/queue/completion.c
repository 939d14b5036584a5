/*
 * completion.c - ends requests: an append from any context, and the thread that calls back, unless
 * another one does. The same thread looks for transfers that do not end, from time to time while
 * there are any.
 */
#include "kernel/dev/deadlines.h"
#include "kernel/dev/internal.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"

static struct {
    struct spin lock;
    struct list requests; /* ended */
    struct list devices;  /* whose last reference is to be put */
    struct list assists;  /* struct io_assist: threads that call back themselves */
    _Atomic uint64_t watch_us; /* when to look for overdue transfers; TIME_NEVER: none is in
                                  flight */
    unsigned watch_round;      /* the completion thread's */
    struct wait_queue arrival;
    struct thread *thread;
    bool stopping;
} completions = {
    .lock = SPIN_INIT(RANK_COMPLETIONS),
    .requests = LIST_INIT(completions.requests),
    .devices = LIST_INIT(completions.devices),
    .assists = LIST_INIT(completions.assists),
    .watch_us = TIME_NEVER,
    .arrival = WAIT_QUEUE_INIT(completions.arrival),
};

/* Appends to one of the thread's queues. The caller holds the lock. */
static void append(struct list *queue, struct list *link)
{
    list_push_back(queue, link);
    wait_queue_wake_one(&completions.arrival);
}

/* Returns the request's submitter, if it assists now. Few threads do at a time. The caller holds
 * the lock. */
static struct io_assist *assist_find(const struct io_request *request)
{
    list_each(link, &completions.assists) {
        struct io_assist *assist = container_of(link, struct io_assist, link);
        if (assist->thread == request->submitter)
            return assist;
    }
    return NULL;
}

bool request_end(struct io_request *request, status_t status, uint64_t done_bytes)
{
    int active = REQUEST_ACTIVE;

    /* An interrupt, a deadline and a removal may meet here. The first of them ends the request, and
     * the others have no effect. */
    if (!atomic_compare_exchange_strong(&request->state, &active, REQUEST_ENDED))
        return false;

    request->status = status;
    request->done_bytes = done_bytes;
    return true;
}

void requests_append(struct list *ended)
{
    if (list_empty(ended))
        return;
    spin_lock(&completions.lock);
    for (struct list *link; (link = list_pop_front(ended));) {
        struct io_assist *assist = assist_find(container_of(link, struct io_request, link));
        if (assist)
            list_push_back(&assist->requests, link);
        else
            append(&completions.requests, link);
    }
    spin_unlock(&completions.lock);
}

void io_complete(struct io_request *request, status_t status, uint64_t done_bytes)
{
    struct list ended = LIST_INIT(ended);
    if (!request_end(request, status, done_bytes))
        return;
    list_push_back(&ended, &request->link);
    requests_append(&ended);
}

void device_put_later(struct device *device)
{
    int references = atomic_load(&device->references);

    /* Usually this is not the last reference, so no thread is needed. */
    while (references > 1)
        if (atomic_compare_exchange_weak(&device->references, &references, references - 1))
            return;

    /* Destroying a device may wait, which the caller may not. */
    spin_lock(&completions.lock);
    append(&completions.devices, &device->put_link);
    spin_unlock(&completions.lock);
}

static void call_back(struct io_request *request)
{
    /* The callback may free the request, so its device is remembered. */
    struct device *device = request->device;
    request->complete(request);
    device_put_later(device);
}

void requests_call_back(struct list *ended)
{
    for (struct list *link; (link = list_pop_front(ended));)
        call_back(container_of(link, struct io_request, link));
}

/* ---- assisting ---------------------------------------------------------------------------- */

void io_assist_begin(struct io_assist *assist)
{
    assist->thread = thread_current();
    list_init(&assist->requests);
    spin_lock(&completions.lock);
    list_push_back(&completions.assists, &assist->link);
    spin_unlock(&completions.lock);
}

void io_assist_end(struct io_assist *assist)
{
    spin_lock(&completions.lock);
    for (struct list *link; (link = list_pop_front(&assist->requests));) {
        spin_unlock(&completions.lock);

        /* A callback may submit the rest of its work, which may end at once as well. */
        call_back(container_of(link, struct io_request, link));
        spin_lock(&completions.lock);
    }
    list_remove(&assist->link);
    spin_unlock(&completions.lock);
}

/* ---- watching ----------------------------------------------------------------------------- */

void watch_begin(void)
{
    /* Usually another transfer has begun it already. */
    if (atomic_load(&completions.watch_us) != TIME_NEVER)
        return;

    /* The thread sleeps without a deadline: it must get one. */
    spin_lock(&completions.lock);
    atomic_store(&completions.watch_us, time_now_us() + WATCH_TRANSFERS_US);
    wait_queue_wake_one(&completions.arrival);
    spin_unlock(&completions.lock);
}

/* Returns whether it is time to look. If so, the watch ends. Caller holds the lock. */
static bool watch_is_due(void)
{
    bool due = time_now_us() >= atomic_load(&completions.watch_us);
    if (due)
        atomic_store(&completions.watch_us, TIME_NEVER);
    return due;
}

/* The watch ended before this looks at the devices: a transfer that starts after its device was
 * looked at begins it again by itself. */
static void watch(void)
{
    bool in_flight = false;
    completions.watch_round++;
    for (struct device *device; (device = transfers_next_owner(completions.watch_round));
         device_put_later(device))
        in_flight |= watch_device(device);
    if (in_flight)
        watch_begin();
}

/* ---- the thread --------------------------------------------------------------------------- */

struct completion {
    struct io_request *request;
    struct device *device;
};

/* Waits for an ended request or a device to put, or until it is time to watch. False when the
 * thread is to stop and nothing is left. */
static bool completion_next(struct completion *next)
{
    bool due;
    spin_lock(&completions.lock);
    while (!(due = watch_is_due()) && list_empty(&completions.requests) &&
           list_empty(&completions.devices) && !completions.stopping)
        IGNORE(wait_queue_wait(&completions.arrival, &completions.lock, completions.watch_us));

    /* Requests first: threads wait for them, but no thread waits for a device to be freed. */
    struct list *request = list_pop_front(&completions.requests);
    struct list *device = request ? NULL : list_pop_front(&completions.devices);
    spin_unlock(&completions.lock);

    next->request = request ? container_of(request, struct io_request, link) : NULL;
    next->device = device ? container_of(device, struct device, put_link) : NULL;
    if (due)
        watch();
    return request || device || due;
}

static void completion_main(void *unused)
{
    (void)unused;

    /* The lock is not held while a request's callback runs, which may submit others. */
    for (struct completion next; completion_next(&next);) {
        /* The callback may free the request, so its device is remembered. */
        if (next.request) {
            next.device = next.request->device;
            next.request->complete(next.request);
        }
        if (next.device)
            device_put(next.device);
    }
}

status_t io_start(void)
{
    completions.stopping = false;
    completions.watch_us = TIME_NEVER;
    completions.thread = thread_create("complete", PRIORITY_IO, completion_main, NULL);
    return completions.thread ? 0 : -ENOMEM;
}

void io_stop(void)
{
    /* The thread first ends what is still in its queues. */
    spin_lock(&completions.lock);
    completions.stopping = true;
    wait_queue_wake_all(&completions.arrival);
    spin_unlock(&completions.lock);
    thread_join(completions.thread);
    completions.thread = NULL;
}

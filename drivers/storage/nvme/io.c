/*
 * io.c - requests on the I/O queue: identifiers, starting, completions.
 *
 * A request is in one list at any time: waiting (no identifier is free, or the controller is being
 * reset), started (the controller has it), failed (it completed with an error, for the worker). The
 * identifier is the controller's and not the transfer's index, since namespaces share the queue.
 */
#include "drivers/storage/nvme/nvme.h"

#include "lib/macros.h"

void nvme_io_init(struct nvme_controller *controller)
{
    list_init(&controller->waiting);
    list_init(&controller->started);
    list_init(&controller->failed);

    /* The lowest identifiers first, which is easier to follow in a trace. */
    controller->free_count = controller->depth;
    for (unsigned i = 0; i < controller->depth; i++)
        controller->free_ids[i] = (uint16_t)(controller->depth - 1 - i);
}

/* ---- starting ------------------------------------------------------------------------------- */

/* Gives the request an identifier and a deadline, and passes it to the controller. Caller holds the
 * lock. */
static void begin(struct nvme_controller *controller, struct nvme_request *request)
{
    request->id = controller->free_ids[--controller->free_count];
    request->deadline_us = time_now_us() + DEADLINE_NVME_IO_US;
    request->aborted = false;
    controller->requests[request->id] = request;

    /* A worker that waits for an earlier deadline finds this one in time, so that most requests do
     * not wake it. A polled controller needs it at once. */
    if (!controller->watching || controller->polled)
        wait_queue_wake_one(&controller->worker_wake);

    /* In the list before the doorbell is rung: from then on the request is the controller's. */
    list_push_back(&controller->started, &request->link);
    nvme_queue_put(&controller->io, request->id, &request->command);
}

void nvme_io_start_waiting(struct nvme_controller *controller)
{
    while (controller->state == NVME_RUNNING && !controller->broken && controller->free_count &&
           !list_empty(&controller->waiting)) {
        struct list *link = list_pop_front(&controller->waiting);
        begin(controller, container_of(link, struct nvme_request, link));
    }
}

void nvme_io_start(struct nvme_controller *controller, struct nvme_request *request)
{
    /* Through the list of those that wait, so that requests start in order. */
    spin_lock(&controller->lock);
    bool refused = controller->state == NVME_OFFLINE;
    if (!refused) {
        list_push_back(&controller->waiting, &request->link);
        nvme_io_start_waiting(controller);
    }
    spin_unlock(&controller->lock);

    /* Without the lock: the callback may start the next transfer. */
    if (refused)
        io_transfer_done(request->transfer, -ENODEV, 0);
}

/* ---- completions ---------------------------------------------------------------------------- */

void nvme_io_withdraw(struct nvme_controller *controller, struct nvme_request *request)
{
    list_remove(&request->link);
    controller->requests[request->id] = NULL;
    controller->free_ids[controller->free_count++] = request->id;
}

/* Moves the completed request to `done`, or to those that failed. Returns the rule that the
 * completion breaks, or NULL. Caller holds the lock. */
static const char *take(struct nvme_controller *controller,
                        const struct nvme_completion *completion, struct list *done)
{
    const char *why = nvme_queue_check(&controller->io, completion);
    if (why)
        return why;
    if (completion->id >= controller->depth || !controller->requests[completion->id])
        return "a command completed that was not sent";

    /* From here on the identifier is free, and a second completion with it breaks the rule
     * above. */
    struct nvme_request *request = controller->requests[completion->id];
    nvme_io_withdraw(controller, request);
    request->status = completion->status;
    list_push_back(completion->status ? &controller->failed : done, &request->link);

    /* A success concerns the worker only while it waits for the last request. */
    if (completion->status || controller->worker_stops)
        wait_queue_wake_one(&controller->worker_wake);
    return NULL;
}

bool nvme_io_poll(struct nvme_controller *controller)
{
    struct nvme_completion completion;
    struct list done = LIST_INIT(done);
    bool any = false;

    /* Each completion must end a request, so there are at most as many as identifiers. */
    spin_lock(&controller->lock);
    while (!controller->broken && nvme_queue_take(&controller->io, &completion)) {
        const char *why = take(controller, &completion, &done);
        if (why)
            nvme_break(controller, why);
        any = true;
    }

    /* Entries are given back before commands are sent, so that the completion ring always has
     * room. */
    if (!controller->broken)
        nvme_queue_acknowledge(&controller->io);
    nvme_io_start_waiting(controller);
    spin_unlock(&controller->lock);

    /* Without the lock: ending a transfer may start the next one. */
    for (struct list *link; (link = list_pop_front(&done));) {
        struct io_transfer *transfer = container_of(link, struct nvme_request, link)->transfer;
        io_transfer_done(transfer, 0, transfer->length_bytes);
    }
    return any;
}

/*
 * recovery.c - the worker: repeats requests that failed, and ends those that are not answered.
 *
 * A request whose deadline has come is first looked for among the completions, since its interrupt
 * may have been lost; then it is aborted; if it does not end then, the controller is reset. After
 * the reset, requests that were not at fault are sent again. A controller that is broken, that does
 * not come back from a reset, or that needs too many of them, is taken offline: its requests end,
 * and the scanner removes its namespaces.
 */
#include "drivers/storage/nvme/nvme.h"

#include "kernel/log.h"
#include "lib/macros.h"

enum {
    TRIES_MAX = 4,                 /* of a request */
    RESETS_MAX = 2,                /* in a row: less than RESETS_FORGOTTEN_US apart */
    RESETS_FORGOTTEN_US = 600000000,
};

static struct nvme_request *request_of(struct list *link)
{
    return link ? container_of(link, struct nvme_request, link) : NULL;
}

/* ---- requests that failed ------------------------------------------------------------------- */

static void end_failed(const struct nvme_controller *controller, struct nvme_request *request,
                       const struct nvme_answer *answer)
{
    struct io_transfer *transfer = request->transfer;
    uint32_t block_bytes = device_block_bytes(transfer->device);
    log_debug("nvme", "%s: status %#x, %s", controller->name, request->status, answer->text);

    /* Which block is bad is known if there is only one. Of more, the reader finds it, asking for
     * each alone. */
    if (answer->action == NVME_MEDIUM && transfer->length_bytes == block_bytes)
        device_note_bad_block(transfer->device, transfer->generation,
                              transfer->offset_bytes / block_bytes, answer->text);
    io_transfer_done(transfer, answer->status, 0);
}

static void handle_failed(struct nvme_controller *controller, struct nvme_request *request)
{
    struct nvme_answer answer = nvme_answer(request->status);
    const struct io_transfer *transfer = request->transfer;
    /* On a namespace that has changed, the same command would reach other data. */
    bool current = device_medium(transfer->device).generation == transfer->generation;

    /* The namespace was resized or detached: the scanner finds out. */
    if (answer.action == NVME_RESCAN) {
        spin_lock(&controller->lock);
        controller->rescan = true;
        wait_queue_wake_all(&controller->scanner_wake);
        spin_unlock(&controller->lock);
    }

    /* An abort may reach a later command that was given the same identifier. */
    bool innocent = (request->status & NVME_STATUS_CODE_MASK) == NVME_ABORT_REQUESTED &&
                    !request->aborted;
    if ((answer.again || innocent) && current && ++request->tries < TRIES_MAX)
        nvme_io_start(controller, request);
    else
        end_failed(controller, request, &answer);
}

/* ---- stopping the controller ---------------------------------------------------------------- */

static void move_all(struct list *from, struct list *to)
{
    for (struct list *link; (link = list_pop_front(from));)
        list_push_back(to, link);
}

static void end_all(struct list *requests, status_t status)
{
    for (struct list *link; (link = list_pop_front(requests));)
        io_transfer_done(request_of(link)->transfer, status, 0);
}

static void take_offline(struct nvme_controller *controller, const char *why)
{
    struct list started = LIST_INIT(started), others = LIST_INIT(others);
    log_error("nvme", "%s: %s; taken offline", controller->name, why);

    /* The memory of its commands is given back below. A controller that does not stop can write to
     * it no more without bus mastering. */
    IGNORE(nvme_disable(controller));
    pci_disable(controller->function);

    /* Requests that arrive from now on wait. */
    spin_lock(&controller->lock);
    controller->state = NVME_RESETTING;
    while (!list_empty(&controller->started)) {
        struct nvme_request *request = request_of(controller->started.next);
        nvme_io_withdraw(controller, request);
        list_push_back(&started, &request->link);
    }
    move_all(&controller->failed, &started);
    spin_unlock(&controller->lock);

    /* They end before the scanner removes their device, which would hide their status. */
    end_all(&started, -EIO);

    spin_lock(&controller->lock);
    /* Only now: from here on new requests end at once, and the scanner removes the disks. */
    controller->state = NVME_OFFLINE;
    move_all(&controller->waiting, &others);
    nvme_admin_forget(controller);
    spin_unlock(&controller->lock);
    end_all(&others, -ENODEV);
}

/* Takes the started requests from a controller that has stopped: those that were aborted, and those
 * that were tried too often, into `ended`; the others wait again, in their order. Caller holds the
 * lock. */
static void collect_started(struct nvme_controller *controller, struct list *ended)
{
    /* The newest first, each to the front: the oldest is then at the head. */
    while (!list_empty(&controller->started)) {
        struct nvme_request *request = request_of(controller->started.prev);
        nvme_io_withdraw(controller, request);
        bool again = !request->aborted && ++request->tries < TRIES_MAX;
        list_push_front(again ? &controller->waiting : ended, &request->link);
    }
}

/* Counts a reset. Returns false if there were too many. */
static bool admit_reset(struct nvme_controller *controller)
{
    /* A controller that works between two resets for long enough starts with a clean record. */
    uint64_t now_us = time_now_us();
    if (now_us - controller->last_reset_us >= RESETS_FORGOTTEN_US)
        controller->resets = 0;
    controller->last_reset_us = now_us;
    return controller->resets++ < RESETS_MAX;
}

static void reset(struct nvme_controller *controller, const char *why)
{
    struct list ended = LIST_INIT(ended);
    if (!admit_reset(controller)) {
        take_offline(controller, why);
        return;
    }
    log_warn("nvme", "%s: %s; it is reset", controller->name, why);

    /* Requests that arrive from now on wait. */
    spin_lock(&controller->lock);
    controller->state = NVME_RESETTING;
    spin_unlock(&controller->lock);

    /* Before it has stopped, it may write to the memory of each started request. */
    if (nvme_disable(controller)) {
        take_offline(controller, "it does not stop");
        return;
    }

    /* What it completed before it stopped counts. */
    nvme_io_poll(controller);
    spin_lock(&controller->lock);
    nvme_admin_forget(controller);
    collect_started(controller, &ended);
    controller->reset_wanted = NULL;
    spin_unlock(&controller->lock);
    end_all(&ended, -ETIMEDOUT);

    /* The requests at fault have ended first: the setup may take seconds. */
    if (nvme_setup(controller, NVME_SLOT_RECOVERY)) {
        take_offline(controller, controller->broken ? controller->broken
                                                    : "it does not work after a reset");
        return;
    }

    /* Namespaces may have been changed while events were not reported. */
    spin_lock(&controller->lock);
    controller->state = NVME_RUNNING;
    controller->rescan = controller->event_wanted = true;
    wait_queue_wake_all(&controller->scanner_wake);
    nvme_io_start_waiting(controller);
    spin_unlock(&controller->lock);
}

/* ---- deadlines ------------------------------------------------------------------------------ */

/* Returns the started request whose deadline comes first, or NULL. Caller holds the lock. */
static struct nvme_request *earliest(struct nvme_controller *controller)
{
    struct nvme_request *first = NULL;

    /* All of them are looked at, as an abort gives a request another deadline. */
    list_each(link, &controller->started) {
        struct nvme_request *request = container_of(link, struct nvme_request, link);
        if (!first || request->deadline_us < first->deadline_us)
            first = request;
    }
    return first;
}

static bool is_overdue(const struct nvme_request *request)
{
    return request && request->deadline_us <= time_now_us();
}

/* Gives the overdue request more time, and asks the controller to abort it. */
static void abort_request(struct nvme_controller *controller, uint16_t id)
{
    const struct nvme_command command = {
        .opcode = NVME_ABORT,
        .words = { (uint32_t)id << 16 | controller->io.number },
    };

    /* If the command is aborted, it completes with an error; the answer of the abort itself only
     * reports what may be seen there. */
    log_warn("nvme", "%s: command %u: not answered in time; it is aborted", controller->name, id);
    IGNORE(nvme_admin(controller, NVME_SLOT_RECOVERY, &command, NULL));
}

static void handle_overdue(struct nvme_controller *controller)
{
    /* Whether the controller answers at all, and whether the completion is there already. */
    const char *why = nvme_failure(controller);
    bool found = nvme_io_poll(controller), abort = false;
    uint16_t id = 0;

    spin_lock(&controller->lock);
    struct nvme_request *request = earliest(controller);
    if (!is_overdue(request)) {
        /* It had completed: only the interrupt is missing. */
        if (found)
            nvme_note_lost_interrupt(controller);
    } else if (why || request->aborted) {
        /* An abort did not help, or cannot: only the reset makes the memory of the request free. */
        if (!controller->reset_wanted)
            controller->reset_wanted = why ? why : "a command cannot be aborted";
    } else {
        abort = request->aborted = true;
        request->deadline_us = time_now_us() + DEADLINE_NVME_ABORT_US;
        id = request->id;
    }
    spin_unlock(&controller->lock);

    /* Without the lock, as it waits for the answer. The request may end meanwhile, so only its
     * number is used. */
    if (abort)
        abort_request(controller, id);
}

/* ---- the worker ----------------------------------------------------------------------------- */

enum worker_step { STEP_STOP, STEP_OFFLINE, STEP_RESET, STEP_FAILED, STEP_OVERDUE, STEP_POLL };

/* Waits until there is something to do, and returns what. A controller that is offline has neither
 * requests nor anything to be done about it. */
static enum worker_step next_step(struct nvme_controller *controller, struct list **link)
{
    enum worker_step step;
    spin_lock(&controller->lock);
    for (;;) {
        bool offline = controller->state == NVME_OFFLINE;
        struct nvme_request *first = earliest(controller);
        bool idle = !first && list_empty(&controller->waiting);
        uint64_t wake_us = first ? first->deadline_us : TIME_NEVER;

        /* In the order of their weight: what a later step would do is void after an earlier one. */
        step = STEP_OFFLINE;
        if (controller->broken && !offline)
            break;
        step = STEP_RESET;
        if (controller->reset_wanted && !offline)
            break;
        step = STEP_FAILED;
        if ((*link = list_pop_front(&controller->failed)))
            break;
        step = STEP_OVERDUE;
        if (is_overdue(first))
            break;
        step = STEP_STOP;
        if (controller->worker_stops && idle)
            break;

        /* Between two looks at a polled controller other threads run. */
        step = STEP_POLL;
        uint64_t poll_us = time_now_us() + DELAY_NVME_POLL_US;
        if (controller->polled && first)
            wake_us = min(wake_us, poll_us);
        controller->watching = first;
        if (wait_queue_wait(&controller->worker_wake, &controller->lock, wake_us) &&
            controller->polled)
            break;
    }
    spin_unlock(&controller->lock);
    return step;
}

void nvme_worker(void *argument)
{
    struct nvme_controller *controller = argument;
    struct list *link;
    for (enum worker_step step; (step = next_step(controller, &link)) != STEP_STOP;) {
        switch (step) {
        case STEP_OFFLINE: take_offline(controller, controller->broken); break;
        case STEP_RESET: reset(controller, controller->reset_wanted); break;
        case STEP_FAILED: handle_failed(controller, request_of(link)); break;
        case STEP_OVERDUE: handle_overdue(controller); break;
        default: nvme_io_poll(controller); break;
        }
    }
}

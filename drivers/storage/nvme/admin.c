/*
 * admin.c - administrative commands.
 *
 * Each user of the admin queue has a slot, whose number is the identifier of its command: so the
 * scanner, the worker and the asynchronous event never wait for each other.
 */
#include "drivers/storage/nvme/nvme.h"

#include "kernel/log.h"
#include "lib/macros.h"

/* Caller holds the lock, here and in the next two. */
static const char *take(struct nvme_controller *controller,
                        const struct nvme_completion *completion)
{
    const char *why = nvme_queue_check(&controller->admin, completion);
    if (why)
        return why;
    if (completion->id >= NVME_SLOTS || !controller->slots[completion->id].busy)
        return "an administrative command completed that was not sent";

    /* Not busy from here on: a second completion with this identifier breaks the rule above. */
    struct nvme_slot *slot = &controller->slots[completion->id];
    slot->busy = false;
    slot->status = completion->status;
    slot->result = completion->result;

    /* No thread waits for an event. The scanner finds it among its steps. */
    if (completion->id == NVME_SLOT_EVENT)
        wait_queue_wake_all(&controller->scanner_wake);
    else
        wait_queue_wake_all(&controller->answered);
    return NULL;
}

static bool poll(struct nvme_controller *controller)
{
    struct nvme_completion completion;
    bool any = false;

    /* Each completion frees a slot, so that at most as many as there are slots follow each other:
     * the loop ends even if the ring always looks full. */
    while (!controller->broken && nvme_queue_take(&controller->admin, &completion)) {
        const char *why = take(controller, &completion);
        if (why)
            nvme_break(controller, why);
        any = true;
    }

    /* One write of the doorbell for all of them, since each write costs a virtual machine an exit.
     * A broken controller was disabled, and its doorbells are not used any more. */
    if (!controller->broken)
        nvme_queue_acknowledge(&controller->admin);
    return any;
}

bool nvme_admin_poll(struct nvme_controller *controller)
{
    spin_lock(&controller->lock);
    bool any = poll(controller);
    spin_unlock(&controller->lock);
    return any;
}

/* Returns whether a command may be sent: 0 or an errno. */
static status_t admit(const struct nvme_controller *controller, enum nvme_slot_number number)
{
    if (controller->broken || controller->state == NVME_OFFLINE)
        return -ENODEV;

    /* During a reset the queue belongs to the worker, which creates the I/O queue through it. */
    if (controller->state == NVME_RESETTING && number != NVME_SLOT_RECOVERY)
        return -EAGAIN;

    /* After a timeout the slot stays busy until the reset: its identifier may still complete. */
    return controller->slots[number].busy ? -EAGAIN : 0;
}

status_t nvme_admin_send(struct nvme_controller *controller, enum nvme_slot_number number,
                         const struct nvme_command *command)
{
    /* The check and the command are one step: a reset cannot begin between them. */
    spin_lock(&controller->lock);
    status_t status = admit(controller, number);
    if (!status) {
        controller->slots[number].busy = true;
        nvme_queue_put(&controller->admin, (uint16_t)number, command);
    }
    spin_unlock(&controller->lock);
    return status;
}

/* Waits until the slot's command was answered. Caller holds the lock. */
static void await_answer(struct nvme_controller *controller, struct nvme_slot *slot)
{
    uint64_t deadline_us = time_now_us() + DEADLINE_NVME_ADMIN_US;
    for (;;) {
        uint64_t now_us = time_now_us();
        if (!slot->busy || controller->broken || now_us >= deadline_us)
            break;

        /* Without interrupts no other thread looks at the ring, so this one does. */
        uint64_t next_us = controller->polled ? now_us + DELAY_NVME_POLL_US : deadline_us;
        IGNORE(wait_queue_wait(&controller->answered, &controller->lock, next_us));
        if (controller->polled)
            poll(controller);
    }

    /* The answer may be there although its interrupt is not. */
    if (slot->busy && poll(controller) && !slot->busy)
        nvme_note_lost_interrupt(controller);
}

status_t nvme_admin(struct nvme_controller *controller, enum nvme_slot_number number,
                    const struct nvme_command *command, uint32_t *result)
{
    struct nvme_slot *slot = &controller->slots[number];
    status_t status = nvme_admin_send(controller, number, command);
    if (status)
        return status;

    /* The lock was free in between, so the answer may be here already. */
    spin_lock(&controller->lock);
    await_answer(controller, slot);
    if (controller->broken) {
        status = -ENODEV;
    } else if (slot->busy) {
        /* The controller may still write to the command's memory: it must be stopped. */
        controller->reset_wanted = "an administrative command was not answered";
        wait_queue_wake_all(&controller->worker_wake);
        status = -ETIMEDOUT;
    } else if (slot->status) {
        struct nvme_answer answer = nvme_answer(slot->status);
        log_debug("nvme", "%s: administrative command %#x: status %#x, %s", controller->name,
                  command->opcode, slot->status, answer.text);
        status = answer.status;
    }

    /* Valid only with status 0: after a timeout it is that of an earlier command. */
    if (result)
        *result = slot->result;
    spin_unlock(&controller->lock);
    return status;
}

void nvme_admin_forget(struct nvme_controller *controller)
{
    /* They end as if the controller had aborted them, so a thread that waits gets an error. The
     * event command ends as well; the scanner sends it again after the reset. */
    for (unsigned i = 0; i < NVME_SLOTS; i++)
        if (controller->slots[i].busy) {
            controller->slots[i].busy = false;
            controller->slots[i].status = NVME_ABORT_REQUESTED;
        }
    wait_queue_wake_all(&controller->answered);
    wait_queue_wake_all(&controller->scanner_wake);
}

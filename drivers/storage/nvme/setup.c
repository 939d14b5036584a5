/*
 * setup.c - from a disabled controller to one that takes I/O: at the start, and after each reset.
 *
 * The order is that of NVMe 1.4, 7.6.1: the admin queue is in place before the controller is
 * enabled; the number of I/O queues is agreed before they are created; a completion queue is
 * created before the submission queue that uses it.
 */
#include "drivers/storage/nvme/nvme.h"

enum {
    IO_QUEUE = 1,
    QUEUE_SIZE_SHIFT = 16, /* CDW10: the size, 0-based; below it the queue's number */
    UPPER_SHIFT = 16,      /* CDW11: the vector, or the completion queue */
    QUEUES_NONE_MORE = 0,  /* 0-based, in both halves: one of each */
};

static status_t agree_on_queues(struct nvme_controller *controller, enum nvme_slot_number slot)
{
    const struct nvme_command command = {
        .opcode = NVME_SET_FEATURES,
        .words = { NVME_FEATURE_QUEUES, QUEUES_NONE_MORE },
    };

    /* Without error there is at least one of each; how many more there could be does not matter
     * (5.21.1.7). */
    return nvme_admin(controller, slot, &command, NULL);
}

static status_t create_queues(struct nvme_controller *controller, enum nvme_slot_number slot)
{
    const struct nvme_queue *io = &controller->io;
    uint32_t which = (io->entries - 1) << QUEUE_SIZE_SHIFT | IO_QUEUE;

    /* One vector serves both queues if there is no second one. */
    uint32_t vector = controller->interrupt_count > 1 ? 1 : 0;
    uint32_t interrupts = controller->interrupt_count > 0 ? NVME_QUEUE_INTERRUPTS : 0;

    struct nvme_command command = {
        .opcode = NVME_CREATE_COMPLETION_QUEUE,
        .prp1 = mem_physical(io->completions),
        .words = { which, vector << UPPER_SHIFT | interrupts | NVME_QUEUE_CONTIGUOUS },
    };
    status_t status = nvme_admin(controller, slot, &command, NULL);
    if (status)
        return status;

    /* This one names its completion queue, and has no vector. */
    command.opcode = NVME_CREATE_SUBMISSION_QUEUE;
    command.prp1 = mem_physical(io->submissions);
    command.words[1] = IO_QUEUE << UPPER_SHIFT | NVME_QUEUE_CONTIGUOUS;
    return nvme_admin(controller, slot, &command, NULL);
}

status_t nvme_setup(struct nvme_controller *controller, enum nvme_slot_number slot)
{
    /* An interrupt on a shared line may look at the rings meanwhile. */
    spin_lock(&controller->lock);
    nvme_queue_clear(&controller->admin);
    nvme_queue_clear(&controller->io);
    spin_unlock(&controller->lock);

    /* Each step needs the one before. After an error the caller stops the controller. */
    status_t status = nvme_enable(controller);
    if (!status)
        status = agree_on_queues(controller, slot);
    if (!status)
        status = create_queues(controller, slot);
    return status;
}

status_t nvme_identify(struct nvme_controller *controller, uint32_t cns, uint32_t namespace)
{
    const struct nvme_command command = {
        .opcode = NVME_IDENTIFY,
        .namespace = namespace,
        .prp1 = mem_physical(controller->data),
        .words = { cns },
    };
    return nvme_admin(controller, NVME_SLOT_SCAN, &command, NULL);
}

struct bytes nvme_data(const struct nvme_controller *controller)
{
    return (struct bytes){ controller->data, NVME_IDENTIFY_BYTES };
}

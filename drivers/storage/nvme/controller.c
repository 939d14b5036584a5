/*
 * controller.c - the controller's registers: what it can do, starting it, stopping it.
 */
#include "drivers/storage/nvme/nvme.h"

#include "kernel/log.h"
#include "lib/macros.h"

enum {
    READY_MIN_US = NVME_CAP_TIMEOUT_UNIT_US, /* for a controller that reports a limit of 0 */
    LOST_INTERRUPTS_MAX = 3,
    QUEUES = 2,
};

static uint32_t read(const struct nvme_controller *controller, uint32_t offset)
{
    return register_read32(&controller->registers, offset);
}

static void write(const struct nvme_controller *controller, uint32_t offset, uint32_t value)
{
    register_write32(&controller->registers, offset, value);
}

static void write64(const struct nvme_controller *controller, uint32_t offset, uint64_t value)
{
    write(controller, offset, (uint32_t)value);
    write(controller, offset + 4, (uint32_t)(value >> 32));
}

/* ---- capabilities --------------------------------------------------------------------------- */

static status_t refuse(const struct nvme_controller *controller, const char *why)
{
    log_error("nvme", "%s: %s; not driven", controller->name, why);
    return -EOPNOTSUPP;
}

static status_t read_capabilities(struct nvme_controller *controller)
{
    uint32_t low = read(controller, NVME_CAP_LOW), high = read(controller, NVME_CAP_HIGH);

    /* A read that no device answers returns ones, which is not a version. */
    controller->version = read(controller, NVME_VS);
    if (controller->version == UINT32_MAX)
        return refuse(controller, "its registers do not answer");

    /* CC selects the NVM command set and pages of 4 KiB, so both must be there. */
    if (!(high & NVME_CAP_NVM_COMMANDS))
        return refuse(controller, "it does not have the NVM command set");
    if (high >> NVME_CAP_PAGE_MIN_SHIFT & NVME_CAP_PAGE_MIN_MASK)
        return refuse(controller, "its pages are larger than 4 KiB");

    /* A ring of one entry could never hold a command (3.1.1: at least two). */
    controller->entries_max = (low & NVME_CAP_ENTRIES_MASK) + 1;
    if (controller->entries_max < 2)
        return refuse(controller, "its queues have one entry");

    /* At most 128 KiB; nvme_map() checks it against the window. */
    controller->doorbell_stride = 4u << (high & NVME_CAP_STRIDE_MASK);

    /* Start-up waits meanwhile, so the two minutes that a controller may ask for are cut. */
    uint64_t limit_us = (uint64_t)(low >> NVME_CAP_TIMEOUT_SHIFT) * NVME_CAP_TIMEOUT_UNIT_US;
    limit_us = max(limit_us, READY_MIN_US);
    controller->ready_us = min(limit_us, DEADLINE_NVME_READY_US);
    return 0;
}

status_t nvme_map(struct nvme_controller *controller)
{
    /* First without the doorbells: their distance is in the capabilities. */
    const struct pci_function *function = controller->function;
    status_t status = pci_map(function, 0, 0, NVME_DOORBELLS, &controller->registers);
    if (!status)
        status = read_capabilities(controller);
    if (status)
        return status;

    /* The doorbells of a pair are adjacent: the tail of its submissions, the head of its
     * completions (3.1.24). The stride was a number of the device: the BAR must be as long. */
    uint32_t bytes = NVME_DOORBELLS + QUEUES * 2 * controller->doorbell_stride;
    pci_unmap(function, &controller->registers);
    status = pci_map(function, 0, 0, bytes, &controller->registers);
    if (status == -ENODEV)
        log_error("nvme", "%s: its doorbells are outside of its registers; not driven",
                  controller->name);
    return status;
}

/* ---- waiting -------------------------------------------------------------------------------- */

const char *nvme_failure(const struct nvme_controller *controller)
{
    /* A read that no device answers returns ones. */
    uint32_t status = read(controller, NVME_CSTS);
    if (status == UINT32_MAX)
        return "its registers do not answer";
    return status & NVME_CSTS_FATAL ? "it reports a fatal error" : NULL;
}

/* Waits until (CSTS & mask) == value. */
static status_t await(const struct nvme_controller *controller, uint32_t mask, uint32_t value,
                      uint64_t limit_us)
{
    uint64_t deadline_us = time_now_us() + limit_us;
    for (;;) {
        /* The clock is read first: a thread that was preempted in between is not late. */
        uint64_t now_us = time_now_us();
        uint32_t status = read(controller, NVME_CSTS);

        /* An unplugged controller reads as ones, and would seem to be ready. */
        if (status == UINT32_MAX)
            return -ENODEV;
        if ((status & mask) == value)
            return 0;

        /* With a fatal error it never becomes ready, but it still stops. */
        if (status & NVME_CSTS_FATAL && value == NVME_CSTS_READY)
            return -EIO;
        if (now_us >= deadline_us)
            return -ETIMEDOUT;
        thread_sleep_until(now_us + DELAY_NVME_POLL_US);
    }
}

/* ---- starting and stopping ------------------------------------------------------------------ */

status_t nvme_take_over(struct nvme_controller *controller)
{
    /* Firmware that read the boot disc leaves the controller running. One that is still starting
     * must not be disabled before it is ready (3.1.5). */
    if (read(controller, NVME_CC) & NVME_CC_ENABLE)
        IGNORE(await(controller, NVME_CSTS_READY, NVME_CSTS_READY, controller->ready_us));
    return nvme_disable(controller);
}

status_t nvme_enable(struct nvme_controller *controller)
{
    const struct nvme_queue *admin = &controller->admin;

    /* They count from the moment when CC.EN becomes 1, so they are written before (7.6.1). The
     * sizes of both rings are 0-based. */
    uint32_t last = admin->entries - 1;
    write(controller, NVME_AQA, last << 16 | last);
    write64(controller, NVME_ASQ, mem_physical(admin->submissions));
    write64(controller, NVME_ACQ, mem_physical(admin->completions));

    write(controller, NVME_CC,
          NVME_CC_ENABLE | NVME_CC_SUBMISSION_BYTES | NVME_CC_COMPLETION_BYTES);
    return await(controller, NVME_CSTS_READY, NVME_CSTS_READY, controller->ready_us);
}

status_t nvme_disable(struct nvme_controller *controller)
{
    /* Clearing CC.EN is a reset: the controller forgets its queues, and clears CSTS.RDY when it has
     * stopped (7.3.2). One that has not stopped in time is not waited for again. */
    write(controller, NVME_CC, 0);
    status_t status = await(controller, NVME_CSTS_READY, 0,
                            controller->never_stops ? 0 : controller->ready_us);
    controller->never_stops = status == -ETIMEDOUT;
    return status;
}

void nvme_shut_down(struct nvme_controller *controller)
{
    /* A reset alone would lose what is in a volatile cache (7.6.2). A controller that does not
     * finish in time is stopped nevertheless. */
    write(controller, NVME_CC, read(controller, NVME_CC) | NVME_CC_SHUTDOWN);
    IGNORE(await(controller, NVME_CSTS_SHUTDOWN_MASK, NVME_CSTS_SHUTDOWN_DONE,
                 DEADLINE_NVME_SHUTDOWN_US));
    IGNORE(nvme_disable(controller));
}

/* ---- trouble -------------------------------------------------------------------------------- */

void nvme_break(struct nvme_controller *controller, const char *what)
{
    /* The first rule that was broken is the cause; what follows from it is not logged. */
    if (controller->broken)
        return;
    controller->broken = what;

    /* At once, so that it raises no more interrupts until the worker runs. */
    write(controller, NVME_CC, 0);

    /* No answer comes any more: threads that wait for one give up, and the worker does the rest. */
    wait_queue_wake_all(&controller->answered);
    wait_queue_wake_all(&controller->worker_wake);
}

void nvme_note_lost_interrupt(struct nvme_controller *controller)
{
    /* One or two may only be late: found by a poll just before they came. */
    if (controller->polled || ++controller->lost_interrupts < LOST_INTERRUPTS_MAX)
        return;
    controller->polled = true;
    log_warn("nvme", "%s: interrupts do not arrive; polling from now on", controller->name);
}

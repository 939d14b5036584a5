/*
 * driver.c - driver for NVMe controllers on PCI: starts them, and gives them back.
 */
#include "drivers/storage/nvme/nvme.h"

#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/macros.h"

DRIVER_INFO("nvme", "1.0", "MIT", "NVMe disks");
DRIVER_DRIVES("pci class=010802");

enum { PAGES_PER_ENTRY = 64 }; /* of the machine's memory: 4 MiB have room for 16 entries */

static struct list controllers = LIST_INIT(controllers);
static struct spin controllers_lock = SPIN_INIT(RANK_QUEUE);

/* ---- the controller's device ---------------------------------------------------------------- */

static void controller_describe(struct device *device, char *text, size_t bytes)
{
    const struct nvme_controller *controller = device_private(device);
    const struct nvme_identity *identity = &controller->identity;
    format_text(text, bytes, "%s, firmware %s, queue depth %u%s%s", identity->model,
                identity->firmware, controller->depth, controller->polled ? ", polled" : "",
                controller->state == NVME_OFFLINE ? ", offline" : "");
}

static void controller_destroy(struct device *device)
{
    mem_free(device_private(device));
}

static const struct device_ops controller_ops = {
    .describe = controller_describe,
    .destroy = controller_destroy,
};

static status_t publish(struct nvme_controller *controller)
{
    const struct device_description description = {
        .name = "nvme",
        .ops = &controller_ops,
        .private_data = controller,
        .device_class = &class_bus,
    };
    struct device *device = device_create(controller->function_device, &description);
    if (!device)
        return -ENOMEM;

    /* From now on the device frees the controller. */
    controller->device = device;
    return device_publish(device);
}

/* ---- interrupts ----------------------------------------------------------------------------- */

/* Both vectors look at both queues: a function may have one for both, or only a line. */
static bool handle_interrupt(void *context)
{
    struct nvme_controller *controller = context;

    /* Both are called in any case: || would skip the second. The result decides, on a shared line,
     * whether another device has interrupted. */
    bool io = nvme_io_poll(controller), admin = nvme_admin_poll(controller);
    return io || admin;
}

static void connect_interrupts(struct nvme_controller *controller)
{
    for (unsigned i = 0; i < NVME_VECTORS; i++)
        controller->interrupts[i] = (struct pci_interrupt){
            .handle = handle_interrupt, .context = controller
        };

    /* Fewer vectors than wanted are accepted: setup.c passes to the controller how many there
     * are. */
    controller->interrupt_count =
        pci_connect(controller->function, controller->interrupts, NVME_VECTORS);
    controller->polled = controller->interrupt_count <= 0;
}

/* ---- starting ------------------------------------------------------------------------------- */

static status_t allocate(struct nvme_controller *controller)
{
    uint32_t stride = controller->doorbell_stride;
    struct nvme_queue *admin = &controller->admin, *io = &controller->io;

    /* A request needs about 4 KiB: its transfer, the list of its memory, and its entries. */
    size_t room = max(page_total_count() / PAGES_PER_ENTRY, 2);
    unsigned entries = (unsigned)min(room, NVME_ENTRIES_MAX);
    status_t status = nvme_queue_create(admin, 0, NVME_ADMIN_ENTRIES);
    if (!status)
        status = nvme_queue_create(io, 1, min(entries, controller->entries_max));
    controller->data = page_alloc();
    if (status || !controller->data)
        return -ENOMEM;

    /* The doorbells follow each other by queues: the tail and the head of queue 0, then of queue
     * 1. */
    admin->registers = io->registers = &controller->registers;
    admin->tail_doorbell = NVME_DOORBELLS;
    admin->head_doorbell = NVME_DOORBELLS + stride;
    io->tail_doorbell = NVME_DOORBELLS + 2 * stride;
    io->head_doorbell = NVME_DOORBELLS + 3 * stride;

    /* One entry of a ring stays empty, so fewer requests than entries are in flight. */
    controller->depth = io->entries - 1;
    nvme_io_init(controller);
    return 0;
}

static status_t identify(struct nvme_controller *controller)
{
    status_t status = nvme_identify(controller, NVME_IDENTIFY_CONTROLLER, 0);
    if (status)
        return status;
    const char *why = nvme_decode_controller(nvme_data(controller), &controller->identity);
    if (why)
        log_error("nvme", "%s: %s: it has %s; not driven", controller->name,
                  controller->identity.model, why);
    return why ? -EOPNOTSUPP : 0;
}

/* Brings the controller up to the point where it takes requests. */
static status_t bring_up(struct nvme_controller *controller)
{
    /* It is stopped before anything else: the queues that firmware gave it are in memory that has
     * other uses now. */
    status_t status = nvme_map(controller);
    if (!status)
        status = nvme_take_over(controller);
    if (!status)
        status = allocate(controller);
    if (status)
        return status;

    /* The handler is in place before the controller can reach memory and interrupt. Without
     * interrupts the worker polls. */
    connect_interrupts(controller);
    pci_enable(controller->function);
    status = nvme_setup(controller, NVME_SLOT_SCAN);
    if (!status)
        status = identify(controller);

    /* Neither thread runs yet, so a broken rule is reported here. */
    if (controller->broken)
        log_error("nvme", "%s: %s; not driven", controller->name, controller->broken);
    return status;
}

/* Starts the threads, and publishes the namespaces. */
static status_t serve(struct nvme_controller *controller)
{
    status_t status = publish(controller);
    if (status)
        return status;

    /* The worker first: it recovers from errors of the scan. */
    controller->state = NVME_RUNNING;
    controller->event_wanted = true;
    controller->worker = thread_create("nvme", PRIORITY_IO, nvme_worker, controller);
    if (!controller->worker)
        return -ENOMEM;
    log_info("nvme", "%s: %s, firmware %s, queue depth %u%s", controller->name,
             controller->identity.model, controller->identity.firmware, controller->depth,
             controller->polled ? ", polled" : "");

    /* Before this returns the disks are published, so that start-up finds the root among them. */
    status = nvme_scan(controller);
    if (status)
        return status;
    controller->scanner = thread_create("nvme scan", PRIORITY_NORMAL, nvme_scanner, controller);
    return controller->scanner ? 0 : -ENOMEM;
}

/* ---- stopping ------------------------------------------------------------------------------- */

static void stop_thread(struct nvme_controller *controller, struct thread **thread, bool *stops,
                        struct wait_queue *wake)
{
    spin_lock(&controller->lock);
    *stops = true;
    wait_queue_wake_all(wake);
    spin_unlock(&controller->lock);
    if (*thread)
        thread_join(*thread);
    *thread = NULL;
}

/* Ends requests, threads, and the hardware. Requests that arrive later end with -ENODEV. */
static void stop(struct nvme_controller *controller)
{
    /* An unplugged controller never answers: its requests need not wait for their deadlines. */
    const char *why = controller->registers.access ? nvme_failure(controller) : NULL;
    spin_lock(&controller->lock);
    if (why && controller->worker)
        nvme_break(controller, why);
    spin_unlock(&controller->lock);

    /* The scanner may wait for a request, which needs the worker; the worker ends after the last
     * request. */
    stop_thread(controller, &controller->scanner, &controller->scanner_stops,
                &controller->scanner_wake);
    while (!list_empty(&controller->namespaces))
        nvme_namespace_remove(container_of(controller->namespaces.next, struct nvme_namespace,
                                           link));
    stop_thread(controller, &controller->worker, &controller->worker_stops,
                &controller->worker_wake);

    spin_lock(&controller->lock);
    /* Nothing is in flight now. A controller that works may write its cache first; one that was
     * disabled, or never ran, only has to be stopped. */
    bool running = controller->state == NVME_RUNNING;
    controller->state = NVME_OFFLINE;
    spin_unlock(&controller->lock);
    if (running)
        nvme_shut_down(controller);
    else if (controller->registers.access)
        IGNORE(nvme_disable(controller));

    /* Whether it stopped or not, it cannot write to the rings, which are freed next. */
    pci_disable(controller->function);
}

/* Gives back everything of a controller that was stopped, except its own memory while its device is
 * open. */
static void release(struct nvme_controller *controller)
{
    /* The handler uses the registers and the rings, so it is the first to be removed. */
    pci_disconnect(controller->function, controller->interrupts, controller->interrupt_count);
    pci_unmap(controller->function, &controller->registers);
    nvme_queue_destroy(&controller->io);
    nvme_queue_destroy(&controller->admin);
    if (controller->data)
        page_free(controller->data);
    controller->data = NULL;

    /* A program may have the device open: its last reference frees the controller. */
    if (!controller->device) {
        mem_free(controller);
        return;
    }
    device_remove(controller->device);
    device_put(controller->device);
}

/* ---- the driver ----------------------------------------------------------------------------- */

static struct nvme_controller *create(struct device *device)
{
    struct nvme_controller *controller = mem_zalloc(sizeof(*controller));
    if (!controller)
        return NULL;
    controller->function_device = device;
    controller->function = pci_function_of(device);
    controller->name = device_name(device);
    spin_init(&controller->lock, RANK_QUEUE);
    wait_queue_init(&controller->answered);
    wait_queue_init(&controller->worker_wake);
    wait_queue_init(&controller->scanner_wake);
    list_init(&controller->namespaces);
    return controller;
}

static status_t nvme_add_device(struct device *device)
{
    const struct pci_function *function = pci_function_of(device);
    if (!function || function->class_code != NVME_CLASS ||
        function->subclass != NVME_SUBCLASS || function->interface != NVME_INTERFACE)
        return -ENODEV;

    struct nvme_controller *controller = create(device);
    if (!controller)
        return -ENOMEM;
    status_t status = bring_up(controller);
    if (!status)
        status = serve(controller);

    /* stop() and release() accept a controller that came to any point of the start. */
    if (status) {
        stop(controller);
        release(controller);
        return status == -ENODEV ? -EIO : status; /* -ENODEV would mean "not mine" */
    }

    spin_lock(&controllers_lock);
    list_push_back(&controllers, &controller->link);
    spin_unlock(&controllers_lock);
    return 0;
}

static void nvme_remove_device(struct device *device)
{
    struct nvme_controller *found = NULL;

    /* Taken out of the list under the lock, so that it is stopped once. */
    spin_lock(&controllers_lock);
    list_each(link, &controllers) {
        struct nvme_controller *controller = container_of(link, struct nvme_controller, link);
        if (controller->function_device == device)
            found = controller;
    }
    if (found)
        list_remove(&found->link);
    spin_unlock(&controllers_lock);

    /* Stopping waits for threads, which a spin lock does not permit. */
    if (found) {
        stop(found);
        release(found);
    }
}

static const struct driver driver_nvme = {
    .name = "nvme",
    .order = 20,
    .add_device = nvme_add_device,
    .remove_device = nvme_remove_device,
};
DRIVER(driver_nvme);

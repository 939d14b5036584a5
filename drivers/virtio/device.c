/*
 * device.c - a device's life: reset, features, configuration, interrupts (VIRTIO 1.1 section 3.1).
 *
 *     status 0 -> ACKNOWLEDGE, DRIVER -> features -> FEATURES_OK -> queues -> DRIVER_OK -> status 0
 *
 * A device that violates the protocol is `broken`: it is reset, and does not begin again.
 */
#include "drivers/virtio/virtio.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/macros.h"

enum {
    ISR_QUEUES = 1 << 0,
    ISR_CONFIG = 1 << 1,
    MSIX_CONTROL = 2, /* in the capability (PCI 3.0 section 6.8.2.3) */
    MSIX_ENABLED = 1 << 15,
    CONFIG_TRIES = 16,
    RESET_POLL_US = 1000,
};

static uint8_t status_read(struct virtio_pci *pci)
{
    return register_read8(&pci->common, COMMON_STATUS);
}

static void status_add(struct virtio_pci *pci, uint8_t bits)
{
    register_write8(&pci->common, COMMON_STATUS, (uint8_t)(status_read(pci) | bits));
}

/* ---- interrupts --------------------------------------------------------------------------- */

static void serve_queues(struct virtio_pci *pci)
{
    for (unsigned i = 0; i < pci->queue_count; i++)
        virtqueue_serve(pci->queues[i]);
}

static void serve_config(struct virtio_pci *pci)
{
    /* No callback reaches the client of a device that is being reset, or is broken. */
    spin_lock(&pci->lock);
    bool running = pci->running && !pci->broken;
    spin_unlock(&pci->lock);
    if (!running)
        return;

    /* A device that cannot continue reports this like a change of its configuration (2.1.2). */
    if (status_read(pci) & STATUS_NEEDS_RESET) {
        log_warn("virtio", "%s: the device needs a reset", pci->device.name);
        pci->client->failed(pci->context);
    } else if (pci->client->changed) {
        pci->client->changed(pci->context);
    }
}

/* With two messages this one is for the queues alone: nothing has to be read from the device. */
static bool queues_message(void *context)
{
    serve_queues(context);
    return true;
}

/* The configuration's message, or one interrupt for both. */
static bool any_interrupt(void *context)
{
    struct virtio_pci *pci = context;
    uint8_t reason = ISR_QUEUES | ISR_CONFIG;

    /* Reading the register acknowledges a line's interrupt; it is not set for messages. */
    if (!pci->messages)
        reason = register_read8(&pci->isr, 0);
    if (reason & ISR_QUEUES)
        serve_queues(pci);
    if (reason & ISR_CONFIG)
        serve_config(pci);

    /* 0: another device of the line has interrupted. */
    return reason & (ISR_QUEUES | ISR_CONFIG);
}

static bool messages_enabled(const struct pci_function *function)
{
    unsigned capability = pci_find_capability(function, PCI_CAPABILITY_MSIX, 0);
    return capability && pci_read(function, capability + MSIX_CONTROL, 2) & MSIX_ENABLED;
}

static void connect(struct virtio_pci *pci)
{
    /* Whether there will be one vector or two is known only afterwards. The device, which was
     * reset, raises none in between. */
    for (unsigned i = 0; i < ARRAY_LENGTH(pci->interrupts); i++)
        pci->interrupts[i] = (struct pci_interrupt){
            .handle = i ? queues_message : any_interrupt, .context = pci
        };
    pci->vectors = pci_connect(pci->function, pci->interrupts, ARRAY_LENGTH(pci->interrupts));

    /* pci_connect() may have fallen back to MSI or the line. Then vectors are not set in the
     * device, and the ISR register is valid. */
    pci->messages = pci->vectors > 0 && messages_enabled(pci->function);
    pci->device.polled = pci->vectors <= 0;
    log_debug("virtio", "%s: %s", pci->device.name,
              pci->messages ? "MSI-X" : pci->device.polled ? "polled" : "interrupt line");
}

/* ---- reset -------------------------------------------------------------------------------- */

/* Stops everything: afterwards no callback runs and the device writes to no memory. */
static status_t device_reset(struct virtio_device *device)
{
    struct virtio_pci *pci = virtio_pci_of(device);
    uint64_t deadline_us = time_now_us() + DEADLINE_VIRTIO_RESET_US;

    /* No new callback begins, and those that run are waited for: the client may free what they
     * use. */
    spin_lock(&pci->lock);
    pci->running = false;
    while (pci->serving) {
        spin_unlock(&pci->lock);
        thread_yield();
        spin_lock(&pci->lock);
    }
    spin_unlock(&pci->lock);

    /* The reset has ended when the register reads 0 (4.1.4.3.2). */
    register_write8(&pci->common, COMMON_STATUS, 0);
    for (;;) {
        /* The clock is read first: a thread that was preempted in between is not late. */
        bool late = time_now_us() > deadline_us;
        if (!status_read(pci))
            return 0;
        if (late)
            break;
        thread_sleep_until(time_now_us() + RESET_POLL_US);
    }

    /* It could still write to memory. Without bus mastering it cannot, and it does not begin
     * again. */
    pci_disable(pci->function);
    virtio_break(pci, "does not end its reset");
    return -EIO;
}

static void device_end(struct virtio_device *device)
{
    struct virtio_pci *pci = virtio_pci_of(device);
    if (!pci->client)
        return;

    IGNORE(device_reset(device)); /* without success, the device's access to memory is disabled */

    /* In this order: without the bus it writes to no memory, without handlers none reads the
     * registers, and only then both are given back. */
    pci_disable(pci->function);
    pci_disconnect(pci->function, pci->interrupts, pci->vectors);
    virtio_unmap(pci);
    for (unsigned i = 0; i < pci->queue_count; i++)
        virtqueue_free(pci->queues[i]);
    pci->queue_count = 0;
    pci->client = NULL;
}

/* ---- features ----------------------------------------------------------------------------- */

static uint64_t offered_features(struct virtio_pci *pci)
{
    /* The 64 bits are behind a window of 32, which the first register moves. */
    register_write32(&pci->common, COMMON_DEVICE_FEATURE_SELECT, 0);
    uint64_t features = register_read32(&pci->common, COMMON_DEVICE_FEATURE);
    register_write32(&pci->common, COMMON_DEVICE_FEATURE_SELECT, 1);
    return features | (uint64_t)register_read32(&pci->common, COMMON_DEVICE_FEATURE) << 32;
}

static void accept_features(struct virtio_pci *pci, uint64_t features)
{
    register_write32(&pci->common, COMMON_DRIVER_FEATURE_SELECT, 0);
    register_write32(&pci->common, COMMON_DRIVER_FEATURE, (uint32_t)features);
    register_write32(&pci->common, COMMON_DRIVER_FEATURE_SELECT, 1);
    register_write32(&pci->common, COMMON_DRIVER_FEATURE, (uint32_t)(features >> 32));
}

static status_t negotiate(struct virtio_pci *pci, uint64_t wanted)
{
    /* Without it the device speaks version 0.9, whose rings and header have another layout. */
    uint64_t offered = offered_features(pci);
    if (!(offered & VIRTIO_FEATURE(FEATURE_VERSION_1)))
        return -ENODEV;

    /* FEATURE_PLATFORM: no IOMMU translates for us, so physical addresses are the device's. */
    wanted |= VIRTIO_FEATURE(FEATURE_VERSION_1) | VIRTIO_FEATURE(FEATURE_INDIRECT) |
              VIRTIO_FEATURE(FEATURE_PLATFORM);
    uint64_t features = offered & wanted;

    /* The queues of an earlier start were made for its features. */
    if (pci->queue_count && features != pci->device.features)
        return -EIO;
    pci->device.features = features;
    accept_features(pci, features);

    /* The device clears the bit if it does not work with this subset. */
    status_add(pci, STATUS_FEATURES_OK);
    return status_read(pci) & STATUS_FEATURES_OK ? 0 : -EIO;
}

static status_t device_begin(struct virtio_device *device, uint64_t wanted,
                             const struct virtio_client *client, void *context)
{
    struct virtio_pci *pci = virtio_pci_of(device);
    bool first = !pci->client;
    status_t status = pci->broken ? -EIO : first ? virtio_map(pci) : 0;
    if (status) {
        if (first)
            virtio_unmap(pci);
        return status;
    }

    /* A client stays until the end, also when a later start fails: device_end() undoes this one. */
    pci->client = client;
    pci->context = context;

    /* The reset comes before the device is given memory or interrupts: firmware may have left it
     * running. */
    status = device_reset(device);
    if (status)
        return status;
    if (first) {
        connect(pci);
        pci_enable(pci->function);
    }

    /* The steps of 3.1.1, of which DRIVER_OK is left to device_run(): the queues come before. */
    status_add(pci, STATUS_ACKNOWLEDGE);
    status_add(pci, STATUS_DRIVER);
    status = negotiate(pci, wanted);
    if (status)
        status_add(pci, STATUS_FAILED);
    return status;
}

static status_t device_add_queue(struct virtio_device *device, unsigned number, unsigned slots,
                                 unsigned pieces, struct virtio_queue **queue)
{
    struct virtio_pci *pci = virtio_pci_of(device);
    struct virtqueue *made;
    kassert(pci->queue_count < VIRTIO_QUEUES_MAX && slots && pieces);

    status_t status = virtqueue_create(pci, number, slots, pieces, &made);
    if (status)
        return status;
    pci->queues[pci->queue_count++] = made;
    *queue = &made->queue;
    return 0;
}

static status_t device_run(struct virtio_device *device)
{
    struct virtio_pci *pci = virtio_pci_of(device);

    /* A device that has no resources for a vector answers with another value (4.1.5.1.2). */
    if (pci->messages) {
        register_write16(&pci->common, COMMON_CONFIG_VECTOR, 0);
        if (register_read16(&pci->common, COMMON_CONFIG_VECTOR) != 0) {
            virtio_break(pci, "has no interrupt vector");
            return -EIO;
        }
    }

    for (unsigned i = 0; i < pci->queue_count; i++) {
        status_t status = virtqueue_enable(pci->queues[i]);
        if (status)
            return status;
    }

    /* From DRIVER_OK on the device may use the queues, and interrupt. */
    spin_lock(&pci->lock);
    pci->running = true;
    spin_unlock(&pci->lock);
    status_add(pci, STATUS_DRIVER_OK);
    return 0;
}

/* ---- configuration ------------------------------------------------------------------------ */

/* A field is read in its own width, except that 8 bytes are two times 4 (4.1.3.1). */
static uint64_t read_field(struct virtio_pci *pci, const struct virtio_field *field)
{
    /* The structure may be shorter than this version of it: fields that it does not have are 0. */
    if ((uint32_t)field->offset + field->bytes > pci->config.bytes)
        return 0;
    if (field->bytes < 8)
        return register_read(&pci->config, field->offset, field->bytes);
    return register_read32(&pci->config, field->offset) |
           (uint64_t)register_read32(&pci->config, field->offset + 4u) << 32;
}

static status_t device_read_config(struct virtio_device *device,
                                   const struct virtio_field fields[], unsigned count,
                                   uint64_t values[])
{
    struct virtio_pci *pci = virtio_pci_of(device);

    /* The host may change the configuration between two reads: then the generation differs
     * (2.4.1). */
    for (unsigned try = 0; try < CONFIG_TRIES; try++) {
        uint8_t before = register_read8(&pci->common, COMMON_GENERATION);
        for (unsigned i = 0; i < count; i++)
            values[i] = read_field(pci, &fields[i]);
        if (register_read8(&pci->common, COMMON_GENERATION) == before)
            return 0;
    }

    /* A hostile device could change it endlessly; a start-up must not wait for that. */
    log_warn("virtio", "%s: the configuration changes all the time", device->name);
    return -EIO;
}

static void device_poll_queues(struct virtio_device *device)
{
    serve_queues(virtio_pci_of(device));
}

const struct virtio_ops virtio_pci_ops = {
    .begin = device_begin,
    .read_config = device_read_config,
    .add_queue = device_add_queue,
    .run = device_run,
    .chain = virtqueue_chain,
    .submit = virtqueue_submit,
    .poll = device_poll_queues,
    .reset = device_reset,
    .end = device_end,
};

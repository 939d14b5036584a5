/*
 * virtio_model.c - virtio devices without a machine. See virtio_model.h.
 */
#include "tests/host/virtio_model.h"

#include "lib/bytes.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "tests/host/rig.h"

enum {
    BAR = 4,
    AT_COMMON = 0x0000, /* structures in the BAR */
    AT_ISR = 0x1000,
    AT_CONFIG = 0x2000,
    AT_NOTIFY = 0x3000,
    NOTIFY_MULTIPLIER = 4,
    BAR_BYTES = 0x4000,

    CAPABILITY_VENDOR = 0x09,
    CAPABILITY_MSIX = 0x11,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
    NO_VECTOR = 0xffff,

    FLAG_NEXT = 1,
    FLAG_WRITE = 2,
    FLAG_INDIRECT = 4,
    FEATURE_INDIRECT = 28,
    USED_BYTES = 8, /* of an element */
    JUMP = 1000,
};

static struct virtio_model *model_of(struct pci_model *pci)
{
    return container_of(pci, struct virtio_model, pci);
}

/* ---- memory of the driver ------------------------------------------------------------------- */

static void *dma(struct virtio_model *model, uint64_t address)
{
    return pci_model_dma(&model->pci, address);
}

static uint16_t dma16(struct virtio_model *model, uint64_t address)
{
    return atomic_load((_Atomic uint16_t *)dma(model, address));
}

static uint32_t copy(const struct virtio_model_piece *pieces, unsigned count, uint32_t offset,
                     uint8_t *data, uint32_t bytes, bool to_pieces)
{
    uint32_t done = 0;
    for (unsigned i = 0; i < count && done < bytes; i++) {
        if (offset >= pieces[i].bytes) {
            offset -= pieces[i].bytes;
            continue;
        }
        uint32_t left = pieces[i].bytes - offset, take = min(left, bytes - done);
        if (to_pieces)
            memcpy(pieces[i].memory + offset, data + done, take);
        else
            memcpy(data + done, pieces[i].memory + offset, take);
        done += take;
        offset = 0;
    }
    return done;
}

uint32_t virtio_model_read(const struct virtio_model_request *request, uint32_t offset, void *data,
                           uint32_t bytes)
{
    return copy(request->pieces, request->readable, offset, data, bytes, false);
}

uint32_t virtio_model_write(const struct virtio_model_request *request, uint32_t offset,
                            const void *data, uint32_t bytes)
{
    return copy(request->pieces + request->readable, request->count - request->readable, offset,
                (uint8_t *)(uintptr_t)data, bytes, true);
}

static uint32_t sum(const struct virtio_model_request *request, unsigned first, unsigned end)
{
    uint32_t bytes = 0;
    for (unsigned i = first; i < end; i++)
        bytes += request->pieces[i].bytes;
    return bytes;
}

uint32_t virtio_model_readable(const struct virtio_model_request *request)
{
    return sum(request, 0, request->readable);
}

uint32_t virtio_model_writable(const struct virtio_model_request *request)
{
    return sum(request, request->readable, request->count);
}

/* ---- requests ------------------------------------------------------------------------------- */

/* Follows a chain, in a table of `size` descriptors. Panics if it is not one. */
static void follow(struct virtio_model *model, struct virtio_model_request *request,
                   uint64_t table, unsigned at, unsigned size, unsigned longest)
{
    for (;;) {
        kassert(at < size && request->count < longest);
        struct virtio_descriptor d =
            *(struct virtio_descriptor *)dma(model, table + at * sizeof(d));
        if (d.flags & FLAG_INDIRECT) {
            kassert(model->features & VIRTIO_FEATURE(FEATURE_INDIRECT));
            kassert(!(d.flags & FLAG_NEXT) && !request->count);
            kassert(d.bytes && d.bytes % sizeof(d) == 0);
            unsigned entries = d.bytes / (unsigned)sizeof(d);
            follow(model, request, d.address, 0, entries, longest);
            return;
        }

        bool writable = d.flags & FLAG_WRITE;
        kassert(d.bytes && (writable || request->readable == request->count));
        request->pieces[request->count++] =
            (struct virtio_model_piece){ dma(model, d.address), d.bytes };
        request->readable += !writable;
        if (!(d.flags & FLAG_NEXT))
            return;
        at = d.next;
    }
}

static struct virtio_model_request *free_request(struct virtio_model *model, unsigned queue,
                                                 uint16_t head)
{
    struct virtio_model_request *found = NULL;
    for (unsigned i = 0; i < VIRTIO_MODEL_REQUESTS; i++) {
        struct virtio_model_request *request = &model->requests[i];
        if (!request->taken)
            found = request;
        else
            kassert(request->queue != queue || request->head != head); /* it is still in use */
    }
    kassert(found);
    return found;
}

static enum virtio_fault next_fault(struct virtio_model *model, unsigned queue)
{
    if (queue != model->fault_queue || !model->fault_nth || --model->fault_nth)
        return VIRTIO_NO_FAULT;
    return model->fault;
}

static void take_requests(struct virtio_model *model, unsigned number)
{
    struct virtio_model_queue *queue = &model->queues[number];
    while (queue->enabled && queue->taken != dma16(model, queue->available + 2)) {
        uint64_t entry = queue->available + 4 + queue->taken % queue->size * 2u;
        uint16_t head = dma16(model, entry);
        struct virtio_model_request *request = free_request(model, number, head);

        *request = (struct virtio_model_request){ .taken = true, .queue = number, .head = head };
        request->fault = next_fault(model, number);
        request->due_us = time_now_us() + (model->delay_us ? rig_random() % model->delay_us : 0);
        if (request->fault == VIRTIO_LOST || request->fault == VIRTIO_NEEDS_RESET)
            request->due_us = TIME_NEVER;
        follow(model, request, queue->descriptors, head, queue->size,
               min(queue->size, VIRTIO_MODEL_PIECES));
        queue->taken++;

        if (request->fault == VIRTIO_NEEDS_RESET) {
            model->status |= STATUS_NEEDS_RESET;
            model->config_changed = true;
        }
    }
}

/* Appends an element to the used ring. */
static void push(struct virtio_model *model, struct virtio_model_queue *queue, uint32_t id,
                 uint32_t bytes)
{
    uint32_t *element = dma(model, queue->used + 4 + queue->ended % queue->size * USED_BYTES);
    _Atomic uint16_t *index = dma(model, queue->used + 2);
    element[0] = id;
    element[1] = bytes;
    atomic_store(index, ++queue->ended);
}

/* No driver can protect itself from a device that uses memory after it has returned it. */
static void forget(struct virtio_model *model, unsigned queue, uint32_t head)
{
    for (unsigned i = 0; i < VIRTIO_MODEL_REQUESTS; i++)
        if (model->requests[i].queue == queue && model->requests[i].head == head)
            model->requests[i].taken = false;
}

void virtio_model_end(struct virtio_model *model, struct virtio_model_request *request,
                      uint32_t written_bytes)
{
    struct virtio_model_queue *queue = &model->queues[request->queue];
    uint32_t id = request->head;
    if (request->fault == VIRTIO_WRONG_ID)
        id = (id + 1) % queue->size;
    if (request->fault == VIRTIO_WILD_ID)
        id = 0xfffffff0;
    if (request->fault == VIRTIO_TOO_LONG)
        written_bytes = virtio_model_readable(request) + virtio_model_writable(request) + 1;
    if (request->fault == VIRTIO_TOO_SHORT)
        written_bytes = 0;
    if (request->fault == VIRTIO_INDEX_JUMP)
        queue->ended = (uint16_t)(queue->ended + JUMP);

    if (request->forged) {
        id = request->id;
        queue->ended = (uint16_t)(queue->ended + request->jump);
        forget(model, request->queue, id);
    }

    push(model, queue, id, written_bytes);
    if (request->fault == VIRTIO_TWICE)
        push(model, queue, id, written_bytes);
    request->taken = false;
    model->isr |= 1;
    model->to_raise |= queue->vector == NO_VECTOR ? 1u : 1u << queue->vector;
}

struct virtio_model_request *virtio_model_held(struct virtio_model *model, unsigned queue)
{
    for (unsigned i = 0; i < VIRTIO_MODEL_REQUESTS; i++) {
        struct virtio_model_request *request = &model->requests[i];
        if (request->taken && request->queue == queue && request->due_us == TIME_NEVER)
            return request;
    }
    return NULL;
}

/* Serves one request that is due, a random one. *wake_us: when the next one is. */
static bool serve_one(struct virtio_model *model, uint64_t *wake_us)
{
    uint64_t now_us = time_now_us();
    unsigned first = (unsigned)(rig_random() % VIRTIO_MODEL_REQUESTS);
    *wake_us = TIME_NEVER;
    for (unsigned i = 0; i < VIRTIO_MODEL_REQUESTS; i++) {
        struct virtio_model_request *request =
            &model->requests[(first + i) % VIRTIO_MODEL_REQUESTS];
        if (!request->taken)
            continue;
        if (request->due_us > now_us) {
            *wake_us = min(*wake_us, request->due_us);
            continue;
        }
        uint32_t written_bytes = model->serve(model, request);
        model->served++;
        if (request->due_us != TIME_NEVER)
            virtio_model_end(model, request, written_bytes);
        return true;
    }
    return false;
}

/* ---- registers ------------------------------------------------------------------------------ */

static void reset(struct virtio_model *model)
{
    for (unsigned i = 0; i < VIRTIO_MODEL_REQUESTS; i++)
        model->requests[i].taken = false;
    for (unsigned i = 0; i < VIRTIO_MODEL_QUEUES; i++)
        model->queues[i] = (struct virtio_model_queue){
            .size = model->queues[i].largest,
            .largest = model->queues[i].largest,
            .vector = NO_VECTOR,
            .notify = (uint16_t)i,
        };
    model->features = 0;
    model->config_vector = NO_VECTOR;
    model->isr = 0;
    model->to_raise = 0;
    model->config_changed = false;
    model->resets++;
    model->status = model->never_resets ? STATUS_DRIVER_OK : 0;
}

static void set_status(struct virtio_model *model, uint8_t status)
{
    if (!status) {
        reset(model);
        return;
    }
    if (status & STATUS_FEATURES_OK) {
        kassert(!(model->features & ~model->offered));
        if (model->refuses_features)
            status &= (uint8_t)~STATUS_FEATURES_OK;
    }
    kassert(!(status & STATUS_DRIVER_OK) || status & STATUS_FEATURES_OK);
    model->status = status;
}

static uint64_t read_common(struct virtio_model *model, uint64_t offset, unsigned bytes)
{
    struct virtio_model_queue none = { 0 };
    struct virtio_model_queue *queue = model->queue_select < model->queue_count
                                           ? &model->queues[model->queue_select] : &none;
    kassert(bytes == 1 || bytes == 2 || bytes == 4);
    switch (offset) {
    case 4:
        kassert(model->device_select < 2);
        return (uint32_t)(model->offered >> 32 * model->device_select);
    case 16: return model->has_no_vector ? NO_VECTOR : model->config_vector;
    case 18: return model->queue_count;
    case 20: return model->status;
    case 21:
        if (model->unstable) {
            model->unstable--;
            model->generation++;
        }
        return model->generation;
    case 24: return queue->size;
    case 26: return model->has_no_vector ? NO_VECTOR : queue->vector;
    case 30: return queue->notify;
    default: panic("virtio_model: read of the common register %llu", (unsigned long long)offset);
    }
}

static void set_half(uint64_t *whole, uint64_t offset, uint64_t half)
{
    unsigned shift = offset % 8 ? 32 : 0;
    *whole = (*whole & ~((uint64_t)UINT32_MAX << shift)) | half << shift;
}

static void write_queue(struct virtio_model *model, uint64_t offset, uint64_t value)
{
    kassert(model->queue_select < model->queue_count);
    kassert(model->status & STATUS_FEATURES_OK && !(model->status & STATUS_DRIVER_OK));
    struct virtio_model_queue *queue = &model->queues[model->queue_select];
    switch (offset) {
    case 24: queue->size = (uint16_t)value; break;
    case 26: queue->vector = (uint16_t)value; break;
    case 28:
        kassert(value == 1 && queue->descriptors && queue->available && queue->used);
        kassert(queue->descriptors % 16 == 0 && queue->available % 2 == 0 && queue->used % 4 == 0);
        queue->enabled = true;
        break;
    case 32: case 36: set_half(&queue->descriptors, offset, value); break;
    case 40: case 44: set_half(&queue->available, offset, value); break;
    case 48: case 52: set_half(&queue->used, offset, value); break;
    default: panic("virtio_model: write of the common register %llu", (unsigned long long)offset);
    }
}

static void write_common(struct virtio_model *model, uint64_t offset, uint64_t value)
{
    switch (offset) {
    case 0: model->device_select = (uint32_t)value; break;
    case 8: model->driver_select = (uint32_t)value; break;
    case 12:
        kassert(model->driver_select < 2);
        set_half(&model->features, model->driver_select * 4, value);
        break;
    case 16: model->config_vector = (uint16_t)value; break;
    case 20: set_status(model, (uint8_t)value); break;
    case 22: model->queue_select = (uint16_t)value; break;
    default: write_queue(model, offset, value);
    }
}

static uint64_t bar_read(struct pci_model *pci, uint64_t offset, unsigned bytes)
{
    struct virtio_model *model = model_of(pci);
    uint64_t value = 0;
    spin_lock(&model->lock);
    if (offset < AT_ISR) {
        value = read_common(model, offset - AT_COMMON, bytes);
    } else if (offset < AT_CONFIG) {
        value = model->isr;
        model->isr = 0;
    } else {
        kassert(offset - AT_CONFIG + bytes <= model->config_bytes);
        for (unsigned i = 0; i < bytes; i++)
            value |= (uint64_t)model->config[offset - AT_CONFIG + i] << i * 8;
    }
    spin_unlock(&model->lock);
    return value;
}

static void bar_write(struct pci_model *pci, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct virtio_model *model = model_of(pci);
    spin_lock(&model->lock);
    if (offset < AT_ISR)
        write_common(model, offset - AT_COMMON, value);
    else if (offset >= AT_NOTIFY)
        kassert(bytes == 2 && value == (offset - AT_NOTIFY) / NOTIFY_MULTIPLIER);
    wait_queue_wake_all(&model->changed);
    spin_unlock(&model->lock);
}

/* ---- the device's thread -------------------------------------------------------------------- */

static uint32_t take_vectors(struct virtio_model *model)
{
    if (model->config_changed) {
        model->config_changed = false;
        model->isr |= 2;
        model->to_raise |= model->config_vector == NO_VECTOR ? 1u : 1u << model->config_vector;
    }
    uint32_t vectors = model->to_raise;
    model->to_raise = 0;
    return vectors;
}

static void device_thread(void *argument)
{
    struct virtio_model *model = argument;
    spin_lock(&model->lock);
    while (!model->stopping) {
        uint64_t wake_us = TIME_NEVER;
        bool runs = model->status & STATUS_DRIVER_OK && !(model->status & STATUS_NEEDS_RESET);
        for (unsigned i = 0; runs && i < model->queue_count; i++)
            take_requests(model, i);
        bool worked = runs && serve_one(model, &wake_us);

        /* Interrupts without the lock: the handler reads registers. */
        uint32_t vectors = take_vectors(model);
        if (vectors) {
            spin_unlock(&model->lock);
            for (unsigned i = 0; i < PCI_MODEL_VECTORS_MAX; i++)
                if (vectors & 1u << i)
                    (void)pci_model_raise(&model->pci, i);
            spin_lock(&model->lock);
        } else if (!worked && !model->stopping) {
            IGNORE(wait_queue_wait(&model->changed, &model->lock, wake_us));
        }
    }
    spin_unlock(&model->lock);
}

void virtio_model_fault(struct virtio_model *model, unsigned queue, enum virtio_fault fault,
                        unsigned nth)
{
    spin_lock(&model->lock);
    model->fault = fault;
    model->fault_queue = queue;
    model->fault_nth = nth;
    spin_unlock(&model->lock);
}

void virtio_model_reconfigured(struct virtio_model *model)
{
    spin_lock(&model->lock);
    model->generation++;
    model->config_changed = true;
    wait_queue_wake_all(&model->changed);
    spin_unlock(&model->lock);
}

/* ---- the function --------------------------------------------------------------------------- */

static void put_le32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> i * 8);
}

static void put_capability(struct virtio_model *model, unsigned at, unsigned next, uint8_t kind,
                           uint32_t offset, uint32_t bytes)
{
    uint8_t *capability = model->pci.config + at;
    capability[0] = CAPABILITY_VENDOR;
    capability[1] = (uint8_t)next;
    capability[2] = kind == 2 ? 20 : 16;
    capability[3] = kind;
    capability[4] = BAR;
    put_le32(capability + 8, offset);
    put_le32(capability + 12, bytes);
    if (kind == 2)
        put_le32(capability + 16, NOTIFY_MULTIPLIER);
}

static void put_capabilities(struct virtio_model *model)
{
    put_capability(model, 0x40, 0x50, 1, AT_COMMON, 56);
    put_capability(model, 0x50, 0x60, 3, AT_ISR, 4);
    put_capability(model, 0x60, 0x70, 4, AT_CONFIG, model->config_bytes);
    put_capability(model, 0x70, 0x88, 2, AT_NOTIFY, NOTIFY_MULTIPLIER * model->queue_count);
    model->pci.config[0x88] = CAPABILITY_MSIX;
    model->pci.config[0x8b] = model->messages ? 0x80 : 0;
    model->pci.capabilities = 0x40;
    if (model->lie_offset)
        model->pci.config[model->lie_offset] = model->lie;
}

void virtio_model_publish(struct virtio_model *model)
{
    spin_init(&model->lock, RANK_FRAMES);
    wait_queue_init(&model->changed);
    reset(model);
    model->status = 0;
    model->resets = 0;
    model->stopping = false;

    model->pci.vendor = 0x1af4;
    model->pci.product = (uint16_t)(0x1040 + model->type);
    if (model->transitional) {
        model->pci.product = 0x1001;
        model->pci.config[0x2e] = (uint8_t)model->type;
    }
    model->pci.class_code = 1;
    model->pci.bars[BAR] = (struct pci_model_bar){
        .bytes = BAR_BYTES, .read = bar_read, .write = bar_write
    };
    put_capabilities(model);

    model->thread = thread_create("virtio-device", PRIORITY_NORMAL, device_thread, model);
    kassert(model->thread);
    pci_model_publish(&model->pci, "00:04.0");
}

void virtio_model_remove(struct virtio_model *model)
{
    pci_model_remove(&model->pci);
    spin_lock(&model->lock);
    model->stopping = true;
    wait_queue_wake_all(&model->changed);
    spin_unlock(&model->lock);
    thread_join(model->thread);
}

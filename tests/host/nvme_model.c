/*
 * nvme_model.c - an NVMe controller without hardware. See nvme_model.h.
 */
#include "tests/host/nvme_model.h"

#include "host/port/run.h"
#include "lib/macros.h"
#include "lib/string.h"

#pragma weak sim_random

enum {
    BAR_BYTES = 0x2000,
    DOORBELLS = 0x1000,
    ABORT = 0x08,
    ABORTED = 0x007,
    EVENT_NAMESPACES = 4 << 16 | 0 << 8 | 2,
    FETCHED_MAX = 64,
};

static struct nvme_model *model_of(struct pci_model *pci)
{
    return container_of(pci, struct nvme_model, pci);
}

void nvme_model_put(uint8_t *data, unsigned offset, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        data[offset + i] = (uint8_t)(value >> i * 8);
}

/* ---- registers ------------------------------------------------------------------------------ */

static uint32_t read_register(const struct nvme_model *model, uint64_t offset)
{
    if (model->unplugged)
        return UINT32_MAX;
    switch (offset) {
    case 0x00: return (uint32_t)model->capabilities;
    case 0x04: return (uint32_t)(model->capabilities >> 32);
    case 0x08: return model->version;
    case 0x14: return model->configuration;
    case 0x1c: return (uint32_t)model->ready | (uint32_t)model->fatal << 1 | model->shutdown << 2;
    default: panic("nvme model: register %#llx is read", (unsigned long long)offset);
    }
}

static uint64_t bar_read(struct pci_model *pci, uint64_t offset, unsigned bytes)
{
    struct nvme_model *model = model_of(pci);
    kassert(bytes == 4);
    if (!offset && model->on_probe)
        model->on_probe();
    spin_lock(&model->lock);
    uint32_t value = read_register(model, offset);
    spin_unlock(&model->lock);
    return value;
}

static void configure(struct nvme_model *model, uint32_t value)
{
    /* Entries of 64 and 16 bytes, pages of 4 KiB, the NVM command set. */
    if (value & 1 && !(model->configuration & 1)) {
        kassert((value & 0xff3ff0) == 0x460000);
        model->enables++;
    }
    if (value >> 14 & 3 && !(model->configuration >> 14 & 3)) {
        model->shutdowns++;
        model->shutdown = 2;
    }
    model->configuration = value;
    wait_queue_wake_all(&model->work);
}

static void ring(struct nvme_model *model, uint64_t offset, uint32_t value)
{
    unsigned stride = 4u << (model->capabilities >> 32 & 0xf);
    unsigned number = (unsigned)((offset - DOORBELLS) / stride);
    kassert((offset - DOORBELLS) % stride == 0 && number / 2 < 2);
    if (!model->ready || !(model->configuration & 1))
        return; /* written too late: the queues are gone */

    struct nvme_model_queue *queue = &model->queues[number / 2];
    kassert(queue->exists);
    if (number % 2) {
        kassert(value < queue->completion_entries);
        queue->completion_head = value;
    } else {
        kassert(value < queue->entries && value != queue->tail);
        queue->tail = value;
    }
    wait_queue_wake_all(&model->work);
}

static void bar_write(struct pci_model *pci, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct nvme_model *model = model_of(pci);
    uint32_t word = (uint32_t)value;
    kassert(bytes == 4);
    spin_lock(&model->lock);
    switch (offset) {
    case 0x14: configure(model, word); break;
    case 0x24: model->admin_sizes = word; break;
    case 0x28: model->admin_submissions = word; break;
    case 0x2c: model->admin_submissions |= (uint64_t)word << 32; break;
    case 0x30: model->admin_completions = word; break;
    case 0x34: model->admin_completions |= (uint64_t)word << 32; break;
    default:
        kassert(offset >= DOORBELLS);
        if (!model->unplugged)
            ring(model, offset, word);
    }
    spin_unlock(&model->lock);
}

/* ---- completions ---------------------------------------------------------------------------- */

/* Writes a completion, and returns the vector to raise, or -1. Caller holds the lock. */
static int post(struct nvme_model *model, uint16_t number, uint16_t id, uint16_t status,
                uint32_t result, enum nvme_fault_kind fault)
{
    struct nvme_model_queue *queue = &model->queues[number];
    uint32_t *entry = pci_model_dma(&model->pci, queue->completions);
    entry += queue->completion_tail * 4;
    uint16_t head = (uint16_t)queue->head, named = number;

    if (fault == NVME_FAULT_WRONG_ID)
        id = (uint16_t)(number ? id ^ 1 : 3);
    if (fault == NVME_FAULT_HUGE_ID)
        id = 0xffff;
    if (fault == NVME_FAULT_WRONG_QUEUE)
        named ^= 1;
    if (fault == NVME_FAULT_WRONG_HEAD)
        head = (uint16_t)queue->entries;

    entry[0] = result;
    entry[1] = 0;
    entry[2] = head | (uint32_t)named << 16;
    uint32_t last = id | (uint32_t)queue->phase << 16 | (uint32_t)status << 17;
    __atomic_store_n(&entry[3], last, __ATOMIC_RELEASE);

    queue->completion_tail = (queue->completion_tail + 1) % queue->completion_entries;
    if (!queue->completion_tail)
        queue->phase ^= 1;
    return queue->interrupts && fault != NVME_FAULT_LOSE_INTERRUPT ? (int)queue->vector : -1;
}

static void complete(struct nvme_model *model, const struct nvme_fetched *command, uint16_t status,
                     uint32_t result, enum nvme_fault_kind fault)
{
    uint16_t id = (uint16_t)(command->words[0] >> 16);
    spin_lock(&model->lock);
    bool enabled = model->ready && model->configuration & 1;
    int vector = enabled ? post(model, command->queue, id, status, result, fault) : -1;
    if (enabled && fault == NVME_FAULT_TWICE)
        post(model, command->queue, id, status, result, NVME_FAULT_NONE);
    spin_unlock(&model->lock);
    if (vector >= 0)
        pci_model_raise(&model->pci, (unsigned)vector);
}

/* ---- aborts ------------------------------------------------------------------------------- */

/* Completes the lost command that is to be aborted. Returns whether there was one. */
static bool abort_held(struct nvme_model *model, uint16_t id, struct nvme_fetched *aborted)
{
    spin_lock(&model->lock);
    bool found = false;
    for (unsigned i = 0; !found && i < model->held_count; i++) {
        struct nvme_model_held *held = &model->held[i];
        if (held->queue != 1 || held->words[0] >> 16 != id)
            continue;
        memcpy(aborted->words, held->words, sizeof(aborted->words));
        aborted->queue = held->queue;
        *held = model->held[--model->held_count];
        found = true;
    }
    spin_unlock(&model->lock);
    return found;
}

static uint16_t abort_command(struct nvme_model *model, const struct nvme_fetched *command,
                              uint32_t *result)
{
    struct nvme_fetched aborted;
    model->aborts++;
    kassert((command->words[10] & 0xffff) == 1);
    *result = 1;
    if (model->refuses_aborts ||
        !abort_held(model, (uint16_t)(command->words[10] >> 16), &aborted))
        return 0;
    complete(model, &aborted, ABORTED, 0, NVME_FAULT_NONE);
    *result = 0;
    return 0;
}

/* ---- faults --------------------------------------------------------------------------------- */

/* Takes the fault that applies to a command. */
static struct nvme_fault take_fault(struct nvme_model *model, const struct nvme_fetched *command)
{
    struct nvme_fault found = { .kind = NVME_FAULT_NONE };
    spin_lock(&model->lock);
    for (unsigned i = 0; i < NVME_MODEL_FAULTS && !found.kind; i++) {
        struct nvme_fault *fault = &model->faults[i];
        if (!fault->kind || !fault->times || fault->queue != command->queue ||
            (fault->opcode >= 0 && fault->opcode != (uint8_t)command->words[0]))
            continue;
        if (fault->skip) {
            fault->skip--;
            continue;
        }
        fault->times--;
        found = *fault;
    }
    spin_unlock(&model->lock);
    return found;
}

static void hold(struct nvme_model *model, const struct nvme_fetched *command, uint64_t due_us)
{
    spin_lock(&model->lock);
    kassert(model->held_count < NVME_MODEL_HELD);
    struct nvme_model_held *held = &model->held[model->held_count++];
    memcpy(held->words, command->words, sizeof(held->words));
    held->queue = command->queue;
    held->due_us = due_us;
    spin_unlock(&model->lock);
}

static void execute(struct nvme_model *model, const struct nvme_fetched *command,
                    const struct nvme_fault *fault)
{
    uint16_t status = 0;
    uint32_t result = 0;
    bool ends = true;
    if (fault->kind == NVME_FAULT_STATUS)
        status = fault->status;
    else if (command->queue)
        status = nvme_model_execute_io(model, command);
    else if ((uint8_t)command->words[0] == ABORT)
        status = abort_command(model, command, &result);
    else
        ends = nvme_model_execute_admin(model, command, &status);
    if (ends)
        complete(model, command, status, result, fault->kind);
}

static void serve(struct nvme_model *model, const struct nvme_fetched *command)
{
    struct nvme_fault fault = take_fault(model, command);
    switch (fault.kind) {
    case NVME_FAULT_LOSE: hold(model, command, TIME_NEVER); break;
    case NVME_FAULT_LATE: hold(model, command, time_now_us() + fault.delay_us); break;
    case NVME_FAULT_FATAL:
    case NVME_FAULT_UNPLUG:
        hold(model, command, TIME_NEVER);
        spin_lock(&model->lock);
        *(fault.kind == NVME_FAULT_FATAL ? &model->fatal : &model->unplugged) = true;
        spin_unlock(&model->lock);
        break;
    default: execute(model, command, &fault);
    }
}

/* ---- the thread ----------------------------------------------------------------------------- */

/* Follows the enable bit. Caller holds the lock. */
static void follow_configuration(struct nvme_model *model)
{
    bool enabled = model->configuration & 1;
    if (enabled && !model->ready && !model->never_ready) {
        model->ready = true;
        model->shutdown = 0;
        model->queues[0] = (struct nvme_model_queue){
            .submissions = model->admin_submissions,
            .completions = model->admin_completions,
            .entries = (model->admin_sizes & 0xfff) + 1,
            .completion_entries = (model->admin_sizes >> 16 & 0xfff) + 1,
            .phase = 1,
            .exists = true,
            .interrupts = true,
        };
        model->queues[1] = (struct nvme_model_queue){ 0 };
    }
    if (!enabled && model->ready && !model->never_stops) {
        model->ready = model->fatal = false;
        model->held_count = 0;
        model->event = 0;
        model->queues[0].exists = model->queues[1].exists = false;
    }
}

/* Fetches the commands of a queue. Caller holds the lock. */
static unsigned fetch(struct nvme_model *model, uint16_t number, struct nvme_fetched *fetched,
                      unsigned room)
{
    struct nvme_model_queue *queue = &model->queues[number];
    unsigned count = 0;
    for (; queue->exists && queue->head != queue->tail && count < room; count++) {
        const uint32_t *entry = pci_model_dma(&model->pci, queue->submissions);
        memcpy(fetched[count].words, entry + queue->head * 16, sizeof(fetched->words));
        fetched[count].queue = number;
        queue->head = (queue->head + 1) % queue->entries;
    }
    return count;
}

/* Takes a held command that is due. *wake_us: when the next one is. Caller holds the lock. */
static bool take_due(struct nvme_model *model, struct nvme_fetched *command, uint64_t *wake_us)
{
    uint64_t now_us = time_now_us();
    for (unsigned i = 0; i < model->held_count; i++) {
        struct nvme_model_held *held = &model->held[i];
        if (held->due_us > now_us) {
            *wake_us = min(*wake_us, held->due_us);
            continue;
        }
        memcpy(command->words, held->words, sizeof(command->words));
        command->queue = held->queue;
        *held = model->held[--model->held_count];
        return true;
    }
    return false;
}

/* Takes the request for an event, if there is one to report. Caller holds the lock. */
static bool take_event(struct nvme_model *model, struct nvme_fetched *command, uint32_t *result)
{
    if (!model->event || !model->pending_event)
        return false;
    *command = (struct nvme_fetched){ .words = { (model->event - 1) << 16 } };
    *result = model->pending_event;
    model->event = model->pending_event = 0;
    return true;
}

/* Waits for work. Returns the number of commands; 0: the thread ends. *due: the first one was held
 * before. *result: of an event, else 0. */
static unsigned await_work(struct nvme_model *model, struct nvme_fetched *fetched, bool *due,
                           uint32_t *result)
{
    unsigned count = 0;
    *due = false;
    *result = 0;
    spin_lock(&model->lock);
    while (!model->stopping) {
        uint64_t wake_us = TIME_NEVER;
        follow_configuration(model);
        if (model->ready && !model->fatal && !model->unplugged && model->configuration & 1) {
            count = take_event(model, fetched, result);
            if (!count)
                count = *due = take_due(model, fetched, &wake_us);
            if (!count)
                count = fetch(model, 0, fetched, FETCHED_MAX);
            if (!count)
                count = fetch(model, 1, fetched, FETCHED_MAX);
        }
        if (count)
            break;
        IGNORE(wait_queue_wait(&model->work, &model->lock, wake_us));
    }
    spin_unlock(&model->lock);
    model->most_in_flight = max(model->most_in_flight, count);
    return count;
}

/* Returns whether the controller executes nothing more, not even what it has fetched. */
static bool has_failed(struct nvme_model *model)
{
    spin_lock(&model->lock);
    bool failed = model->fatal || model->unplugged;
    spin_unlock(&model->lock);
    return failed;
}

static unsigned choose(unsigned count)
{
    return run_is_simulated() ? (unsigned)(sim_random() % count) : 0;
}

static void model_main(void *argument)
{
    static const struct nvme_fault none = { .kind = NVME_FAULT_NONE };
    struct nvme_model *model = argument;
    struct nvme_fetched fetched[FETCHED_MAX];
    uint32_t result;
    bool due;
    for (unsigned count; (count = await_work(model, fetched, &due, &result));) {
        if (result)
            complete(model, &fetched[0], 0, result, NVME_FAULT_NONE);
        else if (due)
            execute(model, &fetched[0], &none);
        else
            for (; count && !has_failed(model); count--) {
                unsigned n = choose(count);
                serve(model, &fetched[n]);
                fetched[n] = fetched[count - 1];
            }
    }
}

/* ---- interface ------------------------------------------------------------------------------ */

void nvme_model_init(struct nvme_model *model)
{
    memset(model, 0, sizeof(*model));
    model->pci = (struct pci_model){
        .vendor = 0x1b36, .product = 0x10,
        .class_code = 1, .subclass = 8, .interface = 2,
        .bars = { { .bytes = BAR_BYTES, .read = bar_read, .write = bar_write } },
        .vectors = 2,
    };

    /* 256 entries, contiguous, 5 s, the NVM command set. */
    model->capabilities = 255 | 1 << 16 | 10 << 24 | 1ull << 37;
    model->version = 0x10400;
    memcpy(model->identify + 4, "SERIAL 1            ", 20);
    memcpy(model->identify + 24, "Model of a disk                         ", 40);
    memcpy(model->identify + 64, "1.0     ", 8);
    model->identify[77] = 5;
    nvme_model_put(model->identify, 92, 4, 1 << 8);
    model->identify[512] = 0x66;
    model->identify[513] = 0x44;
    nvme_model_put(model->identify, 516, 4, NVME_MODEL_NAMESPACES);
    model->identify[520] = 1 << 2 | 1 << 3; /* deallocate, write zeroes */
    model->identify[525] = 1;
    spin_init(&model->lock, RANK_COMPLETIONS);
    wait_queue_init(&model->work);
}

struct nvme_model_namespace *nvme_model_add(struct nvme_model *model, uint32_t id, uint8_t *image,
                                            uint64_t blocks, unsigned block_power)
{
    struct nvme_model_namespace *namespace = model->namespaces;
    while (namespace->id)
        namespace++;
    kassert(namespace < model->namespaces + NVME_MODEL_NAMESPACES);
    *namespace = (struct nvme_model_namespace){
        .image = image, .blocks = blocks, .block_power = block_power
    };
    nvme_model_put(namespace->identify, 0, 8, blocks);
    nvme_model_put(namespace->identify, 8, 8, blocks);
    nvme_model_put(namespace->identify, 128, 4, block_power << 16);
    namespace->id = id;
    return namespace;
}

void nvme_model_publish(struct nvme_model *model)
{
    model->thread = thread_create("nvme model", PRIORITY_NORMAL, model_main, model);
    kassert(model->thread);
    pci_model_publish(&model->pci, "00:04.0");
}

void nvme_model_remove(struct nvme_model *model)
{
    pci_model_remove(&model->pci);
    spin_lock(&model->lock);
    model->stopping = true;
    wait_queue_wake_all(&model->work);
    spin_unlock(&model->lock);
    thread_join(model->thread);
}

void nvme_model_fault(struct nvme_model *model, struct nvme_fault fault)
{
    spin_lock(&model->lock);
    unsigned i = 0;
    while (model->faults[i].kind && model->faults[i].times)
        i++;
    kassert(i < NVME_MODEL_FAULTS);
    model->faults[i] = fault;
    spin_unlock(&model->lock);
}

void nvme_model_notice(struct nvme_model *model)
{
    spin_lock(&model->lock);
    model->pending_event = EVENT_NAMESPACES;
    wait_queue_wake_all(&model->work);
    spin_unlock(&model->lock);
}

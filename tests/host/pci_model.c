/*
 * pci_model.c - a PCI function without hardware. See pci_model.h.
 */
#include "tests/host/pci_model.h"

#include "host/port/host.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    CONFIG_COMMAND = 0x04,
    CONFIG_STATUS = 0x06,
    CONFIG_CAPABILITIES = 0x34,
    COMMAND_MASTER = 1 << 2,
    STATUS_CAPABILITIES = 1 << 4,
    REMOVAL_US = 10000000,
    FIRST_BASE = 0x10000000, /* BARs are far apart from each other */
    BASE_STEP = 0x01000000,
};

static struct pci_model *model_of(const struct pci_function *function)
{
    return container_of(function, struct pci_model, function);
}

/* ---- configuration space -------------------------------------------------------------------- */

static uint32_t config_read32(const struct pci_function *function, unsigned offset)
{
    const uint8_t *at = model_of(function)->config + offset;
    kassert(offset % 4 == 0 && offset < PCI_MODEL_CONFIG_BYTES);
    return (uint32_t)(at[0] | at[1] << 8 | at[2] << 16) | (uint32_t)at[3] << 24;
}

static void config_write32(const struct pci_function *function, unsigned offset, uint32_t value)
{
    struct pci_model *model = model_of(function);
    kassert(offset % 4 == 0 && offset < PCI_MODEL_CONFIG_BYTES);
    if (offset == CONFIG_COMMAND) {
        /* Of these two registers only the command can be set. */
        spin_lock(&model->lock);
        model->mastering = value & COMMAND_MASTER;
        model->config[offset] = (uint8_t)value;
        model->config[offset + 1] = (uint8_t)(value >> 8);
        spin_unlock(&model->lock);
    } else if (offset >= 0x40) {
        for (unsigned i = 0; i < 4; i++)
            model->config[offset + i] = (uint8_t)(value >> i * 8);
    }
}

/* ---- registers ------------------------------------------------------------------------------ */

/* A window's base has the offset in the BAR in its lower half, and the BAR's number above. */
static struct pci_model_bar *bar_of(const struct registers *window, struct pci_model **model,
                                    uint64_t address, uint64_t bytes)
{
    *model = window->model;
    uint64_t number = address >> 32;
    kassert(number < PCI_BARS);
    struct pci_model_bar *bar = &(*model)->bars[number];
    kassert((uint32_t)address + bytes <= bar->bytes);
    return bar;
}

static uint64_t window_read(const struct registers *window, uint64_t address, unsigned bytes)
{
    struct pci_model *model;
    struct pci_model_bar *bar = bar_of(window, &model, address, bytes);
    return bar->read(model, (uint32_t)address, bytes);
}

static void window_write(const struct registers *window, uint64_t address, unsigned bytes,
                         uint64_t value)
{
    struct pci_model *model;
    struct pci_model_bar *bar = bar_of(window, &model, address, bytes);
    bar->write(model, (uint32_t)address, bytes, value);
}

static void window_read_words(const struct registers *window, uint64_t address, uint16_t *words,
                              size_t count)
{
    struct pci_model *model;
    struct pci_model_bar *bar = bar_of(window, &model, address, 2);
    if (bar->read_words)
        bar->read_words(model, (uint32_t)address, words, count);
    else
        for (size_t i = 0; i < count; i++)
            words[i] = (uint16_t)bar->read(model, (uint32_t)address, 2);
}

static void window_write_words(const struct registers *window, uint64_t address,
                               const uint16_t *words, size_t count)
{
    struct pci_model *model;
    struct pci_model_bar *bar = bar_of(window, &model, address, 2);
    if (bar->write_words)
        bar->write_words(model, (uint32_t)address, words, count);
    else
        for (size_t i = 0; i < count; i++)
            bar->write(model, (uint32_t)address, 2, words[i]);
}

static const struct register_access model_access = {
    .read = window_read,
    .write = window_write,
    .read_words = window_read_words,
    .write_words = window_write_words,
};

static status_t model_map(const struct pci_function *function, const struct pci_bar *bar,
                          uint64_t offset, uint32_t bytes, struct registers *window)
{
    struct pci_model *model = model_of(function);
    uint64_t number = (uint64_t)(bar - function->bars);
    *window = (struct registers){
        .access = &model_access,
        .base = number << 32 | offset,
        .bytes = bytes,
        .model = model,
    };

    spin_lock(&model->lock);
    model->windows++;
    spin_unlock(&model->lock);
    return 0;
}

static void model_unmap(const struct pci_function *function, struct registers *window)
{
    struct pci_model *model = model_of(function);
    (void)window;

    spin_lock(&model->lock);
    kassert(model->windows > 0);
    model->windows--;
    spin_unlock(&model->lock);
}

/* ---- interrupts and memory ------------------------------------------------------------------ */

static int model_connect(const struct pci_function *function, struct pci_interrupt interrupts[],
                         unsigned wanted)
{
    struct pci_model *model = model_of(function);
    unsigned count = min(min(wanted, model->vectors), PCI_MODEL_VECTORS_MAX);

    spin_lock(&model->lock);
    for (unsigned i = 0; i < count; i++) {
        kassert(!model->connected[i]);
        model->connected[i] = &interrupts[i];
    }
    spin_unlock(&model->lock);
    return count ? (int)count : -ENODEV;
}

static void model_disconnect(const struct pci_function *function,
                             struct pci_interrupt interrupts[], unsigned count)
{
    struct pci_model *model = model_of(function);
    spin_lock(&model->lock);
    for (unsigned i = 0; i < count; i++) {
        kassert(model->connected[i] == &interrupts[i]);
        model->connected[i] = NULL;
    }
    spin_unlock(&model->lock);
}

bool pci_model_raise(struct pci_model *model, unsigned vector)
{
    kassert(vector < PCI_MODEL_VECTORS_MAX);

    /* The lock is held while the handler runs, so that pci_disconnect() waits for it. As in an
     * interrupt, the handler's locks have no order relative to others. */
    spin_lock(&model->lock);
    struct pci_interrupt *interrupt = model->connected[vector];
    uint32_t held = *lock_ranks_held();
    *lock_ranks_held() = 0;
    if (interrupt)
        (void)interrupt->handle(interrupt->context);
    *lock_ranks_held() = held;
    spin_unlock(&model->lock);
    return interrupt;
}

void *pci_model_dma(struct pci_model *model, uint64_t address)
{
    kassert(model->mastering);
    kassert(address);
    return (void *)(uintptr_t)address;
}

/* ---- the device ----------------------------------------------------------------------------- */

static const struct pci_ops model_ops = {
    .read32 = config_read32,
    .write32 = config_write32,
    .map = model_map,
    .unmap = model_unmap,
    .connect = model_connect,
    .disconnect = model_disconnect,
};

static const struct device_ops device_ops = { 0 };

struct device *pci_model_publish(struct pci_model *model, const char *name)
{
    host_set_real_addresses(true);
    spin_init(&model->lock, RANK_DEVICE);
    model->mastering = false;
    model->config[CONFIG_CAPABILITIES] = model->capabilities;
    model->config[CONFIG_STATUS] = model->capabilities ? STATUS_CAPABILITIES : 0;

    model->function = (struct pci_function){
        .ops = &model_ops,
        .slot = 4,
        .vendor = model->vendor,
        .product = model->product,
        .class_code = model->class_code,
        .subclass = model->subclass,
        .interface = model->interface,
        .interrupt_line = 0xff,
    };
    for (unsigned i = 0; i < PCI_BARS; i++)
        if (model->bars[i].bytes)
            model->function.bars[i] = (struct pci_bar){
                .base = FIRST_BASE + i * BASE_STEP,
                .bytes = model->bars[i].bytes,
                .io = model->bars[i].io,
            };

    const struct device_description description = {
        .name = name,
        .ops = &device_ops,
        .bus = &pci_bus,
        .bus_data = &model->function,
    };
    model->device = device_create(NULL, &description);
    kassert(model->device);
    kassert(!device_publish(model->device));
    return model->device;
}

static bool is_quiet(struct pci_model *model)
{
    spin_lock(&model->lock);
    bool quiet = !model->windows && !model->mastering;
    for (unsigned i = 0; i < PCI_MODEL_VECTORS_MAX; i++)
        quiet = quiet && !model->connected[i];
    spin_unlock(&model->lock);
    return quiet;
}

void pci_model_remove(struct pci_model *model)
{
    device_remove(model->device);
    device_put(model->device);
    model->device = NULL;

    /* The last request's reference is put by the completion thread, after its callback. */
    uint64_t end_us = time_now_us() + REMOVAL_US;
    while (!is_quiet(model) && time_now_us() < end_us)
        thread_sleep_until(time_now_us() + 1000);
    kassert(is_quiet(model));
    host_set_real_addresses(false);
}

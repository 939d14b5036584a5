/*
 * ide_model.c - the registers of ide_model.h, and its beginning and end.
 */
#include "tests/host/ide_model.h"

#include <string.h>

#include "drivers/storage/ata/ide/ide.h"
#include "host/port/host.h"
#include "kernel/dev/event.h"
#include "lib/macros.h"

enum {
    FLOATING = 0xff,
    MASTER_COMMAND = 0,
    MASTER_STATUS = 2,
    MASTER_TABLE = 4,
    MASTER_BYTES = 8, /* of one channel */
    CONTROL_IN_BAR = 2,
    FIRST_LINE = 14,
};

static const uint16_t command_ports[IDE_MODEL_CHANNELS] = { 0x1f0, 0x170 };
static const uint16_t control_ports[IDE_MODEL_CHANNELS] = { 0x3f6, 0x376 };

static struct ide_model *current; /* its lines are connected */

static struct ide_model_unit *selected(struct ide_model_channel *channel)
{
    return &channel->units[channel->selected];
}

/* ---- the data register ---------------------------------------------------------------------- */

/* The driver has moved a whole block: the unit is busy with the next step. */
static void end_block(struct ide_model *model, struct ide_model_channel *channel)
{
    struct ide_model_unit *unit = selected(channel);
    bool packet = channel->operation == ATA_PACKET;
    unit->status = ATA_STATUS_BSY;
    wait_queue_wake_all(&model->changed);

    if (packet && channel->out && unit->now.count == IDE_MODEL_REASON_PACKET) {
        memcpy(channel->cdb, channel->block, sizeof(channel->cdb));
        channel->work = MODEL_PACKET;
    } else if (packet || channel->out || channel->left_bytes) {
        channel->work = MODEL_NEXT_BLOCK;
    } else {
        unit->status = IDE_MODEL_READY; /* no interrupt follows the last block */
    }
}

static uint16_t data_read(struct ide_model *model, struct ide_model_channel *channel)
{
    if (!(selected(channel)->status & ATA_STATUS_DRQ) || channel->out)
        return 0xffff;

    uint16_t word;
    memcpy(&word, channel->block + channel->at, sizeof(word));
    channel->at += 2;
    if (channel->at >= channel->block_bytes)
        end_block(model, channel);
    return word;
}

static void data_write(struct ide_model *model, struct ide_model_channel *channel, uint16_t word)
{
    kassert(selected(channel)->status & ATA_STATUS_DRQ && channel->out);
    memcpy(channel->block + channel->at, &word, sizeof(word));
    channel->at += 2;
    if (channel->at >= channel->block_bytes)
        end_block(model, channel);
}

/* ---- the command block ---------------------------------------------------------------------- */

/* A master that is alone answers for its slave, whose status is 0. Without units the bus floats. */
static struct ide_model_unit *answering(struct ide_model_channel *channel)
{
    struct ide_model_unit *unit = selected(channel);
    if (!unit->kind)
        unit = &channel->units[!channel->selected];
    return unit->kind ? unit : NULL;
}

static uint8_t status_read(struct ide_model_channel *channel)
{
    if (!answering(channel))
        return FLOATING;
    return selected(channel)->kind ? selected(channel)->status : 0;
}

static uint64_t block_read(struct ide_model *model, struct ide_model_channel *channel,
                           uint64_t number)
{
    const struct ide_model_unit *unit = answering(channel);
    if (!unit)
        return FLOATING;

    const struct ide_model_registers *shown =
        channel->control & IDE_CONTROL_HOB ? &unit->before : &unit->now;
    switch (number) {
    case IDE_DATA: return data_read(model, channel);
    case IDE_ERROR: return unit->error;
    case IDE_SECTOR_COUNT: return shown->count;
    case IDE_LBA_LOW: return shown->low;
    case IDE_LBA_MID: return shown->mid;
    case IDE_LBA_HIGH: return shown->high;
    case IDE_DEVICE: return unit->device;
    default: return status_read(channel);
    }
}

static void command_write(struct ide_model *model, struct ide_model_channel *channel,
                          uint8_t operation)
{
    struct ide_model_unit *unit = selected(channel);
    if (!unit->kind)
        return;

    kassert(!(unit->status & (ATA_STATUS_BSY | ATA_STATUS_DRQ)));
    unit->status = ATA_STATUS_BSY;
    unit->error = 0;
    channel->interrupts = 0;
    channel->operation = operation;
    channel->work = MODEL_EXECUTE;
    wait_queue_wake_all(&model->changed);
}

/* Both units see what is written; the registers keep the value before. */
static void block_write(struct ide_model *model, struct ide_model_channel *channel,
                        uint64_t number, uint16_t value)
{
    uint8_t byte = (uint8_t)value;
    if (number == IDE_DATA) {
        data_write(model, channel, value);
        return;
    }
    if (number == IDE_COMMAND) {
        command_write(model, channel, byte);
        return;
    }
    if (number == IDE_DEVICE)
        channel->selected = byte & IDE_DEVICE_SECOND ? 1 : 0;

    for (unsigned i = 0; i < IDE_MODEL_UNITS; i++) {
        struct ide_model_unit *unit = &channel->units[i];
        struct ide_model_registers *now = &unit->now, *before = &unit->before;
        switch (number) {
        case IDE_FEATURES: before->features = now->features; now->features = byte; break;
        case IDE_SECTOR_COUNT: before->count = now->count; now->count = byte; break;
        case IDE_LBA_LOW: before->low = now->low; now->low = byte; break;
        case IDE_LBA_MID: before->mid = now->mid; now->mid = byte; break;
        case IDE_LBA_HIGH: before->high = now->high; now->high = byte; break;
        case IDE_DEVICE: unit->device = byte; break;
        }
    }
}

/* ---- the control block and the bus master ---------------------------------------------------- */

/* A reset ends what the units do, and leaves their signatures in the registers. */
static void reset(struct ide_model *model, struct ide_model_channel *channel, bool done)
{
    channel->work = MODEL_IDLE;
    channel->interrupts = 0;
    channel->epoch++;
    channel->selected = 0;
    wait_queue_wake_all(&model->changed);

    for (unsigned i = 0; i < IDE_MODEL_UNITS; i++) {
        struct ide_model_unit *unit = &channel->units[i];
        bool cd = unit->kind == IDE_MODEL_CD;
        unit->now = (struct ide_model_registers){ 0, 1, 1, cd ? 0x14 : 0, cd ? 0xeb : 0 };
        unit->device = unit->error = 0;
        unit->status = !done || unit->dead ? ATA_STATUS_BSY : cd ? 0 : IDE_MODEL_READY;
    }
}

static void control_write(struct ide_model *model, struct ide_model_channel *channel,
                          uint8_t value)
{
    bool was_reset = channel->control & IDE_CONTROL_SRST, is_reset = value & IDE_CONTROL_SRST;
    channel->control = value;
    if (was_reset != is_reset)
        reset(model, channel, !is_reset);
}

static uint64_t master_read(const struct ide_model_channel *channel, uint64_t number)
{
    switch (number) {
    case MASTER_COMMAND: return channel->master_command;
    case MASTER_STATUS: return channel->master_status;
    default: return channel->master_table;
    }
}

static void master_write(struct ide_model *model, struct ide_model_channel *channel,
                         uint64_t number, uint32_t value)
{
    const uint8_t cleared = IDE_MODEL_MASTER_ERROR | IDE_MODEL_MASTER_INTERRUPT;
    if (number == MASTER_COMMAND) {
        bool start = value & IDE_MODEL_MASTER_START;
        channel->master_command = (uint8_t)value;
        channel->master_status &= (uint8_t)~IDE_MODEL_MASTER_ACTIVE;
        channel->master_status |= start ? IDE_MODEL_MASTER_ACTIVE : 0;
        wait_queue_wake_all(&model->changed);
    } else if (number == MASTER_STATUS) {
        channel->master_status &= (uint8_t)~(value & cleared);
    } else {
        channel->master_table = value;
    }
}

/* ---- windows -------------------------------------------------------------------------------- */

enum block { COMMAND_BLOCK, CONTROL_BLOCK, MASTER_BLOCK };

static uint64_t block_access_read(struct ide_model *model, enum block block, unsigned number,
                                  uint64_t offset)
{
    struct ide_model_channel *channel = &model->channels[number];
    spin_lock(&model->lock);
    uint64_t value = block == COMMAND_BLOCK ? block_read(model, channel, offset)
                     : block == CONTROL_BLOCK ? status_read(channel)
                                              : master_read(channel, offset);
    spin_unlock(&model->lock);
    return value;
}

static void block_access_write(struct ide_model *model, enum block block, unsigned number,
                               uint64_t offset, uint64_t value)
{
    struct ide_model_channel *channel = &model->channels[number];
    spin_lock(&model->lock);
    if (block == COMMAND_BLOCK)
        block_write(model, channel, offset, (uint16_t)value);
    else if (block == CONTROL_BLOCK)
        control_write(model, channel, (uint8_t)value);
    else
        master_write(model, channel, offset, (uint32_t)value);
    spin_unlock(&model->lock);
}

/* The BARs of native mode: command and control block of each channel. */
#define BAR(name, block, number, first) \
    static uint64_t name##_read(struct pci_model *pci, uint64_t offset, unsigned bytes) \
    { \
        (void)bytes; \
        return block_access_read(pci->context, block, number, offset - (first)); \
    } \
    static void name##_write(struct pci_model *pci, uint64_t offset, unsigned bytes, \
                             uint64_t value) \
    { \
        (void)bytes; \
        block_access_write(pci->context, block, number, offset - (first), value); \
    }

BAR(command0, COMMAND_BLOCK, 0, 0)
BAR(control0, CONTROL_BLOCK, 0, CONTROL_IN_BAR)
BAR(command1, COMMAND_BLOCK, 1, 0)
BAR(control1, CONTROL_BLOCK, 1, CONTROL_IN_BAR)

static uint64_t master_bar_read(struct pci_model *pci, uint64_t offset, unsigned bytes)
{
    (void)bytes;
    return block_access_read(pci->context, MASTER_BLOCK, (unsigned)(offset / MASTER_BYTES),
                             offset % MASTER_BYTES);
}

static void master_bar_write(struct pci_model *pci, uint64_t offset, unsigned bytes,
                             uint64_t value)
{
    (void)bytes;
    block_access_write(pci->context, MASTER_BLOCK, (unsigned)(offset / MASTER_BYTES),
                       offset % MASTER_BYTES, value);
}

/* Finds what is at a port of compatibility mode. False: nothing. */
static bool find_port(const struct ide_model *model, uint64_t port, enum block *block,
                      unsigned *number, uint64_t *offset)
{
    for (unsigned i = 0; i < IDE_MODEL_CHANNELS && model->mode != IDE_MODEL_NATIVE; i++) {
        *number = i;
        *offset = port - command_ports[i];
        *block = port == control_ports[i] ? CONTROL_BLOCK : COMMAND_BLOCK;
        if (port == control_ports[i] || *offset < IDE_COMMAND_BYTES)
            return true;
    }
    return false;
}

static uint64_t port_read(const struct registers *window, uint64_t port, unsigned bytes)
{
    enum block block;
    unsigned number;
    uint64_t offset;
    (void)bytes;
    return find_port(window->model, port, &block, &number, &offset)
               ? block_access_read(window->model, block, number, offset) : FLOATING;
}

static void port_write(const struct registers *window, uint64_t port, unsigned bytes,
                       uint64_t value)
{
    enum block block;
    unsigned number;
    uint64_t offset;
    (void)bytes;
    if (find_port(window->model, port, &block, &number, &offset))
        block_access_write(window->model, block, number, offset, value);
}

static void port_read_words(const struct registers *window, uint64_t port, uint16_t *words,
                            size_t count)
{
    for (size_t i = 0; i < count; i++)
        words[i] = (uint16_t)port_read(window, port, 2);
}

static void port_write_words(const struct registers *window, uint64_t port,
                             const uint16_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        port_write(window, port, 2, words[i]);
}

static const struct register_access model_ports = {
    .read = port_read,
    .write = port_write,
    .read_words = port_read_words,
    .write_words = port_write_words,
};

/* ---- lines ---------------------------------------------------------------------------------- */

static status_t line_connect(unsigned line, struct isa_interrupt *interrupt)
{
    kassert(line >= FIRST_LINE && line < FIRST_LINE + IDE_MODEL_CHANNELS);
    if (current->no_interrupts)
        return -ENODEV;

    spin_lock(&current->line_lock);
    kassert(!current->channels[line - FIRST_LINE].line);
    current->channels[line - FIRST_LINE].line = interrupt;
    spin_unlock(&current->line_lock);
    return 0;
}

static void line_disconnect(unsigned line, struct isa_interrupt *interrupt)
{
    spin_lock(&current->line_lock);
    kassert(current->channels[line - FIRST_LINE].line == interrupt);
    current->channels[line - FIRST_LINE].line = NULL;
    spin_unlock(&current->line_lock);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

void ide_model_disk(struct ide_model_unit *unit, void *image, uint64_t sectors,
                    uint32_t sector_bytes)
{
    *unit = (struct ide_model_unit){
        .kind = IDE_MODEL_DISK,
        .image = image,
        .image_sectors = sectors,
        .sectors = sectors,
        .sector_bytes = sector_bytes,
        .lba48 = true,
    };
}

void ide_model_cd(struct ide_model_unit *unit, void *image, uint64_t blocks)
{
    ide_model_disk(unit, image, blocks, IDE_MODEL_CD_BLOCK_BYTES);
    unit->kind = IDE_MODEL_CD;
}

void ide_model_follow(struct ide_model *model, struct ide_model_unit *unit,
                      const struct ide_model_step *script)
{
    spin_lock(&model->lock);
    memcpy(unit->script, script, sizeof(unit->script));
    memset(unit->counts, 0, sizeof(unit->counts));
    memset(unit->packets, 0, sizeof(unit->packets));
    unit->step = unit->served = 0;
    spin_unlock(&model->lock);
}

static void publish(struct ide_model *model)
{
    bool native = model->mode == IDE_MODEL_NATIVE;
    model->pci = (struct pci_model){
        .vendor = 0x8086,
        .product = 0x7010,
        .class_code = 1,
        .subclass = 1,
        .interface = native ? 0x85 : 0x80,
        .vectors = model->no_interrupts ? 0 : 1,
        .context = model,
    };

    struct pci_model_bar *bars = model->pci.bars;
    if (native) {
        bars[0] = (struct pci_model_bar){ 8, true, command0_read, command0_write, NULL, NULL };
        bars[1] = (struct pci_model_bar){ 4, true, control0_read, control0_write, NULL, NULL };
        bars[2] = (struct pci_model_bar){ 8, true, command1_read, command1_write, NULL, NULL };
        bars[3] = (struct pci_model_bar){ 4, true, control1_read, control1_write, NULL, NULL };
    }
    if (!model->no_bus_master)
        bars[4] = (struct pci_model_bar){ 16, true, master_bar_read, master_bar_write, NULL,
                                          NULL };
    pci_model_publish(&model->pci, "00:01.1");
}

void ide_model_start(struct ide_model *model, enum ide_model_mode mode)
{
    model->mode = mode;
    model->stopping = false;
    spin_init(&model->lock, RANK_FRAMES);
    spin_init(&model->line_lock, RANK_DEVICE);
    wait_queue_init(&model->changed);
    for (unsigned i = 0; i < IDE_MODEL_CHANNELS; i++) {
        reset(model, &model->channels[i], true);
        model->channels[i].control = model->channels[i].master_status = 0;
    }

    model->machine = (struct isa_machine){
        .ports = &model_ports,
        .model = model,
        .connect = line_connect,
        .disconnect = line_disconnect,
    };
    current = model;
    isa_use(&model->machine);
    model->thread = thread_create("ide model", PRIORITY_NORMAL, ide_model_main, model);
    kassert(model->thread);
    if (mode != IDE_MODEL_ISA)
        publish(model);
}

/* Without a monitor, the events of devices would keep them. */
static void drop_events(void)
{
    struct event event;
    while (event_wait(&event, 0) == 0)
        event_done(&event);
}

void ide_model_stop(struct ide_model *model)
{
    if (model->mode != IDE_MODEL_ISA) {
        device_remove(model->pci.device);
        drop_events();
        pci_model_remove(&model->pci);
    }

    spin_lock(&model->lock);
    model->stopping = true;
    wait_queue_wake_all(&model->changed);
    spin_unlock(&model->lock);
    thread_join(model->thread);

    for (unsigned i = 0; i < IDE_MODEL_CHANNELS; i++)
        kassert(!model->channels[i].line);
    isa_use(NULL);
}

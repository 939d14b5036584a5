/*
 * ide_model_commands.c - the thread of ide_model.h, which executes commands and moves their data.
 */
#include "tests/host/ide_model.h"

#include <string.h>

#include "drivers/storage/ata/ide/ide.h"
#include "lib/bytes.h"
#include "lib/macros.h"

enum {
    READY = IDE_MODEL_READY,
    REASON_IN = 2,
    REASON_END = 3,
    PACKET_BYTES = 12,
    DMA_PIECE_MAX = 65536,
};

static struct ide_model_unit *selected(struct ide_model_channel *channel)
{
    return &channel->units[channel->selected];
}

/* ---- ends ----------------------------------------------------------------------------------- */

/* A unit changes its status, and raises its interrupt. */
static void signal(struct ide_model_channel *channel, uint8_t status)
{
    const struct ide_model_step *step = &channel->fault;
    selected(channel)->status = status;
    channel->interrupts++;
    if (step->fault == IDE_MODEL_DOUBLES_INTERRUPT)
        channel->interrupts++;
    if (step->fault == IDE_MODEL_LOSES_INTERRUPT)
        channel->interrupts = 0;
}

static void finish(struct ide_model_channel *channel, uint8_t error)
{
    struct ide_model_unit *unit = selected(channel);
    channel->work = MODEL_IDLE;
    unit->error = error;
    unit->now.count = REASON_END;
    signal(channel, READY | (error ? ATA_STATUS_ERR : 0));
}

/* Shows the LBA of a failed command in the registers. */
static void show_lba(struct ide_model_unit *unit, uint64_t lba, bool extended)
{
    unit->now.low = (uint8_t)lba;
    unit->now.mid = (uint8_t)(lba >> 8);
    unit->now.high = (uint8_t)(lba >> 16);
    unit->before.low = (uint8_t)(lba >> 24);
    unit->before.mid = (uint8_t)(lba >> 32);
    unit->before.high = (uint8_t)(lba >> 40);
    if (!extended)
        unit->device = (uint8_t)((unit->device & 0xf0) | (lba >> 24 & 0xf));
}

static bool is_extended(uint8_t operation)
{
    return operation == ATA_READ_SECTORS_EXT || operation == ATA_READ_DMA_EXT ||
           operation == ATA_WRITE_SECTORS_EXT || operation == ATA_WRITE_DMA_EXT;
}

static void fail_at(struct ide_model_channel *channel, uint64_t lba, uint8_t error)
{
    show_lba(selected(channel), lba, is_extended(channel->operation));
    finish(channel, error);
}

/* ---- data ----------------------------------------------------------------------------------- */

/* Moves the next sector, or the answer of a packet. False: the sector is bad. */
static bool move(struct ide_model_channel *channel, uint8_t *memory, uint32_t bytes)
{
    struct ide_model_unit *unit = selected(channel);
    if (channel->operation == ATA_PACKET && channel->out) {
        memcpy(unit->received + unit->received_bytes, memory, bytes);
        unit->received_bytes += bytes;
    } else if (channel->answer_bytes) {
        memcpy(memory, channel->answer + channel->answer_bytes - channel->left_bytes, bytes);
    } else {
        kassert(bytes % unit->sector_bytes == 0);
        for (uint32_t at = 0; at < bytes; at += unit->sector_bytes, channel->lba++) {
            if (unit->bad_lba && channel->lba == unit->bad_lba)
                return false;
            ide_model_sector(unit, channel->lba, memory + at, channel->out);
        }
    }
    channel->left_bytes -= bytes;
    return true;
}

/* A bad sector ends a command; a CD drive reports it as sense data. */
static void fail_sector(struct ide_model_channel *channel)
{
    struct ide_model_unit *unit = selected(channel);
    unit->sense_key = 3;
    unit->sense_code = 0x11;
    if (unit->kind == IDE_MODEL_CD)
        finish(channel, unit->sense_key << 4);
    else
        fail_at(channel, unit->vague ? 0 : channel->lba, ATA_ERROR_UNC);
}

/* Fills or opens the data register with the next block; ends the command after the last. */
static void next_block(struct ide_model_channel *channel)
{
    struct ide_model_unit *unit = selected(channel);
    bool packet = channel->operation == ATA_PACKET;

    /* A block that the driver gave is stored when it is complete. */
    if (channel->out && channel->at && !move(channel, channel->block, channel->block_bytes)) {
        fail_sector(channel);
        return;
    }
    if (!channel->left_bytes) {
        finish(channel, 0);
        return;
    }

    channel->at = 0;
    channel->block_bytes = min(channel->left_bytes, channel->burst_bytes);
    uint32_t bytes = channel->block_bytes;
    if (!channel->out && !move(channel, channel->block, bytes)) {
        fail_sector(channel);
        return;
    }

    /* The reason and the length of a packet's burst. */
    channel->work = MODEL_IDLE;
    if (packet) {
        unit->now.count = channel->out ? 0 : REASON_IN;
        unit->now.mid = (uint8_t)bytes;
        unit->now.high = (uint8_t)(bytes >> 8);
    }
    signal(channel, READY | ATA_STATUS_DRQ);
}

/* Moves the data of a command through the bus master's table, which must cover them exactly. */
static void run_dma(struct ide_model *model, struct ide_model_channel *channel)
{
    const uint8_t *table = pci_model_dma(&model->pci, channel->master_table);
    bool to_memory = channel->master_command & IDE_MODEL_MASTER_TO_MEMORY, last = false;
    uint32_t end = channel->fault.fault == IDE_MODEL_CUTS_DMA ? channel->left_bytes / 2 : 0;
    static uint8_t sector[PAGE_BYTES];
    uint32_t filled = 0, sector_bytes = selected(channel)->sector_bytes;
    kassert(to_memory == !channel->out);

    if (channel->fault.fault == IDE_MODEL_BREAKS_DMA) {
        channel->master_status |= IDE_MODEL_MASTER_ERROR;
        finish(channel, 0);
        return;
    }

    for (; !last; table += 8) {
        struct bytes entry = { table, 8 };
        uint32_t bytes = bytes_le16(entry, 4) ? bytes_le16(entry, 4) : DMA_PIECE_MAX;
        uint8_t *memory = pci_model_dma(&model->pci, bytes_le32(entry, 0));
        kassert(bytes_le32(entry, 0) % DMA_PIECE_MAX + bytes <= DMA_PIECE_MAX);
        last = bytes_le16(entry, 6) & 0x8000;

        /* Pieces need not end where sectors do. */
        for (uint32_t at = 0; at < bytes; at++) {
            if (end && !filled && channel->left_bytes <= end)
                goto cut;
            kassert(channel->left_bytes || filled);
            if (!channel->out && !filled && !move(channel, sector, sector_bytes)) {
                fail_sector(channel);
                return;
            }
            if (to_memory)
                memory[at] = sector[filled];
            else
                sector[filled] = memory[at];
            filled = (filled + 1) % sector_bytes;
            if (channel->out && !filled && !move(channel, sector, sector_bytes)) {
                fail_sector(channel);
                return;
            }
        }
    }
    kassert(!channel->left_bytes && !filled);
    channel->master_status &= (uint8_t)~IDE_MODEL_MASTER_ACTIVE;
cut:
    finish(channel, 0);
}

/* ---- commands ------------------------------------------------------------------------------- */

/* Takes the next step of the unit's script, if it is for this operation. */
static void take_step(struct ide_model_channel *channel, struct ide_model_unit *unit)
{
    channel->fault = (struct ide_model_step){ 0 };
    const struct ide_model_step *step = &unit->script[unit->step];
    if (unit->step == IDE_MODEL_STEPS_MAX || !step->fault ||
        (step->operation && step->operation != channel->operation))
        return;

    channel->fault = *step;
    if (++unit->served >= step->times) {
        unit->step++;
        unit->served = 0;
    }
}

/* Decodes the sectors of a data command; fails it if they do not exist. */
static bool set_range(struct ide_model_channel *channel, struct ide_model_unit *unit)
{
    const struct ide_model_registers *now = &unit->now, *before = &unit->before;
    bool extended = is_extended(channel->operation);
    uint64_t lba = now->low | (uint64_t)now->mid << 8 | (uint64_t)now->high << 16;
    uint32_t count = now->count;
    kassert(unit->device & ATA_DEVICE_LBA);
    if (extended) {
        kassert(unit->lba48);
        lba |= (uint64_t)before->low << 24 | (uint64_t)before->mid << 32 |
               (uint64_t)before->high << 40;
        count |= (uint32_t)before->count << 8;
        count = count ? count : 65536;
    } else {
        lba |= (uint64_t)(unit->device & 0xf) << 24;
        count = count ? count : 256;
    }

    channel->lba = lba;
    channel->left_bytes = count * unit->sector_bytes;
    channel->burst_bytes = unit->sector_bytes;
    if (lba < unit->sectors && count <= unit->sectors - lba)
        return true;
    fail_at(channel, lba, ATA_ERROR_IDNF);
    return false;
}

static void execute_disk(struct ide_model_channel *channel, struct ide_model_unit *unit)
{
    channel->at = channel->answer_bytes = 0;
    switch (channel->operation) {
    case ATA_WRITE_SECTORS:
    case ATA_WRITE_SECTORS_EXT:
    case ATA_WRITE_DMA:
    case ATA_WRITE_DMA_EXT:
        channel->out = true;
        break;
    case ATA_READ_SECTORS:
    case ATA_READ_SECTORS_EXT:
    case ATA_READ_DMA:
    case ATA_READ_DMA_EXT:
        channel->out = false;
        break;
    case ATA_FLUSH_CACHE:
    case ATA_FLUSH_CACHE_EXT:
    case ATA_SET_FEATURES:
        finish(channel, 0);
        return;
    default:
        finish(channel, ATA_ERROR_ABRT);
        return;
    }
    if (!set_range(channel, unit))
        return;

    bool dma = channel->operation == ATA_READ_DMA || channel->operation == ATA_READ_DMA_EXT ||
               channel->operation == ATA_WRITE_DMA || channel->operation == ATA_WRITE_DMA_EXT;
    kassert(!dma || !unit->no_dma);
    channel->work = dma ? MODEL_DMA : MODEL_NEXT_BLOCK;

    /* There is no interrupt before the first block that the driver gives. */
    if (!dma && channel->out) {
        channel->block_bytes = unit->sector_bytes;
        channel->work = MODEL_IDLE;
        unit->status = READY | ATA_STATUS_DRQ;
    }
}

static void execute_identify(struct ide_model_channel *channel, struct ide_model_unit *unit)
{
    uint16_t words[ATA_IDENTIFY_WORDS];
    ide_model_identify(unit, words);
    memcpy(channel->block, words, sizeof(words));
    channel->work = MODEL_IDLE;
    channel->out = false;
    channel->left_bytes = channel->at = 0;
    channel->block_bytes = sizeof(words);
    signal(channel, READY | ATA_STATUS_DRQ);
}

/* The unit asks for the packet, without an interrupt. */
static void execute_packet(struct ide_model_channel *channel, struct ide_model_unit *unit)
{
    channel->burst_bytes = unit->now.mid | (uint32_t)unit->now.high << 8;
    channel->work = MODEL_IDLE;
    channel->out = true;
    channel->at = 0;
    channel->block_bytes = PACKET_BYTES;
    unit->now.count = IDE_MODEL_REASON_PACKET;
    unit->status = READY | ATA_STATUS_DRQ;
}

static void run_packet(struct ide_model_channel *channel, struct ide_model_unit *unit)
{
    channel->at = 0;
    if (!ide_model_packet(channel, unit)) {
        finish(channel, (uint8_t)(unit->sense_key << 4));
        return;
    }
    if (!channel->answer_bytes && !channel->out)
        channel->burst_bytes -= channel->burst_bytes % unit->sector_bytes;
    channel->burst_bytes = min(channel->burst_bytes, (uint32_t)IDE_MODEL_BLOCK_BYTES_MAX);
    channel->work = unit->now.features & ATA_PACKET_DMA && channel->left_bytes ? MODEL_DMA
                                                                               : MODEL_NEXT_BLOCK;
}

static void execute(struct ide_model_channel *channel)
{
    struct ide_model_unit *unit = selected(channel);
    unit->counts[channel->operation]++;
    take_step(channel, unit);

    switch (channel->fault.fault) {
    case IDE_MODEL_DIES:
        unit->dead = true;
        channel->work = MODEL_IDLE;
        return;
    case IDE_MODEL_HANGS:
        channel->work = MODEL_IDLE;
        return;
    case IDE_MODEL_FAILS:
        show_lba(unit, channel->fault.lba, is_extended(channel->operation));
        channel->work = MODEL_IDLE;
        unit->error = channel->fault.error;
        signal(channel, channel->fault.status);
        return;
    default:
        break;
    }

    if (channel->operation == (unit->kind == IDE_MODEL_CD ? ATA_IDENTIFY_PACKET : ATA_IDENTIFY))
        execute_identify(channel, unit);
    else if (unit->kind == IDE_MODEL_DISK)
        execute_disk(channel, unit);
    else if (channel->operation == ATA_PACKET)
        execute_packet(channel, unit);
    else
        finish(channel, ATA_ERROR_ABRT);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static bool has_work(const struct ide_model_channel *channel)
{
    return channel->interrupts || (channel->work == MODEL_DMA
                                       ? channel->master_command & IDE_MODEL_MASTER_START
                                       : channel->work != MODEL_IDLE);
}

/* Calls the handler of the channel, as an interrupt would. */
static void raise(struct ide_model *model, unsigned number)
{
    if (model->mode == IDE_MODEL_NATIVE) {
        (void)pci_model_raise(&model->pci, 0);
        return;
    }

    /* The lock is held, so that the handler does not run after it was disconnected. */
    spin_lock(&model->line_lock);
    struct isa_interrupt *line = model->channels[number].line;
    uint32_t held = *lock_ranks_held();
    *lock_ranks_held() = 0;
    if (line)
        (void)line->handle(line->context);
    *lock_ranks_held() = held;
    spin_unlock(&model->line_lock);
}

/* Does the next piece of work of a channel. Caller holds the lock, which is released meanwhile. */
static void work(struct ide_model *model, unsigned number)
{
    struct ide_model_channel *channel = &model->channels[number];
    if (channel->interrupts) {
        bool enabled = !(channel->control & IDE_CONTROL_NIEN);
        channel->interrupts--;
        channel->master_status |= IDE_MODEL_MASTER_INTERRUPT;
        spin_unlock(&model->lock);
        if (enabled)
            raise(model, number);
        spin_lock(&model->lock);
        return;
    }

    switch (channel->work) {
    case MODEL_EXECUTE:
        execute(channel);
        break;
    case MODEL_PACKET:
        run_packet(channel, selected(channel));
        break;
    case MODEL_NEXT_BLOCK:
        next_block(channel);
        break;
    case MODEL_DMA:
        run_dma(model, channel);
        break;
    case MODEL_IDLE:
        break;
    }
}

/* Takes time before a command that is to be late. A reset ends it. Caller holds the lock. */
static void delay(struct ide_model *model, struct ide_model_channel *channel)
{
    struct ide_model_unit *unit = selected(channel);
    const struct ide_model_step *step = &unit->script[unit->step];
    if (channel->work != MODEL_EXECUTE || unit->step == IDE_MODEL_STEPS_MAX ||
        step->fault != IDE_MODEL_LATE)
        return;

    unsigned epoch = channel->epoch;
    uint64_t end_us = time_now_us() + step->delay_us;
    while (channel->epoch == epoch && time_now_us() < end_us)
        IGNORE(wait_queue_wait(&model->changed, &model->lock, end_us));
}

void ide_model_main(void *argument)
{
    struct ide_model *model = argument;
    spin_lock(&model->lock);
    while (!model->stopping) {
        bool any = false;
        for (unsigned i = 0; i < IDE_MODEL_CHANNELS; i++) {
            struct ide_model_channel *channel = &model->channels[i];
            delay(model, channel);
            if (has_work(channel)) {
                any = true;
                work(model, i);
            }
        }
        if (!any)
            IGNORE(wait_queue_wait(&model->changed, &model->lock, TIME_NEVER));
    }
    spin_unlock(&model->lock);
}

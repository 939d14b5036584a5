/*
 * command.c - ATA commands on their channel's queue, the memory of their data, and the command that
 * carries those of SCSI.
 */
#include "drivers/storage/ata/ata.h"
#include "lib/macros.h"

/* A queued command carries its tag in bits 7:3 of `count`; its length is in `features` (ACS-2
 * 7.24). */
enum { QUEUED_TAG_SHIFT = 3 };

/* Bits 23:8 of PACKET's LBA: how many bytes the unit may announce at once by PIO (ATA-6 8.23). */
enum {
    PACKET_BURST_SHIFT = 8,
    PACKET_BURST_MAX = 0xfffe, /* the largest even number */
};

static struct ata_command *command_of(struct bus_command *base)
{
    return container_of(base, struct ata_command, base);
}

static bool is_queued(const struct ata_command *command)
{
    return command->protocol == ATA_QUEUED_IN || command->protocol == ATA_QUEUED_OUT;
}

static void command_start(struct command_queue *queue, struct bus_command *base)
{
    (void)queue;
    struct ata_command *command = command_of(base);

    command->result = (struct ata_result){ 0 };
    if (is_queued(command))
        command->taskfile.count = (uint16_t)(base->tag << QUEUED_TAG_SHIFT);
    command->port->ops->start(command->port, command);
}

static void command_report(struct command_queue *queue, struct bus_command *base)
{
    (void)queue;
    struct ata_command *command = command_of(base);

    /* The unit's own failure: the channel is in step with it, so there was no reset. */
    if (!base->status && command->result.status & (ATA_STATUS_ERR | ATA_STATUS_DF))
        base->status = -EIO;

    /* The callback may free the command. */
    command->complete(command);
}

static const struct command_kind ata_kind_of_command = {
    .start = command_start,
    .report = command_report,
};

void ata_submit(struct ata_port *port, struct ata_command *command)
{
    command->base.kind = &ata_kind_of_command;
    command->base.alone = !is_queued(command);
    command->port = port;
    command_queue_submit(&port->channel->commands, &command->base);
}

static void wake_waiter(struct ata_command *command)
{
    semaphore_up(command->context);
}

status_t ata_execute(struct ata_port *port, struct ata_command *command)
{
    struct semaphore ended;
    semaphore_init(&ended, 0);
    command->complete = wake_waiter;
    command->context = &ended;

    /* The command is on the caller's stack, so the wait cannot be interrupted; the queue ends every
     * command. */
    ata_submit(port, command);
    while (semaphore_down(&ended, TIME_NEVER))
        ;
    return command->base.status;
}

void ata_done(struct ata_command *command, status_t status)
{
    command_queue_done(&command->port->channel->commands, &command->base, status);
}

/* ---- data --------------------------------------------------------------------------------- */

/* Steps over the segments that are used up. */
static void data_settle(struct ata_data *data)
{
    while (data->segment_count && data->offset_bytes >= data->segments->length_bytes) {
        data->offset_bytes -= data->segments->length_bytes;
        data->segments++;
        data->segment_count--;
    }
}

struct ata_data ata_data_of(const struct ata_command *command)
{
    return (struct ata_data){ command->segments, command->segment_count, command->skip_bytes,
                              command->length_bytes };
}

struct ata_data ata_data_of_packet(const struct scsi_command *command)
{
    return (struct ata_data){ command->segments, command->segment_count, 0,
                              command->length_bytes };
}

uint32_t ata_data_peek(struct ata_data *data, uint32_t most, uint8_t **memory)
{
    data_settle(data);
    if (!data->segment_count)
        return 0;

    /* The segments may together exceed the data. */
    uint32_t bytes = data->segments->length_bytes - data->offset_bytes;
    bytes = min(bytes, data->left_bytes);
    *memory = (uint8_t *)data->segments->address + data->offset_bytes;
    return min(bytes, most);
}

void ata_data_step(struct ata_data *data, uint32_t bytes)
{
    data->offset_bytes += bytes;
    data->left_bytes -= bytes;
}

uint32_t ata_data_next(struct ata_data *data, uint32_t most, uint8_t **memory)
{
    uint32_t bytes = ata_data_peek(data, most, memory);
    ata_data_step(data, bytes);
    return bytes;
}

uint32_t ata_data_next_physical(struct ata_data *data, uint32_t most, uint64_t *address)
{
    uint8_t *memory;
    uint32_t bytes = ata_data_peek(data, most, &memory);
    if (!bytes)
        return 0;

    /* Pages that are adjacent here need not be adjacent for the device: the rest comes next. */
    bytes = (uint32_t)mem_contiguous(memory, bytes);
    ata_data_step(data, bytes);
    *address = mem_physical(memory);
    return bytes;
}

/* ---- packets ------------------------------------------------------------------------------ */

struct ata_taskfile ata_packet_taskfile(const struct ata_port *port,
                                        const struct scsi_command *command, bool dma)
{
    struct ata_taskfile taskfile = { .operation = ATA_PACKET };

    /* Without the direction bit, units that ask for it would wait for data from the host. */
    if (dma)
        taskfile.features = ATA_PACKET_DMA;
    if (dma && port->identity.dma_direction && command->direction == SCSI_DATA_IN)
        taskfile.features |= ATA_PACKET_DMA_IN;

    /* 0 is refused even without data. */
    uint32_t burst = command->length_bytes + command->length_bytes % 2;
    if (!burst || burst > PACKET_BURST_MAX)
        burst = PACKET_BURST_MAX;
    taskfile.lba = (uint64_t)burst << PACKET_BURST_SHIFT;
    return taskfile;
}

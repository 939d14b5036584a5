/*
 * fuzz_identify.c - an ATA unit with any IDENTIFY data, as a disk or as a packet unit.
 *
 * Whatever the unit reports: texts are printable, a disk that is published has a block size and a
 * capacity that make sense, and commands stay inside what the unit reported and what the transport
 * can carry.
 *
 * Form        HEADER_BYTES, then the words, zeros where there are none. The checksum is corrected
 *             unless FLAG_CHECKSUM is set, which no mutation would find.
 */
#include <string.h>

#include "drivers/storage/ata/ata.h"
#include "kernel/dev/geometry.h"
#include "kernel/log.h"
#include "lib/bytes.h"
#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/rig.h"

enum {
    HEADER_FLAGS = 0,
    HEADER_DEPTH = 1, /* of the transport */
    HEADER_BYTES = 2,

    FLAG_PACKET = 1 << 0,
    FLAG_CHECKSUM = 1 << 1,
    FLAG_PIO = 1 << 2,
    FLAG_FAILS = 1 << 3, /* the second half of a command's sectors */

    TRANSFER_BYTES = 1 << 20,
    MEMORY_BYTES = 64 << 20,
    INTEGRITY = 255,
    SIGNATURE = 0xa5,
};

static struct {
    struct ata_port port;
    struct packet_queue queue;
    uint16_t words[ATA_IDENTIFY_WORDS];
    uint8_t flags;
} unit;

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

/* ---- the transport ------------------------------------------------------------------------ */

/* Checks a command for sectors against what the unit reported. Returns how many there are. */
static uint32_t check_range(const struct ata_command *command)
{
    const struct ata_taskfile *taskfile = &command->taskfile;
    const struct ata_identity *identity = &unit.port.identity;
    bool queued = command->protocol >= ATA_QUEUED_IN;
    uint32_t count = queued ? taskfile->features : taskfile->count;
    if (taskfile->extended)
        count = count ? count : 65536;
    else
        count = count % 256 ? count % 256 : 256;

    kassert(!taskfile->extended || identity->lba48);
    kassert(taskfile->extended || taskfile->lba + count <= 1u << 28);
    kassert(taskfile->lba < identity->sectors && count <= identity->sectors - taskfile->lba);
    kassert(count * identity->sector_bytes == command->length_bytes);
    kassert(command->length_bytes <= TRANSFER_BYTES);
    kassert(!queued || (command->base.tag < identity->queue_depth &&
                        taskfile->count == command->base.tag << 3));
    return count;
}

static void start(struct ata_port *port, struct ata_command *command)
{
    struct ata_data data = ata_data_of(command);
    uint8_t *memory;
    uint32_t at = 0, bytes;
    kassert(port == &unit.port);
    command->result = (struct ata_result){ .valid = true, .status = 0x50 };

    switch (command->taskfile.operation) {
    case ATA_IDENTIFY:
    case ATA_IDENTIFY_PACKET:
        for (; (bytes = ata_data_next(&data, UINT32_MAX, &memory)); at += bytes)
            memcpy(memory, (uint8_t *)unit.words + at, bytes);
        kassert(at == ATA_IDENTIFY_BYTES);
        break;
    case ATA_FLUSH_CACHE:
    case ATA_FLUSH_CACHE_EXT:
    case ATA_SET_FEATURES:
        break;
    default: {
        uint32_t count = check_range(command);
        if (unit.flags & FLAG_FAILS) {
            command->result.status = 0x51;
            command->result.error = ATA_ERROR_UNC;
            command->result.lba = command->taskfile.lba + count / 2;
        }
    }
    }
    ata_done(command, 0);
}

static void packet_start(struct packet_queue *queue, struct scsi_command *command)
{
    command->unit_status = SCSI_CHECK_CONDITION;
    packet_queue_done(queue, command, 0);
}

static void packet_reset(struct packet_queue *queue)
{
    (void)queue;
}

static const struct ata_port_ops port_ops = { .start = start };
static const struct packet_transport transport = { .start = packet_start, .reset = packet_reset };

/* ---- the unit ----------------------------------------------------------------------------- */

/* Reads and writes both ends of a disk. Any status is right. */
static void use(struct device *device)
{
    struct device_handle handle;
    kassert(device_open(device, &handle) == 0);
    uint64_t bytes = device_medium(device).bytes;
    uint32_t block = device_block_bytes(device);
    kassert(block_bytes_valid(block) && bytes >= block && bytes % block == 0);

    uint64_t most = min(bytes, (uint64_t)3 * TRANSFER_BYTES);
    uint8_t *data = mem_alloc(3 * TRANSFER_BYTES);
    kassert(data);
    IGNORE(io_wait(&handle, IO_READ, 0, data, most, NULL));
    IGNORE(io_wait(&handle, IO_WRITE, bytes - most, data, most, NULL));
    IGNORE(io_wait(&handle, IO_FLUSH, 0, NULL, 0, NULL));
    mem_free(data);
    device_close(&handle);
}

static void run_input(void *argument)
{
    const struct bytes *input = argument;
    struct device *channel;
    kassert(io_start() == 0 && device_start() == 0);
    kassert(device_publish_bus(device_root(), "channel", &channel) == 0);
    kassert(packet_queue_start(&unit.queue, "channel", &transport, 32) == 0);

    unit.flags = bytes_u8(*input, HEADER_FLAGS);
    unit.port = (struct ata_port){
        .ops = &port_ops,
        .channel = &unit.queue,
        .name = "unit",
        .channel_name = "channel",
        .dma = !(unit.flags & FLAG_PIO),
        .limits = {
            .transfer_bytes = TRANSFER_BYTES,
            .segment_count = IO_SEGMENTS_MAX,
            .depth = bytes_u8(*input, HEADER_DEPTH) % 33,
        },
    };
    if (ata_port_identify(&unit.port, unit.flags & FLAG_PACKET ? ATA_SIGNATURE_PACKET
                                                               : ATA_SIGNATURE_DISK)) {
        for (const char *c = unit.port.identity.model; *c; c++)
            kassert(*c >= ' ' && *c <= '~');
        kassert(ata_port_publish(&unit.port, channel) == 0);
    }

    struct device *disk = device_find("disk0");
    if (disk) {
        use(disk);
        device_put(disk);
    }
    ata_port_remove(&unit.port);
    device_put(channel);
    device_stop();
    packet_queue_stop(&unit.queue);
    io_stop();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct bytes input = { data, bytes };
    memset(unit.words, 0, sizeof(unit.words));
    if (bytes > HEADER_BYTES)
        memcpy(unit.words, data + HEADER_BYTES, min(bytes - HEADER_BYTES, sizeof(unit.words)));

    /* The high byte of the last word makes the sum of all bytes 0. */
    if (!(bytes_u8(input, HEADER_FLAGS) & FLAG_CHECKSUM) &&
        (unit.words[INTEGRITY] & 0xff) == SIGNATURE) {
        uint8_t sum = SIGNATURE;
        for (unsigned i = 0; i < INTEGRITY; i++)
            sum = (uint8_t)(sum + unit.words[i] + (unit.words[i] >> 8));
        unit.words[INTEGRITY] = (uint16_t)(SIGNATURE | (uint8_t)-sum << 8);
    }

    log_set_level(LOG_ERROR);
    host_memory_limit(MEMORY_BYTES);
    sim_run(1, run_input, &input);

    const char *left = host_leftovers();
    if (left)
        panic("%s", left);
    return 0;
}

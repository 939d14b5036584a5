/*
 * fuzz_scsi.c - a SCSI unit that answers anything, to the drivers of disks and CD drives.
 *
 * Form        The first byte selects the unit's type. Then an answer for each command, in order: a
 *             kind (ANSWER_), a length, and that many bytes of data or of sense data. The commands
 *             after the last answer are answered as by a good disk.
 * Promise     No answer breaks anything: nothing is read or written outside its memory, every
 *             command and request ends, and a medium that is shown has blocks that can be.
 */
#include <string.h>

#include "drivers/storage/scsi/unit.h"
#include "host/port/host.h"
#include "host/port/run.h"
#include "kernel/log.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/packet_disk.h"

enum answer {
    ANSWER_GOOD,     /* the unit's own answer */
    ANSWER_DATA,     /* GOOD, with these data */
    ANSWER_SENSE,    /* CHECK CONDITION, with these sense data */
    ANSWER_FETCHED,  /* CHECK CONDITION; the next answer is that to REQUEST SENSE */
    ANSWER_BUSY,
    ANSWER_FAILURE,  /* the transport fails */
    ANSWER_MORE,     /* GOOD, with more data than asked for */
    ANSWER_NONE,     /* until the deadline */
    ANSWERS,
};

enum { MOVE_BYTES = 8192 };

static struct packet_queue queue;
static struct scsi_unit unit;
static const uint8_t *input, *input_end;

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

/* ---- the unit ----------------------------------------------------------------------------- */

static uint8_t take(void)
{
    return input < input_end ? *input++ : 0;
}

static void answer_well(struct scsi_command *command)
{
    bool moves = command->cdb[0] == SCSI_READ_10 || command->cdb[0] == SCSI_WRITE_10 ||
                 command->cdb[0] == SCSI_READ_16 || command->cdb[0] == SCSI_WRITE_16;

    /* The driver may believe in blocks of another size than those of the emulated disk. */
    if (moves)
        command->done_bytes = command->length_bytes;
    else
        packet_disk_behave(command);
}

static status_t answer(struct scsi_command *command)
{
    if (input == input_end) {
        answer_well(command);
        return 0;
    }

    enum answer kind = take() % ANSWERS;
    size_t length = take(), left = (size_t)(input_end - input);
    const uint8_t *data = input;
    length = min(length, left);
    input += length;
    switch (kind) {
    case ANSWER_GOOD:
        answer_well(command);
        return 0;
    case ANSWER_SENSE:
        command->sense_bytes = (uint8_t)min(length, SCSI_SENSE_BYTES);
        memcpy(command->sense, data, command->sense_bytes);
        command->unit_status = SCSI_CHECK_CONDITION;
        return 0;
    case ANSWER_FETCHED:
        command->unit_status = SCSI_CHECK_CONDITION;
        return 0;
    case ANSWER_BUSY:
        command->unit_status = SCSI_BUSY;
        return 0;
    case ANSWER_FAILURE:
        return length % 2 ? -EIO : -ETIMEDOUT;
    default:
        if (command->direction == SCSI_DATA_IN)
            packet_drive_answer(command, data, (uint32_t)length);
        if (kind == ANSWER_MORE)
            command->done_bytes = command->length_bytes + (uint32_t)length;
        return kind == ANSWER_NONE ? -EAGAIN : 0;
    }
}

static void unit_start(struct packet_queue *channel, struct scsi_command *command)
{
    status_t status = answer(command);
    if (status != -EAGAIN)
        packet_queue_done(channel, command, status);
}

static void unit_reset(struct packet_queue *channel)
{
    (void)channel; /* it remembers no command */
}

static const struct packet_transport transport = { .start = unit_start, .reset = unit_reset };

/* ---- what is done with it ------------------------------------------------------------------- */

static void move(const struct device_handle *handle, enum io_op op, uint64_t offset,
                 uint64_t bytes, uint8_t *memory)
{
    uint64_t done = 0;
    status_t status = io_wait(handle, op, offset, memory, bytes, &done);
    kassert(status ? done <= bytes : done == bytes);
}

static void use(struct device *device)
{
    struct device_handle handle;
    char text[200];
    for (unsigned i = 0; i < 3; i++)
        IGNORE(device_poll(device));
    device_describe(device, text, sizeof(text));

    struct device_medium medium = device_medium(device);
    uint32_t block = device_block_bytes(device);
    kassert(block >= 512 && block <= 4096 && !(block & (block - 1)));
    kassert(medium.bytes % block == 0 && medium.bytes <= INT64_MAX);
    if (!device_open(device, &handle)) {
        uint8_t *memory = mem_zalloc(MOVE_BYTES);
        uint64_t bytes = min(medium.bytes, MOVE_BYTES);
        move(&handle, IO_READ, 0, bytes, memory);
        move(&handle, IO_WRITE, medium.bytes - bytes, bytes, memory);
        move(&handle, IO_FLUSH, 0, 0, memory);
        move(&handle, IO_READ, medium.bytes - bytes, bytes, memory);
        mem_free(memory);
        device_close(&handle);
    }

    static const unsigned operations[] = { DEVICE_CONTROL_LOCK_DOOR, DEVICE_CONTROL_UNLOCK_DOOR,
                                           DEVICE_CONTROL_EJECT, DEVICE_CONTROL_LOAD };
    static struct device_toc toc;
    for (unsigned i = 0; i < ARRAY_LENGTH(operations); i++)
        IGNORE(device_control(device, operations[i], NULL, 0));
    if (!device_control(device, DEVICE_CONTROL_TOC, &toc, sizeof(toc)))
        kassert(toc.track_count <= DEVICE_TRACKS_MAX);
}

/* What transports ask a unit, before they publish it. */
static void note(struct scsi_client *client, struct scsi_outcome outcome,
                 const struct sense *sense)
{
    (void)client, (void)outcome, (void)sense;
}

static void ask(struct device *device)
{
    struct scsi_client client = { .unit = &unit, .device = device, .note = note };
    struct scsi_identity identity;
    uint64_t luns[SCSI_LUNS_MAX];
    unsigned count = 0;
    IGNORE(scsi_inquire(&client, &identity).status);
    if (!scsi_report_luns(&client, luns, &count).status)
        kassert(count <= SCSI_LUNS_MAX);
}

static void body(void *unused)
{
    (void)unused;
    kassert(io_start() == 0 && device_start() == 0);

    /* Not packet_disk_reset(): filling the disk would take most of the time. */
    packet_disk.removable = packet_disk.present = true;
    packet_disk.stopped = packet_disk.attention = false;
    packet_disk.block_bytes = 512;
    packet_disk.last_block = PACKET_DISK_BYTES / 512 - 1;
    kassert(!packet_queue_start(&queue, "fuzz", &transport, 1));
    unit = (struct scsi_unit){ .channel = &queue, .model = "any", .firmware = "1" };
    unit.device_type = take() % 2 ? 5 : 0;

    struct device *device = device_create(device_root(), &(struct device_description){
        .name = "unit", .bus = &scsi_bus, .bus_data = &unit,
    });
    kassert(device != NULL);
    unit.device = device;
    kassert(device_publish(device) == 0);

    struct device *data = device_find(unit.device_type ? "cdrom0" : "disk0");
    if (data)
        use(data);
    device_put(data);
    ask(device);

    packet_queue_stop(&queue);
    device_put(device);
    device_stop();
    io_stop();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    log_set_level(LOG_ERROR);
    input = bytes;
    input_end = bytes + count;
    sim_run(hash_bytes(bytes, count, 1), body, NULL);
    kassert(host_memory_used() == 0);
    return 0;
}

/*
 * ahci_rig.c - an AHCI controller with a disk and a CD drive. See ahci_rig.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/host/ahci_rig.h"
#include "lib/macros.h"
#include "tests/host/rig.h"

enum { SECTOR = AHCI_MODEL_SECTOR_BYTES, CAP_NCQ = 1 << 30, CDB_REQUEST_SENSE = 3 };

#define CAP_64 (UINT32_C(1) << 31)

struct ahci_model ahci_rig;

/* A drive without a disc. */
static void answer_packet(struct ahci_packet *packet)
{
    if (packet->cdb[0] != CDB_REQUEST_SENSE) {
        packet->bytes = 0;
        packet->status = AHCI_RIG_STATUS_ERR;
        return;
    }
    memset(packet->data, 0, packet->bytes);
    packet->data[0] = 0x70;
    packet->data[2] = 2;
    packet->data[7] = 10;
    packet->data[12] = 0x3a;
}

void ahci_rig_set_up(void)
{
    memset(&ahci_rig, 0, sizeof(ahci_rig));
    ahci_rig.capabilities = CAP_64 | CAP_NCQ;
    ahci_rig.packet = answer_packet;
    ahci_rig.packet_type = 5;
    ahci_rig.ports[1].kind = AHCI_MODEL_CD;
    ahci_rig.ports[2].kind = AHCI_MODEL_DISK;
    ahci_rig.ports[2].queue_depth = 32;
    kassert(io_start() == 0);
    kassert(device_start() == 0);
}

void ahci_rig_tear_down(void)
{
    ahci_model_unplug(&ahci_rig);
    device_stop();
    io_stop();
}

/* Returns the device of the unit at a port, or NULL. Controllers are numbered from start to end. */
struct device *ahci_rig_find(unsigned port)
{
    const char name[] = { 'p', 'o', 'r', 't', (char)('0' + port), '\0' };
    struct device *function = device_find("00:1f.2");
    struct device *controller = function ? device_child(function, 0) : NULL;
    struct device *unit = controller ? device_find_child(controller, name, strlen(name)) : NULL;
    if (controller)
        device_put(controller);
    if (function)
        device_put(function);
    return unit;
}

bool ahci_rig_has(unsigned port)
{
    struct device *unit = ahci_rig_find(port);
    if (unit)
        device_put(unit);
    return unit;
}

/* Waits until a unit has come or gone. */
void ahci_rig_await(unsigned port, bool there)
{
    uint64_t end_us = time_now_us() + AHCI_RIG_LONG_US;
    while (ahci_rig_has(port) != there) {
        kassert(time_now_us() < end_us);
        thread_sleep_until(time_now_us() + 1000);
    }
}

/* ---- commands ----------------------------------------------------------------------------- */

static void tried_complete(struct ata_command *command)
{
    struct ahci_tried *tried = command->context;
    tried->ends++;
    semaphore_up(tried->ended);
}

void ahci_rig_submit(struct ata_port *port, struct ahci_tried *tried, struct semaphore *ended,
                     bool write, uint64_t lba, unsigned count, bool queued, uint32_t timeout_us)
{
    tried->segment = (struct io_segment){ tried->data, count * SECTOR };
    tried->ended = ended;
    tried->ends = 0;
    tried->command = (struct ata_command){
        .base = { .timeout_us = timeout_us, .device = port->device },
        .protocol = queued ? (write ? ATA_QUEUED_OUT : ATA_QUEUED_IN)
                           : (write ? ATA_DMA_OUT : ATA_DMA_IN),
        .taskfile = {
            .operation = queued ? (write ? ATA_WRITE_FPDMA_QUEUED : ATA_READ_FPDMA_QUEUED)
                                : (write ? ATA_WRITE_DMA_EXT : ATA_READ_DMA_EXT),
            .device = ATA_DEVICE_LBA,
            .extended = true,
            .features = (uint16_t)(queued ? count : 0),
            .count = (uint16_t)(queued ? 0 : count),
            .lba = lba,
        },
        .segments = &tried->segment,
        .segment_count = 1,
        .length_bytes = count * SECTOR,
        .block_bytes = SECTOR,
        .complete = tried_complete,
        .context = tried,
    };
    ata_submit(port, &tried->command);
}

void ahci_rig_end(struct semaphore *ended, unsigned count)
{
    while (count--)
        kassert(semaphore_down(ended, TIME_NEVER) == 0);
}

status_t ahci_rig_read(struct ata_port *port, struct ahci_tried *tried, uint64_t lba,
                       unsigned count, bool queued, uint32_t timeout_us)
{
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    ahci_rig_submit(port, tried, &ended, false, lba, count, queued, timeout_us);
    ahci_rig_end(&ended, 1);
    kassert(tried->ends == 1);
    return tried->command.base.status;
}

void ahci_rig_assert(const struct ahci_tried *tried)
{
    uint64_t first = tried->command.taskfile.lba * SECTOR;
    for (uint32_t i = 0; i < tried->command.length_bytes; i++)
        kassert(tried->data[i] == ahci_model_byte(first + i));
}

/* The disk's port. The caller puts `*unit`. */
struct ata_port *ahci_rig_disk(struct device **unit)
{
    *unit = ahci_rig_find(2);
    kassert(*unit);
    struct ata_port *port = (struct ata_port *)device_bus_data(*unit, &ata_bus);
    kassert(port && port->kind == ATA_KIND_DISK);
    return port;
}

/* Reads and writes at the same time; a command that was interrupted is sent again. Returns how many
 * failed. */
unsigned ahci_rig_exercise(struct ata_port *port)
{
    static struct ahci_tried tried[AHCI_RIG_COMMANDS];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    unsigned failed = 0;
    for (unsigned i = 0; i < AHCI_RIG_COMMANDS; i++)
        ahci_rig_submit(port, &tried[i], &ended, false, i * 16, 1 + i % 8, true, AHCI_RIG_LONG_US);
    ahci_rig_end(&ended, AHCI_RIG_COMMANDS);

    for (unsigned i = 0; i < AHCI_RIG_COMMANDS; i++) {
        kassert(tried[i].ends == 1);
        while (tried[i].command.base.status && tried[i].command.base.interrupted)
            IGNORE(ahci_rig_read(port, &tried[i], i * 16, 1 + i % 8, true, AHCI_RIG_LONG_US));
        if (tried[i].command.base.status)
            failed++;
        else
            ahci_rig_assert(&tried[i]);
    }
    return failed;
}

/* ---- promises ----------------------------------------------------------------------------- */

static void run_promise(void *argument)
{
    const struct ahci_promise *promise = argument;
    ahci_rig_set_up();
    promise->body();
    if (!promise->tears_down)
        ahci_rig_tear_down();
}

void ahci_rig_check(const struct ahci_promise *promises, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (promises[i].long_waits && !run_is_simulated())
            continue;
        print_message("%s\n", promises[i].name);
        rig_run(run_promise, (void *)&promises[i], AHCI_RIG_SEEDS);
    }
}

/*
 * test_ahci.c - the driver of AHCI controllers: what is found, and commands that succeed.
 *
 * Promises    ahci.h: what is there is found and named, each command ends once, every wait ends,
 *             nothing is left after a removal.
 *
 * Failures are in test_ahci_errors.c. The promises of all SCSI transports are in test_transport.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/ahci_rig.h"
#include "tests/host/rig.h"

enum { SECTOR = AHCI_MODEL_SECTOR_BYTES, CAP_STAGGERED = 1 << 27, PACKET_BYTES_MAX = 8192 };

/* ---- what is there ------------------------------------------------------------------------ */

static void units_are_found(void)
{
    ahci_model_plug_in(&ahci_rig);
    kassert(!ahci_rig_has(0) && ahci_rig_has(1) && ahci_rig_has(2) && !ahci_rig_has(3));
    struct device *unit;
    struct ata_port *port = ahci_rig_disk(&unit);
    kassert(port->limits.depth == 32 && port->identity.sectors == AHCI_MODEL_SECTORS);
    device_put(unit);
}

static void a_slow_machine_is_found(void)
{
    /* Few slots, spin-up on demand, addresses of 32 bits, no queue, a firmware that gives up. */
    ahci_rig.capabilities = CAP_STAGGERED;
    ahci_rig.slots = 1;
    ahci_rig.firmware = true;
    ahci_rig.pci.vectors = 0;
    ahci_model_plug_in(&ahci_rig);
    struct device *unit;
    struct ata_port *port = ahci_rig_disk(&unit);
    static struct ahci_tried tried;
    kassert(port->limits.depth <= 1 && port->limits.highest_address == UINT32_MAX);
    kassert(ahci_rig_read(port, &tried, 9, 2, false, AHCI_RIG_LONG_US) == 0);
    ahci_rig_assert(&tried);
    device_put(unit);
}

static void a_dead_controller_costs_its_deadline(void)
{
    ahci_rig.dead = true;
    uint64_t before_us = time_now_us();
    ahci_model_plug_in(&ahci_rig);
    kassert(!ahci_rig_has(1) && !ahci_rig_has(2));
    kassert(!run_is_simulated() ||
            time_now_us() - before_us < DEADLINE_AHCI_RESET_US + AHCI_RIG_SHORT_US);
}

static void a_firmware_that_stays_costs_its_deadline(void)
{
    ahci_rig.firmware_keeps = true;
    uint64_t before_us = time_now_us();
    ahci_model_plug_in(&ahci_rig);
    kassert(ahci_rig_has(1) && ahci_rig_has(2));
    kassert(!run_is_simulated() ||
            time_now_us() - before_us < DEADLINE_AHCI_HANDOFF_US + 10 * AHCI_RIG_SHORT_US);
}

static void a_busy_unit_costs_its_deadline(void)
{
    ahci_rig.ports[1].busy = true;
    ahci_model_plug_in(&ahci_rig);
    kassert(!ahci_rig_has(1) && ahci_rig_has(2));

    /* It is found when it is ready. */
    ahci_model_end_busy(&ahci_rig, 1);
    ahci_rig_await(1, true);
}

static void ports_without_registers_are_not_used(void)
{
    ahci_rig.liar = true;
    ahci_model_plug_in(&ahci_rig);
    kassert(ahci_rig_has(1) && ahci_rig_has(2));
}

static void a_unit_that_does_not_identify_is_ignored(void)
{
    memcpy(ahci_rig.script, (struct ahci_model_step[AHCI_MODEL_STEPS]){
        { .operation = ATA_IDENTIFY, .hang = true },
        { .operation = ATA_IDENTIFY_PACKET, .status = AHCI_RIG_STATUS_ERR, .error = 4 },
    }, sizeof(ahci_rig.script));
    ahci_rig.ports[1].kind = AHCI_MODEL_DISK;
    ahci_rig.ports[2].kind = AHCI_MODEL_CD;
    ahci_rig.ports[3].kind = AHCI_MODEL_DISK;
    ahci_model_plug_in(&ahci_rig);
    kassert(!ahci_rig_has(1) && !ahci_rig_has(2) && ahci_rig_has(3));

    /* Another unit in its place is used. */
    ahci_model_connect(&ahci_rig, 1, AHCI_MODEL_CD, "other");
    ahci_rig_await(1, true);
}

/* ---- commands ----------------------------------------------------------------------------- */

static void queued_commands_end_once(void)
{
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    kassert(ahci_rig_exercise(ahci_rig_disk(&unit)) == 0);
    device_put(unit);
    kassert(ahci_rig.ports[2].resets == 0);
}

static void writes_reach_the_disk(void)
{
    static struct ahci_tried tried;
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    for (unsigned queued = 0; queued < 2; queued++) {
        memset(tried.data, 0x5a + (int)queued, sizeof(tried.data));
        ahci_rig_submit(port, &tried, &ended, true, 100, 8, queued, AHCI_RIG_LONG_US);
        ahci_rig_end(&ended, 1);
        kassert(tried.command.base.status == 0);
        kassert(!memcmp(ahci_rig.ports[2].sectors + 100 * SECTOR, tried.data, sizeof(tried.data)));
        kassert(ahci_rig.ports[2].sectors[108 * SECTOR] == ahci_model_byte(108 * SECTOR));
    }
    device_put(unit);
}

/* A packet's data: each byte follows from its place. */
static void answer_bytes(struct ahci_packet *packet)
{
    for (uint32_t i = 0; i < packet->bytes; i++) {
        uint8_t byte = ahci_model_byte(i);

        /* The last byte may be there only because an odd length was rounded up. */
        kassert(!packet->write || packet->data[i] == byte || i + 1 == packet->bytes);
        packet->data[i] = byte;
    }
}

static void packet_ended(struct scsi_command *command)
{
    semaphore_up(command->context);
}

/* Sends a packet with data in two segments, of which the first has `split` bytes. Bytes around the
 * data stay as they are. */
static status_t try_packet(struct scsi_unit *unit, bool write, uint32_t length, uint32_t split)
{
    static uint8_t memory[PACKET_BYTES_MAX + 64] __attribute__((aligned(16)));
    static struct scsi_command command;
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    uint8_t *first = memory + 16 + split % 2, *second = first + split + 16 - 2 * (split % 2);
    struct io_segment segments[] = { { first, split }, { second, length - split } };
    memset(memory, 0xaa, sizeof(memory));
    for (uint32_t i = 0; write && i < length; i++)
        *(i < split ? first + i : second + (i - split)) = ahci_model_byte(i);

    command = (struct scsi_command){
        .base.timeout_us = AHCI_RIG_LONG_US,
        .cdb = { 0xbe },
        .direction = write ? SCSI_DATA_OUT : SCSI_DATA_IN,
        .segments = segments,
        .segment_count = ARRAY_LENGTH(segments),
        .length_bytes = length,
        .complete = packet_ended,
        .context = &ended,
    };
    scsi_submit(unit, &command);
    ahci_rig_end(&ended, 1);
    if (command.base.status)
        return command.base.status;

    kassert(command.done_bytes == length && first[-1] == 0xaa && second[-1] == 0xaa);
    kassert(second[length - split] == 0xaa);
    for (uint32_t i = 0; i < length; i++)
        kassert((i < split ? first[i] : second[i - split]) == ahci_model_byte(i));
    return 0;
}

/* Short data may be anywhere, and of any length; longer data keeps the limits, except at its
 * end. */
static void packets_have_data_of_any_length(void)
{
    static const uint32_t lengths[][2] = {
        { 1, 0 }, { 2, 1 }, { 3, 2 }, { 511, 256 }, { 2047, 1 }, { 2047, 1023 },
        { 2048, 1024 }, { 2049, 1024 }, { 4097, 4094 }, { 8192, 2 },
    };
    ahci_model_plug_in(&ahci_rig);
    struct device *device = ahci_rig_find(1);
    struct scsi_unit *unit = scsi_unit_of(device);
    ahci_rig.packet = answer_bytes;
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++)
        for (unsigned write = 0; write < 2; write++)
            kassert(try_packet(unit, write, lengths[i][0], lengths[i][1]) == 0);
    kassert(try_packet(unit, false, 4096, 2047) == -EOPNOTSUPP);
    kassert(ahci_rig.ports[1].resets == 0);
    device_put(device);
}

/* ---- deadlines and interrupts ------------------------------------------------------------- */

static void late_commands_time_out(void)
{
    static struct ahci_tried tried;
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    for (unsigned queued = 0; queued < 2; queued++) {
        uint8_t operation = queued ? ATA_READ_FPDMA_QUEUED : ATA_READ_DMA_EXT;
        AHCI_RIG_FOLLOW({ .operation = operation, .hang = true });
        kassert(ahci_rig_read(port, &tried, 3, 1, queued, AHCI_RIG_SHORT_US) == -ETIMEDOUT);
        kassert(ahci_rig.ports[2].resets == queued + 1);
        kassert(ahci_rig_read(port, &tried, 3, 1, queued, AHCI_RIG_LONG_US) == 0);
    }
    device_put(unit);
}

static void lost_and_doubled_interrupts_do_no_harm(void)
{
    static struct ahci_tried tried;
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    AHCI_RIG_FOLLOW({ .operation = ATA_READ_DMA_EXT, .lost = true },
           { .operation = ATA_READ_DMA_EXT, .doubled = true, .times = 3 },
           { .operation = ATA_READ_FPDMA_QUEUED, .lost = true, .times = 5 },
           { .operation = ATA_READ_FPDMA_QUEUED, .doubled = true, .times = 3 });
    for (unsigned i = 0; i < 16; i++) {
        kassert(ahci_rig_read(port, &tried, i, 1, i >= 4, AHCI_RIG_LONG_US) == 0);
        ahci_rig_assert(&tried);
    }
    kassert(ahci_rig.ports[2].resets == 0);
    device_put(unit);
}

/* Interrupts that have come are trusted: one that is lost then costs its command the deadline, but
 * no reset, and the next one that is lost is found. */
static void a_trusted_interrupt_may_be_lost(void)
{
    static struct ahci_tried tried;
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    kassert(ahci_rig_exercise(port) == 0);
    AHCI_RIG_FOLLOW({ .operation = ATA_READ_DMA_EXT, .lost = true, .times = 2 });
    kassert(ahci_rig_read(port, &tried, 3, 1, false, AHCI_RIG_SHORT_US) == -ETIMEDOUT);
    kassert(ahci_rig_read(port, &tried, 3, 1, false, AHCI_RIG_LONG_US) == 0);
    ahci_rig_assert(&tried);
    kassert(ahci_rig.ports[2].resets == 0);
    device_put(unit);
}

static void a_controller_without_interrupts_is_polled(void)
{
    struct device *unit;
    ahci_rig.no_interrupts = true;
    ahci_model_plug_in(&ahci_rig);
    kassert(ahci_rig_exercise(ahci_rig_disk(&unit)) == 0);
    device_put(unit);
}

/* ---- running them ------------------------------------------------------------------------- */

static const struct ahci_promise promises[] = {
    { .name = "units are found", .body = units_are_found },
    { .name = "a slow machine is found", .body = a_slow_machine_is_found },
    { .name = "a dead controller", .body = a_dead_controller_costs_its_deadline },
    { .name = "a firmware that stays", .body = a_firmware_that_stays_costs_its_deadline },
    { .name = "a busy unit", .body = a_busy_unit_costs_its_deadline, .long_waits = true },
    { .name = "ports without registers", .body = ports_without_registers_are_not_used },
    { .name = "a unit that does not identify", .body = a_unit_that_does_not_identify_is_ignored },
    { .name = "queued commands end once", .body = queued_commands_end_once },
    { .name = "writes reach the disk", .body = writes_reach_the_disk },
    { .name = "late commands time out", .body = late_commands_time_out },
    { .name = "lost and doubled interrupts", .body = lost_and_doubled_interrupts_do_no_harm },
    { .name = "data of any length", .body = packets_have_data_of_any_length },
    { .name = "a trusted interrupt may be lost", .body = a_trusted_interrupt_may_be_lost },
    { .name = "no interrupts at all", .body = a_controller_without_interrupts_is_polled },
};

static void test_promises(void **state)
{
    (void)state;
    ahci_rig_check(promises, ARRAY_LENGTH(promises));
}

/* Every allocation and every thread of probing fails once. */
static void fail_body(void *argument)
{
    (void)argument;
    bool happened = true, before = true;
    for (unsigned long n = 1; happened || before; n++) {
        before = happened;
        ahci_rig_set_up();
        ahci_model_start(&ahci_rig);

        /* The first one is that of the function's device. */
        if (n % 2)
            host_fail_nth_allocation(n / 2 + 2);
        else
            host_fail_nth_thread(n / 2);
        ahci_model_plug_in(&ahci_rig);
        happened = host_failure_happened();
        host_fail_nth_allocation(0);
        host_fail_nth_thread(0);
        ahci_rig_tear_down();
    }
}

static void test_memory_may_be_short(void **state)
{
    (void)state;
    rig_run(fail_body, NULL, 1);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1); /* all that is logged here is meant to happen */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promises),
        cmocka_unit_test(test_memory_may_be_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

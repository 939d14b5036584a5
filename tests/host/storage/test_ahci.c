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

enum { SECTOR = AHCI_MODEL_SECTOR_BYTES, CAP_STAGGERED = 1 << 27 };

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

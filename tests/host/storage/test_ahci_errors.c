/*
 * test_ahci_errors.c - the driver of AHCI controllers, over one that misbehaves.
 *
 * Promises    ahci.h: errors stay with their command or their unit; a unit that violates the
 *             protocol is taken offline; units come and go at any time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/ahci_rig.h"
#include "tests/host/rig.h"

enum {
    EVENT_OVERFLOW = 1 << 24,
    EVENT_INTERFACE = 1 << 27,
    EVENT_BUS = 1 << 29,
    ERROR_UNC = 0x40,
};

#define UNREADABLE .status = AHCI_RIG_STATUS_ERR, .error = ERROR_UNC

/* ---- errors of commands ------------------------------------------------------------------- */

static void the_log_names_the_failed_command(void)
{
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    AHCI_RIG_FOLLOW({ .operation = ATA_READ_FPDMA_QUEUED, UNREADABLE });
    unsigned failed = ahci_rig_exercise(ahci_rig_disk(&unit));
    kassert(failed == 1);
    device_put(unit);
    kassert(ahci_rig.ports[2].resets == 0);
}

/* Without the log, all that ran beside it fail with its registers; nothing is lost. */
static void a_disk_may_have_no_log(void)
{
    static struct ahci_tried tried;
    struct device *unit;
    ahci_rig.ports[2].no_log = true;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    AHCI_RIG_FOLLOW({ .operation = ATA_READ_FPDMA_QUEUED, UNREADABLE });
    unsigned failed = ahci_rig_exercise(port);
    kassert(failed >= 1 && failed <= 32);
    kassert(ahci_rig_read(port, &tried, 1, 1, true, AHCI_RIG_LONG_US) == 0);

    /* And one that does not answer. */
    ahci_rig.ports[2].no_log = false;
    AHCI_RIG_FOLLOW({ .operation = ATA_READ_FPDMA_QUEUED, UNREADABLE },
           { .operation = ATA_READ_LOG_EXT, .hang = true });
    failed = ahci_rig_exercise(port);
    kassert(failed >= 1 && failed <= 32);
    kassert(ahci_rig_exercise(port) == 0);
    device_put(unit);
}

static void errors_have_their_registers(void)
{
    static struct ahci_tried tried;
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    AHCI_RIG_FOLLOW({ .operation = ATA_READ_DMA_EXT, UNREADABLE });
    kassert(ahci_rig_read(port, &tried, 0x123, 1, false, AHCI_RIG_LONG_US) == -EIO);
    kassert(tried.command.result.valid && tried.command.result.error == ERROR_UNC);
    kassert(tried.command.result.lba == 0x123);
    kassert(ahci_rig_read(port, &tried, AHCI_MODEL_SECTORS, 1, false, AHCI_RIG_LONG_US) == -EIO);
    kassert(ahci_rig_read(port, &tried, 7, 8, false, AHCI_RIG_LONG_US) == 0);
    ahci_rig_assert(&tried);
    kassert(ahci_rig.ports[2].resets == 0);
    device_put(unit);
}

static void link_errors_reset_the_unit(void)
{
    static struct ahci_tried tried;
    static const uint32_t events[] = { EVENT_INTERFACE, EVENT_BUS, EVENT_OVERFLOW };
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    for (unsigned i = 0; i < ARRAY_LENGTH(events); i++) {
        AHCI_RIG_FOLLOW({ .operation = ATA_READ_DMA_EXT, .events = events[i] });
        kassert(ahci_rig_read(port, &tried, 3, 1, false, AHCI_RIG_LONG_US) == -EIO);
        kassert(!tried.command.result.valid && ahci_rig.ports[2].resets == i + 1);
        kassert(ahci_rig_read(port, &tried, 3, 1, false, AHCI_RIG_LONG_US) == 0);
    }

    AHCI_RIG_FOLLOW({ .operation = ATA_READ_FPDMA_QUEUED, .events = EVENT_INTERFACE });
    unsigned failed = ahci_rig_exercise(port);
    kassert(failed >= 1 && failed <= 32 && ahci_rig_exercise(port) == 0);
    device_put(unit);
}

static void missing_data_is_an_error(void)
{
    static struct ahci_tried tried;
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    AHCI_RIG_FOLLOW({ .operation = ATA_READ_DMA_EXT, .half = true });
    struct ata_port *port = ahci_rig_disk(&unit);
    kassert(ahci_rig_read(port, &tried, 3, 8, false, AHCI_RIG_LONG_US) == -EIO);
    kassert(ahci_rig_read(port, &tried, 3, 8, false, AHCI_RIG_LONG_US) == 0);
    device_put(unit);
}

/* ---- lies --------------------------------------------------------------------------------- */

static void a_liar_is_taken_offline(void)
{
    static struct ahci_tried tried;
    static const struct ahci_model_step lies[] = {
        { .operation = ATA_READ_DMA_EXT, .too_long = true },
        { .operation = ATA_READ_DMA_EXT, .ghost = true },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(lies); i++) {
        struct device *unit;
        if (i) {
            ahci_rig_tear_down();
            ahci_rig_set_up();
        }
        ahci_model_plug_in(&ahci_rig);
        struct ata_port *port = ahci_rig_disk(&unit);
        AHCI_RIG_FOLLOW(lies[i]);

        /* It may have succeeded before the lie was noticed. */
        IGNORE(ahci_rig_read(port, &tried, 3, 1, false, AHCI_RIG_LONG_US));
        ahci_rig_await(2, false);
        kassert(ahci_rig_read(port, &tried, 3, 1, false, AHCI_RIG_LONG_US) == -ENODEV);
        kassert(ahci_rig_has(1));
        device_put(unit);

        /* It is the unit that is not used any more, not its port. */
        ahci_model_connect(&ahci_rig, 2, AHCI_MODEL_DISK, "honest");
        ahci_rig_await(2, true);
    }
}

/* An engine that does not stop could still write: the controller loses the bus. */
static void a_stuck_engine_costs_the_bus(void)
{
    static struct ahci_tried tried;
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    AHCI_RIG_FOLLOW({ .operation = ATA_READ_DMA_EXT, .hang = true });
    ahci_rig.ports[2].stuck = true;
    kassert(ahci_rig_read(port, &tried, 3, 1, false, AHCI_RIG_SHORT_US) == -ETIMEDOUT);
    kassert(!ahci_rig.pci.mastering);
    ahci_rig_await(2, false);
    device_put(unit);
}

static void a_unit_that_stays_busy_is_taken_offline(void)
{
    static struct ahci_tried tried;
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    AHCI_RIG_FOLLOW({ .operation = ATA_READ_DMA_EXT, .hang = true });
    ahci_rig.ports[2].busy = true;
    kassert(ahci_rig_read(port, &tried, 3, 1, false, AHCI_RIG_SHORT_US) == -ETIMEDOUT);
    ahci_rig_await(2, false);
    kassert(ahci_rig_has(1));
    device_put(unit);
}

/* ---- hot plug ----------------------------------------------------------------------------- */

static void units_come_and_go(void)
{
    ahci_model_plug_in(&ahci_rig);
    ahci_model_connect(&ahci_rig, 0, AHCI_MODEL_DISK, "new");
    ahci_rig_await(0, true);
    ahci_model_connect(&ahci_rig, 0, AHCI_MODEL_EMPTY, NULL);
    ahci_rig_await(0, false);
    ahci_model_connect(&ahci_rig, 1, AHCI_MODEL_EMPTY, NULL);
    ahci_rig_await(1, false);
    ahci_model_connect(&ahci_rig, 1, AHCI_MODEL_DISK, "other");
    ahci_rig_await(1, true);
}

/* What was open stays with the unit that has gone. */
static void another_unit_is_another_device(void)
{
    static struct ahci_tried tried;
    struct device *unit, *next;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    ahci_model_connect(&ahci_rig, 2, AHCI_MODEL_DISK, "other");
    for (next = unit; next == unit;) {
        thread_sleep_until(time_now_us() + 1000);
        next = ahci_rig_find(2);
        if (next)
            device_put(next);
    }
    ahci_rig_await(2, true);
    kassert(ahci_rig_read(port, &tried, 3, 1, false, AHCI_RIG_LONG_US) == -ENODEV);
    device_put(unit);
}

/* A link that goes and comes back, with the same unit. */
static void a_link_may_be_lost_for_a_moment(void)
{
    static struct ahci_tried tried;
    struct device *unit, *after;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    ahci_model_connect(&ahci_rig, 2, AHCI_MODEL_DISK, NULL);
    status_t status;
    do
        status = ahci_rig_read(port, &tried, 3, 1, true, AHCI_RIG_LONG_US);
    while (status == -EIO);
    kassert(status == 0);
    ahci_rig_assert(&tried);
    kassert(ahci_rig_disk(&after) == port);
    device_put(after);
    device_put(unit);
}

static void unplugging_ends_commands(void)
{
    static struct ahci_tried tried[AHCI_RIG_COMMANDS];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    AHCI_RIG_FOLLOW({ .operation = ATA_READ_FPDMA_QUEUED, .unplug = true });
    for (unsigned i = 0; i < AHCI_RIG_COMMANDS; i++)
        ahci_rig_submit(port, &tried[i], &ended, false, i, 1, true, AHCI_RIG_LONG_US);
    ahci_rig_end(&ended, AHCI_RIG_COMMANDS);
    for (unsigned i = 0; i < AHCI_RIG_COMMANDS; i++) {
        status_t status = tried[i].command.base.status;
        kassert(tried[i].ends == 1 && (status == 0 || status == -ENODEV || status == -EIO));
    }
    ahci_rig_await(2, false);
    device_put(unit);
}

/* The controller is gone, which only its silence shows. */
static void a_controller_may_vanish(void)
{
    static struct ahci_tried tried;
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    ahci_rig.absent = true;
    kassert(ahci_rig_read(port, &tried, 3, 1, true, AHCI_RIG_SHORT_US) == -ETIMEDOUT);
    ahci_rig_await(2, false);
    device_put(unit);
}

/* The function itself goes, while commands run and the unit is open. */
static void the_controller_may_go(void)
{
    static struct ahci_tried tried[AHCI_RIG_COMMANDS];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    struct device *unit;
    ahci_model_plug_in(&ahci_rig);
    struct ata_port *port = ahci_rig_disk(&unit);
    for (unsigned i = 0; i < AHCI_RIG_COMMANDS; i++)
        ahci_rig_submit(port, &tried[i], &ended, false, i, 1, true, AHCI_RIG_LONG_US);
    ahci_model_unplug(&ahci_rig);
    ahci_rig_end(&ended, AHCI_RIG_COMMANDS);
    kassert(ahci_rig_read(port, &tried[0], 3, 1, false, AHCI_RIG_LONG_US) == -ENODEV);
    device_put(unit);
    device_stop();
    io_stop();
}

/* ---- running them ------------------------------------------------------------------------- */

static const struct ahci_promise promises[] = {
    { .name = "the log names the failed command", .body = the_log_names_the_failed_command },
    { .name = "a disk may have no log", .body = a_disk_may_have_no_log },
    { .name = "errors have their registers", .body = errors_have_their_registers },
    { .name = "link errors reset the unit", .body = link_errors_reset_the_unit },
    { .name = "missing data is an error", .body = missing_data_is_an_error },
    { .name = "a liar is taken offline", .body = a_liar_is_taken_offline },
    { .name = "a stuck engine costs the bus", .body = a_stuck_engine_costs_the_bus },
    { .name = "a unit that stays busy", .body = a_unit_that_stays_busy_is_taken_offline,
      .long_waits = true },
    { .name = "units come and go", .body = units_come_and_go },
    { .name = "another unit is another device", .body = another_unit_is_another_device },
    { .name = "a link may be lost for a moment", .body = a_link_may_be_lost_for_a_moment },
    { .name = "unplugging ends commands", .body = unplugging_ends_commands },
    { .name = "a controller may vanish", .body = a_controller_may_vanish },
    { .name = "the controller may go", .body = the_controller_may_go, .tears_down = true },
};

static void test_promises(void **state)
{
    (void)state;
    ahci_rig_check(promises, ARRAY_LENGTH(promises));
}

int main(void)
{
    log_set_level(LOG_ERROR + 1); /* all that is logged here is meant to happen */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

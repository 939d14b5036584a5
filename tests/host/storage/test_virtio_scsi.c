/*
 * test_virtio_scsi.c - virtio-scsi over an emulated controller.
 *
 * Promises    scsi.h of the driver: units are found, published and removed; commands that the
 *             device does not end are aborted, or the device is reset, before they are reported; a
 *             device that violates the protocol loses its units.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/disk_conform.h"
#include "tests/host/rig.h"
#include "tests/host/virtio_target.h"

enum {
    BYTES = DISK_CONFORM_BYTES,
    BLOCK = 4096, /* long enough to be carried without a copy */
    ROUNDS = 4,
    SEEDS = 10,
    FEATURE_INDIRECT = 28,
};

static struct virtio_target target;
static uint8_t image[BYTES];

static void set_up(void)
{
    rig_start();
    for (size_t i = 0; i < BYTES; i++)
        image[i] = (uint8_t)(i * 7 + i / 4096);
    virtio_target_init(&target, image, BYTES);
}

static void plug_in(void)
{
    virtio_model_publish(&target.model);
}

static void tear_down(void)
{
    virtio_model_remove(&target.model);
    rig_stop();
}

static bool is_published(const char *alias)
{
    struct device *device = device_find(alias);
    device_put(device);
    return device;
}

static void await_published(const char *alias, bool published)
{
    while (is_published(alias) != published)
        thread_sleep_until(time_now_us() + 1000);
}

static status_t read_block(uint64_t offset)
{
    uint8_t *memory = mem_zalloc(BLOCK);
    status_t status = disk_move("disk0", IO_READ, offset, memory, BLOCK);
    kassert(status || memcmp(memory, image + offset, BLOCK) == 0);
    mem_free(memory);
    return status;
}

/* ---- a good device -------------------------------------------------------------------------- */

struct variant {
    bool line, polled, direct;
    uint16_t queue_size;
    uint32_t sectors_max;
};

static const struct variant variants[] = {
    { .queue_size = 64, .sectors_max = 2048 },
    { .line = true, .queue_size = 128, .sectors_max = 0 },
    { .polled = true, .queue_size = 64, .sectors_max = 64 },
    { .direct = true, .queue_size = 256, .sectors_max = UINT32_MAX },
};

static void conform_body(void *argument)
{
    const struct variant *v = argument;
    set_up();
    target.model.messages = !v->line && !v->polled;
    target.model.pci.vectors = v->polled ? 0 : v->line ? 1 : 2;
    if (v->direct)
        target.model.offered &= ~VIRTIO_FEATURE(FEATURE_INDIRECT);
    for (unsigned i = 0; i < 3; i++)
        target.model.queues[i].largest = v->queue_size;
    virtio_target_configure(&target, VIRTIO_TARGET_SECTORS_MAX, 4, v->sectors_max);
    plug_in();
    disk_conform("disk0", image, ROUNDS);
    kassert(target.model.resets == 1 && target.aborts == 0);
    tear_down();
}

static void test_each_variant_conforms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(variants); i++)
        rig_run(conform_body, (void *)(uintptr_t)&variants[i], SEEDS);
}

static void hot_plug_body(void *unused)
{
    (void)unused;
    set_up();
    plug_in();
    kassert(is_published("disk0") && !is_published("disk1"));
    for (unsigned i = 0; i < 3; i++) {
        target.second = true;
        virtio_target_event(&target, VIRTIO_TARGET_RESCAN, false);
        await_published("disk1", true);
        target.second = false;
        virtio_target_event(&target, VIRTIO_TARGET_REMOVED, false);
        await_published("disk1", false);
    }

    /* An event that reports that others were lost. */
    target.second = true;
    virtio_target_event(&target, 0, true);
    await_published("disk1", true);
    kassert(is_published("disk0"));
    tear_down();
}

static void test_units_come_and_go(void **state)
{
    (void)state;
    rig_run(hot_plug_body, NULL, SEEDS);
}

/* ---- failures ------------------------------------------------------------------------------- */

static void medium_error_body(void *unused)
{
    (void)unused;
    set_up();
    plug_in();
    virtio_model_fault(&target.model, VIRTIO_TARGET_REQUEST, VIRTIO_FAILS, 1);
    IGNORE(read_block(0)); /* the driver may repeat it */
    expect("after", read_block(0), 0);
    kassert(target.model.resets == 1);
    tear_down();
}

static void test_sense_data_come_with_the_answer(void **state)
{
    (void)state;
    rig_run(medium_error_body, NULL, SEEDS);
}

/* Lengths in the response that cannot be: the command fails, and whatever the driver does then, the
 * disk works. */
static void wrong_lengths_body(void *argument)
{
    set_up();
    plug_in();
    virtio_model_fault(&target.model, VIRTIO_TARGET_REQUEST, *(enum virtio_fault *)argument, 1);
    status_t status = read_block(0);
    kassert(status == 0 || status == -EIO);
    expect("after", read_block(0), 0);
    tear_down();
}

static void test_lengths_are_checked(void **state)
{
    static enum virtio_fault faults[] = { VIRTIO_WRONG_RESULT, VIRTIO_TOO_SHORT };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(faults); i++)
        rig_run(wrong_lengths_body, &faults[i], SEEDS);
}

/* A lost command is aborted after its deadline; the device is not reset. */
static void abort_body(void *argument)
{
    bool ignored = argument;
    set_up();
    plug_in();
    target.ignores_aborts = ignored;
    virtio_model_fault(&target.model, VIRTIO_TARGET_REQUEST, VIRTIO_LOST, 1);
    status_t status = read_block(0);
    kassert(status == 0 || status == -ETIMEDOUT || status == -EIO);
    target.ignores_aborts = false;
    expect("after", read_block(0), 0);
    kassert(ignored ? target.model.resets > 1 : target.model.resets == 1 && target.aborts == 1);
    tear_down();
}

static void test_late_commands_are_aborted(void **state)
{
    (void)state;
    if (run_is_simulated()) /* it takes seconds */
        rig_run(abort_body, NULL, SEEDS);
}

static void test_a_device_that_does_not_abort_is_reset(void **state)
{
    (void)state;
    if (run_is_simulated())
        rig_run(abort_body, &target, SEEDS);
}

static void needs_reset_body(void *unused)
{
    (void)unused;
    set_up();
    plug_in();
    virtio_model_fault(&target.model, VIRTIO_TARGET_REQUEST, VIRTIO_NEEDS_RESET, 1);
    status_t status = read_block(0);
    kassert(status == 0 || status == -EIO);
    expect("after", read_block(0), 0);
    kassert(target.model.resets > 1 && target.aborts == 0);
    tear_down();
}

static void test_a_device_that_needs_a_reset_gets_one(void **state)
{
    (void)state;
    rig_run(needs_reset_body, NULL, SEEDS);
}

static void violation_body(void *argument)
{
    set_up();
    plug_in();
    virtio_model_fault(&target.model, VIRTIO_TARGET_REQUEST, *(enum virtio_fault *)argument, 1);
    IGNORE(read_block(0));
    await_published("disk0", false);
    kassert(target.model.status == 0);
    tear_down();
}

static void test_violations_remove_the_units(void **state)
{
    static enum virtio_fault faults[] = {
        VIRTIO_TWICE, VIRTIO_WRONG_ID, VIRTIO_WILD_ID, VIRTIO_TOO_LONG, VIRTIO_INDEX_JUMP
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(faults); i++)
        rig_run(violation_body, &faults[i], SEEDS);
}

/* Removal while the worker of the queue resets the device. */
static void reset_and_removal_body(void *unused)
{
    (void)unused;
    set_up();
    plug_in();
    spin_lock(&target.model.lock);
    target.model.status |= 64; /* needs a reset */
    target.model.config_changed = true;
    wait_queue_wake_all(&target.model.changed);
    spin_unlock(&target.model.lock);

    /* Removed before, in, or after the reset. */
    for (uint64_t yields = rig_random() % 40; yields; yields--)
        thread_yield();
    tear_down();
}

static void test_removal_during_a_reset(void **state)
{
    (void)state;
    rig_run(reset_and_removal_body, NULL, 200);
}

/* ---- start and end -------------------------------------------------------------------------- */

static void claims_body(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 4; i++) {
        set_up();
        if (i == 0)
            target.model.queue_count = 2; /* no request queue */
        if (i == 1)
            virtio_target_configure(&target, VIRTIO_TARGET_PIECES_MAX, 4, 0);
        if (i == 2)
            target.model.queues[VIRTIO_TARGET_EVENT].largest = 0;
        if (i == 3)
            virtio_target_configure(&target, VIRTIO_TARGET_LAST, 2, UINT16_MAX);
        plug_in();
        kassert(is_published("disk0") == (i == 3));
        tear_down();
    }
}

static void test_claims_are_checked(void **state)
{
    (void)state;
    rig_run(claims_body, NULL, 2);
}

/* A controller that never answers costs its deadline once. */
static void silent_body(void *unused)
{
    (void)unused;
    set_up();
    target.ignores_aborts = true;
    target.model.fault = VIRTIO_LOST;
    target.model.fault_queue = VIRTIO_TARGET_REQUEST;
    target.model.fault_nth = 1;
    uint64_t before_us = time_now_us();
    plug_in();
    kassert(time_now_us() - before_us < 10000000);
    tear_down();
}

static void test_a_silent_device_costs_its_deadline_once(void **state)
{
    (void)state;
    if (run_is_simulated())
        rig_run(silent_body, NULL, 2);
}

static unsigned long fail_nth;

/* Asked about the function before the driver of the bus. */
static status_t begin_failing(struct device *device)
{
    if (fail_nth && pci_function_of(device))
        host_fail_nth_allocation(fail_nth);
    return -ENODEV;
}

static const struct driver driver_fail = {
    .name = "test-fail", .order = 1, .add_device = begin_failing
};
DRIVER(driver_fail);

static void memory_body(void *unused)
{
    (void)unused;
    bool failed = true;
    for (fail_nth = 1; failed; fail_nth++) {
        set_up();
        plug_in();
        failed = host_failure_happened();
        host_fail_nth_allocation(0);
        kassert(failed || is_published("disk0"));
        tear_down();
    }
    fail_nth = 0;
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    rig_run(memory_body, NULL, 1);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_variant_conforms),
        cmocka_unit_test(test_units_come_and_go),
        cmocka_unit_test(test_sense_data_come_with_the_answer),
        cmocka_unit_test(test_lengths_are_checked),
        cmocka_unit_test(test_late_commands_are_aborted),
        cmocka_unit_test(test_a_device_that_does_not_abort_is_reset),
        cmocka_unit_test(test_a_device_that_needs_a_reset_gets_one),
        cmocka_unit_test(test_violations_remove_the_units),
        cmocka_unit_test(test_removal_during_a_reset),
        cmocka_unit_test(test_claims_are_checked),
        cmocka_unit_test(test_a_silent_device_costs_its_deadline_once),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

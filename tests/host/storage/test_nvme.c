/*
 * test_nvme.c - promise: the NVMe driver moves every byte, recovers from what a controller loses,
 * and takes a controller that lies offline without harm to anything else. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/storage/nvme/protocol.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/disk_conform.h"
#include "tests/host/nvme_model.h"
#include "tests/host/rig.h"

enum {
    SEEDS = 25,
    ROUNDS = 12,
    DISK_BYTES = DISK_CONFORM_BYTES,
    BLOCK = 512,
    SECOND_US = 1000000,
};

static uint8_t disk[DISK_BYTES], other_disk[DISK_BYTES];
static struct nvme_model model;

/* ---- setting up ----------------------------------------------------------------------------- */

static void fill(uint8_t *image, unsigned seed)
{
    for (size_t i = 0; i < DISK_BYTES; i++)
        image[i] = (uint8_t)(i * 7 + (i >> 9) * 13 + seed * 101);
}

static void prepare(unsigned block_power)
{
    kassert(io_start() == 0 && device_start() == 0);
    fill(disk, 1);
    fill(other_disk, 2);
    nvme_model_init(&model);
    nvme_model_add(&model, 1, disk, DISK_BYTES >> block_power, block_power);
}

static void set_up(void)
{
    prepare(9);
    nvme_model_publish(&model);
}

static void tear_down(void)
{
    nvme_model_remove(&model);
    device_stop();
    io_stop();
}

static bool exists(const char *alias)
{
    struct device *device = device_find(alias);
    device_put(device);
    return device;
}

static status_t read_block(const char *alias, uint64_t block)
{
    static uint8_t data[BLOCK];
    status_t status = disk_move(alias, IO_READ, block * BLOCK, data, BLOCK);
    if (!status)
        kassert(memcmp(data, disk + block * BLOCK, BLOCK) == 0);
    return status;
}

/* Waits for an event of another thread. Time is virtual in the simulation. */
static void await(const char *what, bool (*condition)(void))
{
    uint64_t deadline_us = time_now_us() + 30 * SECOND_US;
    while (!condition()) {
        if (time_now_us() > deadline_us)
            panic("%s: does not happen", what);
        thread_sleep_until(time_now_us() + 1000);
    }
}

/* Returns whether the log has had these words since `position`. */
static bool logged(uint64_t position, const char *words)
{
    static char text[65536];
    size_t used = 0, got;
    while (used < sizeof(text) - 1 &&
           (got = log_read(&position, text + used, sizeof(text) - 1 - used)) > 0)
        used += got;
    text[used] = '\0';
    return strstr(text, words);
}

static uint64_t log_end(void)
{
    static char text[4096];
    uint64_t position = 0;
    while (log_read(&position, text, sizeof(text)) > 0)
        ;
    return position;
}

/* ---- controllers that keep the rules -------------------------------------------------------- */

static void conform_body(void *argument)
{
    unsigned power = *(const unsigned *)argument;
    prepare(power);
    nvme_model_publish(&model);
    disk_conform("disk0", disk, ROUNDS);
    kassert(model.flushes > 0 && model.reads > 0 && model.writes > 0);
    tear_down();
    kassert(model.shutdowns == 1 && model.enables == 1);
}

static void test_conform(void **state)
{
    (void)state;
    for (unsigned power = 9; power <= 12; power++)
        rig_run(conform_body, &power, SEEDS);
}

/* One vector for both queues; none, so that the driver polls; queues of two entries; one page of
 * the smallest transfer; no write cache, so that a flush does nothing; version 1.0, without a list
 * of namespaces; the doorbells far apart. */
static void variant_body(void *argument)
{
    unsigned variant = *(const unsigned *)argument;
    prepare(9);
    switch (variant) {
    case 0: model.pci.vectors = 1; break;
    case 1: model.pci.vectors = 0; break;
    case 2: model.capabilities = (model.capabilities & ~0xffffull) | 1; break;
    case 3: model.identify[77] = 1; break;
    case 4: model.identify[525] = 0; break;
    case 5: model.version = 0x10000; break;
    case 6:
        model.capabilities |= 7ull << 32;
        model.pci.bars[0].bytes = 0x4000;
        break;
    case 7: model.capabilities &= ~(0xffull << 24); break; /* CAP.TO 0 */
    case 8: model.identify[77] = 0xff; break;
    case 9: nvme_model_put(model.identify, 516, 4, UINT32_MAX); break; /* NN */
    default: model.configuration = 0x460001, model.ready = true; /* left running by firmware */
    }
    nvme_model_publish(&model);
    disk_conform("disk0", disk, variant == 1 ? 2 : 4);
    kassert(variant != 4 || model.flushes == 0);
    tear_down();
}

static void test_variants(void **state)
{
    (void)state;
    for (unsigned variant = 0; variant <= 10; variant++)
        rig_run(variant_body, &variant, 5);
}

static void two_namespaces_body(void *unused)
{
    (void)unused;
    prepare(9);
    nvme_model_add(&model, 7, other_disk, DISK_BYTES >> 12, 12)->identify[99] = 1;
    nvme_model_publish(&model);
    disk_conform("disk0", disk, 4);
    struct device *device = device_find("00:04.0/nvme/ns7");
    kassert(device && device_is_read_only(device) && device_block_bytes(device) == 4096);
    kassert(strcmp(device_alias(device), "disk1") == 0);
    device_put(device);
    static uint8_t data[4096];
    expect("read", disk_move("disk1", IO_READ, 8192, data, 4096), 0);
    kassert(memcmp(data, other_disk + 8192, 4096) == 0);
    expect("write", disk_move("disk1", IO_WRITE, 8192, data, 4096), -EROFS);
    tear_down();
}

static void test_two_namespaces(void **state)
{
    (void)state;
    rig_run(two_namespaces_body, NULL, SEEDS);
}

/* ---- errors and what is lost ---------------------------------------------------------------- */

/* What the driver does about a fault of the first read. */
struct trouble {
    const char *name;
    struct nvme_fault fault;
    status_t status;            /* of the request */
    unsigned tries;             /* of the request that have the fault; 0: 1 */
    unsigned aborts, resets;
    bool refuses_aborts, offline;
    bool long_time;             /* of deadlines, which are virtual in the simulation only */
};

/* The fault of one read; or of as many as the driver tries. */
#define ONCE(the_kind, ...) \
    .fault = { .kind = NVME_FAULT_##the_kind, .queue = 1, .opcode = NVME_READ, .times = 1, \
               ##__VA_ARGS__ }
#define ALWAYS(the_status) \
    .fault = { .kind = NVME_FAULT_STATUS, .queue = 1, .opcode = NVME_READ, .times = 9, \
               .status = (the_status) }

static const struct trouble troubles[] = {
    { "a transient error", ONCE(STATUS, .status = NVME_INTERNAL_ERROR) },
    { "an error that stays", ALWAYS(NVME_INTERNAL_ERROR), .status = -EIO, .tries = 4 },
    { "do not retry", ALWAYS(NVME_INTERNAL_ERROR | NVME_STATUS_NO_RETRY), .status = -EIO },
    { "a bad block", ALWAYS(NVME_UNRECOVERED_READ), .status = -EIO, .tries = 4 },
    { "a bad block for good", ALWAYS(NVME_UNRECOVERED_READ | NVME_STATUS_NO_RETRY),
      .status = -EIO },
    { "not ready", ONCE(STATUS, .status = NVME_NAMESPACE_NOT_READY) },
    { "write protected", ALWAYS(NVME_WRITE_PROTECTED), .status = -EROFS },
    { "an unknown status", ALWAYS(0x7ff), .status = -EIO },
    { "a lost interrupt", ONCE(LOSE_INTERRUPT), .long_time = true },
    { "a late completion", ONCE(LATE, .delay_us = SECOND_US) },
    { "a lost command", ONCE(LOSE), .status = -ETIMEDOUT, .aborts = 1, .long_time = true },
    { "a lost command that is not aborted", ONCE(LOSE), .status = -ETIMEDOUT, .aborts = 1,
      .resets = 1, .refuses_aborts = true, .long_time = true },
    { "a completion during the abort", ONCE(LATE, .delay_us = 11 * SECOND_US), .aborts = 1,
      .refuses_aborts = true, .long_time = true },
    { "a fatal error", ONCE(FATAL), .resets = 1, .long_time = true },
    { "an unplugged controller", ONCE(UNPLUG), .status = -EIO, .offline = true, .long_time = true },
    { "a completion twice", ONCE(TWICE), .offline = true },
    { "a completion of another command", ONCE(WRONG_ID), .status = -EIO, .offline = true },
    { "a completion of no command", ONCE(HUGE_ID), .status = -EIO, .offline = true },
    { "a completion for another queue", ONCE(WRONG_QUEUE), .status = -EIO, .offline = true },
    { "a queue head outside", ONCE(WRONG_HEAD), .status = -EIO, .offline = true },
};

static bool disk_is_gone(void)
{
    return !exists("disk0");
}

static unsigned wanted_enables;

static bool is_enabled_again(void)
{
    spin_lock(&model.lock);
    bool enabled = model.enables >= wanted_enables;
    spin_unlock(&model.lock);
    return enabled;
}

static void trouble_body(void *argument)
{
    const struct trouble *trouble = argument;
    set_up();
    model.refuses_aborts = trouble->refuses_aborts;
    nvme_model_fault(&model, trouble->fault);

    struct device *device = device_find("disk0");
    expect(trouble->name, read_block("disk0", 9), trouble->status);
    wanted_enables = 1 + trouble->resets;
    await(trouble->name, is_enabled_again);
    kassert(model.aborts == trouble->aborts && model.enables == wanted_enables);
    spin_lock(&model.lock);
    kassert(trouble->fault.times - model.faults[0].times == max(trouble->tries, 1));
    model.faults[0].times = 0;
    spin_unlock(&model.lock);

    /* Either everything works again, or the disk is gone, and open handles get an error. */
    if (trouble->offline) {
        await(trouble->name, disk_is_gone);
        kassert(!model.pci.mastering);
        kassert(device_is_gone(device));
    } else {
        expect(trouble->name, read_block("disk0", 10), 0);
        disk_conform("disk0", disk, 1);
    }
    device_put(device);
    tear_down();
}

static void test_troubles(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(troubles); i++) {
        if (troubles[i].long_time && !run_is_simulated())
            continue;
        print_message("%s\n", troubles[i].name);
        rig_run(trouble_body, (void *)&troubles[i], 10);
    }
}

/* ---- resets --------------------------------------------------------------------------------- */

/* With many requests in flight, a fatal error is followed by a reset, after which all of them are
 * sent again, and none is lost or done twice in the wrong order. */
static void reset_body(void *unused)
{
    (void)unused;
    set_up();
    nvme_model_fault(&model, (struct nvme_fault){
        .kind = NVME_FAULT_FATAL, .queue = 1, .opcode = -1, .times = 2,
        .skip = (unsigned)(rig_random() % 20),
    });
    disk_conform("disk0", disk, ROUNDS);
    kassert(model.faults[0].times == 0 && model.enables == 3);
    tear_down();
}

/* A controller that does not come back, or that needs one reset after the other, leaves. */
static void end_body(void *argument)
{
    bool comes_back = *(const bool *)argument;
    set_up();
    nvme_model_fault(&model, (struct nvme_fault){
        .kind = NVME_FAULT_FATAL, .queue = 1, .opcode = -1, .times = 9,
    });
    model.never_ready = !comes_back;
    expect("read", read_block("disk0", 1), comes_back ? -EIO : -ENODEV);
    await("leaving", disk_is_gone);
    kassert(model.enables == (comes_back ? 3 : 2) && !model.pci.mastering);
    tear_down();
}

static void test_reset(void **state)
{
    (void)state;
    if (!run_is_simulated())
        return; /* the deadlines are virtual in the simulation only */
    rig_run(reset_body, NULL, SEEDS);
    for (int comes_back = 0; comes_back < 2; comes_back++)
        rig_run(end_body, &(bool){ comes_back }, SEEDS);
}

/* A read of many blocks of which one is bad: the caller gets the error, and the log the block when
 * it is asked for alone. */
static void bad_block_body(void *unused)
{
    (void)unused;
    set_up();
    uint64_t position = log_end();
    nvme_model_fault(&model, (struct nvme_fault){
        .kind = NVME_FAULT_STATUS, .queue = 1, .opcode = NVME_READ, .times = 1,
        .status = NVME_UNRECOVERED_READ | NVME_STATUS_NO_RETRY,
    });
    expect("read", read_block("disk0", 77), -EIO);
    kassert(logged(position, "disk0: block 77: unrecovered read error"));
    tear_down();
}

/* After a flush that failed, it is unknown what was written: it is not repeated until it
 * succeeds. */
static void flush_body(void *unused)
{
    (void)unused;
    static uint8_t data[BLOCK];
    set_up();
    nvme_model_fault(&model, (struct nvme_fault){
        .kind = NVME_FAULT_STATUS, .queue = 1, .opcode = NVME_FLUSH, .times = 1,
        .status = NVME_WRITE_FAULT | NVME_STATUS_NO_RETRY,
    });
    expect("write", disk_move("disk0", IO_WRITE, 0, data, BLOCK), 0);
    expect("flush", disk_move("disk0", IO_FLUSH, 0, data, 0), -EIO);
    expect("flush", disk_move("disk0", IO_FLUSH, 0, data, 0), 0);
    kassert(model.flushes == 1);
    tear_down();
}

static void test_flush(void **state)
{
    (void)state;
    rig_run(flush_body, NULL, 3);
}

/* Ranges, with the commands for them and without. */
static void ranges_body(void *argument)
{
    enum { AT = 8192, BYTES = 1 << 20 };
    static uint8_t zeroes[BYTES], got[BYTES];
    bool has = *(const bool *)argument;
    struct device_handle handle;
    prepare(9);
    if (!has)
        model.identify[520] = 0;
    nvme_model_publish(&model);
    uint8_t before = disk[AT - 1], after = disk[AT + BYTES], first = disk[AT];

    expect("discard", disk_move("disk0", IO_DISCARD, AT, NULL, BYTES), 0);
    uint8_t expected = has ? NVME_MODEL_DEALLOCATED : first;
    kassert(disk[AT] == expected && model.discards == has);
    expect("over the end", disk_move("disk0", IO_DISCARD, DISK_BYTES - BLOCK, NULL, 2 * BLOCK),
           -ENOSPC);

    struct device *device = device_find("disk0");
    expect("open", device_open(device, &handle), 0);
    expect("zero", io_wait(&handle, IO_ZERO, AT, NULL, BYTES, NULL), has ? 0 : -EOPNOTSUPP);
    expect("zero", io_zero(&handle, AT, BYTES), 0);
    expect("read", io_wait(&handle, IO_READ, AT, got, BYTES, NULL), 0);
    kassert(memcmp(got, zeroes, BYTES) == 0 && model.zeroings == 2u * has);
    kassert(disk[AT - 1] == before && disk[AT + BYTES] == after);
    device_close(&handle);
    device_put(device);
    tear_down();
}

static void test_ranges(void **state)
{
    static const bool supported[] = { false, true };
    (void)state;
    rig_run(ranges_body, (void *)(uintptr_t)&supported[0], 3);
    rig_run(ranges_body, (void *)(uintptr_t)&supported[1], 3);
}

static void test_bad_block(void **state)
{
    (void)state;
    rig_run(bad_block_body, NULL, 3);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conform),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_two_namespaces),
        cmocka_unit_test(test_troubles),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_bad_block),
        cmocka_unit_test(test_flush),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

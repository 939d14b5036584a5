/*
 * test_scsi_disk.c - promise: a SCSI disk is read, written and flushed over any transport; media
 * come and go; errors become the errno and the block that sense.h names; a unit that lies about
 * itself is taken offline (drivers/storage/scsi/disk). For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "drivers/storage/scsi/unit.h"
#include "host/port/host.h"
#include "host/port/run.h"
#include "kernel/dev/control.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/packet_disk.h"
#include "tests/host/rig.h"

static const struct packet_drive_kind kinds[] = {
    { .openings = 1 },
    { .openings = 1, .asynchronous = true },
    { .openings = 32, .asynchronous = true, .autosense = true },
};

static char log_text[4096];

static void begin(void)
{
    kassert(io_start() == 0 && device_start() == 0);
    packet_disk_reset();
    log_text[0] = '\0';
    host_console_capture(log_text, sizeof(log_text));
}

static void end(struct device *disk)
{
    packet_disk_unplug(disk);
    device_stop();
    io_stop();
    host_console_capture(NULL, 0);
}

static struct device_handle opened(struct device *disk)
{
    struct device_handle handle;
    kassert(disk && device_open(disk, &handle) == 0);
    return handle;
}

/* Compares `bytes` of the disk from `offset` on with its image. */
static void check_read(struct device_handle *handle, uint64_t offset, uint32_t bytes)
{
    uint8_t *memory = mem_alloc(bytes);
    kassert(io_wait(handle, IO_READ, offset, memory, bytes, NULL) == 0);
    kassert(!memcmp(memory, packet_disk.image + offset, bytes));
    mem_free(memory);
}

static void check_logged(const char *text)
{
    if (!strstr(log_text, text))
        panic("not in the log: '%s'; but: %s", text, log_text);
}

/* ---- io ----------------------------------------------------------------------------------- */

static void io_body(void *argument)
{
    begin();
    struct device *disk = packet_disk_plug_in(*(const struct packet_drive_kind *)argument);
    struct device_handle handle = opened(disk);
    kassert(device_medium(disk).bytes == PACKET_DISK_BYTES && device_block_bytes(disk) == 512);
    kassert(!device_is_read_only(disk) && !device_is_removable(disk));
    check_read(&handle, 0, PACKET_DISK_BYTES);

    /* Written data are durable after a flush. */
    uint8_t *memory = mem_alloc(100 * 512);
    memset(memory, 0x5a, 100 * 512);
    kassert(io_wait(&handle, IO_WRITE, 77 * 512, memory, 100 * 512, NULL) == 0);
    kassert(!memcmp(packet_disk.image + 77 * 512, memory, 100 * 512));
    kassert(memcmp(packet_disk.durable, packet_disk.image, PACKET_DISK_BYTES));
    kassert(io_wait(&handle, IO_FLUSH, 0, NULL, 0, NULL) == 0);
    kassert(!memcmp(packet_disk.durable, packet_disk.image, PACKET_DISK_BYTES));
    check_read(&handle, 0, PACKET_DISK_BYTES);

    mem_free(memory);
    device_close(&handle);
    end(disk);
}

static void test_io(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++)
        rig_run(io_body, (void *)&kinds[i], 4);
}

/* Block sizes, limits, and disks that do not know some commands. */
static void variants_body(void *argument)
{
    (void)argument;
    static const struct {
        uint32_t block_bytes, limit_blocks;
        bool no_mode, no_pages, only_16, stopped, write_cache;
        unsigned longest; /* the transport has 64 blocks of 512 */
    } variants[] = {
        { .block_bytes = 4096, .longest = 8 },
        { .block_bytes = 2048, .no_mode = true, .longest = 16 },
        { .block_bytes = 512, .limit_blocks = 5, .longest = 5 },
        { .block_bytes = 512, .limit_blocks = UINT32_MAX, .only_16 = true, .longest = 64 },
        { .block_bytes = 1024, .no_pages = true, .stopped = true, .longest = 32 },
        { .block_bytes = 512, .write_cache = true, .longest = 64 },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(variants); i++) {
        begin();
        packet_disk.block_bytes = variants[i].block_bytes;
        packet_disk.last_block = PACKET_DISK_BYTES / variants[i].block_bytes - 1;
        packet_disk.limit_blocks = variants[i].limit_blocks;
        packet_disk.no_mode = variants[i].no_mode;
        packet_disk.no_pages = variants[i].no_pages;
        packet_disk.only_16 = variants[i].only_16;
        packet_disk.stopped = variants[i].stopped;
        packet_disk.write_cache = variants[i].write_cache;
        struct device *disk = packet_disk_plug_in(kinds[2]);
        struct device_handle handle = opened(disk);
        kassert(device_block_bytes(disk) == variants[i].block_bytes);
        check_read(&handle, variants[i].block_bytes, PACKET_DISK_BYTES / 2);
        kassert(packet_disk.longest == variants[i].longest);

        /* A flush is sent if there is a cache, or may be. */
        kassert(io_wait(&handle, IO_FLUSH, 0, NULL, 0, NULL) == 0);
        kassert(packet_drive_count(SCSI_SYNCHRONIZE_CACHE_10) ==
                (variants[i].write_cache || variants[i].no_mode));
        device_close(&handle);
        end(disk);
    }
}

static void test_variants(void **state)
{
    (void)state;
    rig_run(variants_body, NULL, 2);
}

/* Blocks beyond the 32 bits of READ(10). */
static void large_body(void *argument)
{
    (void)argument;
    begin();
    packet_disk.last_block = 0x1ffffffff;
    struct device *disk = packet_disk_plug_in(kinds[1]);
    struct device_handle handle = opened(disk);
    kassert(device_medium(disk).bytes == 0x200000000 * 512);
    uint8_t memory[512];
    kassert(io_wait(&handle, IO_READ, 0x100000000 * 512, memory, 512, NULL) == -EIO);
    kassert(packet_drive_count(SCSI_READ_16) && !packet_drive_count(SCSI_READ_10));
    device_close(&handle);
    end(disk);
}

static void test_large(void **state)
{
    (void)state;
    rig_run(large_body, NULL, 2);
}

/* ---- errors ------------------------------------------------------------------------------- */

static void bad_blocks_body(void *argument)
{
    bool vague = *(const bool *)argument;
    begin();
    struct device *disk = packet_disk_plug_in(kinds[2]);
    struct device_handle handle = opened(disk);
    uint8_t *memory = mem_zalloc(64 * 512);
    uint64_t done;
    packet_disk.bad_from = 110;
    packet_disk.bad_to = 112;
    packet_disk.vague = vague;

    /* The part before the bad block is valid if the unit names the block. */
    static const enum io_op ops[] = { IO_READ, IO_WRITE };
    for (unsigned i = 0; i < 2; i++) {
        kassert(io_wait(&handle, ops[i], 100 * 512, memory, 20 * 512, &done) == -EIO);
        kassert(done == (vague ? 0 : 10 * 512));
    }
    if (!vague)
        check_logged("block 110");
    kassert(io_wait(&handle, IO_READ, 110 * 512, memory, 512, NULL) == -EIO);
    check_logged("block 110");
    check_read(&handle, 112 * 512, 100 * 512);

    /* A medium that became write protected is not a bad block. */
    packet_disk.protected = true;
    kassert(io_wait(&handle, IO_WRITE, 0, memory, 512, NULL) == -EROFS);
    kassert(!strstr(log_text, "block 0"));

    mem_free(memory);
    device_close(&handle);
    end(disk);
}

static void test_bad_blocks(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        rig_run(bad_blocks_body, &(bool){ i }, 4);
}

/* Passing trouble is not reported; trouble that stays is, once. */
static void trouble_body(void *argument)
{
    begin();
    struct device *disk = packet_disk_plug_in(*(const struct packet_drive_kind *)argument);
    struct device_handle handle = opened(disk);
    uint8_t memory[512];
    static const struct packet_drive_step passing[] = {
        { .operation = SCSI_READ_10, .key = 6, .asc = 0x29 },         /* reset */
        { .operation = SCSI_READ_10, .key = 6, .asc = 0x28 },         /* of a fixed disk */
        { .operation = SCSI_READ_10, .key = 4, .asc = 0x44, .times = 3 },
        { .operation = SCSI_READ_10, .key = 0xb, .asc = 0x47, .times = 3 },
        { .operation = SCSI_READ_10, .key = 2, .asc = 4, .ascq = 1, .times = 5 },
        { .operation = SCSI_READ_10, .cut = true },
        { .operation = SCSI_READ_10, .busy = true, .times = 3 },
        { .operation = SCSI_READ_10, .status = -EIO },
        { .operation = SCSI_READ_10, .twice = true },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(passing); i++) {
        struct packet_drive_step script[PACKET_DRIVE_STEPS_MAX] = { passing[i] };
        packet_drive_follow(script);
        check_read(&handle, 9 * 512, 512);
    }

    struct packet_drive_step stays[PACKET_DRIVE_STEPS_MAX] = {
        { .operation = SCSI_WRITE_10, .key = 4, .asc = 0x44, .times = 1000 } };
    packet_drive_follow(stays);
    kassert(io_wait(&handle, IO_WRITE, 0, memory, 512, NULL) == -EIO);
    kassert(packet_drive_count(SCSI_WRITE_10) == 4);

    stays[0] = (struct packet_drive_step){ .operation = SCSI_SYNCHRONIZE_CACHE_10, .key = 4,
                                           .asc = 0x44, .times = 1000 };
    packet_drive_follow(stays);
    kassert(io_wait(&handle, IO_FLUSH, 0, NULL, 0, NULL) == -EIO);

    /* More data than asked for: the transport is reset, and nothing is believed. */
    stays[0] = (struct packet_drive_step){ .operation = SCSI_READ_10, .more = true };
    packet_drive_follow(stays);
    check_read(&handle, 9 * 512, 512);
    kassert(packet_drive_count(SCSI_READ_10) == 2);

    device_close(&handle);
    end(disk);
}

static void test_trouble(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++)
        rig_run(trouble_body, (void *)&kinds[i], 4);
}

enum { AT_ONCE = 20 };

static unsigned worker_ends; /* callbacks on the channel's worker */

static void count_end(struct io_request *request)
{
    worker_ends += !strcmp(thread_name(thread_current()), "drive");
    semaphore_up(request->context);
}

/* Reads that do not continue each other, submitted at once; the first hangs, and then the unit is
 * removed or not. */
static void hang_body(void *argument)
{
    bool removed = *(const bool *)argument;
    static struct io_request requests[AT_ONCE];
    static struct io_segment segments[AT_ONCE];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    begin();
    struct device *disk = packet_disk_plug_in(kinds[2]);
    struct packet_drive_step script[PACKET_DRIVE_STEPS_MAX] = {
        { .operation = SCSI_READ_10, .hang = true, .times = removed ? 1000 : 1 } };
    packet_drive_follow(script);
    uint8_t *memory = mem_alloc(AT_ONCE * 512);
    worker_ends = 0;
    for (unsigned i = 0; i < AT_ONCE; i++) {
        segments[i] = (struct io_segment){ memory + i * 512, 512 };
        requests[i] = (struct io_request){
            .device = disk, .op = IO_READ, .generation = device_medium(disk).generation,
            .offset_bytes = i * 1024, .length_bytes = 512, .segments = &segments[i],
            .segment_count = 1, .complete = count_end, .context = &ended,
        };
        io_submit(&requests[i]);
    }
    thread_sleep_until(time_now_us() + 1000000);
    if (removed)
        device_remove(packet_drive.unit);

    /* Each ends once. Those that the reset interrupted were repeated. */
    for (unsigned i = 0; i < AT_ONCE; i++)
        kassert(semaphore_down(&ended, TIME_NEVER) == 0);
    for (unsigned i = 0; i < AT_ONCE; i++)
        kassert(removed ? requests[i].status < 0
                        : !requests[i].status &&
                              !memcmp(memory + i * 512, packet_disk.image + i * 1024, 512));
    kassert(packet_drive.resets == 1);

    /* The worker calls back what it has ended: no other thread is woken. */
    kassert(removed || worker_ends == AT_ONCE);
    mem_free(memory);
    end(disk);
}

static void test_hang(void **state)
{
    (void)state;
    for (int i = 0; i < 2 && run_is_simulated(); i++) /* it takes seconds */
        rig_run(hang_body, &(bool){ i }, 10);
}

/* A cache that cannot be flushed: a warning, once. */
static void no_flush_body(void *argument)
{
    (void)argument;
    begin();
    packet_disk.no_flush = true;
    struct device *disk = packet_disk_plug_in(kinds[0]);
    struct device_handle handle = opened(disk);
    for (unsigned i = 0; i < 3; i++)
        kassert(io_wait(&handle, IO_FLUSH, 0, NULL, 0, NULL) == 0);
    kassert(packet_drive_count(SCSI_SYNCHRONIZE_CACHE_10) == 1);
    check_logged("cannot flush its cache");
    device_close(&handle);
    end(disk);
}

static void test_no_flush(void **state)
{
    (void)state;
    rig_run(no_flush_body, NULL, 2);
}

/* ---- lies --------------------------------------------------------------------------------- */

static void lies_body(void *argument)
{
    (void)argument;
    static const struct {
        uint64_t last_block;
        uint32_t block_bytes;
        const char *text;
    } lies[] = {
        { UINT64_MAX, 512, "the last block cannot be number 18446744073709551615" },
        { INT64_MAX / 512, 512, "the last block cannot be number" },
        { 99, 0, "blocks of 0 bytes are not supported; the unit is not used" },
        { 99, 3, "blocks of 3 bytes" },
        { 99, 520, "blocks of 520 bytes" },
        { 99, 8192, "blocks of 8192 bytes" },
        { UINT64_MAX, 0xffffffff, "blocks of 4294967295 bytes" },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(lies); i++) {
        begin();
        packet_disk.last_block = lies[i].last_block;
        packet_disk.block_bytes = lies[i].block_bytes;
        kassert(!packet_disk_plug_in(kinds[1]));
        check_logged("master: Table Drive: ");
        check_logged(lies[i].text);
        end(NULL);
    }
}

static void test_lies(void **state)
{
    (void)state;
    rig_run(lies_body, NULL, 2);
}

/* Answers that are refused, cut or missing while the unit is identified. */
static void identify_body(void *argument)
{
    (void)argument;
    static const struct {
        struct packet_drive_step step;
        bool used;
    } cases[] = {
        { { .operation = SCSI_INQUIRY, .cut = true, .times = 9 }, false },
        { { .operation = SCSI_INQUIRY, .key = 5, .asc = 0x20 }, false },
        { { .operation = SCSI_READ_CAPACITY_10, .cut = true, .times = 9 }, false },
        { { .operation = SCSI_READ_CAPACITY_10, .key = 3, .asc = 0x11, .times = 9 }, false },
        { { .operation = SCSI_READ_CAPACITY_10, .cut = true, .times = 2 }, true },
        { { .operation = SCSI_MODE_SENSE_10, .cut = true }, true },
        { { .operation = SCSI_MODE_SENSE_10, .more = true }, true },
        { { .operation = SCSI_TEST_UNIT_READY, .key = 2, .asc = 4, .ascq = 1, .times = 5 }, true },
        { { .operation = SCSI_TEST_UNIT_READY, .key = 2, .asc = 0x3a, .times = 9 }, false },
        { { .operation = SCSI_TEST_UNIT_READY, .key = 6, .asc = 0x29, .times = 3 }, true },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        begin();
        packet_drive.script[0] = cases[i].step;
        struct device *disk = packet_disk_plug_in(kinds[2]);
        kassert((disk != NULL) == cases[i].used);
        if (!disk)
            check_logged("the unit is not used");
        end(disk);
    }
}

static void test_identify(void **state)
{
    (void)state;
    rig_run(identify_body, NULL, 2);
}

/* A unit that does not answer costs one deadline, wherever it stops. */
static void silent_body(void *argument)
{
    (void)argument;
    static const uint8_t operations[] = { SCSI_INQUIRY, SCSI_TEST_UNIT_READY,
                                          SCSI_READ_CAPACITY_10 };
    for (unsigned i = 0; i < ARRAY_LENGTH(operations); i++) {
        begin();
        packet_drive.script[0] = (struct packet_drive_step){ .operation = operations[i],
                                                             .hang = true, .times = 1000 };
        uint64_t before_us = time_now_us();
        kassert(!packet_disk_plug_in(kinds[2]));
        kassert(time_now_us() - before_us < 11000000);
        end(NULL);
    }
}

static void test_silent(void **state)
{
    (void)state;
    if (run_is_simulated()) /* it takes seconds */
        rig_run(silent_body, NULL, 2);
}

/* Every allocation of publishing fails once. */
static void memory_body(void *argument)
{
    (void)argument;
    bool more = true;
    for (unsigned long n = 1; more; n++) {
        begin();
        struct device *first = packet_disk_plug_in(kinds[0]);
        kassert(first != NULL);
        device_remove(packet_drive.unit);
        device_put(first);
        host_fail_nth_allocation(n);
        status_t status = packet_drive_publish();
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        struct device *disk = device_find("disk0");
        kassert(status || disk || more);
        end(disk);
    }
}

static void test_memory(void **state)
{
    (void)state;
    rig_run(memory_body, NULL, 1);
}

/* ---- media -------------------------------------------------------------------------------- */

static void media_body(void *argument)
{
    begin();
    packet_disk.removable = true;
    packet_disk.present = false;
    struct device *disk = packet_disk_plug_in(*(const struct packet_drive_kind *)argument);
    struct device_handle handle, old;
    kassert(disk && device_is_removable(disk));
    kassert(device_poll(disk) == 0 && device_open(disk, &handle) == -ENOMEDIUM);

    /* Inserted: protected, and with larger blocks. */
    packet_disk.protected = true;
    packet_disk.block_bytes = 2048;
    packet_disk.last_block = PACKET_DISK_BYTES / 2048 - 1;
    packet_disk_change(true);
    kassert(device_poll(disk) == 0);
    kassert(device_medium(disk).present && device_is_read_only(disk));
    kassert(device_block_bytes(disk) == 2048);
    old = opened(disk);
    check_read(&old, 0, PACKET_DISK_BYTES);

    /* Exchanged between two reads: no byte of the new one is returned for the old one. */
    uint8_t *memory = mem_alloc(4096);
    packet_disk.protected = false;
    packet_disk.block_bytes = 512;
    packet_disk.last_block = PACKET_DISK_BYTES / 512 - 1;
    packet_disk_change(true);
    kassert(io_wait(&old, IO_READ, 0, memory, 4096, NULL) == -ESTALE);
    kassert(device_poll(disk) == 0);
    handle = opened(disk);
    kassert(!device_is_read_only(disk) && device_block_bytes(disk) == 512);
    check_read(&handle, 512, 4096 + 512);
    kassert(io_wait(&old, IO_READ, 0, memory, 4096, NULL) == -ESTALE);
    device_close(&old);

    /* The lock is set again after a reset. */
    kassert(device_control(disk, DEVICE_CONTROL_LOCK_DOOR, NULL, 0) == 0 && packet_drive.locked);
    struct packet_drive_step script[PACKET_DRIVE_STEPS_MAX] = {
        { .operation = SCSI_READ_10, .key = 6, .asc = 0x29 } };
    packet_drive_follow(script);
    packet_drive.locked = false;
    check_read(&handle, 0, 512);
    kassert(device_poll(disk) == 0 && packet_drive.locked);
    kassert(device_control(disk, DEVICE_CONTROL_UNLOCK_DOOR, NULL, 0) == 0);

    /* A medium that lies is not shown, and named once. */
    packet_disk.block_bytes = 3;
    packet_disk_change(true);
    log_text[0] = '\0';
    host_console_capture(log_text, sizeof(log_text));
    for (unsigned i = 0; i < 3; i++)
        IGNORE(device_poll(disk));
    kassert(!device_medium(disk).present);
    check_logged("blocks of 3 bytes are not supported; the medium is not used");
    kassert(!strstr(strstr(log_text, "blocks of 3") + 1, "blocks of 3"));

    /* Ejected. */
    packet_disk.block_bytes = 512;
    packet_disk_change(true);
    IGNORE(device_poll(disk));
    kassert(device_poll(disk) == 0 && device_medium(disk).present);
    kassert(device_control(disk, DEVICE_CONTROL_EJECT, NULL, 0) == 0);
    kassert(!device_medium(disk).present && device_poll(disk) == 0);

    mem_free(memory);
    device_close(&handle);
    end(disk);
}

static void test_media(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++)
        rig_run(media_body, (void *)&kinds[i], 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_io),         cmocka_unit_test(test_variants),
        cmocka_unit_test(test_large),      cmocka_unit_test(test_bad_blocks),
        cmocka_unit_test(test_trouble),    cmocka_unit_test(test_no_flush),
        cmocka_unit_test(test_lies),       cmocka_unit_test(test_identify),
        cmocka_unit_test(test_memory),     cmocka_unit_test(test_media),
        cmocka_unit_test(test_hang),       cmocka_unit_test(test_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

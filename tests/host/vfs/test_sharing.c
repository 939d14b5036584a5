/*
 * test_sharing.c - promise: opens that exclude each other are refused (OPEN_DENY_WRITE and
 * OPEN_EXCLUSIVE in vfs.h), and writes through a device file reach the device, and later readers.
 * For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/drives.h"

/* ---- opens that exclude each other -------------------------------------------------------- */

enum { READ = OPEN_READ, WRITE = OPEN_READ | OPEN_WRITE, DENY = OPEN_READ | OPEN_DENY_WRITE,
       ALONE = OPEN_READ | OPEN_EXCLUSIVE, OWN = WRITE | OPEN_EXCLUSIVE,
       STEADY = WRITE | OPEN_DENY_WRITE, WAYS = 6 };

static const unsigned ways[WAYS] = { READ, WRITE, DENY, ALONE, OWN, STEADY };

/* Row: how it is open; column: how it is wanted. A file of a file system; then a device. */
static const char *const files[WAYS] = {
    /* READ   */ "yyynny",
    /* WRITE  */ "yynnnn",
    /* DENY   */ "ynynnn",
    /* ALONE  */ "nnnnnn",
    /* OWN    */ "nnnnnn",
    /* STEADY */ "ynnnnn",
};
static const char *const devices[WAYS] = {
    /* READ   */ "ynynnn", /* a writer has a device alone */
    /* WRITE  */ "nnnnnn",
    /* DENY   */ "ynynnn",
    /* ALONE  */ "nnnnnn",
    /* OWN    */ "nnnnnn",
    /* STEADY */ "nnnnnn",
};

static void share(const char *path, unsigned first, unsigned second, bool goes)
{
    char what[64];
    struct file *a, *b, *c;
    snprintf(what, sizeof(what), "%.20s: %u, then %u", path, ways[first], ways[second]);
    expect(what, rig_open(path, ways[first], &a), 0);
    expect(what, rig_open(path, ways[second], &b), goes ? 0 : -EBUSY);
    file_close(b);
    expect("still", rig_open(path, ways[second], &b), goes ? 0 : -EBUSY);
    file_close(a);
    file_close(b);
    expect("alone then", rig_open(path, ways[second], &c), 0);
    file_close(c);
}

static void sharing_body(void *unused)
{
    (void)unused;
    static uint8_t disk[8 * 512];
    rig_start();
    rig_put_file("/img", disk, sizeof(disk));
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_MIXED);
    for (unsigned i = 0; i < WAYS; i++)
        for (unsigned j = 0; j < WAYS; j++) {
            share("/img", i, j, files[i][j] == 'y');
            share("/System/Devices/faulty0", i, j, devices[i][j] == 'y');
        }
    faulty_destroy(faulty);
    rig_stop();
}

static void test_sharing(void **state)
{
    (void)state;
    rig_run(sharing_body, NULL, 5);
}

/* A handle of the device itself, such as that of a mount, counts as an open file of it. */
static void handles_body(void *unused)
{
    (void)unused;
    static uint8_t disk[8 * 512];
    struct device_handle handle;
    struct file *file;
    rig_start();
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_MIXED);
    expect("open", device_open(faulty->device, &handle), 0);
    expect("to write", rig_open("/System/Devices/faulty0", OPEN_WRITE, &file), -EBUSY);
    expect("to read", rig_open("/System/Devices/faulty0", OPEN_READ, &file), 0);
    file_close(file);
    device_close(&handle);
    expect("to write", rig_open("/System/Devices/faulty0", OPEN_WRITE, &file), 0);
    expect("open", device_open(faulty->device, &handle), -EBUSY);
    file_close(file);
    expect("open", device_open(faulty->device, &handle), 0);
    device_close(&handle);
    faulty_write_protect(faulty);
    expect("read-only", rig_open("/System/Devices/faulty0", OPEN_WRITE, &file), -EROFS);
    expect("to read", rig_open("/System/Devices/faulty0", OPEN_READ, &file), 0);
    file_close(file);
    faulty_destroy(faulty);
    rig_stop();
}

static void test_handles(void **state)
{
    (void)state;
    rig_run(handles_body, NULL, 10);
}

/* ---- writing ------------------------------------------------------------------------------ */

enum { DISK_BYTES = 16 * 4096 };

static uint8_t disk[DISK_BYTES], model[DISK_BYTES], data[DISK_BYTES + 1];

static void write_anywhere(struct file *file)
{
    uint64_t at = rig_random() % DISK_BYTES;
    size_t left = (size_t)(DISK_BYTES - at), bytes = (size_t)(1 + rig_random() % 9000);
    bytes = min(bytes, left);
    drives_pattern(data, bytes, (unsigned)rig_random());
    kassert(file_write_at(file, at, data, bytes) == (ssize_t)bytes);
    memcpy(model + at, data, bytes);
    size_t around = at < 700 ? (size_t)at : 700;
    ssize_t got = file_read_at(file, at - around, data, bytes + around);
    kassert(got == (ssize_t)(bytes + around));
    kassert(memcmp(data, model + at - around, (size_t)got) == 0);
}

/* VB8: past the end of the device nothing is written, and no byte is reported as written. */
static void write_too_far(struct file *file)
{
    kassert(file_write_at(file, DISK_BYTES, data, 1) == -ENOSPC);
    kassert(file_write_at(file, DISK_BYTES - 1, data, 2) == -ENOSPC);
    kassert(file_write_at(file, 0, data, DISK_BYTES + 1) == -ENOSPC);
    kassert(file_write_at(file, UINT64_MAX, data, 2) == -ENOSPC);
    kassert(file_write_at(file, (uint64_t)1 << 40, data, 512) == -ENOSPC);
    kassert(file_write_at(file, DISK_BYTES, data, 0) == 0);
    kassert(file_read_at(file, DISK_BYTES, data, 1) == 0);
    expect("grow", file_set_size(file, DISK_BYTES * 2), -ENOSPC);
    kassert(memcmp(disk, model, DISK_BYTES) == 0);
}

/* The cache is emptied before a write, so no later reader gets old bytes. */
static void writing_body(void *argument)
{
    uint32_t block = *(uint32_t *)argument;
    struct io_limits limits = { .block_bytes = block };
    struct file *file;
    rig_start();
    drives_pattern(disk, sizeof(disk), 6);
    memcpy(model, disk, sizeof(disk));
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), limits, FAULTY_MIXED);
    for (unsigned round = 0; round < 3; round++) {
        kassert(rig_get_file("/System/Devices/faulty0", data, sizeof(data)) == DISK_BYTES);
        kassert(memcmp(data, model, DISK_BYTES) == 0); /* all of it is cached, if anything is */
        struct file *reader;
        expect("read", rig_open("/System/Devices/faulty0", OPEN_READ, &reader), 0);
        kassert(file_read_at(reader, 0, data, DISK_BYTES) == DISK_BYTES);
        expect("write", rig_open("/System/Devices/faulty0", OPEN_WRITE, &file), -EBUSY);
        file_close(reader);
        expect("write", rig_open("/System/Devices/faulty0", OPEN_READ | OPEN_WRITE | OPEN_TRUNCATE,
                                 &file), 0);
        kassert(file_size(file) == DISK_BYTES);
        for (unsigned i = 0; i < 15; i++)
            write_anywhere(file);
        write_too_far(file);
        unsigned long flushes = atomic_load(&faulty->flushes);
        expect("flush", file_flush(file), 0);
        kassert(atomic_load(&faulty->flushes) == flushes + 1);
        file_close(file);
    }
    kassert(rig_get_file("/System/Devices/faulty0", data, sizeof(data)) == DISK_BYTES);
    kassert(memcmp(data, model, DISK_BYTES) == 0 && memcmp(disk, model, DISK_BYTES) == 0);
    faulty_destroy(faulty);
    rig_stop();
}

/* V11, VB8. */
static void test_writing(void **state)
{
    (void)state;
    for (uint32_t block = 512; block <= 4096; block *= 2)
        rig_run(writing_body, &block, 10);
}

/* A part of a block that cannot be read is not written. The bytes before it count as written. */
static void part_fails_body(void *unused)
{
    (void)unused;
    struct file *file;
    rig_start();
    drives_pattern(disk, sizeof(disk), 6);
    drives_pattern(data, sizeof(data), 7);
    memcpy(model, disk, sizeof(disk));
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_MIXED);
    faulty->bad_from = 4096, faulty->bad_to = 4096 + 512;
    expect("write", rig_open("/System/Devices/faulty0", OPEN_WRITE, &file), 0);
    kassert(file_write_at(file, 4096 + 10, data, 100) == -EIO);
    kassert(file_write_at(file, 4096 - 512, data, 512 + 100) == 512);
    memcpy(model + 4096 - 512, data, 512);
    kassert(memcmp(disk, model, DISK_BYTES) == 0);
    kassert(file_write_at(file, 4096, data, 512) == 512); /* whole blocks need no reading */
    memcpy(model + 4096, data, 512);
    faulty->fail_nth_write = 1;
    kassert(file_write_at(file, 100, data, 100) == -EIO);
    kassert(memcmp(disk, model, DISK_BYTES) == 0);
    file_close(file);
    faulty_destroy(faulty);
    rig_stop();
}

static void test_part_fails(void **state)
{
    (void)state;
    rig_run(part_fails_body, NULL, 10);
}

/* Transfers that bypass the cache move the same bytes, in whole blocks or not, with segments of any
 * lengths. */
static void transfer_body(void *argument)
{
    const char *path = argument;
    static uint8_t mine[DISK_BYTES];
    struct file *file;
    rig_start();
    drives_pattern(disk, sizeof(disk), 6);
    memcpy(model, disk, sizeof(disk));
    rig_put_file("/img", disk, sizeof(disk));
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_MIXED);
    expect("open", rig_open(path, OPEN_READ | OPEN_WRITE | OPEN_EXCLUSIVE, &file), 0);
    for (unsigned i = 0; i < 40; i++) {
        uint32_t grain = rig_random() % 2 ? 512 : 1, done;
        uint64_t at = rig_random() % (DISK_BYTES / 2) / grain * grain;
        uint32_t first = (uint32_t)(1 + rig_random() % 5000);
        uint32_t bytes = (uint32_t)(1 + rig_random() % (DISK_BYTES / 4)) / grain * grain;
        struct io_segment segments[] = { { mine, first }, { mine + first, DISK_BYTES - first } };
        enum io_op op = rig_random() % 2 ? IO_WRITE : IO_READ;
        drives_pattern(mine, sizeof(mine), (unsigned)rig_random());
        expect("transfer", file_transfer(file, op, at, segments, 2, bytes, &done), 0);
        kassert(done == bytes);
        if (op == IO_WRITE)
            memcpy(model + at, mine, bytes);
        kassert(memcmp(mine, model + at, bytes) == 0);
    }
    file_close(file);
    kassert(rig_get_file(path, mine, sizeof(mine)) == DISK_BYTES);
    kassert(memcmp(mine, model, DISK_BYTES) == 0);
    faulty_destroy(faulty);
    rig_stop();
}

static void test_transfer(void **state)
{
    (void)state;
    rig_run(transfer_body, "/img", 10);
    rig_run(transfer_body, "/System/Devices/faulty0", 10);
}

/* A transfer that stops in the middle returns the reason: no space for the rest. */
static void no_room_body(void *unused)
{
    (void)unused;
    struct file *file;
    uint32_t done;
    rig_start();
    drives_pattern(data, sizeof(data), 7);
    size_t limit = page_total_count() * PAGE_BYTES;
    expect("open", rig_open("/sparse", OPEN_READ | OPEN_WRITE | OPEN_CREATE, &file), 0);
    expect("size", file_set_size(file, DISK_BYTES), 0);
    host_memory_limit((host_memory_used() + 10 * PAGE_BYTES) * 8 / 7); /* ten above an eighth */
    struct io_segment segments[] = { { data, 3000 }, { data + 3000, DISK_BYTES - 3000 } };
    expect("no room", file_transfer(file, IO_WRITE, 0, segments, 2, DISK_BYTES, &done), -ENOSPC);
    kassert(done > 3000 && done < DISK_BYTES);
    host_memory_limit(limit);
    kassert(file_read_at(file, 0, model, done) == (ssize_t)done);
    kassert(memcmp(model, data, done) == 0);
    file_close(file);
    rig_stop();
}

static void test_no_room(void **state)
{
    (void)state;
    rig_run(no_room_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sharing),    cmocka_unit_test(test_handles),
        cmocka_unit_test(test_writing),    cmocka_unit_test(test_part_fails),
        cmocka_unit_test(test_transfer),   cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

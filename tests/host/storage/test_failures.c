/*
 * test_failures.c - virtual drives when memory or the medium fails in the middle of an operation;
 * and drives in great numbers.
 *
 * Promise     virtual.h: an operation that fails returns its errno, keeps no memory and has changed
 *             nothing that can be observed, whichever allocation, read, write or flush it was that
 *             failed. Drives leave the last eighth of memory.
 *
 * For both back ends. See test_virtual.c.
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

enum { DISK_BYTES = 64 * 1024 };

#define DISK "/System/Devices/faulty0"

static uint8_t disk[DISK_BYTES], small[3 * 4096], got[DISK_BYTES];
static uint8_t dump[17 * 2352 + 2352];
static struct faulty *faulty;

/* /raw is a dump of whole sectors. */
static void put_dump(void)
{
    uint8_t *descriptor = dump + 16 * 2352;
    memset(descriptor, 0xff, 12);
    descriptor[0] = descriptor[11] = 0;
    descriptor[15] = 1;
    memcpy(descriptor + 16, "\1CD001\1", 7);
    rig_put_file("/raw", dump, sizeof(dump));
}

static void start(void)
{
    rig_start();
    drives_pattern(disk, sizeof(disk), 8);
    drives_pattern(small, sizeof(small), 9);
    rig_put_file("/img", small, sizeof(small));
    rig_put_file("/other", small, 8192);
    put_dump();
    faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_LATE);
}

static void stop(void)
{
    faulty_destroy(faulty);
    rig_stop();
}

/* ---- registering, of every kind ----------------------------------------------------------- */

static const struct wanted kinds[] = {
    { .store = VIRTUAL_RAM, .size_bytes = 100000 },
    { .store = VIRTUAL_MEMORY, .memory = disk, .size_bytes = sizeof(disk) },
    { ON(FILE, "/img") },
    { ON(FILE, "/img"), .flags = VIRTUAL_WRITABLE, .offset_bytes = 512 },
    { ON(FILE, "/img"), .flags = VIRTUAL_WRITABLE | VIRTUAL_GEOMETRY,
      .geometry = { 10, 10, 10, 512 } }, /* it grows */
    { ON(FILE, "/raw") },
    { ON(FILE, DISK), .flags = VIRTUAL_WRITABLE },
    { ON(OVERLAY, DISK), .flags = VIRTUAL_WRITABLE, .size_bytes = 8192 },
    { ON(OVERLAY, "/raw") },
    { ON(RAM_IMAGE, "/raw") },
    { ON(RAM_IMAGE, DISK), .offset_bytes = 4096 },
    { ON(FILE, "/img"), .flags = VIRTUAL_TEMPORARY },
    { ON(FILE, DISK), .flags = VIRTUAL_CD },
};

enum { KINDS = ARRAY_LENGTH(kinds) };

static void expect_untouched(void)
{
    kassert(rig_get_file("/img", got, sizeof(got)) == sizeof(small));
    kassert(memcmp(got, small, sizeof(small)) == 0);
    expect("no drive", drives_listed("virtual0"), -ENOENT);
}

/* VB1, VB19: the failure of no step is ignored. */
static void register_body(void *unused)
{
    (void)unused;
    start();
    for (unsigned i = 0; i < KINDS; i++) {
        bool more = true;
        for (unsigned long n = 1; more; n++) {
            char alias[DEVICE_NAME_BYTES];
            host_fail_nth_allocation(n);
            status_t status = drives_add(&kinds[i], alias);
            more = host_failure_happened();
            host_fail_nth_allocation(0);
            kassert(!status || (more && (status == -ENOMEM || status == -ENOSPC)));
            if (status)
                expect_untouched();
            else
                expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
            rig_put_file("/img", small, sizeof(small)); /* it may have grown */
        }
    }
    stop();
}

/* VB1, VB19. */
static void test_register(void **state)
{
    (void)state;
    rig_run(register_body, NULL, 4);
}

/* ---- every operation on a drive ----------------------------------------------------------- */

struct subject {
    char alias[DEVICE_NAME_BYTES];
    struct device_handle handle;
};

/* An overlay on the disk, of which two pages are changed, and that is open. */
static void subject_make(struct subject *subject)
{
    expect("add", drives_add(&(struct wanted){ ON(OVERLAY, DISK), .flags = VIRTUAL_WRITABLE },
                             subject->alias), 0);
    expect("open", drives_open(subject->alias, &subject->handle), 0);
    expect("write", io_wait(&subject->handle, IO_WRITE, 4096, small, 8192, NULL), 0);
}

static void subject_end(struct subject *subject)
{
    IGNORE(drives_remove(subject->alias, VIRTUAL_NOW));
    device_close(&subject->handle);
    expect("gone", drives_listed(subject->alias), -ENOENT);
    rig_put_file("/other", small, 8192);
    drives_pattern(disk, sizeof(disk), 8);
}

static status_t op_info(struct subject *subject)
{
    struct virtual_info info;
    return drives_info(subject->alias, &info);
}

static status_t op_list(struct subject *subject)
{
    return drives_listed(subject->alias);
}

static status_t op_read(struct subject *subject)
{
    status_t status = io_wait(&subject->handle, IO_READ, 0, got, 16384, NULL);
    kassert(status || (memcmp(got, disk, 4096) == 0 && memcmp(got + 4096, small, 8192) == 0));
    return status;
}

static status_t op_save(struct subject *subject)
{
    return drives_save(subject->alias, "/other", NULL);
}

static void saved(struct subject *subject, status_t status)
{
    (void)subject;
    kassert(rig_get_file("/other", got, sizeof(got)) == (status ? 8192 : DISK_BYTES));
    kassert(memcmp(got + (status ? 0 : 4096), small, 8192) == 0);
    expect("nothing beside it", rig_walk("/.other.part~1"), -ENOENT);
}

static status_t op_diff(struct subject *subject)
{
    uint64_t offset = 0, length;
    status_t status = drives_diff(subject->alias, &offset, &length);
    kassert(status || (offset == 4096 && length == 8192));
    return status;
}

static status_t op_commit(struct subject *subject)
{
    status_t status = drives_commit(subject->alias, NULL);
    kassert(status || memcmp(disk + 4096, small, 8192) == 0);
    return status;
}

static status_t op_discard(struct subject *subject)
{
    device_close(&subject->handle);
    return drives_discard(subject->alias);
}

static void discarded(struct subject *subject, status_t status)
{
    if (status)
        expect("open", drives_open(subject->alias, &subject->handle), 0);
}

static status_t op_fault(struct subject *subject)
{
    return drives_fault(subject->alias, VIRTUAL_FAULT_BAD, 100, 1);
}

static status_t op_swap(struct subject *subject)
{
    return drives_swap(subject->alias, "/other");
}

static status_t op_lazy(struct subject *subject)
{
    return drives_remove(subject->alias, VIRTUAL_LAZY);
}

static status_t op_now(struct subject *subject)
{
    return drives_remove(subject->alias, VIRTUAL_NOW);
}

static const struct {
    const char *name;
    status_t (*run)(struct subject *subject);
    void (*look)(struct subject *subject, status_t status); /* afterwards; or NULL */
} operations[] = {
    { "info", op_info, NULL },     { "list", op_list, NULL },
    { "read", op_read, NULL },     { "save", op_save, saved },
    { "diff", op_diff, NULL },     { "commit", op_commit, NULL },
    { "fault", op_fault, NULL },   { "swap", op_swap, NULL },
    { "lazy", op_lazy, NULL },     { "discard", op_discard, discarded },
    { "now", op_now, NULL },
};

enum { OPERATIONS = ARRAY_LENGTH(operations) };

/* A failed operation has changed nothing that can be observed of the drive. */
static void look_at(struct subject *subject, unsigned op, status_t status)
{
    struct virtual_info info;
    if (operations[op].look)
        operations[op].look(subject, status);
    if (!status)
        return;
    expect("info", drives_info(subject->alias, &info), 0);
    kassert(info.state == VIRTUAL_REGISTERED && info.handles == 1 && info.faults == 0);
    kassert(info.size_bytes == DISK_BYTES && strcmp(info.image, DISK) == 0);
    expect("the same medium", device_check(&subject->handle), 0);
    expect("read", op_read(subject), 0);
}

static bool fail_allocation(unsigned op, unsigned long n)
{
    struct subject subject;
    subject_make(&subject);
    host_fail_nth_allocation(n);
    status_t status = operations[op].run(&subject);
    bool happened = host_failure_happened();
    host_fail_nth_allocation(0);
    if (status && (!happened || (status != -ENOMEM && status != -ENOSPC)))
        panic("%s: %s at allocation %lu", operations[op].name, status_name(status), n);
    look_at(&subject, op, status);
    subject_end(&subject);
    return happened;
}

static void allocations_body(void *unused)
{
    (void)unused;
    start();
    for (unsigned op = 0; op < OPERATIONS; op++)
        for (unsigned long n = 1; fail_allocation(op, n); n++)
            ;
    stop();
}

/* VB1. */
static void test_allocations(void **state)
{
    (void)state;
    rig_run(allocations_body, NULL, 4);
}

/* A drive whose store does not wait gets a worker before it gets a store that does: its requests
 * end in any case. */
static void worker_body(void *unused)
{
    (void)unused;
    struct device_handle handle;
    bool more = true;
    start();
    for (unsigned long n = 1; more; n++) {
        char alias[DEVICE_NAME_BYTES];
        expect("add", drives_add(&kinds[0], alias), 0);
        expect("open", drives_open(alias, &handle), 0);
        host_fail_nth_allocation(n);
        status_t status = drives_fault(alias, VIRTUAL_FAULT_BAD, 1, 1);
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        kassert(status == (more ? -ENOMEM : 0));
        expect("read", io_wait(&handle, IO_READ, 0, got, 512, NULL), 0);
        expect("bad", io_wait(&handle, IO_READ, 512, got, 512, NULL), status ? 0 : -EIO);
        device_close(&handle);
        expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    }
    stop();
}

static void test_worker(void **state)
{
    (void)state;
    rig_run(worker_body, NULL, 4);
}

/* ---- the medium --------------------------------------------------------------------------- */

/* Lets the n-th read or write of the disk below fail. False: there were fewer. */
static bool fail_io(unsigned op, unsigned long n, bool write)
{
    struct subject subject;
    subject_make(&subject);
    *(write ? &faulty->fail_nth_write : &faulty->fail_nth) = n;
    status_t status = operations[op].run(&subject);
    bool happened = !faulty->fail_nth && !faulty->fail_nth_write;
    faulty->fail_nth = faulty->fail_nth_write = 0;
    if (status && (!happened || status != -EIO))
        panic("%s: %s at transfer %lu", operations[op].name, status_name(status), n);
    look_at(&subject, op, status);
    subject_end(&subject);
    return happened;
}

static void io_body(void *unused)
{
    (void)unused;
    start();
    for (unsigned op = 0; op < OPERATIONS; op++) {
        for (unsigned long n = 1; fail_io(op, n, false); n++)
            ;
        for (unsigned long n = 1; fail_io(op, n, true); n++)
            ;
    }
    for (unsigned i = 0; i < KINDS; i++) {
        char alias[DEVICE_NAME_BYTES];
        status_t status = -EIO;
        for (unsigned long n = 1; status; n++) {
            faulty->fail_nth = n;
            status = drives_add(&kinds[i], alias);
            faulty->fail_nth = 0;
            kassert(!status || status == -EIO);
        }
        expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    }
    stop();
}

static void test_io(void **state)
{
    (void)state;
    rig_run(io_body, NULL, 4);
}

/* VB15: a flush of the drive returns the status of the disk's flush, and a check that of its
 * medium. */
static void beneath_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES];
    struct device_handle handle;
    start();
    expect("add", drives_add(&(struct wanted){ ON(FILE, DISK), .flags = VIRTUAL_WRITABLE },
                             alias), 0);
    expect("open", drives_open(alias, &handle), 0);
    expect("flush", io_wait(&handle, IO_FLUSH, 0, NULL, 0, NULL), 0);
    faulty_change(faulty, disk, sizeof(disk)); /* another disc of the same size */
    expect("flush", io_wait(&handle, IO_FLUSH, 0, NULL, 0, NULL), -ESTALE);
    expect("read", io_wait(&handle, IO_READ, 0, got, 512, NULL), -ESTALE);
    expect("write", io_wait(&handle, IO_WRITE, 0, got, 512, NULL), -ESTALE);
    expect("check", device_check(&handle), -ESTALE);
    device_remove(faulty->device);
    expect("flush", io_wait(&handle, IO_FLUSH, 0, NULL, 0, NULL), -ENODEV);
    device_close(&handle);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    stop();
}

/* VB15. */
static void test_beneath(void **state)
{
    (void)state;
    rig_run(beneath_body, NULL, 10);
}

/* ---- in great numbers --------------------------------------------------------------------- */

/* Every kind of drive in turn, removed in every way, open or not. */
static void cycle(unsigned n)
{
    struct device_handle handle = { .device = NULL };
    enum virtual_removal removal = (enum virtual_removal)(n / KINDS % 3);
    char alias[DEVICE_NAME_BYTES];
    expect("add", drives_add(&kinds[n % KINDS], alias), 0);
    if (removal != VIRTUAL_IF_IDLE)
        expect("open", drives_open(alias, &handle), 0);
    expect("remove", drives_remove(alias, removal), 0);
    if (removal == VIRTUAL_NOW && n % 2) {
        struct wanted again = { ON(FILE, "/other"), .into = alias };
        expect("again", drives_add(&again, alias), 0);
        expect("remove", drives_remove(alias, VIRTUAL_LAZY), 0);
    }
    device_close(&handle);
    drives_take_events();
}

static void cycles_body(void *unused)
{
    (void)unused;
    enum { CYCLES = 10000, FIRST = 100 };
    size_t before = 0;
    start();
    for (unsigned n = 0; n < FIRST + CYCLES; n++) {
        if (n == FIRST)
            before = host_memory_used();
        cycle(n);
    }
    kassert(host_memory_used() == before);
    expect("none is left", drives_listed("virtual0"), -ENOENT);
    stop();
}

static void test_cycles(void **state)
{
    (void)state;
    rig_run(cycles_body, NULL, 1);
}

/* Drives without written bytes count, too: they do not get the last eighth of memory. */
static void eighth_body(void *unused)
{
    (void)unused;
    const struct wanted blank = { .store = VIRTUAL_RAM, .size_bytes = (uint64_t)1 << 40 };
    char alias[DEVICE_NAME_BYTES];
    status_t status = 0;
    unsigned count = 0;
    start();
    size_t limit = page_total_count() * PAGE_BYTES;
    host_memory_limit(host_memory_used() + (4 << 20));
    for (; !status; count += !status)
        status = drives_add(&blank, alias);
    kassert(status == -ENOMEM && count > 50);
    kassert(page_free_count() >= page_total_count() / 8);
    while (count--) {
        snprintf(alias, sizeof(alias), "virtual%u", count);
        expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    }
    drives_take_events();
    host_memory_limit(limit);
    stop();
}

static void test_eighth(void **state)
{
    (void)state;
    rig_run(eighth_body, NULL, 1);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_register), cmocka_unit_test(test_allocations),
        cmocka_unit_test(test_worker),   cmocka_unit_test(test_io),
        cmocka_unit_test(test_beneath),  cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_eighth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
